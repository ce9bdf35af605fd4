"""The batch from patients to contacts (M14), outcome by outcome, in memory."""

from __future__ import annotations

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.plan import Outcome
from hintsync.core.records import LinkStatus, RecordState
from hintsync.core.values import Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.options import Options
from hintsync.engine.pairs.by_hand import link_by_hand, unlink_by_hand
from hintsync.state.port import LogLevel, ReviewKind, RunStatus
from tests.engine.world import World

BORN = "1980-05-06"


async def outcome_for(world: World, patient_id: str) -> tuple[Outcome, str]:
    run = await batch_patients(await world.engine())
    assert run.status is RunStatus.DONE, run.reason
    row = (await world.rows(run))[patient_id]
    return row.outcome, row.rule


async def test_l1_one_free_match_is_linked_marked_and_stamped():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    run = await batch_patients(await world.engine())
    row = (await world.rows(run))[patient]
    assert (row.outcome, row.peers) == (Outcome.LINKED, (contact,))
    shown = world.org.shown(contact)
    assert (shown.marked, shown.peer_id) == (True, patient)
    assert world.practice.shown(patient).peer_id == contact
    record = next(each for each in world.org.records() if each.id == contact)
    assert (record.beside["batch_id"], record.beside["batch_outcome"]) == (run.id, "linked")


async def test_m14_the_patient_wins_and_blanks_are_filled_both_ways():
    world = World()
    contact = world.contact("Ann", "Moor", BORN, email="contact@example.org", city="Boston")
    patient = world.patient("Ann", "Moor", BORN, email="patient@example.org", zip="02110")
    await batch_patients(await world.engine())
    for shown in (world.org.shown(contact), world.practice.shown(patient)):
        assert shown.values["email"] == "patient@example.org"
        assert shown.values["city"] == "Boston"
        assert shown.values["zip"] == "02110"


async def test_l2_no_match_and_setting_off_creates_nothing():
    world = World()
    patient = world.patient("Ann", "Moor", BORN)
    assert await outcome_for(world, patient) == (Outcome.NO_MATCH, "L2")
    assert world.org.records() == ()


async def test_l2_no_match_and_setting_on_creates_one_contact_with_the_default_account():
    world = World(options=Options(create_contacts=True, default_account_id="001000000000001AAA"))
    patient = world.patient("Ann", "Moor", BORN, email="ann@example.org", membership_status="active")
    assert await outcome_for(world, patient) == (Outcome.CREATED, "L2")
    (record,) = world.org.records()
    shown = world.org.shown(record.id)
    assert (shown.marked, shown.peer_id, shown.account_id) == (True, patient, "001000000000001AAA")
    assert shown.values["email"] == "ann@example.org"
    assert shown.values["membership_status"] == "active"
    assert world.practice.shown(patient).peer_id == record.id


async def test_l3_two_contacts_with_the_key_go_to_review_and_nothing_is_created():
    world = World(options=Options(create_contacts=True))
    first, second = world.contact("Ann", "Moor", BORN), world.contact("Ann", "Moor", BORN)
    patient = world.patient("Ann", "Moor", BORN)
    assert await outcome_for(world, patient) == (Outcome.AMBIGUOUS, "L3")
    (review,) = await world.store.reviews("main")
    assert review.kind is ReviewKind.AMBIGUOUS
    assert set(review.candidates) == {first, second}
    assert len(world.org.records()) == 2


async def test_l3_two_patients_with_the_key_are_both_ambiguous_even_if_one_is_archived():
    world = World(options=Options(create_contacts=True))
    world.contact("Ann", "Moor", BORN)
    patient, twin = world.patient("Ann", "Moor", BORN), world.patient("Ann", "Moor", BORN)
    world.practice.archive(twin)
    assert await outcome_for(world, patient) == (Outcome.AMBIGUOUS, "L3")
    assert len(world.org.records()) == 1


async def test_l4_a_linked_pair_gets_an_ordinary_sync():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN, city="Boston")
    await batch_patients(await world.engine())
    world.org.edit(contact, {"city": "Salem"})
    assert await outcome_for(world, patient) == (Outcome.SYNCED, "L4")
    assert world.practice.shown(patient).values["city"] == "Salem"


