"""Runs that were aborted, stopped or left behind by a dead worker are resumed and end as if nothing had happened (T13)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from hintsync.core.errors import StopRun
from hintsync.core.link_by_hand import Warned
from hintsync.core.plan import Outcome
from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.engine import workers
from hintsync.engine.batch import contacts as contacts_module
from hintsync.engine.batch import pairs as sync_module
from hintsync.engine.batch import patients as patients_module
from hintsync.engine.batch.contacts import batch_contacts
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.pairs.by_hand import link_by_hand
from hintsync.engine.runs.life import LEASE
from hintsync.engine.workers import is_dead, worker_name
from hintsync.replicas.memory_faults import Crash
from hintsync.state.memory import MemoryStore
from hintsync.state.port import Run, RunHeld, RunStatus
from hintsync.state.sql.store import SqlStore
from tests.crash.endings import differences, ending
from tests.crash.histories import BATCHES, live, patients, wrong
from tests.crash.points import bury
from tests.crash.population import Town, fill
from tests.engine.world import World, listing

BORN = "1980-05-06"
NAME = "from hintsync.engine.workers import worker_name; print(worker_name(), flush=True)"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of some ten records, so that a small population is worked in several."""
    for module in (contacts_module, patients_module, sync_module):
        monkeypatch.setattr(module, "CHUNK", 12)


# --- aborted


@pytest.mark.parametrize("kind", sorted(BATCHES))
async def test_t13_a_run_aborted_before_any_write_and_resumed_ends_as_one_uninterrupted(kind: str):
    store, problems, aborted = MemoryStore(), [], 0
    expected = await live(store, "whole", BATCHES[kind])
    for write in range(2, expected.writes + 1):
        found = await live(store, f"aborted-{write}", BATCHES[kind], abort_at=write, further=write % 4 == 0)
        problems += [f"aborted before write {write}: {line}" for line in wrong(expected, found)]
        aborted += found.endings[0] == (RunStatus.ABORTED, "aborted by a person")
        assert found.progress == sorted(found.progress)
        assert found.endings[1:] in ([], [(RunStatus.DONE, None)])
    assert problems == []
    assert aborted > 1


async def test_t13_a_run_killed_while_it_was_to_be_aborted_goes_on_at_the_first_resume():
    store, killed = MemoryStore(), 0
    expected = await live(store, "whole", patients)
    for point in range(28, 60, 2):
        found = await live(store, f"killed-{point}", patients, point, abort_at=6, further=False)
        assert wrong(expected, found) == []
        assert len(found.endings) == 2, found.endings
        killed += found.endings[0] is None
    assert killed > 3


# --- stopped


def trouble_at(step: int, side: Side, what: str, town: Town) -> None:
    """Revoke the credential, or use the day's calls up, at a report of progress."""
    faults = (town.org if side is Side.SALESFORCE else town.practice).faults

    def act() -> None:
        if len(town.progress) == step:
            (faults.revoke if what == "reconnect-needed" else faults.spend_budget)()

    town.watchers.append(act)


def restored(town: Town) -> None:
    """Take all standing trouble away."""
    town.org.faults.restore()
    town.practice.faults.restore()


@pytest.mark.parametrize("kind", ["patients", "contacts"])
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("what", ["reconnect-needed", "budget-spent"])
async def test_t15_a_run_stops_with_its_reason_in_the_middle_and_resumes(kind: str, side: Side, what: str):
    store, stopped = MemoryStore(), 0
    expected = await live(store, "whole", BATCHES[kind])
    for step in range(1, len(expected.progress) + 1):
        trouble = partial(trouble_at, step, side, what)
        found = await live(store, f"at-{step}", BATCHES[kind], further=False, trouble=trouble, relief=restored)
        first = found.endings[0]
        assert first is not None
        if first[0] is not RunStatus.DONE:
            assert (first[0], (first[1] or "").partition(":")[0]) == (RunStatus.STOPPED, what)
            stopped += 1
        assert wrong(expected, found) == []
        assert found.progress == sorted(found.progress)
    assert stopped > 2


