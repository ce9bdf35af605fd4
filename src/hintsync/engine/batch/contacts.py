"""The batch from contacts to patients (M15): the contacts of a CSV report are matched and linked; nothing is created."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from hintsync.core.errors import BadInput
from hintsync.core.link import Trigger
from hintsync.core.match import match_key
from hintsync.core.plan import Match, Outcome
from hintsync.core.records import LinkState, RecordId, Snapshot
from hintsync.core.values import Side
from hintsync.engine.batch.approved import Approved, load_approved
from hintsync.engine.batch.cases import Case, Work
from hintsync.engine.batch.chunks import work_chunks
from hintsync.engine.batch.contact_census import ContactCensus, take_contact_census
from hintsync.engine.batch.contact_list import keep_input, load_input
from hintsync.engine.batch.csv_ids import CsvIds
from hintsync.engine.batch.deciding import match_contact, still_fits
from hintsync.engine.batch.linking import carry_out
from hintsync.engine.batch.population import FRESH, fresh_page, read_contacts
from hintsync.engine.batch.pricing import note_cost
from hintsync.engine.batch.stamping import stamp_contacts
from hintsync.engine.context import Engine
from hintsync.engine.guards.budgets import check_budgets
from hintsync.engine.pairs.outcomes import Scribe
from hintsync.engine.reviews.standing import load_open_reviews
from hintsync.engine.runs.life import RunKeeper, check_identity, keeping, reopen, start_run
from hintsync.state.port import Json, Run, RunKind, RunRow

#: Contacts of one chunk: what one read of contacts and one collections write hold.
CHUNK = 200


async def batch_contacts(
    engine: Engine,
    listed: CsvIds | None = None,
    *,
    dry: bool = False,
    approved: str | None = None,
    resume: str | None = None,
    on_progress: Callable[[Run], None] | None = None,
) -> Run:
    """Run the batch over a list of contacts, or resume one, and return the run as it ended.

    Args:
        engine: The connection.
        listed: The file's rows; not needed for a resume.
        dry: Write nothing anywhere; leave a sealed plan with its price.
        approved: Id of a finished dry run: only what it planned is done, everything else is listed as changed since.
        resume: Id of a run that was aborted, stopped or killed.
        on_progress: Called with the run after every step.

    Raises:
        BadInput: no list, no such run, a run of another kind, or a plan whose seal does not fit.
        RunHeld: another worker is at the run.
    """
    kind = RunKind.BATCH_CONTACTS
    if resume:
        run = await reopen(engine, resume, kind)
        listed = await load_input(engine, run.id)
        before = run.details.get("approved")
        plan = await load_approved(engine, before if isinstance(before, str) else None, kind)
    elif listed is None:
        raise BadInput("no list of contacts was given")
    else:
        plan = await load_approved(engine, approved, kind)
        details: dict[str, Json] = {"approved": approved}
        run_id = engine.new_id("run")
        await keep_input(engine, run_id, listed)  # first: whatever run there is can then be resumed
        run = await start_run(engine, kind, dry=dry, details=details, run_id=run_id)
    async with keeping(engine, run, on_progress) as keeper:
        await _go_over_contacts(engine, keeper, listed, plan)
    return keeper.run


async def _go_over_contacts(engine: Engine, keeper: RunKeeper, listed: CsvIds, plan: Approved | None) -> None:
    await check_identity(engine)
    await keeper.phase("reading both sides", total=len(listed.rows))
    found = await take_contact_census(engine, listed.ids)
    await keeper.note(patients_found=found.way)
    scribe = Scribe(engine, f"run:{keeper.run.id}", keeper.run.id, await load_open_reviews(engine))
    work = Work(engine, keeper, scribe, Trigger.BATCH_CONTACTS, plan.rows if plan else None)
    await _list_unusable(keeper, listed)
    await keeper.phase("linking")
    batch = _Batch(work, found, _positions(listed))
    await work_chunks(keeper, batch.chunks(), batch.work_chunk)
    if plan:
        await plan.list_unseen(keeper, set(listed.ids))
    if keeper.run.dry:
        await note_cost(engine, keeper)
    else:
        await keeper.phase("stamping contacts")
        await stamp_contacts(engine, keeper)


def _positions(listed: CsvIds) -> dict[RecordId, int]:
    """Return the position of each contact: its row in the file, the first one where it is repeated."""
    positions: dict[RecordId, int] = {}
    for number, row in enumerate(listed.rows):
        if row.contact_id is not None:
            positions.setdefault(row.contact_id, number)
    return positions


async def _list_unusable(keeper: RunKeeper, listed: CsvIds) -> None:
    """Give the rows of the file that name no contact, or one that was named before, their own result."""
    rows: list[RunRow] = []
    seen: set[RecordId] = set()
    for number, row in enumerate(listed.rows):
        name = f"line {row.line}"
        if row.contact_id is None:
            rows.append(_unusable(keeper, number, name, Outcome.BAD_ID, row.problem or "not an id"))
        elif row.contact_id in seen:
            rows.append(
                replace(_unusable(keeper, number, name, Outcome.REPEATED, "named before"), peers=(row.contact_id,))
            )
        else:
            seen.add(row.contact_id)
    fresh = [row for row in rows if row.record_id not in keeper.finished]
    if fresh:
        await keeper.commit(fresh)


def _unusable(keeper: RunKeeper, number: int, name: str, outcome: Outcome, reason: str) -> RunRow:
    return RunRow(keeper.run.id, number, Side.SALESFORCE, name, outcome, "M15", reason=reason)


@dataclass(frozen=True, slots=True)
class _Chunk:
    #: Contact and its patient, where one was found.
    cases: Sequence[Case]
    #: Patients that are needed, by the page they came in.
    pages: Mapping[int, set[RecordId]]


@dataclass(frozen=True, slots=True)
class _Batch:
    shared: Work
    found: ContactCensus
    positions: Mapping[RecordId, int]

    async def chunks(self) -> AsyncIterator[_Chunk]:
        """Yield the decided contacts, those with a patient in the order of the patients' pages, so that each is read once."""
        decided = await self._decide()
        page_of = self._page_of()
        nowhere = len(self.found.census.patients.pages)
        decided.sort(key=lambda case: (_page(case, page_of, nowhere), case.position))
        for start in range(0, len(decided), CHUNK):
            cases = decided[start : start + CHUNK]
            pages: dict[int, set[RecordId]] = defaultdict(set)
            for case in cases:
                number = _page(case, page_of, nowhere)
                if number != nowhere:
                    pages[number].add(case.match.peers[0])
            yield _Chunk(cases, pages)

    def _page_of(self) -> dict[RecordId, int]:
        return {
            record.id: number
            for number, page in enumerate(self.found.census.patients.pages)
            for record in page.packed.unpack()
        }

    async def _decide(self) -> list[Case]:
        engine, finished = self.shared.engine, self.shared.keeper.finished
        todo = [contact_id for contact_id in self.positions if contact_id not in finished]
        cases: list[Case] = []
        for start in range(0, len(todo), CHUNK):
            ids = todo[start : start + CHUNK]
            links = await engine.store.live_links(engine.connection.id, Side.SALESFORCE, ids)
            cases.extend(self._case(contact_id, links.get(contact_id)) for contact_id in ids)
        return cases

    def _case(self, contact_id: RecordId, state: LinkState | None) -> Case:
        engine, row = self.shared.engine, self.found.rows.get(contact_id)
        if row is None:
            match = Match(Outcome.NOT_FOUND, "M15", reason="no such contact")
        else:
            key = match_key(row.first_name, row.last_name, row.birth_date, engine.options.placeholder_dates)
            match = match_contact(engine, self.found.census, row, key, state)
        return Case(self.positions[contact_id], Side.SALESFORCE, contact_id, match, state=state)

    async def _as_linked_now(self, cases: Sequence[Case]) -> list[Case]:
        """Decide anew what was linked or moved since; our own reservations too, if the chunk is worked a second time."""
        store, connection_id = self.shared.engine.store, self.shared.engine.connection.id
        links = await store.live_links(connection_id, Side.SALESFORCE, [case.record_id for case in cases])
        return [
            case if _same(case.state, state := links.get(case.record_id)) else self._case(case.record_id, state)
            for case in cases
        ]

    async def work_chunk(self, chunk: _Chunk) -> None:
        """Read both records of every pair, check that they still fit, carry it out."""
        engine = self.shared.engine
        await check_budgets(engine)
        chunk = replace(chunk, cases=await self._as_linked_now(chunk.cases))
        wanted = [case.record_id for case in chunk.cases if case.match.outcome is Outcome.LINKED]
        patients = await self._patients(chunk)
        contacts = await read_contacts(engine.salesforce, wanted)
        await carry_out(self.shared, [self._paired(case, contacts, patients) for case in chunk.cases])

    async def _patients(self, chunk: _Chunk) -> dict[RecordId, Snapshot]:
        max_age = float("inf") if self.shared.keeper.run.dry else FRESH
        found: dict[RecordId, Snapshot] = {}
        for number, wanted in chunk.pages.items():
            page = self.found.census.patients.pages[number]
            records = await fresh_page(self.shared.engine, page, max_age=max_age, wanted=wanted)
            found.update({record.id: record for record in records})
        # Linked by an earlier attempt, and not among those found by birth date now.
        named = {case.match.peers[0] for case in chunk.cases if case.match.outcome is Outcome.LINKED}
        strayed = named.difference(*chunk.pages.values())
        return {**found, **(await self.shared.engine.hint.read(sorted(strayed)) if strayed else {})}

    def _paired(self, case: Case, contacts: Mapping[RecordId, Snapshot], patients: Mapping[RecordId, Snapshot]) -> Case:
        if case.match.outcome is not Outcome.LINKED:
            return case
        contact, patient = contacts.get(case.record_id), patients.get(case.match.peers[0])
        if contact is None or patient is None:
            match = replace(case.match, outcome=Outcome.NOT_FOUND, row="D9", reason="gone since the scan")
            return replace(case, match=match)
        match = case.match if case.state else still_fits(self.shared.engine, case.match, patient, contact)
        return replace(case, subject=contact, peer=patient, match=match)


def _same(before: LinkState | None, now: LinkState | None) -> bool:
    if before is None or now is None:
        return before is now
    return (before.link.id, before.link.revision) == (now.link.id, now.link.revision)


def _page(case: Case, page_of: Mapping[RecordId, int], nowhere: int) -> int:
    return page_of.get(case.match.peers[0], nowhere) if case.match.outcome is Outcome.LINKED else nowhere
