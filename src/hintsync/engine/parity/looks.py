"""The second look of a parity check at the pairs that did not agree, and what is done about those that still do not.

The scans read a contact and its patient minutes apart, so a pair that is being worked looks as if it differed. Both records are
read again, side by side, after everything that was edited before is surely in the dirty set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hintsync.core.limits import Purpose
from hintsync.core.plan import Outcome
from hintsync.core.records import Link, LinkState, LinkStatus, RecordId, Snapshot
from hintsync.core.values import Side
from hintsync.engine.batch.population import read_contacts
from hintsync.engine.context import Engine
from hintsync.engine.guards.budgets import check_budgets
from hintsync.engine.pairs.settling import is_gone
from hintsync.engine.parity.counts import Counts
from hintsync.engine.parity.forms import AGREES, FormMaker, Verdict
from hintsync.engine.runs.life import RunKeeper
from hintsync.state.live import Lane, Mark
from hintsync.state.port import RunRow

#: Seconds until an edit is surely known: an event's way, and a poll or two.
GRACE = 5.0
#: Pairs looked at again at most; beyond that the scans are believed, for so many differ by no coincidence.
MOST_LOOKS = 1_000
#: Pairs looked at in one go.
_GROUP = 100
#: More dirty records than anybody has.
_ALL = 10_000_000
#: Semantics row, or what stands in its place, of a find's row.
_RULE = "parity"

#: What waits already, by side and record.
_Dirty = frozenset[tuple[Side, RecordId]]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A pair that did not agree at first sight."""

    link: Link
    verdict: Verdict = AGREES
    #: The side whose record was not there.
    gone: Side | None = None
    #: The link itself has moved, or should: it is read anew.
    again: bool = False

    @classmethod
    def moved(cls, link: Link) -> Suspect:
        """Suspect a link whose status does not fit what was read."""
        return cls(link, again=True)


@dataclass(frozen=True, slots=True)
class _Find:
    """What the second look says of a pair."""

    link: Link
    verdict: Verdict = AGREES
    gone: Side | None = None
    #: Suspended, and both records are there.
    resumable: bool = False

    @property
    def nothing(self) -> bool:
        """Whether the pair is as it should be after all."""
        return self.gone is None and not self.resumable and (self.verdict.agrees or self.verdict.waits_only)

    @property
    def missed(self) -> bool:
        """Whether something happened that nobody took in."""
        return self.gone is not None or self.resumable or self.verdict.missed

    @property
    def reason(self) -> str:
        """Say what it is in codes, sides and field names."""
        if self.gone is not None:
            return f"{self.gone} record not found"
        if self.resumable:
            return "suspended, and both records are there"
        parts = {
            "differs": self.verdict.differing,
            "base behind": self.verdict.stale,
            "no base": self.verdict.unbased,
            "marks": self.verdict.unfit,
        }
        return "; ".join(f"{word}: {', '.join(names)}" for word, names in parts.items() if names)


async def look_again(
    engine: Engine,
    keeper: RunKeeper,
    maker: FormMaker,
    suspects: Sequence[Suspect],
    counts: Counts,
    *,
    repair: bool,
    grace: float,
) -> None:
    """Look at suspects again; count them, list what is found, and mark it dirty if it is to be repaired."""
    if suspects:
        await engine.clock.sleep(grace)
    looks = _Looks(engine, keeper, maker, counts, repair)
    for start in range(0, len(suspects), _GROUP):
        await keeper.breathe()
        await check_budgets(engine, Purpose.PARITY)
        await looks.take(suspects[start : start + _GROUP], believed=start >= MOST_LOOKS)