async def test_l5_a_contact_linked_to_someone_else_is_logged_and_left_alone():
    world = World(options=Options(create_contacts=True))
    contact, other = world.contact("Ann", "Moor", BORN), world.patient("Bea", "Hill", "1970-01-02")
    await link_by_hand(await world.engine(), contact, other)
    world.org.edit(contact, {"first_name": "Ann", "last_name": "Moor", "birth_date": BORN})
    patient = world.patient("Ann", "Moor", BORN)
    outcome, rule = await outcome_for(world, patient)
    assert (outcome, rule) == (Outcome.CONTACT_ALREADY_SYNCED, "L5")
    entries = await world.store.log("main", levels=[LogLevel.ERROR])
    assert [entry.event for entry in entries if entry.patient_id == patient] == ["contact-already-synced"]
    assert len(world.org.records()) == 1


async def test_l6_a_probable_near_match_stops_the_create_and_goes_to_review():
    world = World(options=Options(create_contacts=True))
    near = world.contact("Katherine", "Zabriskie", BORN)
    patient = world.patient("Kathryn", "Zabriskie", BORN)
    assert await outcome_for(world, patient) == (Outcome.TO_REVIEW, "L6")
    (review,) = await world.store.reviews("main", kind=ReviewKind.NEAR_MATCH)
    assert review.candidates == (near,)
    assert len(world.org.records()) == 1


@pytest.mark.parametrize("born", [None, "1900-01-01"])
async def test_l7_an_incomplete_key_is_matched_again_when_it_changes(born: str | None):
    world = World(options=Options(create_contacts=True))
    world.contact("Ann", "Moor", BORN)
    patient = world.patient("Ann", "Moor", born)
    assert await outcome_for(world, patient) == (Outcome.INCOMPLETE, "L7")
    world.practice.edit(patient, {"birth_date": BORN})
    assert await outcome_for(world, patient) == (Outcome.LINKED, "L1")


async def test_l10_a_frozen_link_is_skipped_with_its_reason():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    await batch_patients(await world.engine())
    world.practice.edit(patient, {"first_name": "Zoe", "birth_date": "1999-09-09"})
    assert await outcome_for(world, patient) == (Outcome.FROZEN, "L4")
    assert await outcome_for(world, patient) == (Outcome.FROZEN, "L10")
    assert world.org.shown(contact).values["first_name"] == "Ann"


async def test_l11_an_archived_patient_is_not_created():
    world = World(options=Options(create_contacts=True))
    patient = world.patient("Ann", "Moor", BORN)
    world.practice.archive(patient)
    assert await outcome_for(world, patient) == (Outcome.ARCHIVED, "L11")
    assert world.org.records() == ()


async def test_l12_a_duplicate_rule_leads_to_review_with_the_records_it_names():
    world = World(options=Options(create_contacts=True))
    patient = world.patient("Ann", "Moor", BORN)
    world.org.faults.duplicates[patient] = ("003000000000009AAA",)
    assert await outcome_for(world, patient) == (Outcome.DUPLICATE_RULE, "L12")
    (review,) = await world.store.reviews("main", kind=ReviewKind.DUPLICATE_RULE)
    assert review.candidates == ("003000000000009AAA",)


async def test_l14_a_person_account_is_skipped():
    world = World()
    values = {"first_name": "Ann", "last_name": "Moor", "birth_date": BORN}
    world.org.put(values, person_account=True)
    patient = world.patient("Ann", "Moor", BORN)
    assert await outcome_for(world, patient) == (Outcome.PERSON_ACCOUNT, "L14")


async def test_u4_a_pair_that_a_person_parted_is_not_linked_again():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    await link_by_hand(await world.engine(), contact, patient)
    await unlink_by_hand(await world.engine(), contact)
    assert await outcome_for(world, patient) == (Outcome.DECLINED, "U4")


