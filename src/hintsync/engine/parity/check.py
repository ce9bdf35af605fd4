"""The parity check: counts, over the whole population, what agrees and what does not, and has what was missed repaired.

Shares no decision with the merge (`parity_forms`), so that it finds what the ordinary path does wrong. Each side is scanned
once: of a linked contact some 200 bytes are kept until its patient comes, of all others nothing. A pair that does not agree
gets a second look (`parity_looks`): people go on working meanwhile. The figures are signed (`parity_report`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime

from hintsync.core.limits import Purpose
from hintsync.core.records import Link, LinkState, LinkStatus, RecordId, RecordState, Snapshot
from hintsync.core.values import Side
from hintsync.engine.batch.census import refuse_empty
from hintsync.engine.context import Engine
from hintsync.engine.detect.intake import KNOWN_TAKEN, take_in
from hintsync.engine.detect.positions import OVERLAP, load_position, move_position, newest_of
from hintsync.engine.detect.reading import notice_of
from hintsync.engine.guards.budgets import check_budgets
from hintsync.engine.pairs.parting import intent_of
from hintsync.engine.parity.counts import Counts
from hintsync.engine.parity.forms import FormMaker
from hintsync.engine.parity.looks import GRACE, Suspect, look_again
from hintsync.engine.parity.signing import sign_and_log
from hintsync.engine.runs.life import RunKeeper, check_identity, keeping, reopen, start_run
from hintsync.ports import Page
from hintsync.state.live import Lane, Mark
from hintsync.state.port import Run, RunKind
from hintsync.turns import in_turns

#: Cause of what the check marks.
CAUSE = "parity"
#: Patients whose links are read in one go.
_CHUNK = 500


async def check_parity(
    engine: Engine,
    *,
    repair: bool = True,
    resume: str | None = None,
    grace: float = GRACE,
    on_progress: Callable[[Run], None] | None = None,
) -> Run:
    """Compare everybody on both sides, have repaired what was missed, and return the run with its signed report.

    A run that is resumed counts anew from the beginning; what it has found before stays found.

    Args:
        engine: The connection.
        repair: Mark dirty what differs and does not wait already; the ordinary path does the rest.
        resume: Id of a check that was aborted, stopped or killed.
        grace: Seconds after which an edit is surely in the dirty set, longer than the slowest poll; only waited for if
            something differs.
        on_progress: Called with the run after every step.

    Raises:
        BadInput: there is no such run to resume.
        RunHeld: another worker is at it.
    """
    if resume:
        run = await reopen(engine, resume, RunKind.PARITY)
    else:
        run = await start_run(engine, RunKind.PARITY, dry=False, details={"repair": repair})
    async with keeping(engine, run, on_progress) as keeper:
        if keeper.run.seal is None:  # else it was cut off behind its signature: the next report may name it already
            await _Check(engine, keeper, keeper.run.details.get("repair") is not False, grace).work()
    return keeper.run


@dataclass(slots=True)
class _Check:
    engine: Engine
    keeper: RunKeeper
    repair: bool
    grace: float
    counts: Counts = field(default_factory=Counts)
    #: Patient id to link, of the pairs whose patient has not come yet.
    waiting: dict[RecordId, Link] = field(default_factory=dict)
    #: All patients that are linked.
    linked: frozenset[RecordId] = frozenset()
    #: Patient id to the form of the contact.
    forms: dict[RecordId, bytes] = field(default_factory=dict)
    suspects: list[Suspect] = field(default_factory=list)
    newest: dict[Side, datetime | None] = field(default_factory=lambda: dict.fromkeys(Side))
    maker: FormMaker = field(init=False)

    def __post_init__(self) -> None:
        missing = {side: described.missing for side, described in self.engine.described.items()}
        self.maker = FormMaker(self.engine.table, missing, write_back=self.engine.options.write_back)

    async def work(self) -> None:
        engine, keeper = self.engine, self.keeper
        started, began = engine.clock.now(), engine.clock.monotonic()
        await check_identity(engine)
        await check_budgets(engine, Purpose.PARITY)
        links = await engine.store.live_pairs(engine.connection.id)
        self.waiting = {link.patient_id: link for link in links if link.patient_id and link.contact_id}
        self.linked = frozenset(self.waiting)
        self.counts.unfinished = len(links) - len(self.waiting)
        await self._have_finished(links)
        await keeper.phase("reading contacts", total=keeper.run.done + len(self.waiting))
        await self._read_contacts()
        await keeper.phase("reading patients")
        await self._read_patients()
        await self._pass_over_unseen()
        took = engine.clock.monotonic() - began
        await keeper.phase("looking again")
        await look_again(engine, keeper, self.maker, self.suspects, self.counts, repair=self.repair, grace=self.grace)
        await sign_and_log(engine, keeper, self.counts, repair=self.repair)
        if self.repair:
            for side in Side:
                await move_position(engine, side, self.newest[side], started, took)

    async def _have_finished(self, links: Sequence[Link]) -> None:
        """Mark what was begun and cut off: a first sync, a create, an unlink, a re-link. No event may ever tell of these."""
        engine, now = self.engine, self.engine.clock.now().timestamp()
        begun = [link for link in links if link.status is LinkStatus.RESERVED or intent_of(link) is not None]
        # by the contact where there is one: it stays with the link that follows when a re-link goes on
        records = [
            (Side.SALESFORCE, link.contact_id) if link.contact_id else (Side.HINT, link.patient_id) for link in begun
        ]
        marks = [Mark(side, record_id, CAUSE, now, Lane.PARITY) for side, record_id in records if record_id]
        if marks and self.repair:
            await engine.store.mark(engine.connection.id, marks)

    async def _read_contacts(self) -> None:
        by_contact = {link.contact_id: link for link in self.waiting.values()}
        async with aclosing(self.engine.salesforce.scan()) as pages:  # type: ignore[type-var]  # async generators
            async for page in pages:
                await self._begin(Side.SALESFORCE, page)
                async for contact in in_turns(page.records):
                    self._take_contact(contact, by_contact.get(contact.id))
        refuse_empty(links_exist=bool(self.waiting), contacts=self.counts.records[Side.SALESFORCE], patients=1)

    async def _begin(self, side: Side, page: Page) -> None:
        """Count a page in, after a look at whether there may be another."""
        await self.keeper.breathe()
        await check_budgets(self.engine, Purpose.PARITY)
        self.counts.records[side] += len(page.records)
        self.newest[side] = newest_of(page.records, self.newest[side])

    def _take_contact(self, contact: Snapshot, link: Link | None) -> None:
        if link is None:
            self.counts.unlinked[Side.SALESFORCE] += 1
            self.counts.marked_unlinked += contact.marked or bool(contact.peer_id)
        elif link.patient_id and contact.state is RecordState.LIVE:
            fp = self.engine.fingerprinter(link.salt)
            self.forms[link.patient_id] = self.maker.contact_form(contact, link.patient_id, fp)

    async def _read_patients(self) -> None:
        gathered: list[Snapshot] = []
        async with aclosing(self.engine.hint.scan()) as pages:  # type: ignore[type-var]  # async generators
            async for page in pages:
                await self._begin(Side.HINT, page)
                gathered.extend(page.records)
                if len(gathered) >= _CHUNK:
                    await self._take_patients(gathered)
                    gathered = []
        await self._take_patients(gathered)
        refuse_empty(links_exist=bool(self.waiting), contacts=1, patients=self.counts.records[Side.HINT])

    async def _take_patients(self, patients: Sequence[Snapshot]) -> None:
        engine, before = self.engine, len(self.waiting)
        linked = {patient.id: patient for patient in patients if patient.id in self.waiting}
        states = await engine.store.live_links(engine.connection.id, Side.HINT, list(linked)) if linked else {}
        suspects = len(self.suspects)
        async for patient_id, patient in in_turns(linked.items()):
            link = self.waiting.pop(patient_id)
            self._take_pair(patient, states.get(patient_id), link)
            self.forms.pop(patient_id, None)
        await self._take_unlinked(
            [p for p in patients if p.id not in self.linked and p.state is not RecordState.MERGED]
        )
        await self._advance(before - len(self.waiting) - (len(self.suspects) - suspects))

    async def _advance(self, settled: int) -> None:
        self.keeper.run = replace(self.keeper.run, done=self.keeper.run.done + settled)
        await self.keeper.note()

    def _take_pair(self, patient: Snapshot, state: LinkState | None, link: Link) -> None:
        form = self.forms.get(patient.id)
        if state is None or state.link.contact_id != link.contact_id:
            self.suspects.append(Suspect.moved(link))  # it was ended, or went to another contact, just now
        elif state.link.status in (LinkStatus.RESERVED, LinkStatus.FROZEN):
            self.counts.note_status(state.link.status)
        elif form is None or patient.state is RecordState.MERGED:
            self._miss(state.link, Side.SALESFORCE if form is None else Side.HINT)
        elif state.link.status is LinkStatus.SUSPENDED:
            self.suspects.append(Suspect.moved(link))  # both are back: it should have gone on (row D1)
        else:
            verdict = self.maker.compare(state, patient, form, self.engine.fingerprinter(link.salt))
            if verdict.agrees or verdict.waits_only:
                self.counts.note_pair(verdict)
            else:
                self.suspects.append(Suspect(link, verdict))

    def _miss(self, link: Link, side: Side) -> None:
        if link.status is LinkStatus.ACTIVE:
            self.suspects.append(Suspect(link, gone=side))
        else:
            self.counts.note_status(link.status)

    async def _pass_over_unseen(self) -> None:
        """Suspect every link whose patient was in no page; a scan does not bring those who are gone."""
        suspects = len(self.suspects)
        for link in self.waiting.values():
            self._miss(link, Side.HINT)
        await self._advance(len(self.waiting) - (len(self.suspects) - suspects))

    async def _take_unlinked(self, patients: Iterable[Snapshot]) -> None:
        """Count patients without a link, and take in those that came to the practice since changes were last read (row L8)."""
        found = list(patients)
        self.counts.unlinked[Side.HINT] += len(found)
        if not self.repair or KNOWN_TAKEN not in self.engine.connection.facts:
            return
        read_to = (await load_position(self.engine, Side.HINT)).read_to
        if read_to is None:
            return
        fresh = [p for p in found if p.state is RecordState.LIVE and _since(p, read_to - OVERLAP)]
        if fresh:
            taken = await take_in(self.engine, [notice_of(self.engine, patient, CAUSE) for patient in fresh])
            self.counts.newcomers += taken.marked


def _since(patient: Snapshot, moment: datetime) -> bool:
    changed = newest_of([patient])
    return changed is not None and changed >= moment