@dataclass(slots=True)
class _Looks:
    engine: Engine
    keeper: RunKeeper
    maker: FormMaker
    counts: Counts
    repair: bool

    async def take(self, suspects: Sequence[Suspect], *, believed: bool) -> None:
        """Settle one group."""
        looked = [_Find(s.link, s.verdict, s.gone) for s in suspects if not s.again] if believed else []
        finds = looked + await self._read(list(suspects) if not believed else [s for s in suspects if s.again])
        dirty = await self._dirty()  # after the reads: an edit that they show and that was taken in is in there by now
        missed = [find for find in finds if not self._settled(find, dirty)]
        rows = [self._row(find) for find in missed if find.missed and find.link.patient_id not in self.keeper.finished]
        if self.repair:
            self.counts.marked += await self._mark(missed)
        done = self.keeper.run.done + len(suspects) - len(rows)
        self.keeper.run = replace(self.keeper.run, done=done)
        await self.keeper.commit(rows)

    async def _dirty(self) -> _Dirty:
        found = await self.engine.store.dirty(self.engine.connection.id, limit=_ALL)
        return frozenset((each.side, each.record_id) for each in found)

    async def _read(self, suspects: Sequence[Suspect]) -> list[_Find]:
        """Read links and both records anew; links that are no longer live are passed over."""
        engine = self.engine
        ids = [suspect.link.patient_id for suspect in suspects if suspect.link.patient_id]
        states = await engine.store.live_links(engine.connection.id, Side.HINT, ids) if ids else {}
        for _ in range(len(ids) - len(states)):
            self.counts.note_status(LinkStatus.ENDED)
        patients = await engine.hint.read(list(states)) if states else {}
        contact_ids = [state.link.contact_id for state in states.values() if state.link.contact_id]
        contacts = await read_contacts(engine.salesforce, contact_ids)
        return [self._find(state, patients, contacts) for state in states.values()]

    def _find(
        self, state: LinkState, patients: Mapping[RecordId, Snapshot], contacts: Mapping[RecordId, Snapshot]
    ) -> _Find:
        link = state.link
        patient, contact = patients.get(link.patient_id or ""), contacts.get(link.contact_id or "")
        if contact is None or is_gone(contact):
            return _Find(link, gone=Side.SALESFORCE)
        if patient is None or is_gone(patient):
            return _Find(link, gone=Side.HINT)
        if link.status is not LinkStatus.ACTIVE:
            return _Find(link, resumable=link.status is LinkStatus.SUSPENDED)
        fp = self.engine.fingerprinter(link.salt)
        return _Find(link, self.maker.compare(state, patient, self.maker.contact_form(contact, patient.id, fp), fp))

    def _settled(self, find: _Find, dirty: _Dirty) -> bool:
        """Count a pair that nothing needs to be done about; else count it as a find and say no."""
        link, counts = find.link, self.counts
        waits = bool({(Side.HINT, link.patient_id), (Side.SALESFORCE, link.contact_id)} & dirty)
        if link.status is not LinkStatus.ACTIVE and (waits or not find.resumable):
            counts.note_status(link.status)
        elif waits and find.gone is not None:
            counts.queued += 1
        elif waits or find.nothing:
            counts.note_pair(find.verdict, dirty=waits)
        else:
            self._count(find)
            return False
        return True

    def _count(self, find: _Find) -> None:
        if find.gone is not None:
            self.counts.missing += 1
        elif find.resumable:
            self.counts.differing += 1
        else:
            self.counts.note_find(find.verdict)

    async def _mark(self, finds: Sequence[_Find]) -> int:
        now = self.engine.clock.now().timestamp()
        marks = [Mark(*_record(find), "parity", now, Lane.PARITY) for find in finds]
        return await self.engine.store.mark(self.engine.connection.id, marks) if marks else 0

    def _row(self, find: _Find) -> RunRow:
        patient_id, contact_id = find.link.patient_id or "", find.link.contact_id or ""
        outcome = Outcome.DIFFERS if find.gone is None else Outcome.NOT_FOUND
        position = self.keeper.take_position()
        run_id = self.keeper.run.id
        return RunRow(run_id, position, Side.HINT, patient_id, outcome, _RULE, (contact_id,), find.reason)


def _record(find: _Find) -> tuple[Side, RecordId]:
    """Return the record of a pair that is marked: the one that is gone, else the contact, of which 200 are read in a call."""
    if find.gone is Side.HINT:
        return Side.HINT, find.link.patient_id or ""
    return Side.SALESFORCE, find.link.contact_id or ""
