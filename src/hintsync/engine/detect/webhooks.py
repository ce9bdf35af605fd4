"""Webhooks of a connection: where Hint is told to send them, whether one ever came, and which ones it could not deliver.

What is remembered lies in cursors, not in the connection's facts: those are rewritten as a whole by every process that
learns something, and a cursor is a row of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final, Protocol

import orjson

from hintsync.core.errors import BadInput, UnknownOutcome
from hintsync.core.records import RecordId
from hintsync.state.port import Connection, StateStore

#: Cursor: the endpoint that is registered for a connection, as JSON.
REGISTERED: Final = "hint:webhook"
#: Cursor: when the first signed event came after the address was registered (ISO 8601, UTC); empty: none yet.
SEEN: Final = "hint:webhook-seen"


class Endpoint(Protocol):
    """An address that Hint sends webhooks to."""

    @property
    def id(self) -> str:
        """Hint's id of it."""
        ...

    @property
    def url(self) -> str:
        """The address."""
        ...


class Integration(Protocol):
    """How Hint knows the connection of a practice to us."""

    @property
    def id(self) -> str:
        """Hint's id of it, on the routes that are used."""
        ...

    @property
    def status(self) -> str:
        """Hint's word, open-ended; only "active" and "connected" are sent webhooks."""
        ...


class Delivery(Protocol):
    """A webhook that Hint did not get through with."""

    @property
    def endpoint_id(self) -> str:
        """The address it was for."""
        ...

    @property
    def type(self) -> str:
        """Type of the event."""
        ...

    @property
    def practice_id(self) -> str | None:
        """The practice it is of, where Hint shows what it would have sent."""
        ...

    @property
    def record_id(self) -> RecordId | None:
        """The object it is about, where Hint shows that."""
        ...


class WebhookPartner(Protocol):
    """Hint, as the partner account sees it."""

    async def integration_of(self, practice_id: str) -> Integration | None:
        """Find the connection of a practice to us."""
        ...

    async def endpoints(self, integration_id: str) -> Sequence[Endpoint]:
        """Return the addresses of one practice's webhooks."""
        ...

    async def create_endpoint(self, integration_id: str, url: str) -> Endpoint:
        """Add an address."""
        ...

    async def move_endpoint(self, integration_id: str, endpoint_id: str, url: str) -> Endpoint | None:
        """Change an address; None if there is no such endpoint any more."""
        ...

    async def delete_endpoint(self, integration_id: str, endpoint_id: str) -> None:
        """Remove an address, at once and with all that waits for it; one that is gone already is no error."""
        ...

    async def undelivered(self, since: datetime) -> Sequence[Delivery]:
        """Return what was created since and failed, or is to be tried again."""
        ...


@dataclass(frozen=True, slots=True)
class Registration:
    """The address that Hint was told for one connection."""

    url: str
    endpoint_id: str
    integration_id: str
    #: ISO 8601, UTC.
    registered_at: str
    #: Hint's word for the connection when it was registered.
    status: str = ""


@dataclass(frozen=True, slots=True)
class WebhookState:
    """How webhooks stand for a connection."""

    registration: Registration | None
    #: When the first signed event came to this address, ISO 8601, UTC; None: Hint has not reached it yet.
    seen_at: str | None


@dataclass(frozen=True, slots=True)
class Missed:
    """What Hint could not deliver."""

    #: Deliveries, whether they say what they are about or not.
    count: int = 0
    #: Of those that say it: patients by practice.
    patients: Mapping[str, frozenset[RecordId]] = field(default_factory=dict)
    #: How many do not say it: only a catch-up brings them.
    unknown: int = 0


async def webhook_state(store: StateStore, connection_id: str) -> WebhookState:
    """Return what is remembered of a connection's webhooks."""
    kept = await store.get_cursor(connection_id, REGISTERED)
    registration = Registration(**orjson.loads(kept)) if kept else None
    return WebhookState(registration, await store.get_cursor(connection_id, SEEN) or None)


async def register_webhook(
    store: StateStore, connection: Connection, partner: WebhookPartner, url: str, now: str
) -> Registration:
    """Tell Hint where to send a practice's webhooks; doing so again changes nothing, another address moves ours.

    Args:
        store: remembers the endpoint.
        connection: whose practice it is.
        partner: the partner account.
        url: https:// address of the receiver.
        now: ISO 8601, UTC.

    Raises:
        BadInput: Hint knows no connection of that practice to us, or does not take the address.
        RetryLater, FixConfiguration: as the partner calls say.
    """
    integration = await partner.integration_of(connection.practice_id)
    if integration is None:
        raise BadInput(f"practice {connection.practice_id} has no connection to this partner account in Hint")
    before = (await webhook_state(store, connection.id)).registration
    endpoint = await _ensure(partner, integration.id, before.endpoint_id if before else None, url)
    made = Registration(endpoint.url, endpoint.id, integration.id, now, integration.status)
    if before is not None and (before.url, before.endpoint_id) == (made.url, made.endpoint_id):
        made = Registration(before.url, before.endpoint_id, integration.id, before.registered_at, integration.status)
    else:  # what came to the former address says nothing of this one
        await store.put_cursor(connection.id, SEEN, "")
    await store.put_cursor(connection.id, REGISTERED, orjson.dumps(asdict(made)).decode())
    return made


async def _ensure(partner: WebhookPartner, integration_id: str, ours: str | None, url: str) -> Endpoint:
    """Find the endpoint with our address, else move the one that was ours, else make one; ours is never left beside it."""
    known = {each.id: each for each in await partner.endpoints(integration_id)}
    former = known.get(ours or "")
    found = former if former and former.url == url else _with_url(known.values(), url)
    if found is not None:
        if former is not None and former.id != found.id:
            await partner.delete_endpoint(integration_id, former.id)
        return found
    moved = await partner.move_endpoint(integration_id, former.id, url) if former else None
    if moved is not None:
        return moved
    try:
        return await partner.create_endpoint(integration_id, url)
    except UnknownOutcome:
        made = _with_url(await partner.endpoints(integration_id), url)
        if made is None:
            raise
        return made


def _with_url(endpoints: Iterable[Endpoint], url: str) -> Endpoint | None:
    return next((each for each in endpoints if each.url == url), None)


async def missed_webhooks(partner: WebhookPartner, since: datetime, endpoint_ids: frozenset[str]) -> Missed:
    """Ask Hint what it could not deliver to our addresses since a moment.

    What it names may be marked at once; what it does not name is only a reason for a catch-up, and so is any gap that
    Hint does not list any more.
    """
    rows = [row for row in await partner.undelivered(since) if row.endpoint_id in endpoint_ids]
    patients: dict[str, set[RecordId]] = {}
    for row in rows:
        if _names_patient(row):
            patients.setdefault(str(row.practice_id), set()).add(str(row.record_id))
    unknown = sum(1 for row in rows if not _names_patient(row) and row.type.startswith(("patient.", "membership.")))
    return Missed(len(rows), {practice: frozenset(ids) for practice, ids in patients.items()}, unknown)


def _names_patient(row: Delivery) -> bool:
    return row.practice_id is not None and row.record_id is not None and row.type.startswith("patient.")
