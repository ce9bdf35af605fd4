"""The batch from contacts to patients (M15), outcome by outcome, in memory."""

from __future__ import annotations

import pytest

from hintsync.core.plan import Outcome
from hintsync.core.values import Side
from hintsync.engine.batch import contact_census
from hintsync.engine.batch.contacts import batch_contacts
from hintsync.engine.batch.csv_ids import CsvIds, CsvRow
from hintsync.engine.pairs.by_hand import link_by_hand
from hintsync.ports import Capabilities
from hintsync.state.port import ReviewKind, RunStatus
from tests.engine.world import World, listing

BORN = "1980-05-06"


async def outcome_for(world: World, contact_id: str) -> tuple[Outcome, str]:
    run = await batch_contacts(await world.engine(), listing(contact_id))
    assert run.status is RunStatus.DONE, run.reason
    row = (await world.rows(run))[contact_id]
    return row.outcome, row.rule


async def test_l1_the_contact_wins_and_its_blanks_are_filled():
    world = World()
    contact = world.contact("Ann", "Moor", BORN, email="contact@example.org", city="Boston")
    patient = world.patient("Ann", "Moor", BORN, email="patient@example.org", zip="02110")
    assert await outcome_for(world, contact) == (Outcome.LINKED, "L1")
    for shown in (world.org.shown(contact), world.practice.shown(patient)):
        assert shown.values["email"] == "contact@example.org"
        assert (shown.values["city"], shown.values["zip"]) == ("Boston", "02110")
    assert world.org.shown(contact).peer_id == patient


async def test_l2_no_match_creates_nothing():
    world = World()
    contact = world.contact("Ann", "Moor", BORN)
    world.patient("Bea", "Hill", BORN)
    assert (await outcome_for(world, contact))[0] is Outcome.NO_MATCH
    assert len(world.practice.records()) == 1


async def test_l3_several_patients_are_skipped_and_reviewed():
    world = World()
    contact = world.contact("Ann", "Moor", BORN)
    patients = {world.patient("Ann", "Moor", BORN), world.patient("Ann", "Moor", BORN)}
    assert await outcome_for(world, contact) == (Outcome.AMBIGUOUS, "L3")
    (review,) = await world.store.reviews("main", kind=ReviewKind.AMBIGUOUS)
    assert set(review.candidates) == patients


async def test_l3_a_namesake_in_the_org_outside_the_list_counts():
    world = World()
    contact, _ = world.both("Ann", "Moor", BORN)
    world.contact("Ann", "Moor", BORN)
    assert await outcome_for(world, contact) == (Outcome.AMBIGUOUS, "L3")


async def test_l4_a_linked_contact_is_skipped():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN, city="Boston")
    await link_by_hand(await world.engine(), contact, patient)
    world.org.edit(contact, {"city": "Salem"})
    assert await outcome_for(world, contact) == (Outcome.ALREADY_LINKED, "L4")
    assert world.practice.shown(patient).values["city"] == "Boston"


async def test_l5_a_patient_linked_elsewhere_is_skipped():
    world = World()
    other, patient = world.both("Ann", "Moor", BORN)
    await link_by_hand(await world.engine(), other, patient)
    world.org.edit(other, {"first_name": "Anne"})
    contact = world.contact("Ann", "Moor", BORN)
    assert await outcome_for(world, contact) == (Outcome.PATIENT_ALREADY_LINKED, "L5")


async def test_l6_a_near_match_goes_to_review():
    world = World()
    contact = world.contact("Katherine", "Zabriskie", BORN)
    patient = world.patient("Kathryn", "Zabriskie", BORN)
    assert await outcome_for(world, contact) == (Outcome.TO_REVIEW, "L6")
    (review,) = await world.store.reviews("main", kind=ReviewKind.NEAR_MATCH)
    assert review.candidates == (patient,)


async def test_l7_a_placeholder_date_is_incomplete():
    world = World()
    contact = world.contact("Ann", "Moor", "1900-01-01")
    world.patient("Ann", "Moor", "1900-01-01")
    assert await outcome_for(world, contact) == (Outcome.INCOMPLETE, "L7")


async def test_l11_an_archived_patient_is_linkable_by_a_person_only():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    world.practice.archive(patient)
    assert await outcome_for(world, contact) == (Outcome.ARCHIVED, "L11")


async def test_l13_a_contact_without_a_first_name_is_told_so():
    world = World()
    contact = world.org.put({"last_name": "Moor", "birth_date": BORN})
    world.patient("Ann", "Moor", BORN)
    assert await outcome_for(world, contact) == (Outcome.FIRST_NAME_NEEDED, "L13")


async def test_l14_a_person_account_is_skipped():
    world = World()
    contact = world.org.put({"first_name": "Ann", "last_name": "Moor", "birth_date": BORN}, person_account=True)
    world.patient("Ann", "Moor", BORN)
    assert await outcome_for(world, contact) == (Outcome.PERSON_ACCOUNT, "L14")


