"""The connection: Hint's authorization code and the Default Account in one form, as the article has it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.responses import Response

from hintsync.core.errors import HintsyncError
from hintsync.engine.options import Options
from hintsync.engine.runs.ordering import BatchOrder, order_batch
from hintsync.redact import safe_text
from hintsync.replicas.salesforce.accounts import Account
from hintsync.setup.connecting import PRACTICE_NAME
from hintsync.state.port import Connection, Run, RunKind, RunStatus
from hintsync.surfaces.announcing import announce_webhook, missing_for_webhooks
from hintsync.surfaces.hint_ways import hint_ways, probed_at
from hintsync.surfaces.joining import ACTIVE, INTEGRATION_FACT, NotTaken, SeveralAccounts, Wanted, activate, join
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.home import origin_of
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page, see
from hintsync.surfaces.web.views.overview import has_dry_run, read_lines, sides_of
from hintsync.surfaces.web.views.partner_keys import partner_keys

_log = logging.getLogger(__name__)

#: Seconds that the answer waits for the engine to open; it opens all the same.
_OPENING = 5.0
_ACCOUNT_SECONDS = 5.0


async def show(visit: Visit) -> Response:
    """Show both sides, and the form."""
    return await _shown(visit, Wanted(), {})


async def save(visit: Visit) -> Response:
    """Connect Hint and set the Default Account, as far as either was entered."""
    wanted = _wanted(await visit.form())
    errors = _missing(visit, wanted)
    if errors:
        return await _shown(visit, wanted, errors, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        made = await join(visit.service, visit.connection, wanted, visit.actor)
    except SeveralAccounts as several:
        return await _choose(visit, wanted, several.accounts)
    except NotTaken as error:
        await _open_engine(visit)
        return await _shown(visit, wanted, {error.place: str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)
    except HintsyncError as error:
        return await _shown(visit, wanted, {"form": str(error)}, HTTPStatus.CONFLICT)
    if not wanted.code:
        return see(visit, "/connection", done="account")
    visit.connection = made
    await _open_engine(visit)
    await announce_webhook(visit.service, made)  # what came of it is on the page
    return see(visit, "/connection", done="connected")


async def activate_now(visit: Visit) -> Response:
    """Let Hint's webhooks flow."""
    await visit.form()  # one that is too large is refused before anything is done
    status = await activate(visit.service, visit.connection, visit.actor)
    return see(visit, "/connection", done="activated" if status in ACTIVE else "waiting")


async def start_dry_run(visit: Visit) -> Response:
    """Order the first dry run, and lead to it."""
    await visit.form()  # one that is too large is refused before anything is done
    run = await order_batch(visit.engine, BatchOrder(RunKind.BATCH_PATIENTS, dry=True))
    return see(visit, f"/runs/{run.id}")


def _wanted(form: Mapping[str, str]) -> Wanted:
    return Wanted(form.get("code", "").strip(), form.get("account", "").strip(), form.get("account_id", ""))


def _missing(visit: Visit, wanted: Wanted) -> dict[str, str]:
    """Say what has to be entered and was not."""
    errors = {}
    connected = bool(visit.connection.practice_id)
    if not wanted.code and not connected:
        errors["code"] = "Paste the code that Hint shows."
    if not wanted.account and Options.from_json(visit.connection.settings).default_account_id is None:
        errors["account"] = "Enter the name of an account; it is created if there is none of that name."
    if not errors and not wanted.code and not wanted.account:
        errors["form"] = "Nothing was entered: paste a new code, or name another account."
    return errors


async def _open_engine(visit: Visit) -> None:
    """Open the connection's engine with what is stored now, without waiting for long."""
    opening = asyncio.create_task(visit.engines.refresh(at_once=True))
    done, _ = await asyncio.wait([opening], timeout=_OPENING)
    if not done:
        opening.add_done_callback(_look)
    else:
        _look(opening)


