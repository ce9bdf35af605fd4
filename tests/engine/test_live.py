"""Live sync of linked pairs: edits travel, echoes rest, refusals are held, failures are put off or parked, nothing is lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from hintsync.core.errors import FixConfiguration, RetryLater
from hintsync.core.records import HoldKind, LinkStatus
from hintsync.core.values import Side
from hintsync.engine.detect.intake import take_in
from hintsync.engine.guards.stops import pause, resume
from hintsync.engine.live.work import Worked, work_once
from hintsync.engine.options import Options
from hintsync.engine.pairs.by_hand import link_by_hand, sync_by_hand, unlink_by_hand
from hintsync.engine.pairs.holding import holding
from hintsync.engine.pairs.parting import Intent, NotReleased, part
from hintsync.engine.reviews.deciding import keep_side
from hintsync.replicas.memory_faults import Crash
from hintsync.state.live import Lane, Mark
from hintsync.state.port import Commit, LinkChange, ReviewKind
from tests.engine.living import BORN, LiveWorld


async def test_f2_an_edit_in_hint_is_on_the_contact_and_its_echo_costs_nothing():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.practice.edit(patient, {"city": "Reno"})
    await world.deliver()
    assert (await world.work()).written == {Side.SALESFORCE: 1}
    assert world.shown(Side.SALESFORCE, contact, "city") == "Reno"
    before = world.calls()
    echo = await world.deliver()
    assert (echo.echoes, echo.marked, world.calls()) == (1, 0, before)
    assert (await world.work()).claimed == 0


async def test_the_lag_runs_from_the_first_mark_to_the_end_of_the_pass_that_wrote_the_other_side():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.practice.edit(patient, {"city": "Reno"})
    await world.deliver()
    world.clock.push(4.0)
    world.practice.edit(patient, {"city": "Lynn"})
    world.practice.edit(patient, {"city": "Dover"})
    await world.deliver()
    world.clock.push(1.5)
    assert (await world.work()).lags == ((Side.HINT, 5.5),)
    world.org.edit(contact, {"insurance_payer": "Granite"})  # put back on its own side: nothing travels
    await world.deliver()
    assert (await world.work()).lags == ()


async def test_f3_an_edit_in_salesforce_is_on_the_patient_and_its_echo_costs_nothing():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.org.edit(contact, {"city": "Reno", "zip": "89501"})
    await world.deliver()
    assert (await world.work()).written == {Side.HINT: 1}
    assert (world.shown(Side.HINT, patient, "city"), world.shown(Side.HINT, patient, "zip")) == ("Reno", "89501")
    before = world.calls()
    echo = await world.deliver()
    assert (echo.echoes, echo.marked, world.calls()) == (1, 0, before)


async def test_f1_edits_on_both_sides_to_different_fields_cross():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn", zip="01901")
    world.org.edit(contact, {"city": "Reno"})
    world.practice.edit(patient, {"zip": "89501"})
    await world.quiet()
    for side, record in ((Side.SALESFORCE, contact), (Side.HINT, patient)):
        assert (world.shown(side, record, "city"), world.shown(side, record, "zip")) == ("Reno", "89501")


async def test_f4_the_same_edit_on_both_sides_writes_nothing():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.org.edit(contact, {"city": "Reno"})
    world.practice.edit(patient, {"city": "Reno"})
    assert all(not worked.written for worked in await world.quiet())


async def test_f5_a_conflict_is_held_told_to_hint_and_settled_by_a_person():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.org.edit(contact, {"city": "Reno"})
    world.practice.edit(patient, {"city": "Elko"})
    came = await world.quiet()
    assert sum(worked.held for worked in came) >= 1
    assert (world.shown(Side.SALESFORCE, contact, "city"), world.shown(Side.HINT, patient, "city")) == ("Reno", "Elko")
    assert message(world, patient) == "hintsync: waiting for a decision: City"
    (review,) = await world.store.reviews("main", kind=ReviewKind.CONFLICT)
    await keep_side(await world.live(), review.id, Side.HINT)
    assert world.shown(Side.SALESFORCE, contact, "city") == "Elko"
    assert message(world, patient) is None
    await world.quiet()
    assert await world.store.reviews("main") == []


async def test_f5_one_side_giving_in_ends_the_conflict_without_anybody_deciding():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.org.edit(contact, {"city": "Reno"})
    world.practice.edit(patient, {"city": "Elko"})
    await world.quiet()
    world.practice.edit(patient, {"city": "Reno"})
    await world.quiet()
    assert (await world.link_of(contact)).holds == {}
    assert await world.store.reviews("main") == []
    assert message(world, patient) is None


def message(world: LiveWorld, patient: str) -> object:
    (record,) = [each for each in world.practice.records() if each.id == patient]
    return record.beside.get("error_message")


async def test_b12_a_message_is_sent_once_and_not_at_every_pass():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn", zip="01901")
    world.org.edit(contact, {"city": "Reno"})
    world.practice.edit(patient, {"city": "Elko"})
    await world.quiet()
    calls = world.practice.calls
    world.practice.edit(patient, {"zip": "01902"})
    await world.quiet()
    assert world.practice.calls - calls == 1  # the patient is read, nothing is written to it
    world.org.edit(contact, {"zip": "01903"})
    world.practice.edit(patient, {"zip": "01904"})
    await world.quiet()
    assert message(world, patient) == "hintsync: waiting for a decision: City, Zip Code"


async def test_b12_a_message_that_hint_does_not_take_now_is_sent_later_without_a_new_edit():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.org.edit(contact, {"city": "Reno"})
    world.practice.edit(patient, {"city": "Elko"})
    world.practice.faults.lock(patient, times=4)
    await world.quiet()
    assert message(world, patient) == "hintsync: waiting for a decision: City"


async def test_b12_no_message_without_write_back():
    world = LiveWorld(options=Options(write_back=False))
    contact, patient = await world.linked(city="Lynn")
    world.org.edit(contact, {"city": "Reno"})
    world.practice.edit(patient, {"city": "Elko"})
    await world.quiet()
    assert message(world, patient) is None


async def test_f7_a_clear_travels():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.org.edit(contact, {"city": None})
    await world.quiet()
    assert world.shown(Side.HINT, patient, "city") is None


async def test_f8_a_refused_field_is_held_and_tried_again_when_it_changes():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn", zip="01901")
    world.org.faults.refuse("city", "STRING_TOO_LONG")
    world.practice.edit(patient, {"city": "Reno", "zip": "89501"})
    came = await world.quiet()
    assert sum(worked.parked for worked in came) == 0
    assert await world.dirty() == []
    assert (world.shown(Side.SALESFORCE, contact, "city"), world.shown(Side.SALESFORCE, contact, "zip")) == (
        "Lynn",
        "89501",
    )
    assert message(world, patient) == "hintsync: not taken by a system: City"
    world.org.faults.clear()
    world.practice.edit(patient, {"city": "Elko"})
    await world.quiet()
    assert world.shown(Side.SALESFORCE, contact, "city") == "Elko"
    assert message(world, patient) is None


async def test_f9_a_refused_record_is_held_not_parked_and_tried_again_when_it_changes():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.org.faults.refuse_record(contact, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    world.practice.edit(patient, {"city": "Reno"})
    await world.quiet()
    assert await world.dirty() == []
    assert (await world.link_of(contact)).holds["city"].kind is HoldKind.REFUSED
    world.org.faults.clear()
    world.org.edit(contact, account_id="001000000000001")  # nothing of ours: the rule's other field
    await world.quiet()
    assert world.shown(Side.SALESFORCE, contact, "city") == "Reno"


async def test_u2_marks_edited_by_hand_are_set_back_and_logged():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.org.edit(contact, marked=False, peer_id=None)
    await world.quiet()
    shown = world.org.shown(contact)
    assert (shown.marked, shown.peer_id) == (True, patient)
    assert [entry.event for entry in await world.store.log("main")] == ["link-fields-reverted"]


async def test_g4_an_overlay_freezes_the_pair_and_its_other_edits_stay_where_they_are():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.practice.edit(patient, {"first_name": "Bob", "birth_date": "1991-01-01", "city": "Reno"})
    await world.quiet()
    assert (await world.link_of(contact)).link.status is LinkStatus.FROZEN
    assert world.shown(Side.SALESFORCE, contact, "first_name") == "Ann"
    assert world.shown(Side.SALESFORCE, contact, "city") == "Lynn"
    assert [review.kind for review in await world.store.reviews("main")] == [ReviewKind.OVERLAY]
    assert message(world, patient) == "hintsync: this patient waits for a decision before anything is synced"
    before = world.calls()
    world.org.edit(contact, {"zip": "01901"})
    await world.quiet()
    assert world.calls() == before  # a frozen link costs no call until somebody decides


async def test_a_one_way_field_edited_in_salesforce_is_set_back():
    world = LiveWorld()
    contact, patient = await world.linked()
    world.practice.edit(patient, {"membership_status": "active"})
    await world.quiet()
    world.org.edit(contact, {"membership_status": "cancelled"})
    await world.quiet()
    assert world.shown(Side.SALESFORCE, contact, "membership_status") == "active"


async def test_a_mark_of_an_unlinked_contact_is_dropped_without_a_call():
    world = LiveWorld()
    contact = world.contact("Ann", "Moor", BORN)
    engine = await world.live()
    await world.store.mark("main", [Mark(Side.SALESFORCE, contact, "catch-up", 1.0, Lane.CATCH_UP)])
    before = world.calls()
    assert await work_once(engine, "w") == Worked(claimed=1, done=1)
    assert sum(world.calls().values()) - sum(before.values()) == 2  # who is there (guard G1), nothing else


async def test_both_marks_of_one_link_are_one_piece_of_work():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.org.edit(contact, {"city": "Reno"})
    world.practice.edit(patient, {"zip": "89501"})
    await world.deliver()
    before = world.calls()
    written, lags = {Side.SALESFORCE: 1, Side.HINT: 1}, ((Side.HINT, 0.0), (Side.SALESFORCE, 0.0))
    assert (await world.work()) == Worked(claimed=2, done=2, written=written, lags=lags)
    after = world.calls()
    assert (after[Side.SALESFORCE] - before[Side.SALESFORCE], after[Side.HINT] - before[Side.HINT]) == (2, 2)


async def test_a_contact_that_was_marked_and_shows_nothing_new_spares_the_call_for_its_patient():
    world = LiveWorld(options=Options(guard_at_least=1000))
    pairs = await world.population(30)
    now = world.clock.now().timestamp()
    await world.store.mark("main", [Mark(Side.SALESFORCE, contact, "poll", now) for contact, _ in pairs])
    before = world.calls()
    assert (await world.work()).done == 30
    assert {side: world.calls()[side] - before[side] for side in Side} == {Side.SALESFORCE: 1, Side.HINT: 0}


async def test_an_edit_back_to_the_old_base_is_not_lost_while_agreement_moves_it():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn", zip="01901")
    world.org.edit(contact, {"city": "Reno", "zip": "89501"})
    world.practice.edit(patient, {"city": "Reno"})
    await world.deliver()
    engine, seen = await world.live(), []

    async def edit_back() -> None:
        if world.practice.faults.calls > calls + 1 and not seen:
            seen.append(world.practice.edit(patient, {"city": "Lynn"}))
            world.events = world.events[-1:]  # Hint tells nobody of our own writes
            taken = await world.deliver()  # heard while the worker is still at it
            assert (taken.echoes, taken.marked) == (1, 0)

    calls, real = world.practice.faults.calls, world.store.commit

    async def commit(commit: Commit) -> None:
        await edit_back()
        await real(commit)

    world.store.commit = commit
    await work_once(engine, "w")
    assert seen
    await world.quiet()
    assert world.shown(Side.SALESFORCE, contact, "city") == world.shown(Side.HINT, patient, "city") == "Lynn"


class TestOnlyOneAtALink:
    async def test_a_link_that_another_worker_holds_is_put_off(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        state = await world.link_of(contact)
        now = world.clock.now().timestamp()
        await world.store.lease_links("main", [state.link.id], "other", now, now + 15)
        world.org.edit(contact, {"city": "Reno"})
        await world.deliver()
        before = world.calls()
        assert await world.work() == Worked(claimed=1, put_off=1)
        assert world.calls() == before
        world.clock.push(16)  # the other one died
        assert (await world.work()).written == {Side.HINT: 1}
        assert world.shown(Side.HINT, patient, "city") == "Reno"

    async def test_two_workers_never_hold_one_link_and_leave_nothing(self):
        world = LiveWorld(options=Options(guard_at_least=1000))
        pairs = await world.population(12)
        held: dict[str, str] = {}
        clashes = []
        lease, release = world.store.lease_links, world.store.release_links

        async def watched_lease(connection_id, link_ids, worker, now, until):
            ours = await lease(connection_id, link_ids, worker, now, until)
            clashes.extend(link for link in ours if held.setdefault(link, worker) != worker)
            await asyncio.sleep(0)
            return ours

        async def watched_release(connection_id, link_ids, worker):
            for link in list(link_ids):
                held.pop(link, None)
            await release(connection_id, link_ids, worker)

        world.store.lease_links, world.store.release_links = watched_lease, watched_release
        for number, (contact, patient) in enumerate(pairs):
            world.org.edit(contact, {"city": f"Town {number}"})
            world.practice.edit(patient, {"zip": f"0190{number % 10}"})
        engine = await world.live()
        await take_in(engine, world.events)
        for _ in range(30):
            await asyncio.gather(*(work_once(engine, f"w{n}", limit=5) for n in range(4)))
            world.clock.push(1.0)
        assert clashes == []
        assert held == {}
        assert await world.dirty() == []
        assert [world.shown(Side.HINT, patient, "city") for _, patient in pairs] == [f"Town {n}" for n in range(12)]

    async def test_a_person_waits_for_a_worker_and_is_told_if_it_does_not_let_go(self):
        world = LiveWorld()
        contact, _ = await world.linked(city="Lynn")
        state = await world.link_of(contact)
        engine = await world.live()
        now = world.clock.now().timestamp()
        await world.store.lease_links("main", [state.link.id], "worker", now, now + 3600)
        for action in (sync_by_hand(engine, Side.SALESFORCE, contact), unlink_by_hand(engine, contact)):
            with pytest.raises(Exception, match="try again in a moment"):
                await action
        await world.store.release_links("main", [state.link.id], "worker")
        assert (await sync_by_hand(engine, Side.SALESFORCE, contact)).done

    async def test_a_worker_leaves_a_link_to_the_person_who_is_at_it(self):
        world = LiveWorld()
        contact, _ = await world.linked(city="Lynn")
        state = await world.link_of(contact)
        engine = await world.live()
        world.org.edit(contact, {"city": "Reno"})
        await world.deliver()
        async with holding(engine, [state.link.id]):
            assert (await world.work()).put_off == 1
        world.clock.push(2)
        assert (await world.work()).written == {Side.HINT: 1}


class TestFailures:
    async def test_an_outage_puts_everything_off_and_parks_nothing_however_long_it_lasts(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        world.org.edit(contact, {"city": "Reno"})
        await world.deliver()
        world.practice.faults.fail(times=10_000)
        for _ in range(40):
            with suppress(RetryLater):  # it is also asked who it is now and then
                assert (await world.work()).parked == 0
            due = await world.store.next_due("main")
            assert due is not None
            world.clock.push(max(due - world.clock.now().timestamp(), 0) + 0.01)
        assert world.practice.faults._failing > 9_800  # pauses grow
        world.practice.faults.clear()
        await world.quiet()
        assert world.shown(Side.HINT, patient, "city") == "Reno"

    async def test_a_budget_that_is_spent_in_the_middle_puts_off_and_what_waits_is_done_later(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        world.practice.edit(patient, {"city": "Reno"})
        await world.deliver()
        real = world.practice.read

        async def read(ids):
            world.org.faults.spend_budget()  # somebody else's calls were the day's last ones
            return await real(ids)

        world.practice.read = read
        assert (await world.work()).put_off == 1
        world.practice.read = real
        world.org.faults.restore()
        await world.quiet()
        assert world.shown(Side.SALESFORCE, contact, "city") == "Reno"

    async def test_a_locked_row_is_tried_again_and_the_others_are_written(self):
        world = LiveWorld(options=Options(guard_at_least=1000))
        pairs = await world.population(5)
        world.org.faults.lock(pairs[0][0], times=2)
        for _, patient in pairs:
            world.practice.edit(patient, {"city": "Reno"})
        await world.deliver()
        assert (await world.work()).written[Side.SALESFORCE] == 4
        await world.quiet()
        assert {world.shown(Side.SALESFORCE, contact, "city") for contact, _ in pairs} == {"Reno"}

    async def test_a_record_that_fails_for_good_is_parked_with_a_reason_and_replayed(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        world.org.faults.lock(contact, times=8)
        world.practice.edit(patient, {"city": "Reno"})
        came = await world.quiet()
        assert sum(worked.parked for worked in came) == 1
        (parked,) = await world.dirty(parked=True)
        assert parked.parked == "salesforce:UNABLE_TO_LOCK_ROW"
        assert "parked" in [entry.event for entry in await world.store.log("main")]
        await world.store.replay("main", world.clock.now().timestamp())
        await world.quiet()
        assert world.shown(Side.SALESFORCE, contact, "city") == "Reno"

    async def test_a_new_edit_takes_a_parked_record_up_again(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        world.org.faults.lock(contact, times=8)
        world.practice.edit(patient, {"city": "Reno"})
        await world.quiet()
        world.practice.edit(patient, {"city": "Elko"})
        await world.quiet()
        assert world.shown(Side.SALESFORCE, contact, "city") == "Elko"

    async def test_a_poison_record_stops_nobody_else_and_is_parked(self):
        world = LiveWorld(options=Options(guard_at_least=1000))
        pairs = await world.population(9)
        poison = pairs[4][0]
        real = world.org.update

        async def update(updates, mode):
            if any(each.record_id == poison for each in updates):
                raise ZeroDivisionError("a value that must not be told")
            return await real(updates, mode)

        world.org.update = update
        for _, patient in pairs:
            world.practice.edit(patient, {"city": "Reno"})
        await world.quiet(rounds=60)
        others = [contact for contact, _ in pairs if contact != poison]
        assert {world.shown(Side.SALESFORCE, contact, "city") for contact in others} == {"Reno"}
        (parked,) = await world.dirty(parked=True)
        assert parked.parked.startswith("ZeroDivisionError at ")
        assert "value" not in parked.parked

    async def test_a_record_that_its_workers_die_of_is_parked_and_the_others_are_worked(self):
        world = LiveWorld(options=Options(guard_at_least=1000))
        pairs = await world.population(5)
        deadly = pairs[2][0]
        real = world.org.update

        async def update(updates, mode):
            if any(each.record_id == deadly for each in updates):
                raise Crash
            return await real(updates, mode)

        world.org.update = update
        for _, patient in pairs:
            world.practice.edit(patient, {"city": "Reno"})
        await world.deliver()
        for _ in range(30):
            with suppress(Crash):
                await world.work()
            world.restart()
            world.clock.push(20)
        (parked,) = await world.dirty()
        assert (parked.record_id, parked.parked) == (pairs[2][1], "its workers died")
        others = [contact for contact, _ in pairs if contact != deadly]
        assert {world.shown(Side.SALESFORCE, contact, "city") for contact in others} == {"Reno"}

    async def test_one_patient_that_cannot_be_read_stops_nobody_else(self):
        world = LiveWorld(options=Options(guard_at_least=1000))
        pairs = await world.population(4)
        real = world.practice.read

        async def read(ids):
            if pairs[1][1] in ids:
                world.practice.faults.fail(1)
            return await real(ids)

        world.practice.read = read
        for contact, _ in pairs:
            world.org.edit(contact, {"city": "Reno"})
        await world.deliver()
        worked = await world.work()
        assert (worked.done, worked.put_off) == (3, 1)

    async def test_a_refused_credential_is_raised_and_the_group_waits(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        world.org.edit(contact, {"city": "Reno"})
        await world.deliver()
        await world.work()
        world.org.edit(contact, {"city": "Elko"})
        await world.deliver()
        world.practice.faults.revoke()
        with pytest.raises(FixConfiguration):
            await world.work()
        world.practice.faults.restore()
        await world.quiet()
        assert world.shown(Side.HINT, patient, "city") == "Elko"

    async def test_a_worker_whose_store_fails_holds_nothing_once_the_store_is_back(self):
        world = LiveWorld()
        contact, _ = await world.linked(city="Lynn")
        world.org.edit(contact, {"city": "Reno"})
        await world.deliver()
        engine, store = await world.live(), world.store
        real = {name: getattr(store, name) for name in ("live_links", "put_off", "drop_leases")}

        async def fail(*args: object, **kwargs: object) -> None:
            raise RetryLater(None, "the database does not answer")

        for name in real:
            setattr(store, name, fail)
        with pytest.raises(RetryLater):
            await work_once(engine, "w")
        for name, method in real.items():
            setattr(store, name, method)
        (dirty,) = await world.dirty()
        assert dirty.worker == "w"
        assert (await work_once(engine, "w")).written == {Side.HINT: 1}
        assert await world.dirty() == []

    async def test_a_contact_that_moves_under_the_write_is_read_and_decided_anew(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn", zip="01901")
        world.practice.edit(patient, {"city": "Reno"})
        await world.deliver()
        real, edits = world.org.update, []

        async def update(updates, mode):
            if not edits:
                edits.append(world.org.edit(contact, {"zip": "89501"}))
            return await real(updates, mode)

        world.org.update = update
        assert (await world.work()).written == {Side.SALESFORCE: 1, Side.HINT: 1}
        assert world.shown(Side.HINT, patient, "zip") == "89501"
        assert world.shown(Side.SALESFORCE, contact, "city") == "Reno"

    async def test_a_link_that_moved_before_the_commit_is_decided_anew(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        world.practice.edit(patient, {"city": "Reno"})
        await world.deliver()
        state = await world.link_of(contact)
        real, moves = world.org.update, []

        async def update(updates, mode):
            answers = await real(updates, mode)
            if not moves:
                moves.append(await world.store.commit(Commit(links=[LinkChange(state.link)])))
            return answers

        world.org.update = update
        assert (await world.work()).put_off == 1
        await world.quiet()
        assert (await world.link_of(contact)).link.revision > state.link.revision + 1
        assert world.shown(Side.SALESFORCE, contact, "city") == "Reno"

    @pytest.mark.parametrize("before", [True, False])
    async def test_an_edit_in_hint_that_crosses_our_write_is_put_to_review_if_it_is_gone(self, before: bool):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        world.org.edit(contact, {"city": "Reno"})
        await world.deliver()
        real = world.practice.update

        async def update(updates, mode):
            world.practice.update = real
            if before:
                world.practice.edit(patient, {"city": "Elko"})
            answers = await real(updates, mode)
            if not before:
                world.practice.edit(patient, {"city": "Elko"})
            await world.deliver()
            return answers

        world.practice.update = update
        await world.quiet()
        reviews = await world.store.reviews("main")
        kept = "Reno" if before else "Elko"
        assert [(review.kind, review.field_name) for review in reviews] == (
            [(ReviewKind.OVERWRITTEN, "city")] if before else []
        )
        assert world.shown(Side.SALESFORCE, contact, "city") == world.shown(Side.HINT, patient, "city") == kept
        if before:
            await keep_side(await world.live(), reviews[0].id, Side.SALESFORCE)
            assert await world.store.reviews("main") == []

    async def test_a_late_event_of_an_edit_that_was_edited_again_asks_nobody(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        world.practice.edit(patient, {"city": "Elko"})
        late = world.events
        world.events = []
        world.practice.edit(patient, {"city": "Reno"})
        await world.deliver()
        real = world.org.update

        async def update(updates, mode):
            await take_in(await world.live(), late)
            return await real(updates, mode)

        world.org.update = update
        await world.quiet()
        assert world.shown(Side.SALESFORCE, contact, "city") == "Reno"
        assert await world.store.reviews("main") == []

    async def test_a_lost_reply_is_looked_into_and_writes_nothing_twice(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        world.org.edit(contact, {"city": "Reno"})
        await world.deliver()
        world.practice.faults.lose_reply(2)
        assert (await world.work()).done == 1
        changes = [event for event in world.events if event.side is Side.HINT]
        assert len(changes) == 1
        assert world.shown(Side.HINT, patient, "city") == "Reno"


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("call", range(1, 4))
@pytest.mark.parametrize("side", list(Side))
async def test_cut_off_at_any_call_the_next_worker_reaches_the_same_end(side: Side, call: int, after: bool):
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn", zip="01901")
    world.org.edit(contact, {"city": "Reno"})
    world.practice.edit(patient, {"zip": "89501"})
    await world.deliver()
    await world.live()
    faults = (world.org if side is Side.SALESFORCE else world.practice).faults
    (faults.crash_after if after else faults.crash_before)(call)
    with suppress(Crash):
        await world.work()
    faults.clear()
    world.restart()
    world.clock.push(20)  # the dead worker's leases run out
    await world.quiet()
    for replica, record in ((Side.SALESFORCE, contact), (Side.HINT, patient)):
        assert (world.shown(replica, record, "city"), world.shown(replica, record, "zip")) == ("Reno", "89501")
    assert await world.dirty() == []


class TestCost:
    async def test_a_thousand_changed_patients_cost_at_most_a_fifth_more_calls_than_patients(self):
        world = LiveWorld(options=Options(guard_at_least=10_000))
        pairs = await world.population(1000)
        for _, patient in pairs:
            world.practice.edit(patient, {"city": "Reno"})
        await world.deliver()
        before = world.calls()
        await world.quiet()
        spent = {side: world.calls()[side] - before[side] for side in Side}
        assert {world.shown(Side.SALESFORCE, contact, "city") for contact, _ in pairs} == {"Reno"}
        assert sum(spent.values()) <= 1.2 * len(pairs)
        assert spent[Side.HINT] <= 100  # from lists of what changed

    async def test_single_reads_keep_the_bar_where_no_list_of_changes_can_be_had(self):
        world = LiveWorld(options=Options(guard_at_least=10_000))
        pairs = await world.population(300)
        for _, patient in pairs:
            world.practice.edit(patient, {"city": "Reno"})
        await world.deliver()
        world.clock.push(1000)  # too long ago for a list
        before = world.calls()
        await world.quiet()
        spent = {side: world.calls()[side] - before[side] for side in Side}
        assert sum(spent.values()) <= 1.2 * len(pairs)
        assert 300 <= spent[Side.HINT] <= 310

    async def test_changed_contacts_cost_a_tenth_of_a_salesforce_call_each(self):
        world = LiveWorld(options=Options(guard_at_least=10_000))
        pairs = await world.population(1000)
        for contact, _ in pairs:
            world.org.edit(contact, {"city": "Reno"})
        await world.deliver()
        before = world.calls()
        await world.quiet()
        assert {world.shown(Side.HINT, patient, "city") for _, patient in pairs} == {"Reno"}
        assert world.calls()[Side.SALESFORCE] - before[Side.SALESFORCE] <= 100

    async def test_the_echoes_of_hundreds_of_writes_cost_no_call_and_cause_no_write(self):
        world = LiveWorld(options=Options(guard_at_least=10_000))
        pairs = await world.population(300)
        for contact, patient in pairs:
            world.org.edit(contact, {"city": "Reno"})
            world.practice.edit(patient, {"zip": "89501"})
        await world.deliver()
        while (await world.work()).claimed:
            pass
        before = world.calls()
        taken = await world.deliver()
        assert (taken.echoes, taken.marked, taken.ignored) == (600, 0, 0)
        assert (await world.work()).claimed == 0
        assert world.calls() == before


class TestStops:
    async def test_a_pause_lets_only_people_s_work_go_on(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        world.org.edit(contact, {"city": "Reno"})
        await world.deliver()
        engine = await world.live()
        await pause(engine, "maintenance")
        assert await world.work() == Worked()
        now = world.clock.now().timestamp()
        await world.store.mark("main", [Mark(Side.HINT, patient, "person", now, Lane.INTERACTIVE)])
        assert (await world.work()).written == {Side.HINT: 1}
        await resume(engine)
        await world.quiet()
        assert await world.dirty() == []

    async def test_g3_too_many_changes_are_held_back_and_stay_dirty(self):
        world = LiveWorld(options=Options(guard_at_least=3, guard_share=0.0))
        pairs = await world.population(8)
        world.clock.push(7200)
        for _, patient in pairs:
            world.practice.edit(patient, {"city": "Reno"})
        await world.deliver()
        worked = await world.work()
        assert (worked.put_off, worked.parked) == (8, 0)
        assert {world.shown(Side.SALESFORCE, contact, "city") for contact, _ in pairs} == {"Lynn"}
        assert [stop.guard for stop in await world.store.stops("main")] == ["G3"]
        assert len(await world.dirty()) == 8

    async def test_g3_a_side_whose_records_vanish_suspends_nobody(self):
        world = LiveWorld(options=Options(guard_at_least=3, guard_share=0.0))
        pairs = await world.population(8)
        world.clock.push(7200)
        for contact, _ in pairs:
            world.org.delete(contact)
        await world.deliver()
        assert (await world.work()).put_off == 8
        states = await world.store.links("main")
        assert {state.link.status for state in states} == {LinkStatus.ACTIVE}

    async def test_g7_a_field_that_something_keeps_changing_back_is_held(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        for _ in range(6):
            world.practice.edit(patient, {"city": "Reno"})
            await world.quiet()
            world.org.edit(contact, {"city": "Lynn"})
            await world.quiet()
        assert (await world.link_of(contact)).holds["city"].kind is HoldKind.LOOP


class TestUnfinishedWork:
    async def test_a_parting_that_was_cut_off_is_finished_when_its_record_is_marked(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        state = await world.link_of(contact)
        world.org.faults.crash_after(2)
        with pytest.raises(Crash):
            await part(await world.live(), state, Intent())
        world.org.faults.clear()
        world.restart()
        world.practice.edit(patient, {"zip": "89501"})
        await world.quiet()
        assert await world.link_of(contact) is None
        assert (world.org.shown(contact).marked, world.practice.shown(patient).peer_id) == (False, None)

    async def test_a_parting_that_is_refused_is_put_off_and_parked_alone(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        others = [await world.linked(city="Lynn") for _ in range(2)]
        world.org.faults.refuse_record(contact, "ENTITY_IS_LOCKED_BY_APPROVAL")
        with pytest.raises(NotReleased):
            await part(await world.live(), await world.link_of(contact), Intent())
        for _, each in [(contact, patient), *others]:
            world.practice.edit(each, {"city": "Reno"})
        await world.quiet()
        assert {world.shown(Side.SALESFORCE, each, "city") for each, _ in others} == {"Reno"}
        world.org.faults.clear()
        world.practice.edit(patient, {"zip": "89501"})
        await world.quiet()
        assert await world.link_of(contact) is None

    async def test_a_first_sync_that_was_cut_off_is_carried_on_as_it_was_meant(self):
        world = LiveWorld()
        contact = world.contact("Ann", "Moor", BORN, city="Reno")
        patient = world.patient("Ann", "Moor", BORN, city="Lynn")
        engine = await world.live()
        world.practice.faults.crash_before(4)
        with pytest.raises(Crash):
            await link_by_hand(engine, contact, patient)
        world.practice.faults.clear()
        world.restart()
        world.clock.push(20)
        world.practice.edit(patient, {"zip": "89501"})
        await world.quiet()
        assert (await world.link_of(contact)).link.status is LinkStatus.ACTIVE
        assert world.shown(Side.HINT, patient, "city") == "Reno"  # made by hand: the contact wins
        assert world.shown(Side.SALESFORCE, contact, "zip") == "89501"