@contextmanager
def disk_of(store: SqlStore, pages: int) -> Iterator[None]:
    """Let the database file not grow beyond so many pages more than it has."""

    def limit(connection, _record) -> None:  # type: ignore[no-untyped-def]  # SQLAlchemy's own
        cursor = connection.cursor()
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count={cursor.fetchone()[0] + pages}")
        cursor.close()

    for engine in sync_engines(store):
        event.listen(engine, "connect", limit)
    try:
        yield
    finally:
        for engine in sync_engines(store):
            event.remove(engine, "connect", limit)


def sync_engines(store: SqlStore) -> list[Engine]:
    """Return the two engines that an SQLite store has: of its threads, and of its contexts."""
    assert store._database.threads is not None
    return [store._database.threads.engine, store._database.engine.sync_engine]


async def close_connections(store: SqlStore) -> None:
    """Let the next statement open a connection anew."""
    assert store._database.threads is not None
    await asyncio.to_thread(store._database.threads.engine.dispose)
    await store._database.engine.dispose()


async def stopped_by(town: Town, kind: str) -> str:
    """Start a batch and return why it stopped: as the run says, or as it says itself where even that cannot be stored."""
    try:
        run = await BATCHES[kind](town, await town.engine(), None)
    except StopRun as stop:
        return str(stop)
    return run.reason or ""


async def again(town: Town, kind: str) -> Run:
    """Resume a batch, or start it if not even its beginning could be stored."""
    runs = await town.store.runs(town.name)
    return await BATCHES[kind](town, await town.engine(), runs[0].id if runs else None)


@pytest.mark.parametrize("kind", ["patients", "contacts"])
async def test_a_full_disk_stops_the_run_with_a_clear_error_and_nothing_is_lost(kind: str, sqlite_store: SqlStore):
    expected = await live(sqlite_store, "whole", BATCHES[kind])
    full = 0
    for pages in (0, 1, 2, 3, 20):
        town = Town(sqlite_store, f"full-{pages}")
        fill(town)
        await town.open()
        await close_connections(sqlite_store)
        with disk_of(sqlite_store, pages):
            reason = await stopped_by(town, kind)
            assert not reason or "the disk is full; nothing of this step was stored" in reason
            full += bool(reason)
            await close_connections(sqlite_store)
        run = (await sqlite_store.runs(town.name))[0] if not reason else await again(town, kind)
        assert run.status is RunStatus.DONE
        assert differences(expected.ending, await ending(town, run)) == []
    assert full > 2


# --- left behind


async def stopped_run(world: World) -> Run:
    """Return a run that was stopped at its first chunk."""
    world.practice.faults.crash_after(3)
    with pytest.raises(Crash):
        await batch_patients(await world.engine())
    await bury()
    return (await world.store.runs("main"))[0]


async def lease(world: World, run: Run, worker: str) -> None:
    """Let a worker hold the run's lease."""
    now = world.clock.now().timestamp()
    await world.store.lease_run(run.id, worker, now + LEASE + 1, now + 2 * LEASE)


