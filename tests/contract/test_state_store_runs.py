"""The contract of every StateStore: runs, their leases and the rows of their results."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.plan import Outcome
from hintsync.core.values import Side
from hintsync.state.port import Commit, Run, RunHeld, RunKind, RunRow, RunStatus, StateStore
from tests.contract.state_examples import NOW, a_row, a_run, prints


async def stored(store: StateStore, run_id: str = "run-1") -> Run:
    """Return a run that must be there."""
    run = await store.run(run_id)
    assert run is not None
    return run


async def test_a_run_comes_back_as_it_was_started(store: StateStore) -> None:
    run = replace(a_run(dry=True), total=7, details={"phase": "scan", "calls": {"hint": 3}, "list": [1, None, "x"]})
    await store.start_run(run)
    assert await store.run("run-1") == run
    assert await store.run("run-404") is None


async def test_a_run_id_is_given_once(store: StateStore) -> None:
    await store.start_run(a_run())
    with pytest.raises(BadInput, match="run-1"):
        await store.start_run(replace(a_run(), done=99))
    assert (await stored(store)).done == 0


async def test_a_run_of_an_unknown_connection_is_refused(store: StateStore) -> None:
    with pytest.raises(BadInput, match="con-404"):
        await store.start_run(a_run(connection_id="con-404"))


async def test_runs_come_newest_first(store: StateStore) -> None:
    for number in range(4):
        await store.start_run(a_run(f"run-{9 - number}"))
    assert [run.id for run in await store.runs("con-1", limit=3)] == ["run-6", "run-7", "run-8"]
    assert await store.runs("con-2") == []


async def test_runs_are_listed_by_kind_by_status_and_page_by_page(store: StateStore) -> None:
    kinds = [RunKind.SYNC, RunKind.BATCH_PATIENTS, RunKind.PARITY]
    for number in range(6):
        await store.start_run(replace(a_run(f"run-{number}"), kind=kinds[number % 3]))
    await store.save_run(replace(a_run("run-4"), status=RunStatus.STOPPED))
    of_kind = await store.runs("con-1", kinds=[RunKind.BATCH_PATIENTS, RunKind.PARITY])
    assert [run.id for run in of_kind] == ["run-5", "run-4", "run-2", "run-1"]
    assert [run.id for run in await store.runs("con-1", statuses=[RunStatus.STOPPED])] == ["run-4"]
    older = await store.runs("con-1", kinds=[RunKind.BATCH_PATIENTS], statuses=[RunStatus.RUNNING], before="run-4")
    assert [run.id for run in older] == ["run-1"]
    assert [run.id for run in await store.runs("con-1", before="run-3", limit=2)] == ["run-2", "run-1"]
    assert await store.runs("con-1", before="run-404") == []


async def test_progress_is_saved_and_never_goes_backwards(store: StateStore) -> None:
    await store.start_run(a_run())
    await store.save_run(replace(a_run(), total=10, done=6, reason="budget", details={"phase": "apply"}))
    await store.save_run(replace(a_run(), total=10, done=4, details={"phase": "late"}))
    run = await stored(store)
    assert (run.total, run.done, run.reason, run.details) == (10, 6, None, {"phase": "late"})


async def test_what_a_run_is_never_changes(store: StateStore) -> None:
    await store.start_run(a_run(dry=True))
    await store.save_run(replace(a_run(), dry=False, started_by="somebody else", started_at="1999-01-01T00:00:00Z"))
    assert await stored(store) == a_run(dry=True)


async def test_a_seal_and_an_approval_are_never_unset(store: StateStore) -> None:
    await store.start_run(a_run(dry=True))
    await store.save_run(
        replace(a_run(dry=True), status=RunStatus.DONE, finished_at=NOW, seal="5ea1", approved_by="user-7")
    )
    await store.save_run(replace(a_run(dry=True), status=RunStatus.DONE, finished_at=NOW))
    run = await stored(store)
    assert (run.seal, run.approved_by, run.finished_at) == ("5ea1", "user-7", NOW)


async def test_a_commit_stores_cursors_of_the_runs_connection_or_nothing(store: StateStore) -> None:
    await store.start_run(a_run())
    await store.put_cursor("con-1", "latest", "run-0")
    await store.commit(Commit(run=replace(a_run(), seal="5ea1"), cursors={"latest": "run-1", "other": "1"}))
    assert [await store.get_cursor("con-1", name) for name in ("latest", "other")] == ["run-1", "1"]
    with pytest.raises(BadInput):
        await store.commit(Commit(run=replace(a_run(), id="run-9"), cursors={"latest": "run-9"}))
    assert await store.get_cursor("con-1", "latest") == "run-1"


async def test_an_abort_asked_meanwhile_is_kept_when_progress_is_saved(store: StateStore) -> None:
    await store.start_run(a_run())
    assert await store.ask_abort("run-1")
    await store.save_run(replace(a_run(), done=5))
    await store.commit(Commit(run=replace(a_run(), done=6)))
    run = await stored(store)
    assert (run.status, run.done) == (RunStatus.ABORTING, 6)


@pytest.mark.parametrize("ended", [RunStatus.ABORTED, RunStatus.STOPPED, RunStatus.DONE])
async def test_an_ended_run_cannot_be_aborted_and_may_run_again(store: StateStore, ended: RunStatus) -> None:
    await store.start_run(a_run())
    await store.ask_abort("run-1")
    await store.save_run(replace(a_run(), status=ended))
    assert not await store.ask_abort("run-1")
    assert (await stored(store)).status is ended
    await store.save_run(a_run())
    assert (await stored(store)).status is RunStatus.RUNNING


async def test_asking_for_an_abort_twice_is_asking_once(store: StateStore) -> None:
    await store.start_run(a_run())
    assert await store.ask_abort("run-1")
    assert await store.ask_abort("run-1")
    assert not await store.ask_abort("run-404")


async def test_a_lease_is_taken_extended_and_runs_out(store: StateStore) -> None:
    await store.start_run(replace(a_run(), worker="smuggled", leased_until=9e9))
    taken = await store.lease_run("run-1", "worker-1", now=100.0, until=130.0)
    assert (taken.worker, taken.leased_until) == ("worker-1", 130.0)
    with pytest.raises(RunHeld):
        await store.lease_run("run-1", "worker-2", now=129.9, until=160.0)
    assert (await store.lease_run("run-1", "worker-1", now=120.0, until=150.5)).leased_until == 150.5
    assert (await store.lease_run("run-1", "worker-2", now=150.5, until=180.0)).worker == "worker-2"
    assert await store.run("run-1") == replace(a_run(), worker="worker-2", leased_until=180.0)


async def test_of_many_workers_one_gets_the_lease(store: StateStore) -> None:
    await store.start_run(a_run())

    async def lease(number: int) -> bool:
        try:
            await store.lease_run("run-1", f"worker-{number}", now=100.0, until=130.0)
        except RunHeld:
            return False
        return True

    assert sum(await asyncio.gather(*map(lease, range(10)))) == 1


async def test_saving_progress_leaves_the_lease_alone_until_the_run_ends(store: StateStore) -> None:
    await store.start_run(a_run())
    leased = await store.lease_run("run-1", "worker-1", now=100.0, until=130.0)
    await store.save_run(replace(leased, leased_until=0.0, done=1))
    assert (await stored(store)).leased_until == 130.0
    await store.save_run(replace(leased, status=RunStatus.DONE))
    run = await stored(store)
    assert (run.worker, run.leased_until) == (None, 0.0)


async def test_a_worker_that_lost_its_lease_writes_nothing_more(store: StateStore) -> None:
    await store.start_run(a_run())
    first = await store.lease_run("run-1", "worker-1", now=100.0, until=130.0)
    await store.lease_run("run-1", "worker-2", now=131.0, until=160.0)
    with pytest.raises(RunHeld):
        await store.commit(Commit(rows=[a_row(0)], run=replace(first, done=1)))
    with pytest.raises(RunHeld):
        await store.save_run(replace(first, done=1))
    assert await store.row_positions("run-1") == frozenset()
    assert (await stored(store)).done == 0


async def test_an_unknown_run_is_refused(store: StateStore) -> None:
    with pytest.raises(BadInput, match="run-404"):
        await store.save_run(a_run("run-404"))
    with pytest.raises(BadInput, match="run-404"):
        await store.lease_run("run-404", "worker-1", 1.0, 2.0)


async def test_a_row_comes_back_with_all_it_held(store: StateStore) -> None:
    await store.start_run(a_run(dry=True))
    row = RunRow(
        "run-1",
        3,
        Side.SALESFORCE,
        "003-3",
        Outcome.AMBIGUOUS,
        "L3",
        peers=("pat-3", "pat-4"),
        reason="two-candidates",
        written={Side.HINT: ("email", "city"), Side.SALESFORCE: ("zip",)},
        held=("state",),
        prints={Side.HINT: prints("email", "city"), Side.SALESFORCE: prints("zip")},
        versions={Side.HINT: "2026-01-01T00:00:00Z", Side.SALESFORCE: "v2"},
    )
    await store.commit(Commit(rows=[row, a_row(4)]))
    assert [found async for found in store.rows("run-1")] == [row, a_row(4)]


async def test_a_resumed_run_writes_a_position_again_in_place(store: StateStore) -> None:
    await store.start_run(a_run())
    await store.commit(Commit(rows=[a_row(0), a_row(1, Outcome.FAILED)]))
    await store.commit(Commit(rows=[a_row(1, Outcome.FAILED), replace(a_row(1, Outcome.LINKED), rule="L4")]))
    assert [(row.position, row.outcome, row.rule) async for row in store.rows("run-1")] == [
        (0, Outcome.LINKED, "L1"),
        (1, Outcome.LINKED, "L4"),
    ]


async def test_rows_come_by_position_behind_a_point_by_outcome_and_limited(store: StateStore) -> None:
    await store.start_run(a_run())
    await store.start_run(a_run("run-2"))
    outcomes = [Outcome.LINKED, Outcome.NO_MATCH, Outcome.AMBIGUOUS]
    await store.commit(Commit(rows=[a_row(n, outcomes[n % 3]) for n in reversed(range(2500))]))
    await store.commit(Commit(rows=[a_row(0, run_id="run-2")]))
    wanted = {"outcomes": [Outcome.NO_MATCH, Outcome.AMBIGUOUS], "after": 9}
    assert [row.position async for row in store.rows("run-1")] == list(range(2500))
    assert [row.position async for row in store.rows("run-1", **wanted, limit=4)] == [10, 11, 13, 14]
    assert len([row async for row in store.rows("run-1", **wanted)]) == 1660
    assert [row async for row in store.rows("run-1", limit=0)] == []
    assert len([row async for row in store.rows("run-1", limit=2100)]) == 2100


async def test_the_store_can_be_written_while_rows_are_read(store: StateStore) -> None:
    await store.start_run(a_run())
    await store.commit(Commit(rows=[a_row(n) for n in range(1200)]))
    async for row in store.rows("run-1"):
        if row.position % 500 == 0:
            await store.commit(Commit(rows=[replace(row, outcome=Outcome.SYNCED)]))
    assert await store.outcome_counts("run-1") == {Outcome.LINKED: 1197, Outcome.SYNCED: 3}


async def test_positions_and_outcomes_are_counted(store: StateStore) -> None:
    await store.start_run(a_run())
    await store.commit(Commit(rows=[a_row(0), a_row(5), a_row(7, Outcome.BAD_ID)]))
    assert await store.row_positions("run-1") == {0, 5, 7}
    assert await store.outcome_counts("run-1") == {Outcome.LINKED: 2, Outcome.BAD_ID: 1}
    assert await store.row_positions("run-404") == frozenset()
    assert await store.outcome_counts("run-404") == {}


async def test_rows_are_filtered_and_counted_by_reason(store: StateStore) -> None:
    await store.start_run(a_run())
    reasons = ["two-candidates", None, "held"]
    rows = [replace(a_row(n, Outcome.AMBIGUOUS if n < 6 else Outcome.LINKED), reason=reasons[n % 3]) for n in range(9)]
    await store.commit(Commit(rows=rows))
    assert [row.position async for row in store.rows("run-1", reason="held", after=2)] == [5, 8]
    both = store.rows("run-1", reason="held", outcomes=[Outcome.AMBIGUOUS], limit=1)
    assert [row.position async for row in both] == [2]
    assert await store.reason_counts("run-1") == {
        **{(Outcome.AMBIGUOUS, reason): 2 for reason in reasons},
        **{(Outcome.LINKED, reason): 1 for reason in reasons},
    }
    assert await store.reason_counts("run-404") == {}


async def test_a_value_where_a_rows_fingerprint_belongs_is_refused(store: StateStore) -> None:
    await store.start_run(a_run())
    with pytest.raises(ValueError, match=r"^email: not a fingerprint$"):
        await store.commit(Commit(rows=[replace(a_row(), prints={Side.HINT: {"email": b"ida@example.org"}})]))
    assert await store.row_positions("run-1") == frozenset()


async def test_rows_of_a_run_are_forgotten_in_groups_from_its_beginning(store: StateStore) -> None:
    for run_id in ("run-1", "run-2"):
        await store.start_run(a_run(run_id))
        await store.commit(Commit(rows=[a_row(position, run_id=run_id) for position in range(5)]))
    assert await store.prune_rows("run-1", limit=3) == 3
    assert await store.row_positions("run-1") == {3, 4}
    assert [await store.prune_rows("run-1", limit=3) for _ in range(2)] == [2, 0]
    assert len(await store.row_positions("run-2")) == 5
    assert await store.run("run-1") is not None
    assert await store.prune_rows("run-9", limit=3) == 0


async def test_a_cursor_is_forgotten_once(store: StateStore) -> None:
    await store.put_cursor("con-1", "input:run-1", "list")
    await store.put_cursor("con-1", "input:run-2", "list")
    assert [await store.drop_cursor("con-1", "input:run-1") for _ in range(2)] == [True, False]
    assert await store.get_cursor("con-1", "input:run-1") is None
    assert await store.get_cursor("con-1", "input:run-2") == "list"
