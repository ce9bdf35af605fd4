"""Taking over from Hint's own package (M21): its links are found again, nothing is doubled, and nothing runs beside it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from hintsync.bootstrap import open_service
from hintsync.core.values import Side
from hintsync.settings import load_settings
from hintsync.setup.taking_over import keep_apart
from hintsync_emulators.salesforce.managed import install_managed, uninstall_managed
from hintsync_emulators.salesforce.schema.model import Field
from tests.surfaces.test_serve import served, stop, until
from tests.surfaces.town import Town

THEIRS = "hinthealth__Hint_Patient_ID__c"
MARKED = "hinthealth__Synced_to_Hint__c"
FIELDS = (
    Field("Hint_Patient_ID__c", "Hint Patient ID", "string", length=40),
    Field("Synced_to_Hint__c", "Synced to Hint", "boolean", nillable=False, default=False),
)


@dataclass
class Taken:
    """Contact and patient of each pair that the old package had linked."""

    same: tuple[str, str]
    #: Agrees in everything but the city.
    city: tuple[str, str]
    #: Married since, on Hint's side: no match by demographics.
    renamed: tuple[str, str]


@pytest.fixture
def taken(town: Town) -> Taken:
    install_managed(town.org, "Hint Health", "hinthealth", FIELDS)

    def linked(first: str, last: str, born: str, hint: dict[str, str], org: dict[str, str]) -> tuple[str, str]:
        patient = town.patient(first, hint.pop("last_name", last), born, **hint)
        contact = town.contact(first, last, born, **{THEIRS: patient, MARKED: "true"}, **org)
        return contact, patient

    return Taken(
        linked("Ada", "Moss", "1990-01-02", {}, {}),
        linked("Ben", "Reed", "1985-03-04", {"address_city": "Austin"}, {"MailingCity": "Boston"}),
        linked("Cleo", "Hart", "1979-05-06", {"last_name": "Vale"}, {}),
    )


def keep(town: Town) -> None:
    async def look() -> None:
        async with open_service(load_settings(state=town.state)) as service:
            await keep_apart(service, await service.connection())

    asyncio.run(look())


def test_m21_its_links_are_recovered_and_nothing_is_doubled(town: Town, taken: Taken) -> None:
    contacts, patients = town.org.count("Contact"), len(town.practice.patients())
    told = town.json("take-over", "--import-links")
    assert told["links"]["to_import"] == dict((taken.same, taken.city, taken.renamed))
    assert town.org.get("Contact", taken.renamed[0])["Hint_Patient_Id__c"] == taken.renamed[1]
    town.json("take-over", "--other-ended")
    town.json("settings", "create_contacts", "true")
    town.link_everybody()
    assert (town.org.count("Contact"), len(town.practice.patients())) == (contacts, patients)
    (stands,) = town.json("status")["connections"]
    assert stands["links"] == {"active": 3}
    for contact, _ in (taken.same, taken.city, taken.renamed):
        assert town.org.get("Contact", contact)["Synced_to_Hint__c"] is True
    held = {(each["record_id"], each["field"]) for each in town.json("review")["reviews"]}
    assert held == {(taken.city[0], "city"), (taken.renamed[0], "last_name")}, "two values: nobody's is overwritten"
    assert town.org.get("Contact", taken.city[0])["MailingCity"] == "Boston"
    assert town.practice.patient(taken.city[1])["address_city"] == "Austin"


def test_m21_looking_changes_nothing_and_doing_it_again_neither(town: Town, taken: Taken) -> None:
    looked = town.json("take-over")
    assert (len(looked["links"]["to_import"]), looked["imported"]) == (3, False)
    assert town.org.get("Contact", taken.same[0])["Hint_Patient_Id__c"] is None
    town.json("take-over", "--import-links")
    again = town.json("take-over", "--import-links")
    assert (again["links"]["to_import"], len(again["links"]["known"])) == ({}, 3)


def test_m21_what_cannot_be_imported_is_named_and_left(town: Town, taken: Taken) -> None:
    twin = town.contact("Ada", "Moss", "1990-01-02", **{THEIRS: taken.same[1]})
    lost = town.contact("Dan", "Gray", "1970-07-08", **{THEIRS: "pat-gone"})
    told = town.json("take-over", "--import-links", code=3)
    assert sorted(told["links"]["shared"]) == sorted([taken.same[0], twin])
    assert told["links"]["unknown"] == [lost]
    for contact in (twin, lost, taken.same[0]):
        assert town.org.get("Contact", contact)["Hint_Patient_Id__c"] is None
    shown = town.run("take-over")
    assert f"1 contacts name a patient that is not in the practice: not imported: {lost}" in shown.stdout


def test_m21_a_pair_of_ours_outweighs_theirs(town: Town) -> None:
    contact, patient = town.both("Ada", "Moss", "1990-01-02")
    town.link_everybody()
    install_managed(town.org, "Hint Health", "hinthealth", FIELDS)
    other = town.patient("Eve", "Stone", "1991-09-10")
    town.org.update("Contact", contact, {THEIRS: other})
    told = town.json("take-over", "--import-links", code=3)
    assert told["links"]["ours"] == [contact]
    assert town.org.get("Contact", contact)["Hint_Patient_Id__c"] == patient


def test_m21_beside_it_nothing_runs_until_it_is_said_to_have_ended(town: Town, taken: Taken) -> None:
    keep(town)
    refused = town.json("batch", "patients", code=3)
    assert "Hint Health 1.0, namespace hinthealth is installed in the org" in refused["run"]["reason"]
    status = town.run("status")
    assert status.exit_code == 3
    assert "STOPPED by another integration: Hint Health 1.0" in status.stdout
    assert "hintsync take-over" in status.stdout
    assert town.json("batch", "patients", "--dry-run")["run"]["status"] == "done", "looking goes on"
    town.json("take-over", "--other-ended")
    keep(town)
    assert town.json("status")["connections"][0]["stops"] == []
    town.link_everybody()


def test_m21_once_its_package_is_gone_work_goes_on_by_itself(town: Town, taken: Taken) -> None:
    keep(town)
    assert town.json("status", code=3)["connections"][0]["stops"][0]["guard"] == "other-integration"
    uninstall_managed(town.org, "hinthealth")
    keep(town)
    assert town.json("status")["connections"][0]["stops"] == []


def test_m21_another_package_than_the_one_that_ended_stops_again(town: Town, taken: Taken) -> None:
    town.json("take-over", "--other-ended")
    uninstall_managed(town.org, "hinthealth")
    install_managed(town.org, "Hint Health", "hinthealth2", FIELDS)
    keep(town)
    assert len(town.json("status", code=3)["connections"][0]["stops"]) == 1


def test_without_another_integration_there_is_nothing_to_take_over(town: Town) -> None:
    assert "no other integration" in town.run("take-over").stdout
    assert "nothing to take over from" in town.json("take-over", "--other-ended", code=2)["error"]["message"]
    assert (
        "one after the other" in town.json("take-over", "--other-ended", "--import-links", code=2)["error"]["message"]
    )


@pytest.mark.slow
def test_m21_serve_stands_still_beside_it_says_so_and_carries_on_once_it_has_ended(town: Town) -> None:
    contact, patient = town.both("Ada", "Moss", "1990-01-02")
    town.link_everybody()
    install_managed(town.org, "Hint Health", "hinthealth", FIELDS)
    town.org.update("Contact", contact, {"MailingCity": "Lynn"})

    def stops() -> list[str]:
        (stands,) = json.loads(town.run("status", "--json").stdout)["connections"]
        return [each["guard"] for each in stands["stops"]]

    with served(town) as (process, _):
        until(lambda: stops() == ["other-integration"])
        until(lambda: json.loads(town.run("status", "--json").stdout)["connections"][0]["waiting"] != {})
        assert town.city(Side.HINT, patient) is None
        town.json("take-over", "--other-ended")
        until(lambda: town.city(Side.HINT, patient) == "Lynn")
        assert stop(process) == 0
        assert process.stderr is not None
        assert "stands still: Hint Health 1.0, namespace hinthealth is installed" in process.stderr.read()


def test_m21_connecting_finds_it_too_before_any_batch_can_run(town: Town, tmp_path: Path) -> None:
    install_managed(town.org, "Hint Health", "hinthealth", FIELDS)
    for name, secret in (("hint", town.practice.token), ("org", town.org.issue_token())):
        (tmp_path / name).write_text(secret, encoding="utf-8")
    given = [
        "--salesforce-url",
        town.org_url,
        "--access-token-file",
        tmp_path / "org",
        "--hint-token-file",
        tmp_path / "hint",
    ]
    town.both("Ada", "Moss", "1990-01-02")
    town.json("connect", "clinic", *given, "--no-deploy")
    assert town.json("batch", "patients", code=3)["run"]["reason"].startswith("safety-stop: other-integration")