def _look(opening: asyncio.Task[None]) -> None:
    """Note what keeps the engines from being opened; they are looked at again every few seconds anyway."""
    if not opening.cancelled() and (error := opening.exception()):
        _log.warning("the connections cannot be read: %s", safe_text(error))


async def _shown(
    visit: Visit, wanted: Wanted, errors: Mapping[str, str], status: HTTPStatus = HTTPStatus.OK
) -> Response:
    store = visit.service.store
    connection = await store.connection(visit.connection.id) or visit.connection
    visit.connection = connection
    lines = await read_lines(store, visit.service.clock, connection)
    org, practice = sides_of(lines)
    account, gone = await _default_account(visit, connection)
    return page(
        visit,
        "connection.html",
        status=status,
        title="Connection",
        org=org,
        practice=practice,
        is_open=visit.is_open,
        problem=visit.engines.closed.get(connection.id, ""),
        keys=partner_keys(visit.service.settings),
        account=account,
        account_gone=gone,
        webhook=lines.webhook,
        webhook_missing=missing_for_webhooks(visit.service.settings),
        ways=hint_ways(connection.facts) if connection.practice_id else (),
        ways_seen_at=probed_at(connection.facts),
        offers_dry_run=visit.is_open and not has_dry_run(await _batches(visit)),
        typed=wanted,
        errors={"form": "", "code": "", "account": "", **errors},
        failed=bool(errors),
        done=_done(visit, connection),
        origin=await origin_of(visit),
    )


async def _batches(visit: Visit) -> Sequence[Run]:
    kinds, statuses = (RunKind.BATCH_PATIENTS, RunKind.BATCH_CONTACTS), (RunStatus.DONE,)
    return await visit.service.store.runs(visit.connection.id, kinds=kinds, statuses=statuses, limit=1)


async def _choose(visit: Visit, wanted: Wanted, accounts: tuple[Account, ...]) -> Response:
    return page(
        visit,
        "choose_account.html",
        status=HTTPStatus.CONFLICT,
        title="Which account?",
        typed=wanted,
        accounts=accounts,
        origin=await origin_of(visit),
    )


async def _default_account(visit: Visit, connection: Connection) -> tuple[Account | None, bool]:
    """Return the Default Account as the org shows it now, and whether it is gone.

    A name is looked up each time: many accounts bear a family's name, so it is not kept with us.
    """
    account_id = Options.from_json(connection.settings).default_account_id
    if account_id is None:
        return None, False
    try:
        async with asyncio.timeout(_ACCOUNT_SECONDS), visit.orgs.asked(connection.id) as org:
            found = await org.names("Account", [account_id])
    except (HintsyncError, TimeoutError):
        return Account(account_id, ""), False
    return Account(account_id, found.get(account_id, "")), account_id not in found


def _done(visit: Visit, connection: Connection) -> tuple[str, str]:
    """Return what was done just now, and the kind of notice it is."""
    done = visit.query.get("done", "")
    if done == "connected":
        name = connection.facts.get(PRACTICE_NAME) or connection.practice_id
        kept = connection.facts.get(INTEGRATION_FACT)
        status = str(kept.get("status")) if isinstance(kept, dict) else ""
        told = f"Hint is connected: {name}. Status {status.capitalize()}."
        return (told, "good") if status in ACTIVE else (f"{told} Hint sends webhooks once it is Active.", "warn")
    return {
        "account": ("The Default Account was set.", "good"),
        "activated": ("Status Active: Hint sends webhooks now.", "good"),
        "waiting": ("Hint does not show the integration as Active yet.", "warn"),
    }.get(done, ("", ""))


PLACES: tuple[Place, ...] = (
    Place("/connection", show, Role.ADMINISTRATOR, nav="Connection"),
    Place("/connection", save, Role.ADMINISTRATOR, method="POST"),
    Place("/connection/dry-run", start_dry_run, Role.ADMINISTRATOR, method="POST"),
    Place("/connection/activate", activate_now, Role.ADMINISTRATOR, method="POST"),
)
