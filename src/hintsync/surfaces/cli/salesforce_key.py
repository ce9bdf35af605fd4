"""`hintsync salesforce-key`: a key pair of our own for signing in to an org; what leaves the store is the certificate alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hintsync.bootstrap import Service
from hintsync.core.errors import BadInput
from hintsync.replicas.salesforce.key_pair import thumbprint, valid_until
from hintsync.setup.signing_keys import KeyState, key_state, make_key, try_waiting_key
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.options import AsJson, StateFolder
from hintsync.surfaces.cli.perform import Asked, with_service

_UPLOAD = (
    "In Salesforce, Setup, External Client App Manager, open the app, Settings, OAuth Settings, Flow Enablement:\n"
    "enable the JWT Bearer Flow and upload the file there. Under Policies, let the user whom hintsync acts as use the app\n"
    "(admin-approved users, and a permission set or profile). Salesforce may take ten minutes to notice."
)


def salesforce_key(
    name: Annotated[str, typer.Argument(help="Name of the connection; it need not be there yet.")],
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the certificate to upload is written; hintsync-NAME.crt without it."),
    ] = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="Make a second key beside the one in use, also before it is time.")
    ] = False,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make the key that signs in to Salesforce, keep it sealed, write its certificate; run again, go on or renew it in time."""

    async def work(service: Service) -> Answer:
        connection = await service.store.connection(name)
        taken = connection is not None and await try_waiting_key(service, connection)
        # asked to renew, nothing is read first: what cannot be read is what may have to be renewed
        keys = await make_key(service, name) if renew else await key_state(service.store, name)
        if not (keys.in_use or keys.waiting) or keys.is_due(service.clock.now()):
            keys = await make_key(service, name)
        file = certificate or Path(f"hintsync-{re.sub(r'[^A-Za-z0-9_-]', '-', name)}.crt")
        if keys.waiting:
            _write(file, keys.waiting)
        return Answer(_data(name, keys, file, taken=taken), (Text("\n".join(_lines(name, keys, file, taken=taken))),))

    with_service(Asked(state, name, as_json), work)


def _write(file: Path, certificate: str) -> None:
    try:
        file.write_text(certificate, encoding="ascii")
    except OSError as error:
        told = f"--certificate: {file} cannot be written: {error.strerror}; the key is kept, name another file"
        raise BadInput(told) from None


def _data(name: str, keys: KeyState, file: Path, *, taken: bool) -> dict[str, object]:
    return {
        "connection": name,
        "in_use": _described(keys.in_use),
        "waiting": _described(keys.waiting) and {**_described(keys.waiting), "file": str(file)},
        "taken_into_use": taken,
    }


def _described(certificate: str) -> dict[str, object]:
    if not certificate:
        return {}
    until = valid_until(certificate).isoformat().replace("+00:00", "Z")
    return {"certificate": certificate, "sha256": thumbprint(certificate), "valid_until": until}


def _lines(name: str, keys: KeyState, file: Path, *, taken: bool) -> list[str]:
    lines = ["Salesforce takes the new key: it is in use, and the old one is forgotten"] if taken else []
    if keys.in_use:
        lines.append(f"in use: the key whose certificate is good until {valid_until(keys.in_use):%Y-%m-%d}")
    if not keys.waiting:
        return [*lines, f"it may be changed at any time with: hintsync salesforce-key {name} --renew"]
    first = f"hintsync connect {name} --salesforce-url https://… --client-id … --username …"
    again = f"hintsync salesforce-key {name}" if keys.in_use else first
    return [
        *lines,
        f"to be uploaded: {file}, good until {valid_until(keys.waiting):%Y-%m-%d}; its private key is sealed in the store",
        f"SHA-256 {thumbprint(keys.waiting)}",
        _UPLOAD,
        f"Then run: {again}",
    ]
