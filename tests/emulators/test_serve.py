"""Emulators on sockets: in a thread, as a process, and started by hand."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from hintsync_emulators.__main__ import main, populate
from hintsync_emulators.hint import Practice, create_app
from hintsync_emulators.loading import load_contacts
from hintsync_emulators.people import invent, spread
from hintsync_emulators.serve import emulator_process, listen, serving, url_of


def test_a_free_port_is_taken_and_told() -> None:
    with listen() as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(OSError, match="in use"):
            listen(listener.getsockname()[1])


def test_an_emulator_in_a_thread_answers_at_once_and_is_gone_afterwards() -> None:
    practice = Practice(seed=1)
    with serving(create_app(practice)) as url:
        answer = httpx.get(f"{url}/api/provider/practice", headers={"Authorization": f"Bearer {practice.token}"})
        assert answer.json()["id"] == practice.id
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_the_test_may_change_the_practice_while_it_is_served() -> None:
    practice = Practice(seed=1)
    app = create_app(practice)
    app.faults.limits["per_second"] = None
    with serving(app) as url, httpx.Client(base_url=url, auth=(practice.token, "")) as client:
        for number in range(20):
            practice.create_patient(first_name="Ada", last_name=f"Moor{number}")
            answer = client.get("/api/provider/patients", params={"limit": 1})
            assert answer.headers["x-total-count"] == str(number + 1)


def test_a_hint_process_prints_what_a_caller_needs_and_serves_it() -> None:
    arguments = ["hint", "--count", "60", "--seed", "3", "--token", "secret-token"]
    with emulator_process(arguments) as facts:
        assert (facts["system"], facts["token"]) == ("hint", "secret-token")
        with httpx.Client(base_url=str(facts["url"]), headers={"Authorization": "Bearer secret-token"}) as client:
            answer = client.get("/api/provider/patients", params={"filter": "all"})
            assert answer.headers["x-total-count"] == str(facts["patients"])
            assert client.get("/_control/counts").json()["total"] == 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(str(facts["url"]))


def test_a_salesforce_process_holds_the_other_half() -> None:
    arguments = ["salesforce", "--count", "60", "--seed", "3"]
    with emulator_process(arguments) as facts:
        population = populate(None, 3, 60)
        assert facts["contacts"] == len(population.contacts)
        headers = {"Authorization": f"Bearer {facts['token']}"}
        query = {"q": "SELECT count() FROM Contact"}
        answer = httpx.get(f"{facts['url']}/services/data/v64.0/query", params=query, headers=headers)
        assert answer.json()["totalSize"] == len(population.contacts)


def test_an_emulator_ends_when_whoever_started_it_is_gone() -> None:
    command = [sys.executable, "-m", "hintsync_emulators", "hint", "--count", "20", "--json", "--end-with-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait(timeout=30) == -signal.SIGTERM


def test_an_emulator_that_cannot_start_is_an_error_and_not_a_hang(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="ended before it listened"),
        emulator_process(["hint", "--people", str(tmp_path / "absent.csv")]),
    ):
        pass


def test_a_people_file_that_cannot_be_used_ends_with_its_place_and_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "people.csv"
    path.write_text("FIRST,LAST,BIRTHDATE\nAda,Moor,yesterday\n")
    assert main(["hint", "--people", str(path)]) == 2
    assert f"{path}, line 2, column BIRTHDATE: is not a date" in capsys.readouterr().err


def test_a_port_that_is_taken_ends_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert main(["hint", "--port", str(listener.getsockname()[1]), "--count", "5"]) == 2
    assert "in use" in capsys.readouterr().err


def test_both_systems_get_halves_of_one_population(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    rows = "".join(f"{person.first},{person.last},{person.birth_date}\n" for person in invent(50, 1))
    path.write_text(f"FIRST,LAST,BIRTHDATE\n{rows}", encoding="utf-8")
    one, other = populate(path, 4, None), populate(path, 4, None)
    assert (one.contacts, one.patients) == (other.contacts, other.patients)
    assert populate(path, 4, 30).truth.counts.total() < one.truth.counts.total()
    assert populate(None, 4, 30).contacts == spread(invent(30, 4), 4).contacts


class Ledger:
    """Keeps what it is told to insert, and makes ids."""

    def __init__(self) -> None:
        self.records: dict[str, Mapping[str, object]] = {}

    def insert_many(self, name: str, records: object) -> list[str]:
        assert isinstance(records, list)
        ids = [f"{name}-{len(self.records) + index}" for index in range(len(records))]
        self.records |= dict(zip(ids, records, strict=True))
        return ids


def test_contacts_are_loaded_into_the_accounts_they_name() -> None:
    population = spread(invent(200, 4), 4)
    ledger = Ledger()
    contact_ids = load_contacts(ledger, population.contacts)
    for contact_id, contact in zip(contact_ids, population.contacts, strict=True):
        loaded = ledger.records[contact_id]
        assert ledger.records[str(loaded["AccountId"])] == {"Name": contact["AccountName"]}
        assert loaded["LastName"] == contact["LastName"]
        assert "AccountName" not in loaded


def test_what_is_printed_by_hand_names_the_address_and_the_people() -> None:
    command = [sys.executable, "-m", "hintsync_emulators", "hint", "--count", "40", "--end-with-stdin"]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    assert "on both sides, equal" in ended.stdout
    assert "http://127.0.0.1:" in ended.stdout
    assert "/_control" in ended.stdout