async def test_a_link_is_found_again_by_its_patient_id_when_the_state_was_lost():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN, email="ann@example.org", city="Boston")
    world.org.edit(contact, {"city": "Salem"}, peer_id=patient, marked=True)
    run = await batch_patients(await world.engine())
    row = (await world.rows(run))[patient]
    assert (row.outcome, row.reason, row.held) == (Outcome.LINKED, "recovered", ("city",))
    assert world.org.shown(contact).values["city"] == "Salem"
    assert world.practice.shown(patient).values["city"] == "Boston"


async def test_f8_a_refused_field_is_held_and_the_rest_is_written():
    world = World()
    contact = world.contact("Ann", "Moor", BORN)
    patient = world.patient("Ann", "Moor", BORN, email="ann@example.org", city="Boston")
    world.org.faults.refuse("email", "INVALID_EMAIL_ADDRESS")
    run = await batch_patients(await world.engine())
    row = (await world.rows(run))[patient]
    assert (row.outcome, row.held) == (Outcome.LINKED, ("email",))
    assert world.org.shown(contact).values["city"] == "Boston"
    assert world.org.shown(contact).values["email"] is None
    before = world.org.calls
    again = await batch_patients(await world.engine())
    assert (await world.rows(again))[patient].written == {}
    assert world.org.calls - before < 6
    world.org.faults.clear()
    world.practice.edit(patient, {"email": "new@example.org"})
    await batch_patients(await world.engine())
    assert world.org.shown(contact).values["email"] == "new@example.org"


async def test_f9_a_refused_record_fails_by_code_and_is_finished_once_it_is_taken():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN, email="ann@example.org")
    world.org.faults.refused_records[contact] = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    run = await batch_patients(await world.engine())
    row = (await world.rows(run))[patient]
    assert (row.outcome, row.reason) == (Outcome.FAILED, "salesforce: FIELD_CUSTOM_VALIDATION_EXCEPTION")
    world.org.faults.clear()
    assert (await outcome_for(world, patient))[0] is Outcome.LINKED
    assert world.org.shown(contact).peer_id == patient


async def test_a_second_run_writes_nothing():
    world = World(options=Options(create_contacts=True))
    for number in range(30):
        world.both(f"Ann{number}", "Moor", BORN, email=f"a{number}@example.org", mobile_phone="+14155550132")
        world.patient(f"Bea{number}", "Hill", BORN)
    await batch_patients(await world.engine())
    stamps = {record.id: record.stamp for record in world.practice.records()}
    run = await batch_patients(await world.engine())
    rows = await world.rows(run)
    assert {row.outcome for row in rows.values()} == {Outcome.SYNCED}
    assert all(not row.written for row in rows.values())
    assert {record.id: record.stamp for record in world.practice.records()} == stamps


async def test_a_dry_run_writes_nothing_anywhere_not_even_a_reservation():
    world = World(options=Options(create_contacts=True))
    world.both("Ann", "Moor", BORN, city="Boston")
    world.patient("Bea", "Hill", BORN)
    before = {r.id: r.stamp for r in (*world.org.records(), *world.practice.records())}
    run = await batch_patients(await world.engine(), dry=True)
    assert run.seal is not None
    assert {r.id: r.stamp for r in (*world.org.records(), *world.practice.records())} == before
    assert await world.store.live_pairs("main") == []
    assert await world.store.audit("main") == []


async def test_an_approved_plan_is_carried_out_and_what_changed_since_is_listed():
    world = World()
    _, same = world.both("Ann", "Moor", BORN, city="Boston")
    contact, moved = world.contact("Bea", "Hill", BORN), world.patient("Bea", "Hill", BORN, city="Lynn")
    plan = await batch_patients(await world.engine(), dry=True)
    world.practice.edit(moved, {"city": "Salem"})
    late = world.both("Cleo", "Dale", BORN)[1]
    run = await batch_patients(await world.engine(), approved=plan.id)
    rows = await world.rows(run)
    assert rows[same].outcome is Outcome.LINKED
    assert rows[moved].outcome is Outcome.CHANGED_SINCE
    assert rows[late].outcome is Outcome.CHANGED_SINCE
    assert world.org.shown(contact).values["city"] is None
    assert world.org.shown(contact).peer_id is None
    assert [link.patient_id for link in await world.store.live_pairs("main")] == [same]


