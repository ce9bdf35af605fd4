"""Creates the missing record of a pair, once: the link row is reserved first and the create carries our key.

A contact is inserted with its Hint Patient ID, a unique external id: if that is taken, or the reply is lost, the contact
that carries it is looked up and adopted, never overwritten. A patient carries an integration_record_id that belongs to
the reservation alone; a look-up believes only a record that shows both that key and the demographics that were sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from hintsync.core.draft import base_of_created, draft_values
from hintsync.core.fields import KEY_FIELDS
from hintsync.core.fingerprints import pair_salt
from hintsync.core.records import FieldName, Hold, HoldKind, Link, LinkState, LinkStatus, RecordId, Snapshot, Values
from hintsync.core.values import ABSENT, Side
from hintsync.engine.context import Engine
from hintsync.ports import (
    NO_BOOKKEEPING,
    Bookkeeping,
    CreateAnswer,
    Created,
    CreateRefused,
    CreateUnknown,
    Draft,
    DuplicateRule,
    KeyTaken,
)
from hintsync.state.port import LinkChange

#: The reply to the create was lost and no record carries the key (yet).
NO_REPLY = "no reply, not found"
#: Our key is on a record that is not believed to be this person.
TAKEN = "key taken by another record"


@dataclass(frozen=True, slots=True)
class Birth:
    """What became of one create."""

    link: Link
    source: Snapshot
    #: The link as it is to be committed, with its base; None if nothing about it is to be written.
    change: LinkChange | None = None
    written: tuple[FieldName, ...] = ()
    #: A record that carries our key already: give the pair its first sync instead.
    adopted: Snapshot | None = None
    #: Records that a duplicate rule names (row L12).
    duplicates: tuple[RecordId, ...] = ()
    #: Code of a refusal or a doubt; None when created or adopted.
    failure: str | None = None
    shown_once: str | None = None

    @property
    def record_id(self) -> RecordId | None:
        """The id of the record that exists now."""
        if self.adopted is not None:
            return self.adopted.id
        if self.change is None or self.failure or self.duplicates:
            return None
        link = self.change.link
        return link.contact_id if self.source.side is Side.HINT else link.patient_id


def new_link(
    engine: Engine, origin: str, *, contact_id: RecordId | None, patient_id: RecordId | None, reason: str | None = None
) -> Link:
    """Return a new RESERVED link; `reason` says how its first sync is to go, for whoever finishes it."""
    return Link(
        id=engine.new_id("link"),
        connection_id=engine.connection.id,
        contact_id=contact_id,
        patient_id=patient_id,
        status=LinkStatus.RESERVED,
        origin=origin,
        decided_by=engine.actor,
        salt=pair_salt(contact_id, patient_id),
        created_at=engine.now(),
        reason=reason,
    )


def key_of(link: Link) -> str:
    """Return the key that a create for this reservation carries."""
    if link.contact_id is None:
        return link.patient_id or ""
    return f"{link.contact_id}.{link.id.rpartition('-')[2]}"


async def create_missing(
    engine: Engine,
    side: Side,
    reservations: Sequence[tuple[LinkState, Snapshot]],
    stamps: Bookkeeping = NO_BOOKKEEPING,
    *,
    allow_duplicate: bool = False,
) -> list[Birth]:
    """Create the records that reservations wait for, on `side`, from the snapshots of the other.

    Returns:
        One result for each reservation, in order.
    """
    drafts = [
        _draft(engine, side, state.link, source, stamps, allow_duplicate=allow_duplicate)
        for state, source in reservations
    ]
    births = await _create(engine, side, reservations, drafts)
    lost = [index for index, birth in enumerate(births) if birth.failure == NO_REPLY]
    if lost and side is Side.SALESFORCE:
        # Once more, since Salesforce keeps the key unique; a patient stays reserved, and a later pass looks for it.
        again = await _create(engine, side, [reservations[i] for i in lost], [drafts[i] for i in lost])
        for index, birth in zip(lost, again, strict=True):
            births[index] = birth
    return births


async def _create(
    engine: Engine, side: Side, reservations: Sequence[tuple[LinkState, Snapshot]], drafts: Sequence[Draft]
) -> list[Birth]:
    """Send the drafts, shorter ones where fields were refused, and look for those whose reply was lost."""
    answers = await engine.replicas[side].create(drafts)
    births = [
        _birth(engine, state.link, source, draft.values, answer)
        for (state, source), draft, answer in zip(reservations, drafts, answers, strict=True)
    ]
    births = await _once_more(engine, side, drafts, births, answers)
    return await _look_up(engine, side, births)


def _draft(
    engine: Engine, side: Side, link: Link, source: Snapshot, stamps: Bookkeeping, *, allow_duplicate: bool
) -> Draft:
    values = draft_values(engine.table, source, engine.constraints())
    if side is Side.HINT:
        return Draft(key_of(link), values, Bookkeeping(peer_id=key_of(link)))
    keeping = replace(stamps, peer_id=link.patient_id, marked=True)
    options = engine.options
    return Draft(
        key_of(link),
        values,
        keeping,
        account_id=options.default_account_id,
        defaults=options.contact_defaults,
        allow_duplicate=allow_duplicate,
    )


def _birth(engine: Engine, link: Link, source: Snapshot, values: Values, answer: CreateAnswer) -> Birth:
    match answer:
        case Created(record_id=record_id):
            base = base_of_created(engine.table, source, values, engine.fingerprinter(link.salt))
            return Birth(link, source, LinkChange(_completed(link, source, record_id), base), tuple(sorted(values)))
        case DuplicateRule(records=records):
            ended = replace(link, status=LinkStatus.ENDED, reason="duplicate rule")
            return Birth(link, source, LinkChange(ended), duplicates=records, failure="DUPLICATES_DETECTED")
        case CreateRefused(code=code, shown_once=shown_once):
            ended = replace(link, status=LinkStatus.ENDED, reason=f"create refused: {code}")
            return Birth(link, source, LinkChange(ended), failure=code, shown_once=shown_once)
        case KeyTaken():
            return Birth(link, source, failure=TAKEN)
        case CreateUnknown():
            return Birth(link, source, failure=NO_REPLY)


def _completed(link: Link, source: Snapshot, record_id: RecordId) -> Link:
    """Fill in the created record; the salt stays, since base fingerprints carry it."""
    if source.side is Side.HINT:
        return replace(link, contact_id=record_id, status=LinkStatus.ACTIVE, reason=None)
    return replace(link, patient_id=record_id, status=LinkStatus.ACTIVE, reason=None)


async def _once_more(
    engine: Engine, side: Side, drafts: Sequence[Draft], births: list[Birth], answers: Sequence[CreateAnswer]
) -> list[Birth]:
    """Row F8 for creates: once more without the fields that were refused by name, if the key fields are not among them."""
    shorter: dict[int, Draft] = {}
    for index, answer in enumerate(answers):
        if isinstance(answer, CreateRefused) and answer.fields and not answer.fields & set(KEY_FIELDS):
            dropped = answer.fields | ({"state", "country"} if answer.fields & {"state", "country"} else set())
            values = {name: value for name, value in drafts[index].values.items() if name not in dropped}
            shorter[index] = replace(drafts[index], values=values)
    if shorter:
        again = await engine.replicas[side].create(list(shorter.values()))
        for (index, draft), answer in zip(shorter.items(), again, strict=True):
            left_out = drafts[index].values.keys() - draft.values.keys()
            code = births[index].failure or ""
            birth = _birth(engine, births[index].link, births[index].source, draft.values, answer)
            births[index] = _with_holds(engine, side, birth, left_out, code)
    return births


def _with_holds(engine: Engine, side: Side, birth: Birth, left_out: Collection[FieldName], code: str) -> Birth:
    """Hold the fields that the new record was made without, as the first sync of the pair would (row F8)."""
    if birth.change is None or birth.record_id is None:
        return birth
    fp = engine.fingerprinter(birth.link.salt)
    holds = {}
    for name in sorted(left_out):
        value = birth.source.values[name]
        seen = {birth.source.side: fp.of(name, value) if value is not ABSENT else None, side: fp.of(name, None)}
        holds[name] = Hold(HoldKind.REFUSED, "F8", f"{side}:{code}", seen)
    return replace(birth, change=replace(birth.change, holds=holds))


async def _look_up(engine: Engine, side: Side, births: list[Birth]) -> list[Birth]:
    """Where the key is taken or the reply was lost, find the record that carries the key and adopt it if it is believable."""
    doubtful = [index for index, birth in enumerate(births) if birth.change is None]
    if not doubtful:
        return births
    found = await engine.replicas[side].find_by_key([key_of(births[index].link) for index in doubtful])
    for index in doubtful:
        births[index] = _adopted(births[index], found)
    return births


def _adopted(birth: Birth, found: Mapping[str, Snapshot]) -> Birth:
    record = found.get(key_of(birth.link))
    if record is not None and _believable(birth.source, record):
        return replace(birth, adopted=record, failure=None)
    if record is None and birth.failure == NO_REPLY:
        return birth  # stays reserved: the next try carries the same key
    return replace(birth, failure=TAKEN)


def _believable(source: Snapshot, record: Snapshot) -> bool:
    """A contact is known by its unique external id; a patient must also show the demographics that were sent."""
    if record.side is Side.SALESFORCE:
        return True
    return all(record.values.get(name) == source.values.get(name) for name in KEY_FIELDS)
