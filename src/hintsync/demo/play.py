"""The play: connect, plan, link both ways, let people edit, sync, check from outside, and do it again for nothing."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace

from hintsync.bootstrap import open_engine
from hintsync.core.errors import StopRun
from hintsync.demo.check import Verdict, changed_records, check
from hintsync.demo.edits import Conflict, Editor
from hintsync.demo.export import write_export
from hintsync.demo.live import edit_and_time
from hintsync.demo.staff import hire, install_for_staff
from hintsync.demo.stage import CONNECTION, REPORT_FILE, Stage
from hintsync.demo.wire import Seen
from hintsync.engine.batch.contacts import batch_contacts
from hintsync.engine.batch.csv_ids import CsvIds, read_csv_ids
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.options import Options
from hintsync.setup.connecting import connect
from hintsync.setup.installation import prepare_org
from hintsync.state.port import ReviewKind, Run, RunStatus

#: Of five neighbouring contacts, so many stand in the report of the batch from contacts to patients.
_IN_REPORT = 2

OnProgress = Callable[[Run], None]


@dataclass(slots=True)
class Step:
    """One line of the demo's table."""

    name: str
    #: What came of it, in order: word to number.
    figures: dict[str, int] = field(default_factory=dict)
    #: Calls that the emulators counted.
    salesforce_calls: int = 0
    hint_calls: int = 0
    seconds: float = 0.0
    run_id: str | None = None
    #: A sentence, where figures do not say it.
    note: str = ""

    def to_json(self) -> dict[str, object]:
        """Return the step for JSON."""
        return asdict(self)


