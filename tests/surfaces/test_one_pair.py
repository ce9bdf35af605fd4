"""`hintsync link`, `unlink`, `sync ID` and `search`: one pair, one person acting."""

import pytest

from hintsync.core.values import Side
from tests.surfaces.town import CANARY, Town

BORN = "1980-05-06"
HAND_KEYS = {
    "done", "step", "rule", "outcome", "reason", "contact_id", "patient_id", "link_status", "written", "held",
    "to_confirm", "linked_to", "duplicates", "left_over",
}  # fmt: skip


def test_m11_linking_by_hand_takes_the_contacts_values(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN, org={"MailingCity": "Lynn"}, hint={"address_city": "Salem"})
    answer = town.json("link", contact[:15], patient)
    assert set(answer) == HAND_KEYS
    assert (answer["outcome"], answer["rule"], answer["written"]["hint"]) == ("linked", "L1", ["city"])
    assert town.city(Side.HINT, patient) == "Lynn"


def test_m12_a_re_link_waits_for_its_confirmation(town: Town) -> None:
    contact, old = town.both("Ann", "Moor", BORN)
    new = town.patient("Anna", "Moor", BORN)
    town.json("link", contact, old)
    asked = town.json("link", contact, new, code=3)
    assert (asked["done"], asked["to_confirm"], asked["linked_to"]) == (False, ["re-link"], old)
    shown = town.run("link", contact, new)
    assert (shown.exit_code, "--confirm re-link" in shown.stdout) == (3, True)
    assert town.json("link", contact, new, "--confirm", "re-link")["patient_id"] == new
    assert town.practice.patient(old)["integration_record_id"] is None


def test_a_link_of_before_is_shown_field_by_field_and_nothing_written(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN, org={"MailingCity": "Lynn"}, hint={"address_city": "Salem"})
    answer = town.json("link", contact, patient, "--dry-run")
    city = {"field": "city", "contact": "Lynn", "patient": "Salem", "effect": "write-hint", "rule": "I2"}
    assert answer["fields"][0] == city
    assert "Lynn" in town.run("link", contact, patient, "--dry-run").stdout
    assert town.city(Side.HINT, patient) == "Salem"
    assert town.json("runs")["runs"] == []
    assert town.json("status")["connections"][0]["links"] == {}


def test_m10_a_patient_is_created_from_a_contact(town: Town) -> None:
    contact = town.contact("Ann", "Moor", BORN, Email="ann@example.org")
    answer = town.json("link", contact, "--create")
    created = town.practice.patient(answer["patient_id"])
    assert (answer["outcome"], created["email"]) == ("created", "ann@example.org")


@pytest.mark.parametrize("more", [(), ("pat-abc", "--create"), ("--create", "--dry-run")])
def test_a_link_that_is_not_told_apart_is_a_usage_error(town: Town, more: tuple[str, ...]) -> None:
    assert town.run("link", town.contact("Ann", "Moor", BORN), *more).exit_code == 2


def test_m17_an_unlink_keeps_both_records_and_empties_the_mirrors(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN, hint={"membership_status": "active"})
    town.json("link", contact, patient)
    would = town.json("unlink", contact, "--dry-run")
    assert "membership_status" in would["would_clear"]
    assert town.org.get("Contact", contact)["Hint_Membership_Status__c"] == "active"
    answer = town.json("unlink", contact)
    assert (answer["outcome"], answer["rule"]) == ("unlinked", "U1")
    row = town.org.get("Contact", contact)
    assert (row["Synced_to_Hint__c"], row["Hint_Patient_Id__c"], row["Hint_Membership_Status__c"]) == (
        False,
        None,
        None,
    )
    assert town.practice.patient(patient)["integration_record_id"] is None


def test_u4_a_pair_that_was_parted_is_linked_again_only_after_a_warning(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN)
    town.json("link", contact, patient)
    town.json("unlink", contact)
    assert town.json("link", contact, patient, code=3)["to_confirm"] == ["declined"]
    assert town.json("link", contact, patient, "--confirm", "declined")["done"]


def test_one_pair_is_synced_from_either_end(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN)
    town.json("link", contact, patient)
    town.practice.edit(patient, address_city="Lynn")
    assert town.json("sync", patient)["written"]["salesforce"] == ["city"]
    town.org.update("Contact", contact, {"MailingCity": "Salem"})
    assert town.json("sync", contact, "--dry-run")["fields"][0]["effect"] == "write-hint"
    assert town.city(Side.HINT, patient) == "Lynn"
    assert town.json("sync", contact)["written"]["hint"] == ["city"]


