"""`hintsync batch` on sockets: what it prints, what it leaves behind, and its exit codes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hintsync.core.values import Side
from tests.surfaces.town import CANARY, Town

BORN = "1980-05-06"
RUN_KEYS = {
    "id", "kind", "status", "dry", "started_at", "started_by", "finished_at", "total", "done", "reason", "seal",
    "calls", "cost", "phase", "patients_found", "approved", "create_contacts", "stamped", "stamps_refused",
}  # fmt: skip


def test_m14_patients_are_linked_and_the_outcomes_told(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN, hint={"address_city": "Lynn"})
    town.patient("Bea", "Hill", BORN)
    answer = town.json("batch", "patients")
    assert answer["outcomes"] == {"linked": 1, "no match": 1}
    assert set(answer["run"]) == RUN_KEYS
    assert (answer["run"]["status"], answer["run"]["kind"]) == ("done", "batch-patients")
    assert town.city(Side.SALESFORCE, contact) == "Lynn"
    assert town.org.get("Contact", contact)["Hint_Patient_Id__c"] == patient


def test_m13_contacts_are_created_for_one_run_only_when_asked(town: Town) -> None:
    town.patient("Bea", "Hill", BORN)
    assert town.json("batch", "patients")["outcomes"] == {"no match": 1}
    assert town.json("batch", "patients", "--create-contacts")["outcomes"] == {"created": 1}
    town.patient("Cy", "Dale", BORN)
    assert town.json("batch", "patients")["outcomes"] == {"synced": 1, "no match": 1}


def test_b3_a_dry_run_writes_nothing_and_its_plan_is_carried_out_as_it_stands(town: Town) -> None:
    contact, _ = town.both("Ann", "Moor", BORN, hint={"address_city": "Lynn"})
    town.patient("Bea", "Hill", BORN)
    plan = town.json("batch", "patients", "--dry-run", "--create-contacts")["run"]
    assert plan["dry"]
    assert plan["seal"]
    assert set(plan["cost"]) == {"salesforce", "hint", "seconds"}
    assert town.org.get("Contact", contact)["Hint_Patient_Id__c"] is None
    late = town.patient("Dora", "Late", BORN)
    answer = town.json("batch", "patients", "--plan", plan["id"])
    assert answer["outcomes"] == {"linked": 1, "created": 1, "changed since": 1}
    assert answer["run"]["approved"] == plan["id"]
    assert town.practice.patient(late)["integration_record_id"] is None


def test_a_second_run_has_nothing_to_write(town: Town) -> None:
    town.both("Ann", "Moor", BORN, hint={"address_city": "Lynn"})
    town.link_everybody()
    before = (town.practice.patients(), town.org.get("Contact", town.org.rows("Contact")[0]["Id"])["MailingCity"])
    answer = town.link_everybody()
    written = town.json("run", answer["run"]["id"], "--rows")["rows"][0]["written"]
    assert (answer["outcomes"], written) == ({"synced": 1}, {})
    assert (town.practice.patients(), town.org.rows("Contact")[0]["MailingCity"]) == before


def test_a_dry_run_that_carries_out_a_plan_is_refused(town: Town) -> None:
    assert town.run("batch", "patients", "--dry-run", "--plan", "run-1").exit_code == 2


def test_a_plan_of_the_other_batch_is_refused_and_nothing_done(town: Town) -> None:
    contact, _ = town.both("Ann", "Moor", BORN)
    plan = town.json("batch", "patients", "--dry-run")["run"]["id"]
    result = town.run("batch", "contacts", town.report(contact), "--plan", plan)
    assert (result.exit_code, "not a finished dry run" in result.stderr) == (2, True)
    assert town.org.get("Contact", contact)["Hint_Patient_Id__c"] is None


def test_m15_contacts_of_a_report_are_linked_and_their_values_win(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN, org={"MailingCity": "Lynn"}, hint={"address_city": "Salem"})
    other, _ = town.both("Bea", "Hill", BORN)
    answer = town.json("batch", "contacts", town.report(contact))
    assert answer["outcomes"] == {"linked": 1}
    assert answer["file"] == {
        "rows": 1, "contacts": 1, "repeated": 0, "header": True, "footer_line": None, "problems": [],
    }  # fmt: skip
    assert town.city(Side.HINT, patient) == "Lynn"
    assert town.org.get("Contact", other)["Hint_Patient_Id__c"] is None


ID = "003Ik000000yednIAA"
GOOD: dict[str, Callable[[str], bytes]] = {
    "with a byte order mark": lambda c: f"Contact ID\r\n{c}\r\n".encode("utf-8-sig"),
    "in UTF-16": lambda c: f"Contact ID\tName\r\n{c}\tAnn\r\n".encode("utf-16"),
    "with semicolons": lambda c: f"Contact ID;Name\n{c};Ann\n".encode(),
    "with 15 characters": lambda c: f"Contact ID\n{c[:15]}\n".encode(),
    "without a header": lambda c: f"{c}\n".encode(),
    "without a line end": lambda c: f"Contact ID\n{c}".encode(),
    "in Windows-1252": lambda c: f"Contact ID,Name\n{c},Zoë\n".encode("cp1252"),
    "quoted, with line breaks in cells": lambda c: f'"Contact ID","Note"\n"{c}","two\nlines"\n'.encode(),
    "with a footer": lambda c: f'"Contact ID"\n"{c}"\n\n\n"Contacts for Hint"\n"Copyright (c) 2000-2026"\n'.encode(),
}


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
def test_a_report_is_read_however_it_was_saved(town: Town, tmp_path: Path, content: Callable[[str], bytes]) -> None:
    contact, _ = town.both("Ann", "Moor", BORN)
    path = tmp_path / "report.csv"
    path.write_bytes(content(contact))
    assert town.json("batch", "contacts", path)["outcomes"] == {"linked": 1}


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file is empty"),
    "only blank lines": (b"\n\n \n", "the file is empty"),
    "binary": (b"PK\x03\x04\x00\x00\x08\x00", "binary file"),
    "broken UTF-16": (b"\xff\xfeC\x00o", "UTF-16"),
    "without any id": (b"Name\nAnn\nBea\n", "line 2: no contact id"),
    "ids of another object": (b"Account ID\n001Ik000000yednIAA\n", "no contact id"),
}


@pytest.mark.parametrize(("content", "told"), BAD.values(), ids=BAD)
def test_a_file_that_is_no_report_is_refused_before_anything_is_done(
    town: Town, tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes(content)
    result = town.run("batch", "contacts", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert "report.csv" in result.stderr
    assert town.json("runs")["runs"] == []


def test_a_file_that_is_not_there_is_said(town: Town, tmp_path: Path) -> None:
    answer = town.json("batch", "contacts", tmp_path / "nowhere.csv", code=2)
    assert answer["error"]["code"] == "bad-input"
    assert "nowhere.csv: cannot be read" in answer["error"]["message"]


def test_rows_that_are_no_contact_are_shown_first_and_listed_in_the_results(town: Town, tmp_path: Path) -> None:
    contact, _ = town.both("Ann", "Moor", BORN)
    path = tmp_path / "report.csv"
    rows = ["Contact ID", contact, CANARY, "001Ik000000yednIAA", contact[:15], f"{contact[:17]}Z"]
    path.write_text("\n".join(rows), encoding="utf-8")
    result = town.run("batch", "contacts", path)
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "report.csv, line 3: not an id",
        "report.csv, line 4: id of another object",
        "report.csv, line 6: checksum",
        "report.csv: 1 rows name a contact that an earlier row names; each contact counts once",
    ]
    assert CANARY not in result.output
    run_id = town.json("runs")["runs"][0]["id"]
    listed = town.json("run", run_id, "--rows")["rows"]
    assert [(row["position"], row["outcome"]) for row in listed] == [
        (0, "linked"), (1, "bad id"), (2, "bad id"), (3, "repeated"), (4, "bad id"),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=pytest.mark.torture)])
def test_every_row_of_a_long_file_gets_its_result(town: Town, tmp_path: Path, count: int) -> None:
    contact, _ = town.both("Ann", "Moor", BORN)
    path = tmp_path / "report.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("Contact ID\n")
        file.writelines(f"{contact}\n" for _ in range(count))
    answer = town.json("batch", "contacts", path)
    assert answer["outcomes"] == {"linked": 1, "repeated": count - 1}


def test_a_token_that_was_revoked_ends_the_run_with_what_to_do(town: Town) -> None:
    town.both("Ann", "Moor", BORN)
    town.practice.revoke_token()
    answer = town.json("batch", "patients", code=2)
    assert (answer["run"]["status"], answer["run"]["reason"].partition(":")[0]) == ("stopped", "reconnect-needed")


def test_a_system_that_is_down_may_be_tried_again(town: Town) -> None:
    town.org.set_daily_limit(100_000, used=100_000)
    town.both("Ann", "Moor", BORN)
    assert town.run("batch", "patients").exit_code == 1
