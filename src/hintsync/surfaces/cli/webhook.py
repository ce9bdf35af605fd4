"""`hintsync webhook`: where Hint sends a connection's webhooks, whether that leads here, whether one ever came."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from hintsync.bootstrap import open_partner
from hintsync.core.errors import BadInput, FixConfiguration
from hintsync.engine.detect.webhooks import WebhookState, register_webhook, webhook_state
from hintsync.settings import check_public_url
from hintsync.surfaces.cli.answer import Answer, Exit
from hintsync.surfaces.cli.options import AsJson, ConnectionName, StateFolder
from hintsync.surfaces.cli.perform import ACTOR, Asked, Local, with_store
from hintsync.surfaces.joining import activate as activate_now
from hintsync.surfaces.web.reaching import WEBHOOKS, Reach, check_reachability


def webhook(
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="Tell Hint to send the webhooks to this https:// address."),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Tell Hint the address that follows from the setting public_url.")
    ] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Ask the address from here, through DNS and TLS, whether it leads here.")
    ] = False,
    activate: Annotated[
        bool, typer.Option("--activate", help="Activate the integration in Hint, for it sends webhooks only then.")
    ] = False,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Show, set and test the address that Hint sends a practice's webhooks to; setting it again changes nothing."""

    async def work(local: Local) -> Answer:
        store, connection_id = local.service.store, local.connection.id
        if activate:
            await activate_now(local.service, local.connection, ACTOR)
        wanted = _address(local, url) if url or update else None
        if wanted is not None:
            await _register(local, wanted)
        stands = await webhook_state(store, connection_id)
        tested = await check_reachability(store, _tested(local, stands)) if test else None
        return _answer(local, stands, tested)

    with_store(Asked(state, connection, as_json), work)


def _address(local: Local, url: str | None) -> str:
    """Return the address to register: the one that was named, or the one below the public address."""
    public = local.service.settings.public_url
    if url is None and not public:
        raise FixConfiguration("public_url is not set: name the address with --url")
    try:
        return check_public_url(url) if url else check_public_url(public) + WEBHOOKS
    except ValueError as error:
        raise BadInput(f"--url: {str(error).partition(': ')[2]}") from None


async def _register(local: Local, url: str) -> None:
    if not local.service.settings.webhook_keys():
        raise FixConfiguration("hint_webhook_keys is not set; without it no webhook can be told from a forged one")
    now = local.service.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    await register_webhook(local.service.store, local.connection, open_partner(local.service), url, now)


def _tested(local: Local, stands: WebhookState) -> str:
    return stands.registration.url if stands.registration else _address(local, None)


def _answer(local: Local, stands: WebhookState, tested: Reach | None) -> Answer:
    data = {
        "connection": local.connection.name,
        "registered": asdict(stands.registration) if stands.registration else None,
        "seen_at": stands.seen_at,
        "signature_keys": len(local.service.settings.webhook_keys()),
        "test": asdict(tested) if tested else None,
    }
    code = Exit.DONE if tested is None or tested.reached else Exit.USAGE
    return Answer(data, (Text("\n".join(_lines(stands, tested))),), code)


def _lines(stands: WebhookState, tested: Reach | None) -> list[str]:
    lines = ["Hint was not told an address yet: hintsync webhook --url https://…" + WEBHOOKS]
    if stands.registration:
        lines = [f"Hint sends webhooks to {stands.registration.url} (since {stands.registration.registered_at})"]
    if stands.registration and stands.seen_at:
        lines.append(f"Hint has reached it: the first signed event came at {stands.seen_at}")
    elif stands.registration:
        lines.append("Hint has not reached it yet: edit a patient in Hint to see")
    return [*lines, *([tested.words] if tested else [])]