async def test_a_plan_that_is_no_finished_dry_run_is_refused():
    world = World()
    world.both("Ann", "Moor", BORN)
    run = await batch_patients(await world.engine())
    with pytest.raises(BadInput, match="not a finished dry run"):
        await batch_patients(await world.engine(), approved=run.id)


async def test_g1_another_org_stops_the_run_before_anything_is_written():
    world = World()
    contact, _ = world.both("Ann", "Moor", BORN)
    engine = await world.engine()
    world.org.identity = type(world.org.identity)(Side.SALESFORCE, "00D000000000009AAA", "Copy", sandbox=True)
    run = await batch_patients(engine)
    assert run.status is RunStatus.STOPPED
    assert run.reason is not None
    assert run.reason.startswith("safety-stop: G1")
    assert world.org.shown(contact).peer_id is None


async def test_g2_an_org_that_looks_empty_stops_the_run():
    world = World()
    contact, _ = world.both("Ann", "Moor", BORN)
    await batch_patients(await world.engine())
    world.org.delete(contact)
    run = await batch_patients(await world.engine())
    assert run.status is RunStatus.STOPPED
    assert run.reason is not None
    assert run.reason.startswith("safety-stop: G2")


async def test_d1_a_contact_that_is_deleted_suspends_the_link():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    world.contact("Bea", "Hill", BORN)
    await batch_patients(await world.engine())
    world.org.delete(contact)
    assert await outcome_for(world, patient) == (Outcome.NOT_FOUND, "D1")
    (link,) = await world.store.live_pairs("main")
    assert link.status is LinkStatus.SUSPENDED
    assert world.practice.shown(patient).state is RecordState.LIVE


async def test_t15_the_days_calls_run_out_and_the_run_goes_on_another_day():
    world = World()
    patients = [world.both(f"Ann{n}", "Moor", BORN, city="Boston")[1] for n in range(900)]
    engine = await world.engine()
    calls = 0

    def progress(run: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            world.practice.faults.spend_budget()

    run = await batch_patients(engine, on_progress=progress)
    assert run.status is RunStatus.STOPPED
    assert run.reason is not None
    assert "budget-spent" in run.reason
    world.practice.faults.restore()
    run = await batch_patients(await world.engine(), resume=run.id)
    assert run.status is RunStatus.DONE
    rows = await world.rows(run)
    assert {rows[patient].outcome for patient in patients} <= {Outcome.LINKED, Outcome.SYNCED}
    assert all(world.practice.shown(patient).peer_id for patient in patients)


async def test_l6_a_contact_that_this_run_links_holds_nobody_else_back():
    """Two patients, one contact: the namesake takes it, the other is new; the next run has nothing to add."""
    world = World(options=Options(create_contacts=True))
    contact, patient = world.both("Katherine", "Zabriskie", BORN)
    other = world.patient("Kathryn", "Zabriskie", BORN)
    run = await batch_patients(await world.engine())
    rows = await world.rows(run)
    assert (rows[patient].outcome, rows[patient].peers) == (Outcome.LINKED, (contact,))
    assert rows[other].outcome is Outcome.CREATED
    again = await batch_patients(await world.engine())
    assert {row.outcome for row in (await world.rows(again)).values()} == {Outcome.SYNCED}


async def test_an_approved_create_is_made_as_approved_or_not_at_all():
    world = World(options=Options(create_contacts=True))
    same = world.patient("Ann", "Moor", BORN, city="Boston")
    moved = world.patient("Bea", "Hill", BORN, city="Lynn")
    plan = await batch_patients(await world.engine(), dry=True)
    world.practice.edit(moved, {"city": "Salem"})
    run = await batch_patients(await world.engine(), approved=plan.id)
    rows = await world.rows(run)
    assert (rows[same].outcome, rows[moved].outcome) == (Outcome.CREATED, Outcome.CHANGED_SINCE)
    assert len(world.org.records()) == 1
