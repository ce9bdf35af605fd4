"""`hintsync verify`: the check with its figures and exit codes, the audit trail, the export."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from hintsync.bootstrap import open_engine, open_service
from hintsync.engine.audit.anchors import cast_anchor
from hintsync.settings import load_settings
from tests.surfaces.town import Town

BORN = "1980-05-06"


@pytest.fixture(autouse=True)
def _without_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody works here while the check reads, so nothing needs to be waited for."""
    monkeypatch.setattr("hintsync.surfaces.cli.verify.GRACE", 0.0)


def in_step(town: Town, count: int = 3) -> list[tuple[str, str]]:
    ids = [town.both(f"Ann{number}", "Moor", BORN) for number in range(count)]
    town.link_everybody()
    return ids


def tamper(town: Town, statement: str) -> None:
    """Change the database as somebody would who has its file."""
    engine = create_engine(load_settings(state=town.state).database())
    with engine.begin() as connection:
        assert connection.exec_driver_sql(statement).rowcount >= 1
    engine.dispose()


def test_a_population_in_step_verifies_and_is_shown_in_words(town: Town) -> None:
    in_step(town)
    answer = town.json("verify")
    assert answer["report"]["pairs"]["agreed"] == 3
    assert (answer["audit_problems"], answer["report_problems"]) == ([], [])
    assert (answer["run"]["kind"], answer["run"]["status"], len(answer["run"]["seal"])) == ("parity", "done", 64)
    shown = town.run("verify")
    assert shown.exit_code == 0
    assert "3  agree" in shown.stdout
    assert "shown by one side only, so not compared: name_prefix" in shown.stdout
    assert "the audit trail and the signed reports are whole" in shown.stdout


def test_a_lost_edit_is_found_and_marked_and_is_no_error(town: Town) -> None:
    (contact, patient), *_ = in_step(town)
    town.practice.edit(patient, address_city="Salem")
    answer = town.json("verify")
    assert (answer["report"]["missed"], answer["report"]["marked"]) == (1, 1)
    rows = town.json("run", answer["run"]["id"], "--rows")["rows"]
    assert [(row["record_id"], row["peers"], row["reason"]) for row in rows] == [(patient, [contact], "differs: city")]
    again = town.json("verify")
    assert (again["report"]["missed"], again["report"]["pairs"]["queued"]) == (0, 1)


def test_what_is_not_to_be_repaired_needs_a_person(town: Town) -> None:
    (_, patient), *_ = in_step(town)
    town.practice.edit(patient, address_city="Salem")
    answer = town.json("verify", "--no-repair", code=3)
    assert (answer["report"]["missed"], answer["report"]["marked"]) == (1, 0)
    shown = town.run("verify", "--no-repair")
    assert (shown.exit_code, "1  differ, and nobody knew" in shown.stdout) == (3, True)
    assert "differ in: 1 city" in shown.stdout


def test_a_check_that_cannot_be_done_now_may_be_run_again(town: Town) -> None:
    in_step(town)
    town.practice.revoke_token()
    answer = town.json("verify", code=2)
    assert answer["run"]["reason"].startswith("reconnect-needed: hint")
    assert answer["report"] is None
    town.practice.partner.add_key(town.practice.installation, town.practice.installation.keys[0].token)
    gone_on = town.json("resume", answer["run"]["id"])
    assert (gone_on["run"]["id"], gone_on["run"]["status"]) == (answer["run"]["id"], "done")


def test_t18_an_edited_audit_entry_needs_a_person(town: Town) -> None:
    in_step(town)
    assert town.json("verify")["audit_problems"] == []
    tamper(town, "UPDATE audit SET event = replace(event, 'command line', 'somebody') WHERE sequence = 2")
    answer = town.json("verify", code=3)
    assert len(answer["audit_problems"]) == 1
    assert "NOT WHOLE" in town.run("verify").stdout


def test_t18_an_edited_report_needs_a_person(town: Town) -> None:
    in_step(town)
    run_id = town.json("verify")["run"]["id"]
    tamper(town, f"UPDATE runs SET details = replace(details, '\"agreed\":3', '\"agreed\":4') WHERE id = '{run_id}'")
    answer = town.json("verify", code=3)
    assert answer["report_problems"][0] == f"the report of {run_id} is not as it was signed"


def test_t18_the_export_verifies_with_the_script_that_is_shipped(town: Town, tmp_path: Path) -> None:
    in_step(town)
    town.json("verify")
    path = tmp_path / "trail.jsonl"
    answer = town.json("verify", "--export", path)
    assert answer["entries"] == len(path.read_text(encoding="utf-8").splitlines()) - 3
    command = [sys.executable, "-m", "hintsync.verify_audit", str(path)]
    alone = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (alone.returncode, alone.stdout) == (0, "the trail is whole\n")
    printed = town.run("verify", "--export", "-")
    assert [json.loads(line)["kind"] for line in printed.stdout.splitlines()][-1] == "end"
    tamper(town, "DELETE FROM audit WHERE sequence = 2")
    assert town.run("verify", "--export", path).exit_code == 3
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 1


def test_an_export_that_cannot_be_written_is_said(town: Town, tmp_path: Path) -> None:
    in_step(town, 1)
    assert town.json("verify", "--export", tmp_path, code=2)["error"]["code"] == "bad-input"
    assert town.run("verify", "--export", "-", "--json").exit_code == 2


async def _anchored(town: Town) -> None:
    """Cast an anchor, as a worker does at night."""
    async with (
        open_service(load_settings(state=town.state)) as service,
        open_engine(service, await service.connection()) as engine,
    ):
        assert await cast_anchor(engine)


def test_t18_the_trail_is_compared_with_its_anchors_in_salesforce(town: Town) -> None:
    in_step(town)
    assert "compared with 0 anchors in Salesforce" in town.run("verify").stdout
    asyncio.run(_anchored(town))
    assert town.json("verify")["anchors"] == {"anchors": 1, "problems": [], "remarks": [], "not_asked": None}
    assert "compared with 1 anchor in Salesforce" in town.run("verify").stdout
    (row,) = town.org.rows("Hint_Log__c")
    town.org.delete("Hint_Log__c", str(row["Id"]))
    assert town.json("verify", code=3)["anchors"]["problems"] == ["anchor 1 is missing in Salesforce"]
    assert "NOT WHOLE:\nanchor 1 is missing in Salesforce" in town.run("verify").stdout


def test_t18_an_org_that_cannot_be_asked_for_anchors_is_said_and_is_no_fault(town: Town) -> None:
    in_step(town)
    town.org.schema.remove("Hint_Log__c")
    assert "no Hint Log" in town.json("verify")["anchors"]["not_asked"]
    shown = town.run("verify")
    assert shown.exit_code == 0
    assert "the audit trail and the signed reports are whole" in shown.stdout
    assert "not compared with anchors: salesforce: the org has no Hint Log" in shown.stdout
