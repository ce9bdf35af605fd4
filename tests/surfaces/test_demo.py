"""The demo: it passes on what we do, and its check fails on what we might do wrong."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hintsync.demo.check import Verdict, changed_records, check
from hintsync.demo.compare import FIELDS
from hintsync.demo.edits import Conflict
from hintsync.demo.export import write_export
from hintsync.demo.people import HintFacts, OrgFacts, Systems
from hintsync.demo.wire import Seen, open_wires
from hintsync.engine.batch.csv_ids import read_csv_ids
from tests.surfaces.town import Town

BORN = "1980-05-06"


def look(town: Town) -> Seen:
    """Read everybody through the two APIs, as the demo does."""
    hint = HintFacts(town.hint_url, town.practice.token, "", town.practice.id, 0)
    org = OrgFacts(town.org_url, town.org.issue_token(), "", "", town.org.org_id, 0)

    async def read() -> Seen:
        async with open_wires(Systems(hint, org, ())) as wires:
            return await wires.look()

    return asyncio.run(read())


@pytest.fixture
def linked(town: Town) -> tuple[Town, str, str]:
    """A town with one linked pair whose two records are written differently and mean the same."""
    contact, patient = town.both(
        "Ann",
        "Moor",
        BORN,
        org={"MobilePhone": "(617) 555-0101", "MailingState": "Massachusetts", "MailingCountry": "USA"},
        hint={"address_line1": "1 Elm Street", "address_line2": "Unit 4", "address_state": "MA", "sex": "female"},
    )
    town.link_everybody()
    return town, contact, patient


def judged(town: Town, *conflicts: Conflict) -> Verdict:
    return check(look(town), conflicts)


def test_a_pair_in_step_passes_whatever_way_it_is_written(linked: tuple[Town, str, str]) -> None:
    verdict = judged(linked[0])
    assert (verdict.passed, verdict.pairs, verdict.compared) == (True, 1, len(FIELDS))


def test_a_world_without_a_link_does_not_pass(town: Town) -> None:
    town.both("Ann", "Moor", BORN)
    assert not judged(town).passed


Tamper = Callable[[Town, str, str], None]
TAMPERED: dict[str, tuple[Tamper, str]] = {
    "a text": (lambda t, c, p: t.practice.edit(p, address_city="Lynn"), "city"),
    "a phone": (lambda t, c, p: t.org.update("Contact", c, {"MobilePhone": "(617) 555-0102"}), "mobile_phone"),
    "a phone gone": (lambda t, c, p: t.practice.edit(p, phones=[]), "mobile_phone"),
    "a state": (lambda t, c, p: t.practice.edit(p, address_state="NH"), "state"),
    "a birth date": (lambda t, c, p: t.practice.edit(p, dob="1980-05-07"), "birth_date"),
    "a street": (lambda t, c, p: t.practice.edit(p, address_line2="Unit 5"), "street"),
    "a sex": (lambda t, c, p: t.practice.edit(p, sex="male"), "gender"),
    "a one-way field": (
        lambda t, c, p: t.practice.edit(p, health_insurance_payer_name="Granite"),
        "insurance_payer",
    ),
    "a consent": (lambda t, c, p: t.practice.edit(p, patient_agreement_accepted=True), "member_contract_accepted"),
}


@pytest.mark.parametrize(("tamper", "field"), TAMPERED.values(), ids=TAMPERED)
def test_every_kind_of_difference_is_found(linked: tuple[Town, str, str], tamper: Tamper, field: str) -> None:
    town, contact, patient = linked
    tamper(town, contact, patient)
    verdict = judged(town)
    assert not verdict.passed
    assert (contact, patient, field) in verdict.unexpected


BROKEN: dict[str, Tamper] = {
    "the box alone is unticked": lambda t, c, p: t.org.update("Contact", c, {"Synced_to_Hint__c": False}),
    "the patient names nobody": lambda t, c, p: t.practice.edit(p, integration_record_id=None),
    "the patient is gone": lambda t, c, p: t.practice.destroy(p),
    "the contact forgot": lambda t, c, p: t.org.update(
        "Contact", c, {"Hint_Patient_Id__c": None, "Synced_to_Hint__c": False}
    ),
}


@pytest.mark.parametrize("tamper", BROKEN.values(), ids=BROKEN)
def test_every_half_link_is_found(linked: tuple[Town, str, str], tamper: Tamper) -> None:
    town, contact, patient = linked
    tamper(town, contact, patient)
    verdict = judged(town)
    assert not verdict.passed
    assert any(contact in each or patient in each for each in verdict.broken)


def test_a_conflict_on_purpose_passes_only_as_long_as_both_sides_keep_it(linked: tuple[Town, str, str]) -> None:
    town, contact, patient = linked
    town.practice.edit(patient, email="hint@example.org")
    town.org.update("Contact", contact, {"Email": "org@example.org"})
    made = Conflict(contact, patient, "email", "Email", "org@example.org", "email", "hint@example.org")
    assert judged(town, made).held == (made,)
    assert judged(town, made).passed
    town.org.update("Contact", contact, {"Email": "hint@example.org"})
    assert judged(town, made).lost == (made,)
    assert not judged(town, made).passed


def test_every_changed_record_is_named_but_for_batch_stamps(linked: tuple[Town, str, str]) -> None:
    town, contact, patient = linked
    before = look(town)
    town.link_everybody()
    assert changed_records(before, look(town)) == []
    town.practice.edit(patient, pronouns="she/her")
    late = town.contact("Bea", "Hill", BORN)
    assert changed_records(before, look(town)) == sorted([late, patient])
    town.org.update("Contact", contact, {"MailingCity": "Lynn"})
    assert contact in changed_records(before, look(town))


def test_the_export_has_a_footer_that_the_batch_skips(linked: tuple[Town, str, str], tmp_path: Path) -> None:
    town, contact, _ = linked
    assert write_export(look(town).contacts.values(), tmp_path / "report.csv") == 1
    listed = read_csv_ids(tmp_path / "report.csv")
    assert (listed.ids, listed.had_header, listed.footer_line) == ((contact,), True, 5)


def demo(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "hintsync", "demo", *map(str, arguments)]


@pytest.mark.slow
def test_the_demo_passes_and_goes_on_with_the_state_it_left(tmp_path: Path) -> None:
    state = tmp_path / "state"
    for round_number in (1, 2):
        done = subprocess.run(
            demo("--once", "--count", 80, "--state", state, "--json"), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["passed"], told["changed_by_second_runs"]) == (True, [])
        assert len(told["check"]["conflicts_held"]) == 4 * round_number
    outcomes = {step["name"]: step["figures"] for step in told["steps"]}
    assert "linked" not in outcomes["Patients to contacts"]
    notes = json.loads((state / "demo.json").read_text(encoding="utf-8"))
    assert (notes["rounds"], notes["passed"], notes["salesforce"]["url"][:17]) == (2, True, "http://127.0.0.1:")
    assert (state / "demo.json").stat().st_mode & 0o077 == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_serves_until_it_is_told_to_stop(number: signal.Signals) -> None:
    with subprocess.Popen(demo("--count", 60), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        served = next(line for line in process.stdout if line.startswith("  Hint "))
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert served.split()[1].startswith("http://127.0.0.1:")


def test_a_folder_that_holds_a_real_installation_is_left_alone(town: Town) -> None:
    before = (town.state / "settings.env").read_bytes()
    done = subprocess.run(demo("--once", "--state", town.state), capture_output=True, text=True, check=False)
    assert (done.returncode, "is no demo" in done.stderr) == (2, True)
    assert (town.state / "settings.env").read_bytes() == before


@pytest.mark.parametrize("arguments", [("--people", "nowhere.csv"), ("--count", 5)])
def test_a_demo_that_cannot_be_played_says_why(arguments: tuple[object, ...]) -> None:
    done = subprocess.run(demo("--once", *arguments), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "nowhere.csv" in done.stderr or "60" in done.stderr
