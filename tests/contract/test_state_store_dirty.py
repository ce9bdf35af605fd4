"""The dirty set of every store: marking, claiming, finishing, putting off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.state.live import Dirty, Lane, Mark
from hintsync.state.marks import LONGEST_CAUSE
from hintsync.state.port import Commit, Connection, LinkChange, LinkTaken, StateStore
from tests.contract.live_examples import LEASE, T, a_mark, a_poll, claimed, claimed_ids, only
from tests.contract.state_examples import a_link, an_event, put_links

WEEK = 7 * 24 * 3600.0

# --- mark


async def test_a_marked_record_is_dirty_from_its_mark_on(store: StateStore) -> None:
    assert await store.mark("con-1", [Mark(Side.SALESFORCE, "003-1", "change-event", T, Lane.CATCH_UP)]) == 1
    assert await only(store) == Dirty(
        "con-1", Side.SALESFORCE, "003-1", Lane.CATCH_UP, "change-event", since=T, due=T, attempts=0, revision=1
    )


async def test_the_same_id_on_both_sides_is_two_records(store: StateStore) -> None:
    await store.mark("con-1", [a_mark("1"), a_poll("1")])
    assert {(dirty.side, dirty.record_id) for dirty in await store.dirty("con-1")} == {
        (Side.HINT, "1"),
        (Side.SALESFORCE, "1"),
    }


async def test_cursors_are_stored_with_the_marks_and_without_any(store: StateStore) -> None:
    await store.mark("con-1", [a_mark()], cursors={"salesforce:replay": "0a", "hint:poll": "2026-03-01T09:00:00Z"})
    await store.mark("con-1", [], cursors={"salesforce:replay": "0b"})
    assert await store.get_cursor("con-1", "salesforce:replay") == "0b"
    assert await store.get_cursor("con-1", "hint:poll") == "2026-03-01T09:00:00Z"


async def test_of_marks_that_cannot_be_stored_no_cursor_is_either(store: StateStore) -> None:
    with pytest.raises(BadInput, match="con-9"):
        await store.mark("con-9", [a_mark()], cursors={"salesforce:replay": "0a"})
    assert await store.dirty("con-9") == []
    assert await store.get_cursor("con-9", "salesforce:replay") is None


async def test_marks_of_one_record_coalesce_in_one_call_and_in_several(store: StateStore) -> None:
    assert await store.mark("con-1", [a_mark(at=T + 5, lane=Lane.CATCH_UP), a_mark(at=T + 3)]) == 2
    assert await store.mark("con-1", [replace(a_mark(at=T + 9, lane=Lane.PARITY), cause="parity")]) == 1
    dirty = await only(store)
    assert (dirty.since, dirty.due, dirty.lane, dirty.cause) == (T + 3, T + 9, Lane.LIVE, "parity")
    assert dirty.revision == 3


async def test_the_edits_that_earlier_marks_showed_stay_behind_the_cause_of_the_latest(store: StateStore) -> None:
    for cause in ("webhook/crossed:city=00ff", "webhook/deleted", "poll/crossed:city=0a,email=0b", "parity"):
        await store.mark("con-1", [replace(a_mark(), cause=cause)])
    assert (await only(store)).cause == "parity/crossed:city=0a,email=0b/crossed:city=00ff"
    await store.mark("con-1", [replace(a_mark(), cause="webhook/crossed:city=" + "0" * LONGEST_CAUSE)])
    await store.mark("con-1", [replace(a_mark(), cause="webhook/crossed:zip=01")])
    assert (await only(store)).cause == "webhook/crossed:zip=01"


async def test_a_mark_makes_the_lane_more_urgent(store: StateStore) -> None:
    await store.mark("con-1", [a_mark(lane=Lane.PARITY)])
    await store.mark("con-1", [a_mark(at=T + 1, lane=Lane.INTERACTIVE)])
    assert (await only(store)).lane is Lane.INTERACTIVE


async def test_a_mark_makes_what_was_put_off_due_and_forgets_failures(store: StateStore) -> None:
    await store.mark("con-1", [a_mark()])
    await store.put_off(await claimed(store), T + 600)
    await store.mark("con-1", [a_mark(at=T + 7)])
    dirty = await only(store)
    assert (dirty.due, dirty.attempts, dirty.since) == (T + 7, 0, T)
    assert await claimed_ids(store, T + 7) == ["pat-1"]


async def test_a_mark_frees_a_parked_record(store: StateStore) -> None:
    await store.mark("con-1", [a_mark()])
    await store.put_off(await claimed(store), T, parked="refused by a validation rule")
    await store.mark("con-1", [a_mark(at=T + 7)])
    assert (await only(store)).parked is None
    assert await claimed_ids(store, T + 7) == ["pat-1"]


async def test_an_event_id_marks_once_in_seven_days(store: StateStore) -> None:
    first = a_mark(event_id="evt-1")
    assert await store.mark("con-1", [first, first, a_mark(event_id="evt-2")]) == 2
    assert (await only(store)).revision == 2
    await store.finish_marks(await claimed(store))
    assert await store.mark("con-1", [replace(first, at=T + WEEK - 1)]) == 0
    assert await store.dirty("con-1") == []
    assert await store.mark("con-1", [replace(first, at=T + WEEK)]) == 1
    assert await store.mark("con-1", [replace(first, at=T + WEEK + 1)]) == 0


async def test_event_ids_of_another_connection_are_others(store: StateStore, connection: Connection) -> None:
    await store.put_connection(replace(connection, id="con-2"))
    assert await store.mark("con-1", [a_mark(event_id="evt-1")]) == 1
    assert await store.mark("con-2", [a_mark(event_id="evt-1")]) == 1


async def test_a_repeated_event_still_moves_the_cursor(store: StateStore) -> None:
    await store.mark("con-1", [a_mark(event_id="evt-1")], cursors={"salesforce:replay": "0a"})
    assert await store.mark("con-1", [a_mark(event_id="evt-1")], cursors={"salesforce:replay": "0b"}) == 0
    assert await store.get_cursor("con-1", "salesforce:replay") == "0b"


async def test_pruned_event_ids_mark_again(store: StateStore) -> None:
    await store.mark("con-1", [a_mark(event_id="old", at=T), a_mark(event_id="new", at=T + 10)])
    assert await store.prune_inbox("con-1", T + 10) == 1
    assert await store.mark("con-1", [a_mark(event_id="old", at=T), a_mark(event_id="new", at=T + 10)]) == 1


async def test_many_marks_at_once_are_all_there(store: StateStore) -> None:
    marks = [a_mark(f"pat-{number}", event_id=f"evt-{number}") for number in range(2500)]
    assert await store.mark("con-1", marks) == 2500
    assert (await store.backlog("con-1")).waiting == {Lane.LIVE: 2500}


# --- claim


async def test_a_claimed_record_tells_who_works_it_and_until_when(store: StateStore) -> None:
    await store.mark("con-1", [a_mark()])
    (dirty,) = await claimed(store)
    assert (dirty.worker, dirty.leased_until) == ("worker-1", T + LEASE)
    assert await only(store) == dirty


async def test_the_most_urgent_lane_goes_first_then_the_longest_dirty(store: StateStore) -> None:
    lanes = [Lane.PARITY, Lane.LIVE, Lane.CATCH_UP, Lane.INTERACTIVE, Lane.LIVE]
    await store.mark("con-1", [a_mark(f"pat-{n}", T - n, lane=lane) for n, lane in enumerate(lanes)])
    assert [dirty.record_id for dirty in await store.dirty("con-1")] == ["pat-3", "pat-4", "pat-1", "pat-2", "pat-0"]
    assert await claimed_ids(store, limit=3) == ["pat-3", "pat-4", "pat-1"]
    assert await claimed_ids(store) == ["pat-2", "pat-0"]


@pytest.mark.parametrize(
    ("lanes", "found"),
    [
        ((Lane.INTERACTIVE,), ["pat-0"]),
        ((Lane.LIVE, Lane.CATCH_UP), ["pat-1", "pat-2"]),
        ((Lane.INTERACTIVE, Lane.PARITY), ["pat-0", "pat-3"]),
        ((), []),
    ],
)
async def test_only_the_lanes_asked_for_are_claimed(
    store: StateStore, lanes: tuple[Lane, ...], found: list[str]
) -> None:
    await store.mark("con-1", [a_mark(f"pat-{lane.value}", lane=lane) for lane in Lane])
    assert await claimed_ids(store, lanes=lanes) == found


async def test_what_is_not_due_parked_leased_or_of_another_connection_is_not_claimed(
    store: StateStore, connection: Connection
) -> None:
    await store.put_connection(replace(connection, id="con-2"))
    await store.mark("con-2", [a_mark("pat-9")])
    await store.mark("con-1", [a_mark("later"), a_mark("parked"), a_mark("leased"), a_mark("ahead", T + 1)])
    by_id = {dirty.record_id: dirty for dirty in await claimed(store)}
    await store.put_off([by_id["later"]], T + 60)
    await store.put_off([by_id["parked"]], T, parked="first name needed")
    assert await claimed_ids(store, worker="worker-2") == []
    assert await claimed_ids(store, T + 1, worker="worker-2") == ["ahead"]
    assert await claimed_ids(store, T + 60, worker="worker-2") == ["later", "leased", "ahead"]


async def test_a_lease_that_ran_out_is_taken_over_and_counts_as_a_failed_pass(store: StateStore) -> None:
    await store.mark("con-1", [a_mark()])
    await claimed(store)
    assert await claimed(store, T + LEASE - 0.1, worker="worker-2") == []
    (dirty,) = await claimed(store, T + LEASE, worker="worker-2")
    assert (dirty.worker, dirty.attempts, dirty.since) == ("worker-2", 1, T)


async def test_a_worker_does_not_claim_what_it_holds(store: StateStore) -> None:
    await store.mark("con-1", [a_mark()])
    await claimed(store)
    assert await claimed(store) == []


# --- finish_marks


async def test_a_finished_record_is_clean(store: StateStore) -> None:
    await store.mark("con-1", [a_mark("pat-1"), a_mark("pat-2"), a_mark("pat-3")])
    first, second, _ = await claimed(store)
    assert await store.finish_marks([first, second]) == 2
    assert (await only(store)).record_id == "pat-3"


async def test_a_record_marked_meanwhile_is_released_due_at_once(store: StateStore) -> None:
    await store.mark("con-1", [a_mark(at=T)])
    taken = await claimed(store)
    await store.mark("con-1", [a_mark(at=T + 2), a_mark(at=T + 3)])
    assert await claimed(store, T + 3, worker="worker-2") == []
    assert await store.finish_marks(taken) == 0
    dirty = await only(store)
    assert (dirty.worker, dirty.leased_until, dirty.due, dirty.revision) == (None, 0.0, T + 3, 3)
    # What was marked before is covered by the pass.
    assert dirty.since == T + 2
    assert await claimed_ids(store, T + 3, worker="worker-2") == ["pat-1"]


async def test_a_record_whose_lease_went_to_another_worker_is_left_alone(store: StateStore) -> None:
    await store.mark("con-1", [a_mark()])
    late = await claimed(store)
    (current,) = await claimed(store, T + LEASE, worker="worker-2")
    assert await store.finish_marks(late) == 0
    await store.put_off(late, T + 99, parked="late")
    assert await only(store) == current


async def test_a_record_that_is_clean_or_was_marked_anew_is_left_alone(store: StateStore) -> None:
    await store.mark("con-1", [a_mark()])
    taken = await claimed(store)
    assert await store.finish_marks(taken) == 1
    assert await store.finish_marks(taken) == 0
    await store.mark("con-1", [a_mark(at=T + 1)])
    assert await store.finish_marks(taken) == 0
    await store.put_off(taken, T + 99)
    assert (await only(store)).due == T + 1


async def test_no_records_are_nothing_to_finish(store: StateStore) -> None:
    assert await store.finish_marks([]) == 0
    await store.put_off([], T)


async def test_records_of_two_connections_are_finished_together(store: StateStore, connection: Connection) -> None:
    await store.put_connection(replace(connection, id="con-2"))
    for connection_id in ("con-1", "con-2"):
        await store.mark(connection_id, [a_mark()])
    both = [*await claimed(store), *await store.claim("con-2", "worker-1", T, T + LEASE, limit=1)]
    assert await store.finish_marks(both) == 2


# --- the same within a commit


async def test_a_commit_finishes_the_marks_it_names(store: StateStore) -> None:
    await store.mark("con-1", [a_mark("pat-1"), a_mark("pat-2"), a_mark("pat-3")])
    first, second, _ = await claimed(store)
    await store.mark("con-1", [a_mark("pat-2", T + 1)])
    await store.commit(Commit(links=[LinkChange(a_link())], audits=[an_event()], done=[first, second]))
    left = {dirty.record_id: dirty.worker for dirty in await store.dirty("con-1")}
    assert left == {"pat-2": None, "pat-3": "worker-1"}
    assert await store.link("link-1") is not None


async def test_a_refused_commit_finishes_nothing(store: StateStore) -> None:
    await put_links(store, a_link(1))
    await store.mark("con-1", [a_mark()])
    taken = await claimed(store)
    with pytest.raises(LinkTaken):
        await store.commit(Commit(links=[LinkChange(a_link(2, contact="003-1"))], done=taken))
    assert [await only(store)] == taken


# --- put_off


async def test_what_is_put_off_waits_and_counts_the_failure(store: StateStore) -> None:
    await store.mark("con-1", [a_mark()])
    await store.put_off(await claimed(store), T + 30)
    dirty = await only(store)
    assert (dirty.due, dirty.attempts, dirty.worker, dirty.leased_until) == (T + 30, 1, None, 0.0)
    assert await claimed(store, T + 29.9) == []
    await store.put_off(await claimed(store, T + 30), T + 90)
    assert (await only(store)).attempts == 2


async def test_what_is_put_off_without_a_failure_counts_none(store: StateStore) -> None:
    await store.mark("con-1", [a_mark()])
    await store.put_off(await claimed(store), T + 30, failed=False)
    assert (await only(store)).attempts == 0


async def test_a_record_marked_meanwhile_is_neither_put_off_nor_parked(store: StateStore) -> None:
    await store.mark("con-1", [a_mark()])
    taken = await claimed(store)
    await store.mark("con-1", [a_mark(at=T + 1)])
    await store.put_off(taken, T + 600, parked="refused")
    dirty = await only(store)
    assert (dirty.due, dirty.attempts, dirty.parked, dirty.since) == (T + 1, 0, None, T)
    assert await claimed_ids(store, T + 1, worker="worker-2") == ["pat-1"]


async def test_parked_records_wait_for_a_person(store: StateStore) -> None:
    await store.mark("con-1", [a_mark("pat-1"), a_mark("pat-2")])
    first, _ = await claimed(store)
    await store.put_off([first], T, parked="refused: FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert [dirty.parked for dirty in await store.dirty("con-1", parked=True)] == [
        "refused: FIELD_CUSTOM_VALIDATION_EXCEPTION"
    ]
    assert [dirty.record_id for dirty in await store.dirty("con-1", parked=False)] == ["pat-2"]
    assert len(await store.dirty("con-1", limit=1)) == 1
    assert await claimed_ids(store, T + 1e6) == ["pat-2"]


async def test_parked_records_are_worked_again_once_replayed(store: StateStore) -> None:
    await store.mark("con-1", [a_mark(f"pat-{number}") for number in range(4)])
    *three, _ = await claimed(store)
    await store.put_off(three, T + 600, parked="refused")
    assert (
        await store.replay("con-1", T + 5, [(Side.HINT, "pat-1"), (Side.SALESFORCE, "pat-2"), (Side.HINT, "pat-3")])
        == 1
    )
    (dirty,) = await claimed(store, T + 5, worker="worker-2")
    assert (dirty.record_id, dirty.due, dirty.attempts, dirty.parked) == ("pat-1", T + 5, 0, None)
    assert await store.replay("con-1", T + 6, []) == 0
    assert await store.replay("con-1", T + 6) == 2
    assert await store.replay("con-1", T + 6) == 0
    assert await claimed_ids(store, T + 6, worker="worker-2") == ["pat-0", "pat-2"]


# --- what waits


async def test_the_backlog_counts_by_lane_side_and_state(store: StateStore) -> None:
    await store.mark("con-1", [a_mark("pat-1", T + 1), a_mark("pat-2", T + 2, lane=Lane.PARITY), a_mark("pat-3", T)])
    await store.mark("con-1", [a_poll("003-1", T + 4), a_poll("003-2", T + 5)])
    first, second = await claimed(store, T + 9, limit=2)
    assert [first.record_id, second.record_id] == ["pat-3", "pat-1"]
    await store.put_off([first], T, parked="refused")
    backlog = await store.backlog("con-1")
    assert backlog.waiting == {Lane.LIVE: 3, Lane.PARITY: 1}
    assert backlog.oldest == {Side.HINT: T + 1, Side.SALESFORCE: T + 4}
    assert (backlog.leased, backlog.parked) == (1, 1)


async def test_an_empty_backlog_names_no_lane_and_no_side(store: StateStore) -> None:
    backlog = await store.backlog("con-1")
    assert (backlog.waiting, backlog.oldest, backlog.leased, backlog.parked) == ({}, {}, 0, 0)


async def test_the_next_moment_to_claim_is_that_of_the_first_due_put_off_or_run_out(store: StateStore) -> None:
    assert await store.next_due("con-1") is None
    await store.mark("con-1", [a_mark("pat-1", T), a_mark("pat-2", T + 1)])
    assert await store.next_due("con-1") == T
    first, second = await claimed(store, T + 1)
    assert await store.next_due("con-1") == T + 1 + LEASE
    await store.put_off([first], T + 7)
    assert await store.next_due("con-1") == T + 7
    await store.put_off([second], T, parked="refused")
    await store.finish_marks(await claimed(store, T + 7))
    assert await store.next_due("con-1") is None


# --- links by status


async def test_links_are_counted_by_status(store: StateStore, connection: Connection) -> None:
    await store.put_connection(replace(connection, id="con-2"))
    assert await store.count_links("con-1") == {}
    links = [a_link(1), a_link(2), replace(a_link(3), status=LinkStatus.FROZEN), a_link(4, connection_id="con-2")]
    await put_links(store, *links)
    assert await store.count_links("con-1") == {LinkStatus.ACTIVE: 2, LinkStatus.FROZEN: 1}
