"""Writes one patient: what is sent, what must be read first, and what the answer means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hintsync.core.codec import Codec
from hintsync.core.errors import BadInput, RetryLater, UnknownOutcome
from hintsync.core.fields import Kind
from hintsync.core.records import RecordId, RecordState, Snapshot
from hintsync.core.values import Side
from hintsync.ports import Bookkeeping, Gone, Moved, Refused, Unknown, Update, WriteAnswer, WriteMode, Written
from hintsync.replicas.freshness import is_fresh, moved_since
from hintsync.replicas.hint.client import Answer, HintClient, record_path
from hintsync.replicas.hint.errors import Rejection
from hintsync.replicas.hint.names import PATIENTS, WRITABLE

#: Code for phone lists in a form we cannot read and so must not write back.
UNREADABLE_PHONES = "unreadable-phones"

_NAMES = frozenset({"first_name", "last_name"})


@dataclass(frozen=True, slots=True)
class Read:
    """A patient as read immediately before a write."""

    raw: dict[str, object]
    snapshot: Snapshot


class PatientWriter:
    """Writes patients one at a time with only the fields that change."""

    def __init__(self, client: HintClient, codec: Codec, read: Callable[[RecordId], Awaitable[Read | None]]) -> None:
        """Take what it works with; `read` fetches one patient, within the limit on single reads."""
        self._client = client
        self._codec = codec
        self._read = read
        self._phone_fields = frozenset(row.name for row in codec.table if row.kind is Kind.PHONE)
        #: A PATCH must carry both names; `None` until the first PATCH without them was answered.
        self.names_required: bool | None = None

    async def write(self, update: Update, mode: WriteMode) -> WriteAnswer:
        """Write one patient.

        Raises:
            HintsyncError: trouble with the side as a whole; surely not written.
        """
        names_missing = bool(update.values or kept_beside(update.bookkeeping)) and not update.values.keys() >= _NAMES
        stale = self._must_read_phones(update, mode)
        if not stale and not (names_missing and self.names_required):
            return await self._send(update, None)
        now = await self._read(update.record_id)
        if now is None or now.snapshot.state is RecordState.MERGED:
            return Gone(update.record_id)
        if moved_since(update, now.snapshot):
            return Moved(update.record_id)
        return await self._send(update, now)

    def _must_read_phones(self, update: Update, mode: WriteMode) -> bool:
        if self._phone_fields.isdisjoint(update.values):
            return False
        return not is_fresh(update.seen, mode, self._client.clock)

    async def _send(self, update: Update, now: Read | None) -> WriteAnswer:
        seen = now.snapshot if now else update.seen
        if seen and not self._phone_fields.isdisjoint(update.values) and seen.unreadable & self._phone_fields:
            return Refused(update.record_id, UNREADABLE_PHONES, self._phone_fields & update.values.keys())
        body = self._body(update, seen)
        if not body:
            return Written(update.record_id)
        if self.names_required and now:
            body = {**{name: now.raw.get(name) for name in _NAMES}, **body}
        try:
            answer = await self._client.patch(record_path(PATIENTS, update.record_id), body)
        except UnknownOutcome:
            return Unknown(update.record_id)
        if isinstance(answer, Rejection) and self._asks_for_names(answer, body):
            return await self._send_with_names(update)
        return self._judge(update, answer, body)

    def _body(self, update: Update, seen: Snapshot | None) -> dict[str, object]:
        phones = seen.phones if seen else ()
        body = self._codec.hint_body(update.values, phones, update.replaced_phones) if update.values else {}
        return checked({**body, **kept_beside(update.bookkeeping)})

    def _asks_for_names(self, answer: Rejection, body: dict[str, object]) -> bool:
        """Hint's papers mark both names as required on update, and practice says otherwise: the first refusal decides."""
        missing = _NAMES - body.keys()
        return answer.status == 422 and self.names_required is None and bool(answer.keys) and answer.keys <= missing

    async def _send_with_names(self, update: Update) -> WriteAnswer:
        self.names_required = True
        now = await self._read(update.record_id)
        if now is None or now.snapshot.state is RecordState.MERGED:
            return Gone(update.record_id)
        return Moved(update.record_id) if moved_since(update, now.snapshot) else await self._send(update, now)

    def _judge(self, update: Update, answer: Answer | Rejection, body: dict[str, object]) -> WriteAnswer:
        if isinstance(answer, Answer):
            if self.names_required is None and not _NAMES & body.keys():
                self.names_required = False
            shown = acknowledged(self._codec, answer)
            return Written(update.record_id, shown) if shown else Unknown(update.record_id)
        if answer.status == 404:
            return Gone(update.record_id)
        named = self._codec.refused(Side.HINT, answer.keys) & update.values.keys()
        return Refused(update.record_id, str(answer.status), named, shown_once=answer.text)


def acknowledged(codec: Codec, answer: Answer) -> Snapshot | None:
    """Return the patient that the answer to a write shows; `None` if it shows none, so that nothing is acknowledged.

    A proxy's page can come with status 200 as well.
    """
    try:
        return codec.snapshot_from_hint(answer.record(), answer.sent_at)
    except (RetryLater, BadInput):
        return None


def kept_beside(keeping: Bookkeeping) -> dict[str, object]:
    """Return what is written beside mapped fields; a patient has no place for the mark and the batch stamps."""
    given = {
        "integration_record_id": keeping.peer_id,
        "integration_web_link": keeping.web_link,
        "integration_error_message": keeping.error_message,
    }
    return {key: value or None for key, value in given.items() if value is not None}


def checked(body: dict[str, object]) -> dict[str, object]:
    """Return the body if Hint knows every name in it.

    Raises:
        ValueError: it does not, and would ignore that part without a word: a fault in the mapping table.
    """
    strangers = body.keys() - WRITABLE
    if strangers:
        raise ValueError(f"Hint takes no {', '.join(sorted(strangers))} for a patient")
    return body