@contextmanager
def another_process() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start a process that says its worker name and lives until its standard input closes."""
    code = f"{NAME}; input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


async def test_a_run_whose_worker_died_on_this_host_is_taken_over_at_once():
    world = World()
    world.both("Ann", "Moor", BORN)
    run = await stopped_run(world)
    with another_process() as (worker, process):
        await lease(world, run, worker)
        assert not is_dead(worker)
        with pytest.raises(RunHeld):
            await batch_patients(await world.engine(), resume=run.id)
        process.kill()
        process.wait()
        assert is_dead(worker)
        assert (await batch_patients(await world.engine(), resume=run.id)).status is RunStatus.DONE


async def test_a_dead_worker_that_nobody_has_waited_for_is_dead_all_the_same():
    with another_process() as (worker, process):
        process.kill()
        await asyncio.to_thread(_wait_without_reaping, process.pid)
        assert is_dead(worker)


def _wait_without_reaping(pid: int) -> None:
    import os

    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


@pytest.mark.parametrize("part", ["host", "boot", "start"])
async def test_a_worker_of_elsewhere_is_waited_for_until_its_lease_runs_out(part: str):
    world = World()
    world.both("Ann", "Moor", BORN)
    run = await stopped_run(world)
    host, place, pid, start = worker_name().split("/")
    worker = {"host": f"other:{pid}", "boot": f"{host}/x{place}/999999999/{start}", "start": "not a name"}[part]
    await lease(world, run, worker)
    with pytest.raises(RunHeld):
        await batch_patients(await world.engine(), resume=run.id)
    world.clock.push(2 * LEASE + 1)
    assert (await batch_patients(await world.engine(), resume=run.id)).status is RunStatus.DONE


def test_a_process_number_given_out_again_is_another_worker():
    host, place, pid, start = worker_name().split("/")
    assert not is_dead(worker_name())
    assert is_dead(f"{host}/{place}/{pid}/{int(start) - 1}")


def test_a_living_worker_that_proc_does_not_show_is_not_taken_for_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # as with systemd's ProtectProc=invisible, for processes that may not be dumped
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_bytes(Path("/proc/sys/kernel/random/boot_id").read_bytes())
    (tmp_path / "self/ns").mkdir(parents=True)
    (tmp_path / "self/ns/pid").symlink_to(Path("/proc/self/ns/pid").readlink())
    with another_process() as (worker, process):
        monkeypatch.setattr(workers, "_PROC", tmp_path)
        assert not is_dead(worker)
        process.kill()
        process.wait()
        assert is_dead(worker)


async def test_two_tasks_of_one_process_do_not_work_one_run():
    world = World()
    for number in range(40):
        world.both(f"Ann{number}", "Moor", BORN)
    held: list[asyncio.Task[Run]] = []
    engine = await world.engine()

    def progress(run: Run) -> None:
        if not held:
            held.append(asyncio.ensure_future(batch_patients(engine, resume=run.id)))

    assert (await batch_patients(await world.engine(), on_progress=progress)).status is RunStatus.DONE
    with pytest.raises(RunHeld):
        await held[0]


# --- what an interruption leaves behind is finished as it was begun


async def test_u3_a_relink_that_was_cut_off_is_finished_by_a_batch_as_it_was_chosen():
    world = World()
    contact, first = world.both("Ann", "Moor", BORN, email="ann@example.org")
    second = world.patient("Bea", "Hill", "1981-02-03", email="bea@example.org")
    await link_by_hand(await world.engine(), contact, first)
    for call in range(1, 12):  # die at the first call that leaves the new link reserved
        world.org.faults.crash_after(call)
        try:
            await link_by_hand(await world.engine(), contact, second, confirmed=[Warned.RELINK])
        except Crash:
            world.org.faults.clear()
        links = await world.store.live_pairs("main")
        if [link.patient_id for link in links if link.status is LinkStatus.RESERVED] == [second]:
            break
    await batch_patients(await world.engine())
    assert world.org.shown(contact).values["email"] == "bea@example.org"
    assert world.practice.shown(second).values["email"] == "bea@example.org"
    assert world.practice.shown(second).values["first_name"] == "Bea"


async def tries(world: World) -> int:
    """Return how many runs there were, and two more: the engine's own call, and the one that is next."""
    return len(await world.store.runs("main")) + 2


async def test_a_first_sync_that_was_cut_off_is_finished_although_the_birth_date_was_edited_since():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN, city="Boston")
    for number in range(300):  # asking by birth date is the cheaper way then
        world.patient(f"Cy{number}", "Dale", "1970-01-02")
    while not await world.store.live_pairs("main"):  # die one call later each time, until the link is reserved
        world.org.faults.clear()
        world.org.faults.crash_before(await tries(world))
        with pytest.raises(Crash):
            await batch_contacts(await world.engine(), listing(contact))
        await bury()
    world.practice.edit(patient, {"birth_date": "1980-05-07"})
    run = (await world.store.runs("main"))[0]
    run = await batch_contacts(await world.engine(), resume=run.id)
    assert (await world.rows(run))[contact].outcome is Outcome.LINKED
    assert world.practice.shown(patient).peer_id == contact
