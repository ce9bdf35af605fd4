"""Takes hintsync out of an org and a practice again; done again, or after an interruption, it comes to the same end.

What is done already is asked of the systems, never remembered. The one exception is the very end: the connection is
marked as ended before its session is revoked, since after that nobody can ask the org any more; and so the mark says,
too, that the org was left clean.
"""

from __future__ import annotations

import csv
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from hintsync.bootstrap import Service, open_connector, open_partner
from hintsync.core.errors import ReconnectNeeded
from hintsync.engine.batch.results_csv import safe_cell
from hintsync.engine.detect.webhooks import REGISTERED, SEEN, Registration, webhook_state
from hintsync.engine.guards.stops import Desk, pause
from hintsync.logins import CREDENTIALS_FACT, SALESFORCE_LOGIN, ended_mark, has_ended, unpack_login
from hintsync.replicas.hint.partner import Integration, PartnerApi
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.layouts import remove_from_pages
from hintsync.replicas.salesforce.removal import look_for_ours, remove_ours
from hintsync.setup.installation import open_org
from hintsync.state.port import AuditEvent, Commit, Connection, LogEntry, LogLevel, StateStore

Tell = Callable[[str], None]

HEADER = ("Link ID", "Contact ID", "Patient ID", "Status", "Origin", "Since")
#: Links that are read at a time.
_PIECE = 1000
#: Hint's words for an integration that has ended, in either form of the routes.
_OVER = frozenset({"inactive", "deactivated"})


@dataclass(frozen=True, slots=True)
class Leave:
    """What is to be taken away."""

    #: File that the links are written to, as ids; None: in the state folder.
    export: Path | None = None
    #: Delete our fields of the contact, and with them what they hold.
    fields: bool = False
    #: Only say what there is to do.
    check_only: bool = False


@dataclass(frozen=True, slots=True)
class OrgLeft:
    """What was done in Salesforce, or is to be done."""

    #: Layouts and record pages that our section and buttons were taken off; names as people see them.
    pages: tuple[str, ...] = ()
    #: Components that were deleted: type and full name.
    components: tuple[tuple[str, str], ...] = ()
    #: From how many people a permission set was taken.
    withdrawn: int = 0
    #: Our fields of the contact that stay.
    fields_kept: tuple[str, ...] = ()
    #: What stays there, or a person must see to, in sentences.
    by_hand: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HintLeft:
    """What was done in Hint, or is to be done."""

    #: Hint's word for the integration, as it was last seen; empty: there is none.
    status: str = ""
    #: Webhook addresses that were removed.
    addresses: int = 0
    #: The integration was active until now.
    deactivated: bool = False
    by_hand: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """What was done, or, if only checked, what there is to do."""

    links: int
    #: Where they were written; None: only checked.
    export: Path | None
    org: OrgLeft
    hint: HintLeft
    #: Secrets of the connection that were destroyed.
    secrets: int
    #: What stays where it is, in sentences.
    left: tuple[str, ...]
    #: What a person must do, in sentences.
    by_hand: tuple[str, ...]


async def uninstall(
    service: Service, connection: Connection, wish: Leave, *, actor: str, tell: Tell = lambda line: None
) -> Uninstalled:
    """Stop the work, export the links, clean the org, end the integration in Hint, and destroy the connection's secrets.

    Links and the audit trail stay in the store, as ids; the connection can be connected again under its name.

    Args:
        service: The installation.
        connection: Which one.
        wish: What is to be taken away.
        actor: Who, for the audit trail.
        tell: Called with a line before each step.

    Raises:
        ReconnectNeeded: A credential is refused, so that a system cannot be cleaned: connect it again first.
        FixConfiguration: The org refuses a removal, or Hint ours; says what stands in the way.
        RetryLater: A system does not answer; go on by doing it again.
    """
    desk = Desk(connection, service.store, service.clock, actor)
    if not wish.check_only:
        tell("pausing all automatic work")
        await pause(desk, "hintsync is being uninstalled")
    links, export = await _export(service, connection, wish, tell)
    async with _signed_in(service, connection) as client:
        org = await _leave_org(service, connection, client, wish, tell)
        hint = await _leave_hint(service, connection, wish, tell)
        dropped = 0 if wish.check_only else await _end(desk, client, tell)
    return Uninstalled(links, export, org, hint, dropped, _left(links, org), _by_hand(org, hint))


# --- the links
async def _export(service: Service, connection: Connection, wish: Leave, tell: Tell) -> tuple[int, Path | None]:
    """Write one line a link; return how many there are, and where."""
    if wish.check_only:
        return sum((await service.store.count_links(connection.id)).values()), None
    path = wish.export or service.settings.state / f"links-{quote(connection.id, safe='')}.csv"
    tell(f"writing the links, as ids, to {path}")
    part = path.with_name(f"{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        count = 0
        async for cells in _cells(service.store, connection.id):
            writer.writerow([safe_cell(cell) for cell in cells])
            count += 1
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)  # a former export stays whole until this one is
    return count, path


async def _cells(store: StateStore, connection_id: str) -> AsyncIterator[tuple[str, ...]]:
    after = ""
    while piece := await store.links(connection_id, after=after, limit=_PIECE):
        for link in (state.link for state in piece):
            yield link.id, link.contact_id or "", link.patient_id or "", link.status, link.origin, link.created_at
        after = piece[-1].link.id


# --- Salesforce
@asynccontextmanager
async def _signed_in(service: Service, connection: Connection) -> AsyncIterator[SalesforceClient | None]:
    """Hand out a way into the org; None if there is no credential, or none that works any more after a former end."""
    stored = await service.store.secret(connection.id, SALESFORCE_LOGIN)
    if stored is None:
        yield None
        return
    async with open_org(service, unpack_login(stored)) as client:
        yield client if not has_ended(connection.facts) or await _opens(client) else None