def test_f5_a_conflict_of_this_pair_needs_a_person_however_often_it_is_synced(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN, org={"MailingCity": "Lynn"})
    town.json("link", contact, patient)
    town.practice.edit(patient, address_city="Salem")
    town.org.update("Contact", contact, {"MailingCity": "Dover"})
    for _ in range(2):
        assert town.json("sync", contact, code=3)["held"] == ["city"]
    reviews = town.json("review", "--kind", "conflict")["reviews"]
    assert [(each["record_id"], each["field"]) for each in reviews] == [(contact, "city")]
    assert town.json("review", reviews[0]["id"])["review"]["details"]["rule"] == "F5"
    assert "Salem" not in town.run("review", reviews[0]["id"]).output


def test_g4_a_frozen_pair_needs_a_person(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN)
    town.json("link", contact, patient)
    town.practice.edit(patient, first_name="Zoe", dob="1999-09-09")
    assert town.json("sync", contact, code=3)["link_status"] == "frozen"
    assert town.json("sync", contact, code=3)["error"]["code"] == "ask-person"


def test_everybody_who_is_linked_is_synced_without_an_id(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN)
    town.link_everybody()
    town.practice.edit(patient, address_city="Lynn")
    assert town.json("sync", "--dry-run")["outcomes"] == {"synced": 1}
    assert town.city(Side.SALESFORCE, contact) is None
    assert town.json("sync")["outcomes"] == {"synced": 1}
    assert town.city(Side.SALESFORCE, contact) == "Lynn"


@pytest.mark.parametrize("typed", ["003", "001Ik000000yednIAA", "003Ik000000yednIAB", "", "a b", "003Ik000000ye\tn"])
def test_an_id_with_a_slip_is_refused_before_any_call(town: Town, typed: str) -> None:
    town.hint_app.faults.counts.clear()
    result = town.run("unlink", typed)
    assert (result.exit_code, "contact's id" in result.stderr) == (2, True)
    assert town.hint_app.faults.counts["patients.list"] == 0


def test_m9_a_search_shows_people_with_evidence_and_whom_they_are_linked_with(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN)
    other = town.patient("Anna", "Moore", "1990-01-02")
    town.json("link", contact, patient)
    answer = town.json("search", "ann", "moor")
    assert (answer["side"], answer["searched"]) == ("hint", 2)
    first, second = answer["results"]
    assert (first["id"], first["linked_to"], first["name"]) == (patient, contact, "Ann Moor")
    assert (second["id"], second["linked_to"]) == (other, None)
    assert set(first) == {
        "id", "name", "birth_date", "archived", "linked_to", "grade", "probability", "weight", "cautions", "evidence",
    }  # fmt: skip
    assert set(first["evidence"][0]) == {"field", "verdict", "weight"}
    assert town.json("search", "--like", contact)["results"][0]["grade"] == "certain"
    assert town.json("search", "moor", "--in", "salesforce")["results"][0]["id"] == contact


def test_a_search_for_nobody_says_among_how_many(town: Town) -> None:
    town.patient("Ann", "Moor", BORN)
    assert "nobody found among 1" in town.run("search", "quimby").stdout
    assert town.json("search", "quimby")["results"] == []


@pytest.mark.parametrize("arguments", [(), ("ann", "--like", "003Ik000000yednIAA")])
def test_a_search_wants_words_or_a_record(town: Town, arguments: tuple[str, ...]) -> None:
    assert town.run("search", *arguments).exit_code == 2


def test_names_are_shown_to_who_searches_and_stay_out_of_the_store_and_the_logs(town: Town) -> None:
    contact, patient = town.both(CANARY, "Moor", BORN)
    result = town.run("search", CANARY.lower())
    assert CANARY in result.stdout
    assert CANARY not in result.stderr
    town.json("link", contact, patient)
    town.link_everybody()
    for command in (("log",), ("runs",), ("review",), ("status",)):
        assert CANARY not in town.run(*command).output
    for path in town.state.iterdir():
        assert CANARY.encode() not in path.read_bytes()


def test_what_an_unforeseen_error_says_holds_no_value(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.patient(CANARY, "Moor", BORN)

    async def broken(*_: object, **__: object) -> None:
        raise ValueError(f"cannot work {CANARY}")

    monkeypatch.setattr("hintsync.surfaces.cli.search.find_people", broken)
    result = town.run("search", "moor")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("hintsync: unforeseen: ValueError")
    assert CANARY not in result.output
