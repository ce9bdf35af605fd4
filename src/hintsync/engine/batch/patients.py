"""The batch from patients to contacts (M14): every patient of the practice is matched, linked, created or explained.

Each side is scanned once. Patients are then worked in the pages they came in, a few pages at a time; the contacts that
are about to be compared are read in full, 200 in a call.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from hintsync.core.link import Trigger
from hintsync.core.plan import Match, Outcome
from hintsync.core.quick import but
from hintsync.core.records import LinkState, RecordId, Snapshot
from hintsync.core.values import Side
from hintsync.engine.batch.approved import Approved, load_approved
from hintsync.engine.batch.cases import Case, Work
from hintsync.engine.batch.census import Census, take_census
from hintsync.engine.batch.chunks import at_once, work_chunks
from hintsync.engine.batch.deciding import gone_match, match_patient, still_fits
from hintsync.engine.batch.linking import carry_out
from hintsync.engine.batch.population import FRESH, HeldPage, fresh_page, read_contacts
from hintsync.engine.batch.pricing import note_cost
from hintsync.engine.batch.stamping import stamp_contacts
from hintsync.engine.context import Engine
from hintsync.engine.guards.budgets import check_budgets
from hintsync.engine.pairs.outcomes import Scribe
from hintsync.engine.reviews.standing import load_open_reviews
from hintsync.engine.runs.life import RunKeeper, check_identity, keeping, reopen, start_run
from hintsync.state.port import Json, Run, RunKind
from hintsync.turns import in_turns

#: Patients of one chunk: what one read of contacts and one collections write hold.
CHUNK = 200

#: Outcomes that need the peer's record.
_NEED_PEER = frozenset({Outcome.LINKED, Outcome.SYNCED})


async def batch_patients(
    engine: Engine,
    *,
    dry: bool = False,
    approved: str | None = None,
    resume: str | None = None,
    on_progress: Callable[[Run], None] | None = None,
) -> Run:
    """Run the batch, or resume one, and return the run as it ended.

    Args:
        engine: The connection.
        dry: Write nothing anywhere; leave a sealed plan with its price.
        approved: Id of a finished dry run: only what it planned is done, everything else is listed as changed since.
        resume: Id of a run that was aborted, stopped or killed.
        on_progress: Called with the run after every step.

    Raises:
        BadInput: no such run, a run of another kind, or a plan whose seal does not fit.
        RunHeld: another worker is at the run.
    """
    kind = RunKind.BATCH_PATIENTS
    if resume:
        run = await reopen(engine, resume, kind)
        before = run.details.get("approved")
        plan = await load_approved(engine, before if isinstance(before, str) else None, kind)
    else:
        plan = await load_approved(engine, approved, kind)
        details: dict[str, Json] = {"approved": approved, "create_contacts": engine.options.create_contacts}
        run = await start_run(engine, kind, dry=dry, details=details)
    async with keeping(engine, run, on_progress) as keeper:
        await _go_over_patients(engine, keeper, plan)
    return keeper.run


async def _go_over_patients(engine: Engine, keeper: RunKeeper, plan: Approved | None) -> None:
    await check_identity(engine)
    await keeper.phase("reading both sides")
    census = await take_census(engine)
    total = sum(1 for patient_id in census.patients.seen if patient_id not in keeper.finished) + keeper.run.done
    await keeper.phase("linking and syncing", total=total)
    scribe = Scribe(engine, f"run:{keeper.run.id}", keeper.run.id, await load_open_reviews(engine))
    work = Work(engine, keeper, scribe, Trigger.BATCH_PATIENTS, plan.rows if plan else None)
    batch = _Batch(work, census)
    await work_chunks(keeper, batch.chunks(), batch.work_chunk, at_once=at_once(engine))
    if plan:
        await plan.list_unseen(keeper, census.patients.seen)
    if keeper.run.dry:
        await note_cost(engine, keeper)
    else:
        await keeper.phase("stamping contacts")
        await stamp_contacts(engine, keeper)


@dataclass(frozen=True, slots=True)
class _Chunk:
    pages: Sequence[HeldPage]
    #: Patient id to its position, for those that are still to be done.
    positions: Mapping[RecordId, int]


@dataclass(frozen=True, slots=True)
class _Batch:
    shared: Work
    census: Census

    @property
    def _max_age(self) -> float:
        """Seconds after which a record is read again before it is worked; a dry run works nothing."""
        return float("inf") if self.shared.keeper.run.dry else FRESH

    async def chunks(self) -> AsyncIterator[_Chunk]:
        """Yield neighbouring pages that together hold about `CHUNK` patients still to be done, and let go of each."""
        pages: list[HeldPage] = []
        positions: dict[RecordId, int] = {}
        left = deque(self.census.patients.pages)
        self.census.patients.pages.clear()
        while left:
            page = left.popleft()
            todo = [patient_id for patient_id in page.ids if patient_id not in self.shared.keeper.finished]
            if not todo:
                continue
            if positions and len(positions) + len(todo) > CHUNK:
                yield _Chunk(pages, positions)
                pages, positions = [], {}
            pages.append(page)
            positions.update({patient_id: self.shared.keeper.take_position() for patient_id in todo})
        if positions:
            yield _Chunk(pages, positions)

    async def work_chunk(self, chunk: _Chunk) -> None:
        """Decide a chunk's patients, read their contacts, carry it out."""
        engine = self.shared.engine
        await check_budgets(engine)
        patients = [
            p
            for page in chunk.pages
            for p in await fresh_page(engine, page, max_age=self._max_age)
            if p.id in chunk.positions
        ]
        links = await engine.store.live_links(engine.connection.id, Side.HINT, [p.id for p in patients])
        cases = [self._case(chunk, patient, links.get(patient.id)) async for patient in in_turns(patients)]
        cases.extend(self._vanished(chunk, {p.id for p in patients}))
        await carry_out(self.shared, await self._with_contacts(cases))

    def _case(self, chunk: _Chunk, patient: Snapshot, state: LinkState | None) -> Case:
        match = match_patient(self.shared.engine, self.census, patient, state)
        return Case(chunk.positions[patient.id], Side.HINT, patient.id, match, patient, state=state)

    def _vanished(self, chunk: _Chunk, seen: set[RecordId]) -> list[Case]:
        """Patients that were there at the scan and are gone now."""
        match = Match(Outcome.NOT_FOUND, "D9", reason="gone since the scan")
        return [Case(chunk.positions[p], Side.HINT, p, match) for p in chunk.positions if p not in seen]

    async def _with_contacts(self, cases: Sequence[Case]) -> list[Case]:
        """Read the contacts that are needed; a candidate that is not what the scan said is decided anew."""
        wanted = list(dict.fromkeys(case.match.peers[0] for case in cases if case.match.outcome in _NEED_PEER))
        contacts = self._read_ahead(wanted)
        contacts |= await read_contacts(
            self.shared.engine.salesforce, [each for each in wanted if each not in contacts]
        )
        return [self._with_contact(case, contacts) for case in cases]

    def _read_ahead(self, ids: Sequence[RecordId]) -> dict[RecordId, Snapshot]:
        ahead = self.census.ahead
        if ahead is None:
            return {}
        return ahead.take(ids, float("inf")) if self.shared.keeper.run.dry else ahead.take(ids)

    def _with_contact(self, case: Case, contacts: Mapping[RecordId, Snapshot]) -> Case:
        if case.match.outcome not in _NEED_PEER or case.subject is None:
            return case
        contact = contacts.get(case.match.peers[0])
        gone = gone_match(case.match, contact)
        if gone is not None or contact is None:
            return replace(case, match=gone or case.match)
        if case.match.outcome is not Outcome.LINKED or case.state is not None:
            return but(case, peer=contact)
        foreseen = self.census.ahead.foreseen(case.subject, contact) if self.census.ahead else None
        match = still_fits(self.shared.engine, case.match, case.subject, contact)
        return but(case, peer=contact, match=match, foreseen=foreseen)
