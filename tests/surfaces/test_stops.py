"""Pause, resume, approve and what status says of them."""

from __future__ import annotations

from hintsync.core.values import Side
from tests.surfaces.town import Town

BORN = "1980-02-03"


def crowd(town: Town, count: int = 22) -> list[tuple[str, str]]:
    """Link people; then everybody moves, as Hint has it."""
    pairs = [town.both(f"Ann{number:02}", "Moor", BORN) for number in range(count)]
    town.link_everybody()
    for _, patient in pairs:
        town.practice.edit(patient, address_city="Reno")
    return pairs


def test_a_pause_stops_syncs_and_people_go_on(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN)
    town.link_everybody()
    assert town.json("pause", "--reason", "the office moves")["paused"] is True
    assert town.json("pause")["paused"] is False
    town.practice.edit(patient, address_city="Reno")
    run = town.json("sync", code=3)["run"]
    assert run["reason"].startswith("safety-stop: pause: the office moves")
    assert town.city(Side.SALESFORCE, contact) is None
    (stop,) = town.json("status")["connections"][0]["stops"]
    assert (stop["guard"], stop["reason"]) == ("pause", "the office moves")
    assert "STOPPED by a person (the office moves)" in town.run("status").stdout
    assert town.run("sync", contact).exit_code == 0
    assert town.city(Side.SALESFORCE, contact) == "Reno"
    assert town.json("resume") == {"ended": ["pause"], "stops": []}
    assert town.json("resume")["ended"] == []
    assert town.json("resume", run["id"])["run"]["status"] == "done"


def test_what_guard_g3_held_back_is_shown_approved_and_done(town: Town) -> None:
    pairs = crowd(town)
    stopped = town.json("sync", code=3)["run"]
    assert stopped["reason"].startswith("safety-stop: G3: changes in Hint: 22 of 22 links")
    (stop,) = town.json("status", code=3)["connections"][0]["stops"]
    assert (stop["guard"], stop["side"]) == ("G3", "hint")
    kept = town.json("run", stop["plan"], "--rows")
    assert len(kept["rows"]) == 22
    assert {tuple(row["written"]["salesforce"]) for row in kept["rows"]} == {("city",)}
    assert f"hintsync approve {stop['plan']} --seal {kept['seal']}" in town.run("run", stop["plan"]).stdout
    assert town.json("resume", stop["plan"], code=2)["error"]["code"] == "bad-input"
    assert "kept, waits to be approved" in town.run("run", stop["plan"]).stdout
    assert town.json("approve", stop["plan"], "--seal", "0" * 64, code=2)["error"]["code"] == "bad-input"
    assert town.json("approve", stop["plan"], "--seal", kept["seal"])["marked"] == 22
    assert town.json("status")["connections"][0]["stops"] == []
    assert town.json("approve", stop["plan"], code=2)["error"]["code"] == "bad-input"
    assert town.json("resume", stopped["id"])["run"]["status"] == "done"
    assert {town.city(Side.SALESFORCE, contact) for contact, _ in pairs} == {"Reno"}


def test_a_stop_of_guard_g3_is_acknowledged_without_an_approval_and_comes_again(town: Town) -> None:
    pairs = crowd(town)
    stopped = town.json("sync", code=3)["run"]
    assert town.json("resume", "--guard", "G3", "--side", "salesforce", code=2)["error"]["code"] == "bad-input"
    assert town.json("resume", "--guard", "G3")["ended"] == ["G3"]
    assert town.json("resume", stopped["id"], code=3)["run"]["reason"].startswith("safety-stop: G3")
    town.json("resume", "--guard", "G3")
    for _, patient in pairs[:5]:
        town.practice.edit(patient, address_city=None)  # somebody takes some of it back
    assert town.json("resume", stopped["id"])["run"]["status"] == "done"
    assert [town.city(Side.SALESFORCE, contact) for contact, _ in pairs].count("Reno") == 17


def test_g1_another_kind_of_org_is_pinned_by_an_administrator_only(town: Town) -> None:
    contact, _ = town.both("Ann", "Moor", BORN)
    town.link_everybody()
    town.org.storage.update("Organization", town.org.org_id, {"IsSandbox": 1})
    assert town.json("sync", contact, code=3)["error"]["code"] == "safety-stop"
    error = town.json("resume", "--guard", "G1", code=2)["error"]
    assert "--repin" in error["message"]
    assert town.json("resume", "--guard", "G1", "--repin")["ended"] == ["G1"]
    assert town.run("sync", contact).exit_code == 0
    assert town.json("status", "--online")["connections"][0]["org_sandbox"] is True


def test_g1_the_stop_ends_when_the_pinned_org_is_back(town: Town) -> None:
    contact, _ = town.both("Ann", "Moor", BORN)
    town.link_everybody()
    town.org.storage.update("Organization", town.org.org_id, {"IsSandbox": 1})
    town.json("sync", contact, code=3)
    town.org.storage.update("Organization", town.org.org_id, {"IsSandbox": 0})
    assert town.json("sync", contact, code=3)["error"]["code"] == "safety-stop", "somebody has to look first"
    assert town.json("resume", "--guard", "G1")["ended"] == ["G1"]
    assert town.json("resume", "--guard", "G1")["ended"] == []
    assert town.run("sync", contact).exit_code == 0


def test_a_batchs_dry_run_is_approved_by_running_it(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN)
    plan = town.json("batch", "patients", "--dry-run")["run"]["id"]
    told = town.run("approve", plan)
    assert (told.exit_code, f"--plan {plan}" in told.stdout) == (3, True)
    assert town.org.get("Contact", contact)["Hint_Patient_Id__c"] is None
    assert town.json("approve", plan, "--run")["outcomes"] == {"linked": 1}
    assert town.org.get("Contact", contact)["Hint_Patient_Id__c"] == patient


def test_a_batch_of_contacts_is_approved_with_the_list_it_was_made_of(town: Town) -> None:
    contact, _ = town.both("Ann", "Moor", BORN)
    other, _ = town.both("Bea", "Hill", BORN)
    plan = town.json("batch", "contacts", town.report(contact), "--dry-run")["run"]["id"]
    assert town.json("approve", plan, "--run")["outcomes"] == {"linked": 1}
    assert town.org.get("Contact", other)["Hint_Patient_Id__c"] is None


def test_only_plans_are_approved(town: Town) -> None:
    town.both("Ann", "Moor", BORN)
    run = town.link_everybody()["run"]["id"]
    for arguments in (
        ("approve", run),
        ("approve", run, "--run"),
        ("approve", "run-none"),
        ("approve", "run-none", "--run"),
    ):
        assert town.json(*arguments, code=2)["error"]["code"] == "bad-input"


def test_options_that_do_not_belong_together_are_refused(town: Town) -> None:
    for arguments in (
        ("resume", "run-1", "--guard", "G3"),
        ("resume", "--guard", "G9"),
        ("resume", "--side", "hint"),
        ("resume", "--repin"),
        ("resume", "--guard", "G3", "--repin"),
    ):
        assert town.run(*arguments).exit_code == 2
