"""`hintsync install`: our pages, buttons and permissions into a connected org, and onto the contact's pages."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.text import Text

from hintsync.bootstrap import Service
from hintsync.core.errors import BadInput, FixConfiguration
from hintsync.logins import CanvasApp
from hintsync.setup.installation import Grants, Installed, Wish, install_pages
from hintsync.setup.preflight.judging import Finding
from hintsync.setup.taking_over import keep_apart
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.install_options import (
    CheckOnly,
    ConsumerKey,
    ConsumerSecretFile,
    Granted,
    Layouts,
    OrgMakesKey,
    PublicUrl,
)
from hintsync.surfaces.cli.options import AsJson, ConnectionName, StateFolder
from hintsync.surfaces.cli.perform import ACTOR, Asked, Local, with_store
from hintsync.surfaces.installed import confirm_by_mail, done_lines, finding_data, finding_lines, remarks

_PROFILE = "profile:"


def install(
    public_url: PublicUrl = None,
    grant: Granted = None,
    layout: Layouts = None,
    check_only: CheckOnly = False,
    consumer_key: ConsumerKey = None,
    consumer_secret_file: ConsumerSecretFile = None,
    org_makes_key: OrgMakesKey = False,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Deploy our pages, buttons, log and reports into the org, let people use them, and put them on contact pages; repeatable."""

    async def work(local: Local) -> Answer:
        wish = Wish(
            public_url=_address(local.service, public_url),
            grants=_grants(grant or []),
            layouts=tuple(layout) if layout else None,
            app=_app(consumer_key, consumer_secret_file),
            org_makes_key=org_makes_key,
            check_only=check_only,
        )

        def tell(line: str) -> None:
            if not as_json:
                sys.stderr.write(f"{line} …\n")
                sys.stderr.flush()

        def show(findings: tuple[Finding, ...]) -> None:
            if not as_json:
                sys.stderr.writelines(f"{line}\n" for line in finding_lines(findings, full=check_only))
                sys.stderr.flush()

        installed = await install_pages(local.service, local.connection, wish, tell, show)
        if not check_only:
            await keep_apart(local.service, local.connection, ACTOR)
        return _answer(local, wish, installed, await confirm_by_mail(local.service, wish, installed))

    with_store(Asked(state, connection, as_json), work)


def _address(service: Service, named: str | None) -> str:
    if not (named or service.settings.public_url):
        raise FixConfiguration("public_url is not set: name the address with --public-url")
    return named or service.settings.public_url


def _grants(asked: list[str]) -> Grants:
    profiles = tuple(each.removeprefix(_PROFILE) for each in asked if each.startswith(_PROFILE))
    unknown = [each for each in asked if each not in ("admins", "everybody") and not each.startswith(_PROFILE)]
    if unknown or "" in profiles:
        raise BadInput(f"--grant: expected admins, everybody or profile:NAME, and got {', '.join(unknown) or _PROFILE}")
    return Grants(everybody="everybody" in asked, profiles=profiles)


def _app(key: str | None, secret_file: Path | None) -> CanvasApp | None:
    if (key is None) != (secret_file is None):
        raise BadInput("--consumer-key and --consumer-secret-file belong together")
    if key is None or secret_file is None:
        return None
    try:
        secret = secret_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--consumer-secret-file: {secret_file} cannot be read: {type(error).__name__}") from None
    if not (key.strip() and secret):
        raise BadInput("--consumer-key, --consumer-secret-file: nothing in it")
    return CanvasApp(key.strip(), secret)


def _answer(local: Local, wish: Wish, installed: Installed, mailed: str) -> Answer:
    layouts = installed.layouts
    data = {
        "connection": local.connection.name,
        "public_url": wish.public_url,
        "check_only": wish.check_only,
        "components": installed.deployed.components,
        "created": len(installed.deployed.created),
        "without_events": installed.deployed.without_events,
        "granted": dict(installed.granted),
        "pages_changed": list(layouts.changed) if layouts else None,
        "pages_unchanged": list(layouts.unchanged) if layouts else None,
        "pages_left": list(layouts.left) if layouts else None,
        "key_missing": installed.key_missing,
        "preflight": finding_data(installed.findings),
        "mailed": mailed,
    }
    lines = done_lines(wish, installed)
    return Answer(data, (Text("\n".join(lines)),), remarks=[*remarks(installed), *([mailed] if mailed else [])])
