"""A practice that is kept in a file, and is there again after the emulator was stopped."""

from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from hintsync_emulators.hint import Practice
from hintsync_emulators.hint.keeping import KeptFileError, load, save
from hintsync_emulators.people import invent, spread
from hintsync_emulators.serve import emulator_process


def shown(practice: Practice) -> list[dict[str, object]]:
    return practice.patients()


def test_a_practice_comes_back_with_everybody_in_it(tmp_path: Path) -> None:
    practice = Practice(seed=4)
    ids = practice.load(spread(invent(80, 4), 4).patients)
    practice.edit(ids[3], email="new@example.org", phones=[{"type": "fax", "number": "617-555-0110"}])
    practice.archive(ids[4])
    practice.merge(ids[5], into=ids[6])
    practice.add_foreign_record(ids[7], "Other", "x-1")
    practice.destroy(ids[8])
    save(practice, tmp_path / "hint.json")
    again = Practice(seed=4)
    load(again, tmp_path / "hint.json")
    assert shown(again) == shown(practice)
    assert again.token == practice.token


def test_a_practice_that_came_back_goes_on_where_it_stood(tmp_path: Path) -> None:
    practice = Practice(seed=4)
    practice.load(spread(invent(30, 4), 4).patients)
    save(practice, tmp_path / "hint.json")
    again = Practice(seed=4)
    load(again, tmp_path / "hint.json")
    person = {"first_name": "Ada", "last_name": "Moor"}
    assert again.create_patient(**person) == practice.create_patient(**person)
    assert again.patients()[-1]["last_name"] == "Moor"


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"practice": 1}', b"\x00\x01", b'{"practice": "pra-x", "token": null}']
)
def test_a_file_that_holds_no_practice_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hint.json"
    path.write_bytes(content)
    with pytest.raises(KeptFileError, match=r"hint\.json"):
        load(Practice(seed=4), path)


def test_a_practice_of_another_seed_is_refused(tmp_path: Path) -> None:
    save(Practice(seed=4), tmp_path / "hint.json")
    with pytest.raises(KeptFileError):
        load(Practice(seed=5), tmp_path / "hint.json")


def edit_somebody(facts: Mapping[str, object]) -> str:
    with httpx.Client(base_url=str(facts["url"]), headers={"Authorization": f"Bearer {facts['token']}"}) as client:
        patient_id: str = client.get("/api/provider/patients").json()[0]["id"]
        client.patch(f"/api/provider/patients/{patient_id}", json={"email": "kept@example.org"}).raise_for_status()
        return patient_id


def test_a_process_that_was_stopped_serves_what_it_was_told_last(tmp_path: Path) -> None:
    arguments = ["hint", "--count", "20", "--keep", str(tmp_path / "hint.json")]
    with emulator_process(arguments) as facts:
        patient_id = edit_somebody(facts)
    with emulator_process(arguments) as again:
        assert {name: again[name] for name in ("token", "practice_id", "patients")} == {
            name: facts[name] for name in ("token", "practice_id", "patients")
        }
        with httpx.Client(base_url=str(again["url"]), headers={"Authorization": f"Bearer {again['token']}"}) as client:
            assert client.get(f"/api/provider/patients/{patient_id}").json()["email"] == "kept@example.org"


def test_a_salesforce_process_that_was_stopped_is_the_same_org_again(tmp_path: Path) -> None:
    arguments = ["salesforce", "--count", "20", "--keep", str(tmp_path / "org.sqlite3")]
    with emulator_process(arguments) as facts:
        pass
    with emulator_process(arguments) as again:
        assert (again["org_id"], again["contacts"]) == (facts["org_id"], facts["contacts"])