async def test_rows_that_name_no_contact_get_a_result_each():
    world = World()
    contact, _ = world.both("Ann", "Moor", BORN)
    rows = (
        CsvRow(2, contact),
        CsvRow(3, None, "id of another object"),
        CsvRow(4, contact),
        CsvRow(5, "003000000000099AAA"),
    )
    run = await batch_contacts(await world.engine(), CsvIds(rows, True, None))
    found = await world.rows(run)
    assert run.done == run.total == 4
    assert found[contact].outcome is Outcome.LINKED
    assert found["line 3"].outcome is Outcome.BAD_ID
    assert found["line 4"].outcome is Outcome.REPEATED
    assert found["003000000000099AAA"].outcome is Outcome.NOT_FOUND


async def test_both_ways_of_finding_patients_give_the_same_rows(monkeypatch: pytest.MonkeyPatch):
    """Few contacts against a long list are asked for by birth date, many are found in the whole list."""
    results = []
    for by_filter in (True, False):
        world = World()
        if not by_filter:
            monkeypatch.setattr(contact_census, "SHORT_LIST", 0)
        can = world.practice.capabilities
        world.practice._capabilities = Capabilities(
            can.conditional_writes, can.read_size, 1, can.write_size, by_filter, can.changed_since
        )
        ids = [world.both(f"Ann{n}", "Moor", f"1980-05-{n + 1:02}")[0] for n in range(3)]
        ids += [world.contact("Katherine", "Zabriskie", BORN), world.contact("Zed", "Alone", BORN)]
        ids += [world.contact("Eve", "Twin", BORN)]
        for first in ("Kathryn Zabriskie", "Eve Twin", "Eve Twin"):
            world.patient(*first.split(), BORN)
        for n in range(20):
            world.patient(f"Other{n}", "Person", f"1970-01-{n + 1:02}")
        run = await batch_contacts(await world.engine(), listing(*ids))
        assert ("filter call" in str(run.details["patients_found"]).partition(":")[0]) is by_filter
        rows = await world.rows(run)
        results.append({i: (rows[i].outcome, rows[i].rule, rows[i].peers, rows[i].written) for i in ids})
    assert results[0] == results[1]


async def test_a_second_run_writes_nothing():
    world = World()
    ids = [world.both(f"Ann{n}", "Moor", BORN, city="Boston")[0] for n in range(30)]
    await batch_contacts(await world.engine(), listing(*ids))
    before = {r.id: r.stamp for r in world.practice.records()}
    run = await batch_contacts(await world.engine(), listing(*ids))
    rows = await world.rows(run)
    assert {row.outcome for row in rows.values()} == {Outcome.ALREADY_LINKED}
    assert {r.id: r.stamp for r in world.practice.records()} == before


async def test_every_contact_of_the_list_is_stamped():
    world = World()
    linked, _ = world.both("Ann", "Moor", BORN)
    alone = world.contact("Zed", "Alone", BORN)
    run = await batch_contacts(await world.engine(), listing(linked, alone))
    stamps = {r.id: (r.beside.get("batch_id"), r.beside.get("batch_outcome")) for r in world.org.records()}
    assert stamps == {linked: (run.id, "linked"), alone: (run.id, "no match")}


async def test_m15_a_resumed_run_needs_no_file():
    world = World()
    ids = [world.both(f"Ann{n}", "Moor", BORN, city="Boston")[0] for n in range(3)]
    engine = await world.engine()
    world.practice.faults.revoke()
    run = await batch_contacts(engine, listing(*ids))
    assert run.status is RunStatus.STOPPED
    assert run.reason is not None
    assert "reconnect-needed" in run.reason
    world.practice.faults.restore()
    run = await batch_contacts(await world.engine(), resume=run.id)
    assert run.status is RunStatus.DONE
    assert {row.outcome for row in (await world.rows(run)).values()} == {Outcome.LINKED}
    assert all(row.side is Side.SALESFORCE for row in (await world.rows(run)).values())


async def test_l5_a_patient_that_another_contact_shows_is_not_given_away():
    """The other contact was linked by a state that is lost; its demographics have changed since."""
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    world.org.put({"first_name": "Anne", "last_name": "Hill", "birth_date": BORN}, peer_id=patient, marked=True)
    assert await outcome_for(world, contact) == (Outcome.PATIENT_ALREADY_LINKED, "L5")


async def test_a_marked_contact_is_found_again_although_its_patient_changed_name_and_date():
    world = World()
    patient = world.patient("Anna", "Hill", "1981-01-01")
    for n in range(3):
        world.patient(f"Other{n}", "Person", f"1970-01-{n + 1:02}")
    values = {"first_name": "Ann", "last_name": "Moor", "birth_date": BORN}
    contact = world.org.put(values, peer_id=patient, marked=True)
    assert await outcome_for(world, contact) == (Outcome.LINKED, "R")


async def test_a_list_of_unknown_contacts_is_no_empty_org():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    await link_by_hand(await world.engine(), contact, patient)
    run = await batch_contacts(await world.engine(), listing("003000000000099AAA"))
    assert run.status is RunStatus.DONE
