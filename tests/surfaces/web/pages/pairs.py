"""People in both emulated systems, for tests of the pages about one contact."""

from __future__ import annotations

from hintsync.engine.pairs.by_hand import HandResult, link_by_hand
from tests.surfaces.web.pages.desk import Desk

BORN = "1980-05-06"


def contact(desk: Desk, first: str = "Ann", last: str = "Moor", born: str | None = BORN, **values: object) -> str:
    """Create a contact; returns its id."""
    given = {"FirstName": first, "LastName": last, "Birthdate": born, **values}
    return desk.house.wire.org.insert("Contact", {name: value for name, value in given.items() if value is not None})


def patient(desk: Desk, first: str = "Ann", last: str = "Moor", born: str | None = BORN, **values: object) -> str:
    """Create a patient; returns its id."""
    shown = {"first_name": first, "last_name": last, "dob": born, **values}
    return desk.house.wire.practice.create_patient(
        **{name: value for name, value in shown.items() if value is not None}
    )


def in_org(desk: Desk, contact_id: str) -> dict[str, object]:
    """Return a contact as the org holds it."""
    return dict(desk.house.wire.org.get("Contact", contact_id))


def in_hint(desk: Desk, patient_id: str) -> dict[str, object]:
    """Return a patient as Hint holds it."""
    return desk.house.wire.practice.patient(patient_id)


async def linked(desk: Desk, **values: object) -> tuple[str, str]:
    """Link a contact with a patient of the same name, as the front desk does."""
    mine, theirs = contact(desk, **values), patient(desk)
    result = await link(desk, mine, theirs)
    assert result.done
    return mine, theirs


async def link(desk: Desk, contact_id: str, patient_id: str) -> HandResult:
    """Link two records."""
    engine = desk.house.engines.engine("demo")
    assert engine is not None
    return await link_by_hand(engine, contact_id, patient_id)
