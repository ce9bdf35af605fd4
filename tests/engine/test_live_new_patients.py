"""Row L8 and M13: a new patient is matched over the whole org and practice, linked, created as a contact, or reviewed."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from hintsync.core.records import LinkStatus, RecordState
from hintsync.core.values import Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.detect.intake import KNOWN_TAKEN
from hintsync.engine.live.known_patients import take_known_patients
from hintsync.engine.live.work import work_once
from hintsync.engine.options import Options
from hintsync.engine.pairs.by_hand import link_by_hand, sync_by_hand
from hintsync.engine.reviews.deciding import decline
from hintsync.ports import Capabilities
from hintsync.replicas.memory import CAPABILITIES, MemoryReplica
from hintsync.replicas.memory_faults import Crash
from hintsync.state.port import ReviewKind
from tests.engine.living import BORN, LiveWorld

CREATE = Options(create_contacts=True)


async def started(options: Options | None = None) -> LiveWorld:
    """Return a world that is connected; whoever comes from now on is new."""
    world = LiveWorld(options=options or Options())
    world.contact("Zoe", "Quill", "1950-01-01")
    await world.live()
    return world


async def link_of_patient(world: LiveWorld, patient: str):
    return (await world.store.live_links("main", Side.HINT, [patient])).get(patient)


async def events(world: LiveWorld) -> list[str]:
    return [entry.event for entry in await world.store.log("main")]


class TestM13:
    async def test_m13_no_match_and_the_setting_on_creates_a_linked_contact(self):
        world = await started(CREATE)
        patient = world.patient("Ann", "Moor", BORN, city="Lynn", membership_status="active")
        await world.quiet()
        state = await link_of_patient(world, patient)
        assert (state.link.status, state.link.origin) == (LinkStatus.ACTIVE, "new-patient")
        contact = world.org.shown(state.link.contact_id)
        assert (contact.values["first_name"], contact.values["city"]) == ("Ann", "Lynn")
        assert contact.values["membership_status"] == "active"
        assert (contact.peer_id, contact.marked) == (patient, True)
        assert world.practice.shown(patient).peer_id == contact.id

    async def test_m13_a_free_match_is_linked_the_patient_wins_and_its_blanks_are_filled(self):
        world = await started(CREATE)
        contact = world.contact("Ann", "Moor", BORN, city="Reno", zip="89501")
        patient = world.patient("Ann", "Moor", BORN, city="Lynn")
        await world.quiet()
        assert (await link_of_patient(world, patient)).link.contact_id == contact
        assert world.shown(Side.SALESFORCE, contact, "city") == "Lynn"
        assert world.shown(Side.HINT, patient, "zip") == "89501"
        assert (world.org.shown(contact).marked, len(world.org.records())) == (True, 2)

    async def test_m13_a_match_that_is_synced_already_links_nothing_and_is_logged(self):
        world = await started(CREATE)
        contact, first = await world.linked("Ann", "Moor", BORN)
        second = world.patient("Ann", "Moor", BORN)
        await world.quiet()
        assert await link_of_patient(world, second) is None
        assert (await link_of_patient(world, first)).link.contact_id == contact
        assert "contact-already-synced" in await events(world)
        assert len(world.org.records()) == 2

    @pytest.mark.parametrize("automatic", [True, False])
    async def test_m13_with_the_setting_off_nothing_is_created_and_a_match_is_linked_only_if_that_is_on(
        self, automatic: bool
    ):
        world = await started(Options(link_new_automatically=automatic))
        world.contact("Ann", "Moor", BORN)
        matched = world.patient("Ann", "Moor", BORN)
        alone = world.patient("Bea", "Hill", BORN)
        await world.quiet()
        assert (await link_of_patient(world, matched) is not None) is automatic
        assert await link_of_patient(world, alone) is None
        assert len(world.org.records()) == 2
        kinds = [review.kind for review in await world.store.reviews("main")]
        assert kinds == ([] if automatic else [ReviewKind.NEAR_MATCH])


async def test_l8_a_patient_that_was_there_at_connect_is_left_for_the_batch():
    world = LiveWorld(options=CREATE)
    old = world.patient("Ann", "Moor", BORN)
    world.contact("Ann", "Moor", BORN)
    await world.live()
    world.practice.edit(old, {"city": "Lynn"})
    await world.quiet()
    assert await link_of_patient(world, old) is None
    await batch_patients(await world.live())
    assert await link_of_patient(world, old) is not None


async def test_l8_new_patients_wait_until_it_is_known_who_was_there_at_connect():
    world = LiveWorld(options=CREATE)
    world.contact("Zoe", "Quill", "1950-01-01")
    engine = await world.engine()
    world._engine = engine
    patient = world.patient("Ann", "Moor", BORN)
    await world.deliver()
    assert (await work_once(engine, "w")).put_off == 1
    assert await take_known_patients(engine) == 1  # it was there before anybody looked
    assert await take_known_patients(engine) is None
    await world.quiet()
    assert await link_of_patient(world, patient) is None


async def test_l8_what_another_process_verifies_does_not_forget_who_was_there_at_connect():
    world = LiveWorld()
    contact, patient = world.both("Ann", "Moor", BORN, city="Lynn")
    early = await world.engine()  # a process that was there before
    await take_known_patients(await world.live())
    await link_by_hand(early, contact, patient)
    world.org.edit(contact, {"city": None})
    assert (await sync_by_hand(early, Side.SALESFORCE, contact)).done  # the first clear is verified, and remembered
    stored = await world.store.connection("main")
    assert {"verified", KNOWN_TAKEN} <= stored.facts.keys()


async def test_l3_two_contacts_with_the_key_are_ambiguous_and_nothing_is_created():
    world = await started(CREATE)
    twins = {world.contact("Ann", "Moor", BORN), world.contact("Ann", "Moor", BORN)}
    patient = world.patient("Ann", "Moor", BORN)
    await world.quiet()
    (review,) = await world.store.reviews("main")
    assert (review.kind, review.record_id, set(review.candidates)) == (ReviewKind.AMBIGUOUS, patient, twins)
    assert len(world.org.records()) == 3


async def test_l3_an_archived_patient_with_the_key_makes_it_ambiguous_too():
    world = LiveWorld(options=CREATE)
    world.contact("Ann", "Moor", BORN)
    old = world.patient("Ann", "Moor", BORN)
    world.practice.archive(old)
    await world.live()
    world.patient("Ann", "Moor", BORN)
    await world.quiet()
    assert [review.kind for review in await world.store.reviews("main")] == [ReviewKind.AMBIGUOUS]


@pytest.mark.parametrize("create", [True, False])
async def test_l6_a_probable_near_match_is_reviewed_and_never_created_beside(create: bool):
    world = await started(Options(create_contacts=create))
    near = world.contact("Annabelle", "Moorehouse", "1980-05-06")
    patient = world.patient("Annabelle", "Moorehouse", "1980-06-05")  # day and month changed places
    await world.quiet()
    (review,) = await world.store.reviews("main")
    assert (review.kind, review.record_id, review.candidates) == (ReviewKind.NEAR_MATCH, patient, (near,))
    assert await link_of_patient(world, patient) is None


async def test_l7_an_incomplete_patient_stays_new_and_is_matched_again_when_it_changes():
    world = await started()
    contact = world.contact("Ann", "Moor", BORN)
    patient = world.patient("Ann", "Moor", None)
    await world.quiet()
    assert [review.kind for review in await world.store.reviews("main")] == [ReviewKind.INCOMPLETE]
    world.practice.edit(patient, {"birth_date": BORN})
    await world.quiet()
    assert (await link_of_patient(world, patient)).link.contact_id == contact
    assert await world.store.reviews("main") == []


async def test_l7_what_was_asked_before_is_asked_no_longer_once_another_question_is():
    world = await started()
    patient = world.patient("Ann", "Moor", None)
    await world.quiet()
    world.contact("Ann", "Moor", BORN)
    world.contact("Ann", "Moor", BORN)
    world.practice.edit(patient, {"birth_date": BORN})
    await world.quiet()
    assert [review.kind for review in await world.store.reviews("main")] == [ReviewKind.AMBIGUOUS]


async def test_l11_an_archived_new_patient_is_not_created():
    world = await started(CREATE)
    patient = world.practice.put(
        {"first_name": "Ann", "last_name": "Moor", "birth_date": BORN}, state=RecordState.ARCHIVED
    )
    await world.quiet()
    assert await link_of_patient(world, patient) is None
    assert len(world.org.records()) == 1


async def test_l12_a_duplicate_rule_is_put_to_review_with_the_records_it_names():
    world = await started(CREATE)
    patient = world.practice.put({"first_name": "Ann", "last_name": "Moor", "birth_date": BORN}, record_id="pat-new")
    world.org.faults.duplicates[patient] = ("003000000000009AAA",)
    await world.quiet()
    (review,) = await world.store.reviews("main")
    assert (review.kind, review.candidates) == (ReviewKind.DUPLICATE_RULE, ("003000000000009AAA",))
    assert await link_of_patient(world, patient) is None


async def test_f9_a_create_that_the_org_refuses_is_reviewed_and_tried_again_when_the_patient_changes():
    world = await started(CREATE)
    world.org.faults.refuse("last_name", "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    patient = world.patient("Ann", "Moor", BORN)
    await world.quiet()
    assert [review.kind for review in await world.store.reviews("main")] == [ReviewKind.REFUSED]
    assert "create-refused" in await events(world)
    world.org.faults.clear()
    world.practice.edit(patient, {"city": "Lynn"})
    await world.quiet()
    assert await link_of_patient(world, patient) is not None
    assert await world.store.reviews("main") == []


async def test_f8_a_create_goes_on_without_a_refused_field_which_is_held():
    world = await started(CREATE)
    world.org.faults.refuse("city", "STRING_TOO_LONG")
    patient = world.patient("Ann", "Moor", BORN, city="Lynn")
    await world.quiet()
    state = await link_of_patient(world, patient)
    assert (state.link.status, set(state.holds)) == (LinkStatus.ACTIVE, {"city"})


async def test_l14_the_contact_of_a_person_account_is_left():
    world = await started(CREATE)
    world.org.put({"first_name": "Ann", "last_name": "Moor", "birth_date": BORN}, person_account=True)
    patient = world.patient("Ann", "Moor", BORN)
    await world.quiet()
    assert await link_of_patient(world, patient) is None


async def test_u4_a_declined_pair_is_not_linked_again():
    world = await started(Options(link_new_automatically=False))
    contact = world.contact("Ann", "Moor", BORN)
    patient = world.patient("Ann", "Moor", BORN)
    await world.quiet()
    (review,) = await world.store.reviews("main")
    await decline(await world.live(), review.id)
    world.practice.edit(patient, {"city": "Lynn"})
    await world.quiet()
    assert await world.link_of(contact) is None
    assert await world.store.reviews("main") == []


async def test_a_contact_that_shows_the_patient_is_found_again_and_two_values_are_held():
    world = await started()
    patient = world.patient("Ann", "Moor", BORN, city="Lynn")
    contact = world.org.put({"first_name": "Anne", "last_name": "Moor", "city": "Reno"}, peer_id=patient, marked=True)
    await world.quiet()
    state = await link_of_patient(world, patient)
    assert (state.link.contact_id, state.link.origin) == (contact, "recovered")
    assert {"city", "first_name"} <= set(state.holds)


async def test_a_new_patient_that_is_gone_again_leads_to_nothing():
    world = await started(CREATE)
    patient = world.patient("Ann", "Moor", BORN)
    await world.deliver()
    world.practice.delete(patient)
    await world.quiet()
    assert await world.dirty() == []
    assert len(world.org.records()) == 1


async def test_a_group_of_new_patients_is_matched_in_one_census():
    world = await started()
    for n in range(30):
        world.both(f"Ann{n}", "Moor", BORN)
    await world.deliver()
    before = world.calls()
    worked = await world.work()
    spent = {side: world.calls()[side] - before[side] for side in Side}
    assert worked.done == 30
    assert spent[Side.SALESFORCE] <= 8  # who it is, by key, by birth date, a read, two writes of 25 and their kin
    assert spent[Side.HINT] <= 34  # who it is, a list of what changed, a filter call, one write-back each


async def test_without_a_birth_date_filter_the_whole_list_gives_the_same():
    world = await started(CREATE)
    slow = Capabilities(
        conditional_writes=False,
        read_size=1,
        page_size=100,
        write_size=1,
        find_by_birth_date=False,
        changed_since=False,
    )
    assert slow != CAPABILITIES[Side.HINT]
    world.practice._capabilities = slow
    contact = world.contact("Ann", "Moor", BORN)
    matched, alone = world.patient("Ann", "Moor", BORN), world.patient("Bea", "Hill", BORN)
    await world.quiet()
    assert (await link_of_patient(world, matched)).link.contact_id == contact
    assert await link_of_patient(world, alone) is not None


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("call", range(1, 7))
@pytest.mark.parametrize("side", list(Side))
async def test_a_create_that_is_cut_off_anywhere_makes_one_contact(side: Side, call: int, after: bool):
    world = await started(CREATE)
    patient = world.patient("Ann", "Moor", BORN, city="Lynn")
    await world.deliver()
    faults = replica(world, side).faults
    (faults.crash_after if after else faults.crash_before)(call)
    with suppress(Crash):
        await world.work()
    faults.clear()
    world.restart()
    world.clock.push(20)
    await world.quiet()
    state = await link_of_patient(world, patient)
    assert state.link.status is LinkStatus.ACTIVE
    assert len(world.org.records()) == 2
    assert world.org.shown(state.link.contact_id).values["city"] == "Lynn"


@pytest.mark.parametrize("call", range(2, 8))  # the first asks who the org is
async def test_a_create_whose_reply_is_lost_makes_one_contact(call: int):
    world = await started(CREATE)
    patient = world.patient("Ann", "Moor", BORN)
    await world.deliver()
    world.org.faults.lose_reply(call)
    await world.quiet()
    assert (await link_of_patient(world, patient)).link.status is LinkStatus.ACTIVE
    assert len(world.org.records()) == 2


def replica(world: LiveWorld, side: Side) -> MemoryReplica:
    return world.org if side is Side.SALESFORCE else world.practice


async def test_a_reservation_whose_patient_is_gone_is_given_up():
    world = await started(CREATE)
    patient = world.patient("Ann", "Moor", BORN)
    await world.deliver()
    world.org.faults.crash_before(5)
    with suppress(Crash):
        await world.work()
    world.org.faults.clear()
    state = await link_of_patient(world, patient)
    assert (state.link.status, state.link.contact_id) == (LinkStatus.RESERVED, None)
    world.practice.delete(patient)
    world.restart()
    world.clock.push(20)
    await world.quiet()
    assert await link_of_patient(world, patient) is None
    assert len(world.org.records()) == 1


async def test_two_workers_link_a_new_patient_once():
    world = await started(CREATE)
    patients = [world.patient(f"Ann{n}", "Moor", BORN) for n in range(6)]
    await world.deliver()
    engine = await world.live()
    for _ in range(12):
        await asyncio.gather(*(work_once(engine, f"w{n}", limit=2) for n in range(3)))
        world.clock.push(3)
    assert len(world.org.records()) == 7
    assert all([(await link_of_patient(world, patient)) is not None for patient in patients])