@dataclass(slots=True)
class Played:
    """What the demo has to show at the end."""

    steps: list[Step] = field(default_factory=list)
    verdict: Verdict | None = None
    #: Edits that did not arrive on the other side.
    missing: list[str] = field(default_factory=list)
    #: Records that the second runs changed, stamps apart.
    changed_again: list[str] = field(default_factory=list)
    #: Live edits that did not arrive on the other side.
    late: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the check through the two APIs found everything as it should be."""
        return (
            self.verdict is not None and self.verdict.passed and not (self.missing or self.changed_again or self.late)
        )


class Play:
    """Plays the demo on a stage, step by step."""

    def __init__(self, stage: Stage, tell: Callable[[Step], None], on_progress: OnProgress | None = None) -> None:
        """Take a stage.

        Args:
            stage: where it is played.
            tell: called with every step when it is done.
            on_progress: called with a run as it goes on.
        """
        self._stage = stage
        self._tell = tell
        self._on_progress = on_progress
        self.played = Played()

    async def play(self) -> Played:
        """Play it to the end.

        Raises:
            StopRun: a run did not get through; what it was stands in the text.
        """
        await self._connect()
        connection = await self._stage.service.connection(CONNECTION)
        async with open_engine(self._stage.service, connection, actor="demo") as engine:
            if self._stage.kept:
                await self._begin_a_new_day(engine)
                await self._run("Catching up: sync", lambda **told: sync_all(engine, **told))
            elsewhere = await self._waiting_for_people(engine)
            report = await self._report()
            await self._planned(engine, "Contacts to patients", lambda **told: batch_contacts(engine, report, **told))
            await self._planned(engine, "Patients to contacts", lambda **told: batch_patients(engine, **told))
            await self._edit()
            await self._run("Sync of all links", lambda **told: sync_all(engine, **told))
            before = await self._check(elsewhere)
            await self._run("Contacts to patients, again", lambda **told: batch_contacts(engine, report, **told))
            await self._run("Patients to contacts, again", lambda **told: batch_patients(engine, **told))
            await self._compare(before)
        return self.played

    async def _begin_a_new_day(self, engine: Engine) -> None:
        """Take the last round's edits out of the hour that the guards look at, for a round may follow within minutes."""
        await engine.store.forget_intents(engine.connection.id, before=engine.clock.now().timestamp())

    async def play_live(self) -> None:
        """Let people edit while the service runs (`live_service`), and time how long each edit takes to the other side."""
        async with self._step("Live: edits on both sides") as step:
            mark = f"round{self._stage.notes.rounds}"
            from_hint, from_org = await edit_and_time(self._stage, mark)
            self.played.late = from_hint.missing + from_org.missing
            if not (from_hint.seconds and from_org.seconds):
                self.played.late.append("no pair was free to be edited")
            step.figures = {
                "from Hint": len(from_hint.seconds),
                "from Salesforce": len(from_org.seconds),
                "missing": len(self.played.late),
            }
            step.note = f"median {from_hint.median():.2f} s from Hint, {from_org.median():.2f} s from Salesforce"

    async def _connect(self) -> None:
        stage = self._stage
        async with self._step("Deploy our fields, connect both") as step:
            deployed = await prepare_org(stage.service, stage.login)
            known = await stage.service.store.connection(CONNECTION)
            options = None if known else Options(create_contacts=True)
            await connect(
                stage.service, CONNECTION, hint_token=stage.systems.hint.token, login=stage.login, options=options
            )
            step.figures = {"components deployed": deployed.components}
        async with self._step("Install our pages for three people") as step:
            await hire(stage)
            installed = await install_for_staff(stage)
            changed = len(installed.layouts.changed) if installed.layouts else 0
            components = installed.deployed.components - deployed.components
            step.figures = {"components deployed": components, "page layouts changed": changed}

    async def _report(self) -> CsvIds:
        """Export a report of some of the contacts, once for a folder, and read it as the batch does."""
        path = self._stage.folder / REPORT_FILE
        if not path.exists():
            async with self._step("Export a report of contacts") as step:
                contacts = await self._stage.wires.org.contacts()
                listed = [contact for number, contact in enumerate(contacts) if number % 5 < _IN_REPORT]
                step.figures = {"contacts listed": write_export(listed, path)}
        return read_csv_ids(path)

    async def _planned(self, engine: Engine, name: str, batch: Callable[..., Awaitable[Run]]) -> None:
        """Make a dry run, show its price, and carry out exactly that plan."""
        plan = await self._run(f"{name}: dry run", lambda **told: batch(dry=True, **told))
        await self._run(name, lambda **told: batch(approved=plan.id, **told))

    async def _run(self, name: str, work: Callable[..., Awaitable[Run]]) -> Run:
        async with self._step(name) as step:
            run = await work(on_progress=self._on_progress)
            if run.status is not RunStatus.DONE:
                raise StopRun(f"{name}: run {run.id} is {run.status}: {run.reason}")
            counts = await self._stage.service.store.outcome_counts(run.id)
            step.figures = {str(outcome): counts[outcome] for outcome in sorted(counts, key=lambda each: -counts[each])}
            step.run_id = run.id
            step.note = _price(run) or _way(run)
        return run

    async def _edit(self) -> None:
        stage = self._stage
        async with self._step("People edit in both systems") as step:
            stage.notes.rounds += 1
            mark = f"round{stage.notes.rounds}"
            editor = Editor(stage.wires, mark, random.Random(f"{mark}-{stage.notes.seed}"))
            self._edits = await editor.edit(await stage.wires.look(), stage.notes.conflicts)
            stage.notes.conflicts += self._edits.conflicts
            stage.write_notes()
            step.figures = self._edits.counts

    async def _check(self, elsewhere: frozenset[tuple[str, str]]) -> Seen:
        stage = self._stage
        async with self._step("Check through the two APIs") as step:
            seen = await stage.wires.look()
            verdict = check(seen, stage.notes.conflicts)
            unexpected = tuple(each for each in verdict.unexpected if (each.contact_id, each.field) not in elsewhere)
            self.played.verdict = replace(verdict, unexpected=unexpected)
            self.played.missing = self._edits.missing(seen)
            step.figures = {
                "pairs": verdict.pairs,
                "values compared": verdict.compared,
                "differences": len(unexpected),
                "conflicts held": len(verdict.held),
                "edits missing": len(self.played.missing),
                "links broken": len(verdict.broken),
            }
        return seen

    async def _compare(self, before: Seen) -> None:
        async with self._step("Compare with before the second runs") as step:
            self.played.changed_again = changed_records(before, await self._stage.wires.look())
            step.figures = {"records changed, batch stamps apart": len(self.played.changed_again)}

    async def _waiting_for_people(self, engine: Engine) -> frozenset[tuple[str, str]]:
        """Return the fields that wait for a person before the demo edits anything: conflicts made by whoever tried it out.

        Conflicts of an earlier round that were decided meanwhile are forgotten.
        """
        seen = await self._stage.wires.look()
        notes = self._stage.notes
        notes.conflicts = [conflict for conflict in notes.conflicts if conflict.stands(seen)]
        reviews = await engine.store.reviews(engine.connection.id, kind=ReviewKind.CONFLICT, limit=100_000)
        return frozenset((review.record_id, review.field_name) for review in reviews) - _fields_of(notes.conflicts)

    @asynccontextmanager
    async def _step(self, name: str) -> AsyncIterator[Step]:
        step = Step(name)
        org_before, hint_before = await self._stage.wires.calls()
        began = time.perf_counter()
        yield step
        step.seconds = round(time.perf_counter() - began, 2)
        org_after, hint_after = await self._stage.wires.calls()
        step.salesforce_calls, step.hint_calls = org_after - org_before, hint_after - hint_before
        self.played.steps.append(step)
        self._tell(step)


def _fields_of(conflicts: list[Conflict]) -> frozenset[tuple[str, str]]:
    return frozenset((conflict.contact_id, conflict.field) for conflict in conflicts)


def _price(run: Run) -> str:
    cost = run.details.get("cost")
    if not isinstance(cost, Mapping):
        return ""
    return f"price: {cost['salesforce']} calls to Salesforce, {cost['hint']} to Hint, about {cost['seconds']} s"


def _way(run: Run) -> str:
    way = run.details.get("patients_found")
    return f"patients found by {way}" if isinstance(way, str) else ""
