"""Finding patients."""

import pytest

from hintsync_emulators.hint import Practice
from tests.emulators.browsing import Visitor


@pytest.fixture
def moors(practice: Practice) -> dict[str, str]:
    """Four patients by first name; the last one is archived."""
    people = [
        {"first_name": "Ada", "last_name": "Moor", "dob": "1980-02-29", "email": "ada@example.com"},
        {"first_name": "Bo", "last_name": "Moor", "phones": [{"type": "mobile", "number": "5551234567"}]},
        {"first_name": "Cy", "last_name": "Roe", "middle_name": "Ada"},
        {"first_name": "Di", "last_name": "Roe", "archived": True},
    ]
    return dict(zip(("Ada", "Bo", "Cy", "Di"), practice.load(people), strict=True))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "Ada Bo Cy"),
        ("moor", "Ada Bo"),
        ("ADA moor", "Ada"),
        ("ada", "Ada Cy"),
        ("1980-02", "Ada"),
        ("ada@example", "Ada"),
        ("(555) 123", "Bo"),
        ("4567", "Bo"),
        ("nobody", ""),
    ],
)
async def test_every_word_must_occur_somewhere(visitor: Visitor, moors: dict[str, str], text: str, found: str) -> None:
    page = await visitor.press(await visitor.get("/patients"), "Search", q=text)
    assert {name for name in moors if f"/patients/{moors[name]}" in page.answer.text} == set(found.split())
    assert f"{len(found.split())} patient" in page.text


async def test_a_patient_is_found_by_his_id(visitor: Visitor, moors: dict[str, str]) -> None:
    page = await visitor.get("/patients", q=moors["Bo"].lower())
    assert "Bo Moor" in page.text
    assert "Ada Moor" not in page.text


@pytest.mark.parametrize(
    ("show", "found"), [("active", "Ada Bo Cy"), ("archived", "Di"), ("all", "Ada Bo Cy Di"), ("x", "Ada Bo Cy")]
)
async def test_archived_patients_show_on_wish(visitor: Visitor, moors: dict[str, str], show: str, found: str) -> None:
    page = await visitor.get("/patients", show=show)
    assert {name for name in moors if f"/patients/{moors[name]}" in page.answer.text} == set(found.split())


async def test_the_latest_change_comes_first_when_asked(
    visitor: Visitor, practice: Practice, moors: dict[str, str]
) -> None:
    practice.edit(moors["Bo"], email="bo@example.com")
    page = await visitor.get("/patients", sort="-updated_at")
    assert page.text.index("Bo Moor") < page.text.index("Ada Moor")
    by_name = await visitor.get("/patients")
    assert by_name.text.index("Ada Moor") < by_name.text.index("Bo Moor")


async def test_a_long_list_comes_in_pages(visitor: Visitor, practice: Practice) -> None:
    people = [{"first_name": f"N{number:02}", "last_name": "Moor"} for number in range(60)]
    ids = practice.load([*people, {"first_name": "Ada", "last_name": "Roe"}])
    seen: list[str] = []
    for number in ("1", "2", "3"):
        page = await visitor.get("/patients", q="moor", page=number)
        assert f"Page {number} of 3" in page.text
        seen += [patient for patient in ids if f"/patients/{patient}" in page.answer.text]
    assert seen == ids[:60]
    assert 'rel="next"' not in page.answer.text
    assert "Page 3 of 3" in (await visitor.get("/patients", q="moor", page="99")).text
    assert "Page 1 of 3" in (await visitor.get("/patients", q="moor", page="x")).text


async def test_an_empty_practice_says_so(visitor: Visitor) -> None:
    assert "0 patients" in (await visitor.get("/")).text
