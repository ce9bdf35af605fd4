"""Brings every linked pair into step now, three-way: patients as their pages come in, contacts 200 in a call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from hintsync.core.link import Trigger
from hintsync.core.plan import Match, Outcome
from hintsync.core.records import Link, LinkState, LinkStatus, RecordId, Snapshot
from hintsync.core.values import Side
from hintsync.engine.batch.cases import Case, Work
from hintsync.engine.batch.census import refuse_empty
from hintsync.engine.batch.chunks import work_chunks
from hintsync.engine.batch.deciding import gone_match
from hintsync.engine.batch.linking import carry_out
from hintsync.engine.batch.population import read_contacts
from hintsync.engine.context import Engine
from hintsync.engine.guards.budgets import check_budgets
from hintsync.engine.pairs.outcomes import Scribe
from hintsync.engine.reviews.standing import load_open_reviews
from hintsync.engine.runs.life import check_identity, keeping, reopen, start_run
from hintsync.state.port import Run, RunKind

#: Links of one chunk.
CHUNK = 200


async def sync_all(
    engine: Engine, *, dry: bool = False, resume: str | None = None, on_progress: Callable[[Run], None] | None = None
) -> Run:
    """Sync all active links and return the run as it ended.

    Raises:
        BadInput: there is no such run to resume.
        RunHeld: another worker is at it.
    """
    kind = RunKind.SYNC
    run = await (reopen(engine, resume, kind) if resume else start_run(engine, kind, dry=dry, details={}))
    async with keeping(engine, run, on_progress) as keeper:
        await check_identity(engine)
        links = await engine.store.live_pairs(engine.connection.id)
        wanted = {link.patient_id: link for link in links if _can_sync(link) and link.patient_id not in keeper.finished}
        await keeper.phase("syncing", total=len(wanted) + keeper.run.done)
        scribe = Scribe(engine, f"run:{keeper.run.id}", keeper.run.id, await load_open_reviews(engine))
        work = Work(engine, keeper, scribe, Trigger.MANUAL)
        sync = _Sync(work, {patient_id: link for patient_id, link in wanted.items() if patient_id})
        await work_chunks(keeper, sync.chunks(), sync.work_chunk)
    return keeper.run


def _can_sync(link: Link) -> bool:
    return link.status is LinkStatus.ACTIVE and link.contact_id is not None and link.patient_id is not None


@dataclass(frozen=True, slots=True)
class _Sync:
    work: Work
    wanted: Mapping[RecordId, Link]

    async def chunks(self) -> AsyncIterator[Sequence[Snapshot]]:
        """Yield the linked patients as the list brings them; those it does not bring are read singly at the end."""
        engine, gathered = self.work.engine, list[Snapshot]()
        missing = set(self.wanted)
        seen = 0
        async for page in engine.hint.scan():
            seen += len(page.records)
            fresh = [record for record in page.records if record.id in missing]
            missing.difference_update(record.id for record in fresh)
            gathered.extend(fresh)
            if len(gathered) >= CHUNK:
                yield gathered
                gathered = []
        refuse_empty(links_exist=bool(self.wanted), contacts=1, patients=seen)
        strays = await engine.hint.read(sorted(missing)) if missing else {}
        gathered.extend(strays.values())
        if gathered:
            yield gathered
        await self._list_gone(missing - set(strays))

    async def work_chunk(self, patients: Sequence[Snapshot]) -> None:
        """Read the contacts of a chunk and sync the pairs."""
        engine = self.work.engine
        await check_budgets(engine)
        states = await engine.store.live_links(engine.connection.id, Side.HINT, [patient.id for patient in patients])
        ids = [state.link.contact_id for state in states.values() if state.link.contact_id]
        contacts = await read_contacts(engine.salesforce, ids)
        cases = [self._case(patient, states.get(patient.id), contacts) for patient in patients]
        await carry_out(self.work, cases)

    def _case(self, patient: Snapshot, state: LinkState | None, contacts: Mapping[RecordId, Snapshot]) -> Case:
        position = self.work.keeper.take_position()
        contact_id = state.link.contact_id if state else None
        contact = contacts.get(contact_id) if contact_id else None
        if state is None or contact_id is None:
            match = Match(Outcome.CHANGED_SINCE, "L4", reason="unlinked meanwhile")
            return Case(position, Side.HINT, patient.id, match, patient)
        match = Match(Outcome.SYNCED, "L4", (contact_id,))
        gone = gone_match(match, contact) or gone_match(match, patient)
        return Case(position, Side.HINT, patient.id, gone or match, patient, contact, state)

    async def _list_gone(self, ids: set[RecordId]) -> None:
        engine = self.work.engine
        states = await engine.store.live_links(engine.connection.id, Side.HINT, sorted(ids))
        cases = []
        for patient_id in sorted(ids):
            peers = (self.wanted[patient_id].contact_id or "",)
            match = Match(Outcome.NOT_FOUND, "D9", peers, "patient not found")
            position = self.work.keeper.take_position()
            cases.append(Case(position, Side.HINT, patient_id, match, state=states.get(patient_id)))
        if cases:
            await carry_out(self.work, cases)
