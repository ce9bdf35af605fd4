"""The practice's practitioners."""

from hintsync_emulators.hint import Practice
from tests.emulators.browsing import Visitor
from tests.emulators.hint.receiver import Receiver


async def test_a_practitioner_is_added_renamed_and_removed(
    visitor: Visitor, practice: Practice, receiver: Receiver
) -> None:
    page = await visitor.press(await visitor.get("/practitioners"), "Add", name="Dr. Roe")
    assert "The practitioner was added." in page.text
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor", practitioner="Dr. Roe")
    page = await visitor.press(await visitor.get("/practitioners"), "Rename", name="Dr. Moor-Roe")
    assert "Dr. Moor-Roe 1" in page.text
    assert practice.patient(patient_id)["practitioner"]["name"] == "Dr. Moor-Roe"  # type: ignore[index]
    page = await visitor.press(page, "Remove Dr. Moor-Roe")
    assert "There are none yet." in page.text
    assert practice.patient(patient_id)["practitioner"] is None
    await practice.deliver()
    changes = ["practitioner.created", "patient.created", "practitioner.updated", "practitioner.destroyed"]
    assert receiver.types == changes


async def test_a_name_is_needed(visitor: Visitor, practice: Practice) -> None:
    page = await visitor.press(await visitor.get("/practitioners"), "Add", name=" ")
    assert (page.status, practice.practitioners) == (422, {})
    assert "Name can't be blank" in page.text


async def test_one_who_is_gone_is_not_renamed(visitor: Visitor, practice: Practice) -> None:
    chosen = practice.add_practitioner("Dr. Roe")
    page = await visitor.get("/practitioners")
    practice.remove_practitioner(chosen)
    assert (await visitor.press(page, "Rename", name="Dr. Moor")).status == 404
