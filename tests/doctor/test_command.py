"""`hintsync doctor`: one screen for people, stable keys for programs, an exit code for monitoring."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hintsync.bootstrap import open_service
from hintsync.doctor.checks import BY_CODE, CHECKS, Area
from hintsync.doctor.findings import Finding, State, worst
from hintsync.logins import CREDENTIALS_FACT, SALESFORCE_LOGIN, ended_mark
from hintsync.settings import load_settings
from hintsync.state.port import Connection
from tests.surfaces.town import Town, built

_ROW = {"check", "area", "title", "state", "found", "at", "remedy"}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with built(tmp_path) as town:
        yield town


def test_every_check_comes_once_with_stable_keys(town: Town) -> None:
    told = town.json("doctor", code=3)
    assert set(told) == {"at", "state", "service", "connections", "not_looked_at"}
    [clinic] = told["connections"]
    assert set(clinic) == {"id", "name", "ended", "state", "checks"}
    rows = [*told["service"], *clinic["checks"]]
    assert [row["check"] for row in rows] == [check.code for check in CHECKS]
    assert all(set(row) == _ROW for row in rows)
    assert {row["state"] for row in rows} <= {"ok", "look", "wrong", "not known"}
    assert all(bool(row["remedy"]) == (row["state"] != "ok") for row in rows)


def test_people_see_each_check_with_what_to_do_and_a_sum(town: Town) -> None:
    told = town.run("doctor")
    assert told.exit_code == 3
    lines = told.stdout.splitlines()
    assert [line for line in lines if not line.startswith(" ")][:2] == ["This installation", "Connection clinic"]
    alerts = next(number for number, line in enumerate(lines) if " Alerts " in line)
    assert lines[alerts].split()[:2] == ["look", "Alerts"]
    assert "→ Set HINTSYNC_ALERTS" in lines[alerts + 1]
    assert " ok, " in lines[-1]


def test_nothing_that_opens_anything_is_told(town: Town) -> None:
    key = town.practice.partner.key
    with (town.state / "settings.env").open("a", encoding="utf-8") as file:
        file.write(f"HINTSYNC_HINT_PARTNER_KEY={key}\nHINTSYNC_ALERTS=json://user:hunter2@127.0.0.1:9\n")
    secret = asyncio.run(stored_login(town))
    outputs = [town.run("doctor").output, town.run("doctor", "--json").output]
    token = town.practice.token
    town.practice.revoke_token()
    town.org.expire_tokens()
    outputs += [town.run("doctor").output, town.run("doctor", "--json").output]
    assert "Hint lets us in" in outputs[0]
    master = (town.state / "master.key").read_text(encoding="ascii").strip()
    for hidden in (key, "hunter2", secret, token, master):
        assert len(hidden) > 6
        assert not [number for number, output in enumerate(outputs) if hidden in output]


def test_a_connection_may_be_named_and_one_that_is_not_there_is_wrong_input(town: Town) -> None:
    assert [each["name"] for each in town.json("doctor", "--connection", "clinic", code=3)["connections"]] == ["clinic"]
    assert "no connection elsewhere" in town.json("doctor", "--connection", "elsewhere", code=2)["error"]["message"]


def test_a_connection_that_was_uninstalled_is_not_looked_at(town: Town) -> None:
    asyncio.run(end(town))
    town.hint_app.faults.counts.clear()
    told = town.json("doctor", code=3)
    assert [(each["ended"], each["checks"]) for each in told["connections"]] == [(True, [])]
    assert town.hint_app.faults.total == 0
    assert "it was uninstalled" in town.run("doctor").stdout


def test_several_connections_are_looked_at_and_one_that_lost_its_org_hides_no_other(town: Town) -> None:
    asyncio.run(add(town, Connection("other", "other", "00D000000000000AAA", False, "pra-other")))
    told = town.json("doctor", code=3)
    states = {
        each["name"]: {row["check"]: row["state"] for row in each["checks"]}["org-token"]
        for each in told["connections"]
    }
    assert states == {"clinic": "ok", "other": "look"}


def test_a_state_folder_that_is_not_there_is_said_and_not_made(tmp_path: Path, town: Town) -> None:
    town.state = tmp_path / "nowhere"
    told = town.json("doctor", code=3)
    assert (told["connections"], told["not_looked_at"]) == ([], "the store cannot be opened as it is")
    assert "No connection was looked at" in town.run("doctor").stdout
    assert not town.state.exists()


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ([State.OK], State.OK),
        ([State.OK, State.NOT_KNOWN], State.NOT_KNOWN),
        ([State.NOT_KNOWN, State.LOOK, State.OK], State.LOOK),
        ([State.LOOK, State.WRONG, State.NOT_KNOWN], State.WRONG),
    ],
)
def test_what_needs_a_person_goes_before_what_could_not_be_found_out(states: list[State], state: State) -> None:
    assert worst([Finding("stops", each, "") for each in states]) is state


def test_codes_and_titles_are_told_apart_and_each_area_has_checks() -> None:
    assert len(BY_CODE) == len(CHECKS) == len({check.title for check in CHECKS})
    assert {check.area for check in CHECKS} == set(Area)


async def stored_login(town: Town) -> str:
    async with open_service(load_settings(state=town.state)) as service:
        raw = await service.store.secret("clinic", SALESFORCE_LOGIN)
        return str(json.loads(raw or b"{}")["access_token"])


async def end(town: Town) -> None:
    async with open_service(load_settings(state=town.state)) as service:
        connection = await service.connection("clinic")
        facts = {**connection.facts, CREDENTIALS_FACT: ended_mark()}
        await service.store.put_connection(replace(connection, facts=facts))


async def add(town: Town, connection: Connection) -> None:
    async with open_service(load_settings(state=town.state)) as service:
        await service.store.put_connection(connection)