async def _opens(client: SalesforceClient) -> bool:
    try:
        await client.get("limits", "see whether the session is still good")
    except ReconnectNeeded:
        return False
    return True


async def _leave_org(
    service: Service, connection: Connection, client: SalesforceClient | None, wish: Leave, tell: Tell
) -> OrgLeft:
    if client is None:
        return OrgLeft(by_hand=() if has_ended(connection.facts) else _UNSEEN_ORG)
    tell("taking our section and buttons off the contact's pages")
    pages = await remove_from_pages(client, service.clock, check_only=wish.check_only)
    tell("looking for what else of ours is in the org")
    ours = await look_for_ours(client, fields=wish.fields)
    withdrawn = 0
    if ours.found and not wish.check_only:
        tell(f"deleting {len(ours.found)} components of ours")
        withdrawn = await remove_ours(client, service.clock, ours)
    by_hand = [
        f"Salesforce does not list {kind} to us: look in Setup whether one of ours is left" for kind in ours.unseen
    ]
    if ours.others_reports:
        listed = ", ".join(ours.others_reports)
        by_hand.append(f"Salesforce: our report folder and report type stay for reports that others made: {listed}")
    return OrgLeft(pages.changed, ours.found, withdrawn, ours.fields_kept, tuple(by_hand))


_UNSEEN_ORG = ("Salesforce is not connected: nothing was looked at or removed there",)


# --- Hint
async def _leave_hint(service: Service, connection: Connection, wish: Leave, tell: Tell) -> HintLeft:
    if not connection.practice_id:
        return HintLeft()
    if not service.settings.hint_partner_key.get_secret_value():
        return HintLeft(by_hand=_CANCEL)
    partner = open_partner(service)
    integration = await partner.integration_of(connection.practice_id)
    if integration is None:
        return HintLeft()
    return await _leave_integration(service, connection, partner, integration, wish, tell)


_CANCEL = (
    "Hint: hint_partner_key is not set, so the practice ends the integration: Salesforce integration page, Cancel Integration",
)


async def _leave_integration(
    service: Service,
    connection: Connection,
    partner: PartnerApi,
    integration: Integration,
    wish: Leave,
    tell: Tell,
) -> HintLeft:
    registration = (await webhook_state(service.store, connection.id)).registration
    ended = integration.status in _OVER
    # of an integration that has ended Hint need not list addresses, and sends nothing to them
    ours = [] if ended else await _addresses(partner, integration.id, registration)
    if wish.check_only:
        return HintLeft(integration.status, len(ours), not ended)
    for endpoint_id in ours:
        tell("removing the webhook address from Hint")
        await partner.delete_endpoint(integration.id, endpoint_id)
    if registration is not None:
        await service.store.put_cursor(connection.id, REGISTERED, "")
        await service.store.put_cursor(connection.id, SEEN, "")
    if ended:
        return HintLeft(integration.status)
    tell("deactivating the integration in Hint")
    status = await open_connector(service).deactivate(integration.id)
    return HintLeft(status, len(ours), deactivated=True)


async def _addresses(partner: PartnerApi, integration_id: str, registration: Registration | None) -> list[str]:
    """Return the ids of the addresses that are ours: what was registered, wherever it was moved to."""
    if registration is None:
        return []
    known = await partner.endpoints(integration_id)
    return [each.id for each in known if each.id == registration.endpoint_id or each.url == registration.url]


# --- the end
async def _end(desk: Desk, client: SalesforceClient | None, tell: Tell) -> int:
    """Mark the connection as ended, so that no process opens it again, then let go of everything that opens a system."""
    tell("ending our session in Salesforce, and destroying the connection's keys")
    stored = await desk.store.connection(desk.connection.id) or desk.connection  # others may have learned something
    if not has_ended(stored.facts):
        await desk.store.commit(_record(desk))
        await desk.store.put_connection(replace(stored, facts={**stored.facts, CREDENTIALS_FACT: ended_mark()}))
    if client is not None:
        await client.sessions.revoke()
    return await desk.store.drop_secrets(desk.connection.id)


def _record(desk: Desk) -> Commit:
    audit = AuditEvent(
        connection_id=desk.connection.id,
        chain="connection",
        at=desk.now(),
        actor=desk.actor,
        action="uninstalled",
        reason="org and practice were left, and the connection's secrets destroyed",
    )
    told = f"{desk.actor} uninstalled hintsync from this connection"
    entry = LogEntry(desk.connection.id, desk.now(), LogLevel.DEBUG, "uninstalled", told)
    return Commit(audits=[audit], logs=[entry])


def _left(links: int, org: OrgLeft) -> tuple[str, ...]:
    """Say what stays where it is."""
    left = [
        "contacts and patients stay as they are, those that hintsync created too",
        "patients in Hint keep the contact's id and web link that hintsync wrote",
    ]
    if org.fields_kept:
        left.append(
            f"{len(org.fields_kept)} fields of Contact stay with what they hold, and show for administrators only"
        )
    left.append(f"this installation keeps {links} links and the audit trail, as ids")
    return tuple(left)


def _by_hand(org: OrgLeft, hint: HintLeft) -> tuple[str, ...]:
    """Say what a person must do."""
    return (
        *org.by_hand,
        *hint.by_hand,
        "Salesforce: delete or block the app that hintsync signed in with, and deactivate its user",
        "this machine: stop hintsync, and remove its state folder once no other connection needs it",
    )
