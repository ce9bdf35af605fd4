"""`hintsync connect`: join an org and a practice. Secrets come from files or a prompt, never from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hintsync.bootstrap import Service
from hintsync.connecting import connect as join
from hintsync.connecting import connect_salesforce
from hintsync.core.errors import BadInput
from hintsync.engine.options import Options
from hintsync.engine.way import describe_way
from hintsync.installation import prepare_org
from hintsync.logins import SalesforceLogin, WithClientCredentials, WithJwt, WithToken
from hintsync.state.port import Connection, Json
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.options import AsJson, StateFolder
from hintsync.surfaces.cli.perform import Asked, with_service


def connect(
    name: Annotated[str, typer.Argument(help="Name of the connection; the same name again renews its credentials.")],
    salesforce_url: Annotated[str, typer.Option(metavar="URL", help="My Domain address of the org, https://….")],
    hint_token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds Hint's practice token; asked for without it.")
    ] = None,
    client_id: Annotated[str | None, typer.Option(help="Consumer key of the external client app.")] = None,
    client_secret_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds the app's secret; asked for without it.")
    ] = None,
    username: Annotated[
        str | None, typer.Option(help="User to act as, with a private key instead of a secret.")
    ] = None,
    private_key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM of the key whose certificate the app knows.")
    ] = None,
    access_token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds an access token that somebody else renews; for trials.")
    ] = None,
    deploy: Annotated[
        bool, typer.Option("--deploy/--no-deploy", help="Deploy our fields into the org first; safe to repeat.")
    ] = True,
    create_contacts: Annotated[
        bool | None,
        typer.Option("--create-contacts/--no-create-contacts", help="Batches create contacts for unmatched patients."),
    ] = None,
    default_account: Annotated[
        str | None, typer.Option(metavar="ACCOUNT_ID", help="Account of contacts that are created from Hint.")
    ] = None,
    phone_region: Annotated[
        str | None, typer.Option(metavar="CC", help="Country of numbers without a country code, such as US.")
    ] = None,
    salesforce_only: Annotated[
        bool,
        typer.Option(
            "--salesforce-only", help="Connect the org alone; Hint is connected on the Hint Health page, with its code."
        ),
    ] = False,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Join a Salesforce org and a Hint practice, pin both, and keep the credentials encrypted."""
    chosen = {"create_contacts": create_contacts, "default_account_id": default_account, "phone_region": phone_region}

    async def work(service: Service) -> Answer:
        keys = (client_id, client_secret_file, username, private_key_file, access_token_file)
        login = _login(salesforce_url.rstrip("/"), *keys)
        token = "" if salesforce_only else _secret(hint_token_file, "Hint practice token")
        if deploy:
            await prepare_org(service, login)
        options = await _options(service, name, {key: value for key, value in chosen.items() if value is not None})
        if salesforce_only:
            return _half(await connect_salesforce(service, name, login=login, options=options))
        return _whole(await join(service, name, hint_token=token, login=login, options=options))

    with_service(Asked(state, name, as_json), work)


def _whole(made: Connection) -> Answer:
    """Say what joins what, and how changes will be found."""
    way = describe_way(made)
    told = f"{made.name} joins {_org(made)} and practice {made.practice_id}\nchanges in Salesforce are found by {way}"
    return Answer({"connection": {**_pinned(made), "changes_found_by": way}}, (Text(told),))


def _half(made: Connection) -> Answer:
    """Say that the org is connected, and what comes next."""
    told = (
        f"{made.name} is connected with {_org(made)}\n"
        "next: hintsync install, then paste Hint's authorization code into the page Connection of the tab Hint Health"
    )
    return Answer({"connection": _pinned(made)}, (Text(told),))


def _pinned(made: Connection) -> dict[str, Json]:
    return {"name": made.name, "org_id": made.org_id, "org_sandbox": made.org_sandbox, "practice_id": made.practice_id}


def _org(made: Connection) -> str:
    return f"org {made.org_id}{' (sandbox)' if made.org_sandbox else ''}"


async def _options(service: Service, name: str, chosen: dict[str, object]) -> Options | None:
    """Return the settings to store: those there are, with what was chosen; None keeps them as they are."""
    if not chosen:
        return None
    known = {connection.name: connection.settings for connection in await service.store.connections()}
    return Options.from_json({**Options.from_json(known.get(name, {})).to_json(), **chosen})


def _login(
    url: str,
    client_id: str | None,
    client_secret_file: Path | None,
    username: str | None,
    private_key_file: Path | None,
    access_token_file: Path | None,
) -> SalesforceLogin:
    if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise BadInput("--salesforce-url: expected an https:// address")
    if access_token_file is not None:
        return WithToken(url, _secret(access_token_file, "access token"))
    if client_id is None:
        raise BadInput("--client-id: expected the consumer key of the external client app")
    if username is not None and private_key_file is not None:
        return WithJwt(url, client_id, username, _secret(private_key_file, "private key"))
    if username is not None or private_key_file is not None:
        raise BadInput("--username and --private-key-file belong together")
    return WithClientCredentials(url, client_id, _secret(client_secret_file, "client secret"))


def _secret(path: Path | None, what: str) -> str:
    if path is None:
        if not sys.stdin.isatty():
            raise BadInput(f"{what}: name a file that holds it (there is no terminal to ask on)")
        return str(typer.prompt(what, hide_input=True, err=True)).strip()
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{what}: {path} cannot be read: {type(error).__name__}") from None
    if not text:
        raise BadInput(f"{what}: {path} is empty")
    return text
