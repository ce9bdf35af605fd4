"""What deploy/compose.postgres.yaml describes, started here process by process, under load, one of each killed: nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import httpx
import psycopg
import pytest

from hintsync.demo.people import Cast, Systems, both_systems
from hintsync.state.keys import MasterKeys
from hintsync_emulators.serve import serving
from tests.deploy.clinic import Clinic
from tests.deploy.composed import MANY, Container, containers, read_image
from tests.deploy.front import Front, event_of
from tests.deploy.running import Host, host, until

#: Invented people in both systems together; somewhat fewer are linked.
PEOPLE = 90
#: Half of the edits that are made around each death. Nobody is edited so often that guard G7 steps in.
ROUND = 25
#: Whom a power cut hits: one of each role. The first subscriber is the one that holds the turn.
VICTIMS = ("web1-1", "worker-1", "subscriber-1")


def secrets_of(systems: Systems, database_url: str) -> Mapping[str, str]:
    """Return what an administrator puts into the files of secrets."""
    return {
        "database_url": database_url,
        "master_keys": MasterKeys.generate(),
        "hint_partner_key": systems.hint.partner_key,
        "hint_webhook_keys": systems.hint.signing_key,
        "alerts": "",
    }


def here(systems: Systems) -> Mapping[str, str]:
    """Return where the two systems are, instead of on the internet."""
    return {
        "HINTSYNC_HINT_URL": systems.hint.url,
        "HINTSYNC_HINT_REQUESTS_PER_SECOND": "400",
        "HINTSYNC_SALESFORCE_EVENTS": systems.org.pubsub,
        "HINTSYNC_SALESFORCE_EVENTS_CA": systems.org.ca,
    }


def connect(made: Host, one: Container, systems: Systems) -> None:
    """Join both systems and link everybody, by the commands that an administrator runs in a container."""
    org = systems.org
    for name, text in (("org", org.client_secret), ("practice", systems.hint.token)):
        (made.folder / name).write_text(text, encoding="utf-8")
    login = ("--client-id", org.client_id, "--client-secret-file", "org", "--hint-token-file", "practice")
    made.run(
        one,
        ("connect", "clinic", "--salesforce-url", org.url, *login),
        ("settings", "guard_at_least", "100000"),  # an office does not edit everybody within a minute
        ("batch", "patients", "--json"),
    )


class Books:
    """What was accepted, and whether it was in the store by then."""

    def __init__(self, database_url: str, clinic: Clinic) -> None:
        self._url = database_url
        self._clinic = clinic
        self.accepted = 0
        #: Events that were answered with success, and are neither stored nor already in step.
        self.lost: list[str] = []

    def check(self, body: bytes) -> None:
        """Look for an accepted event in the store; what it says may also be on the other side already."""
        event, patient = event_of(body)
        with psycopg.connect(self._url) as database:
            stored = database.execute("SELECT 1 FROM inbox WHERE event_id = %s", [event]).fetchone()
        self.accepted += 1
        if stored is None and not self._clinic.agrees_on(patient):
            self.lost.append(event)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_t5_the_composed_processes_lose_nothing_when_one_of_each_is_killed(tmp_path: Path, postgres_url: str) -> None:
    described = {each.name: each for each in containers(MANY, read_image(), {"HINTSYNC_HOST": "sync.example.org"})}
    with (
        both_systems(Cast(seed=7, count=PEOPLE)) as systems,
        host(tmp_path, read_image(), here(systems), secrets_of(systems, postgres_url)) as made,
        httpx.Client(timeout=60) as http,
    ):
        made.run(described.pop("upgrade-1"))
        connect(made, described["worker-1"], systems)
        clinic = Clinic(systems, http)
        clinic.find_pairs()
        made.start(described["subscriber-1"])  # so that it has the turn
        made.start(*(each for name, each in described.items() if name != "subscriber-1"))
        books = Books(postgres_url, clinic)
        front = Front([each.url for name, each in made.running.items() if name.startswith("web")], books.check)
        with serving(front.app()) as url:
            made.run(described["worker-1"], ("webhook", "--url", f"{url}/webhooks/hint"))
            under_load(made, clinic)
            until(lambda: not clinic.apart(), "both sides agree", told=clinic.apart)
        assert clinic.made == 2 * ROUND * len(VICTIMS)
        assert books.accepted >= clinic.made // 3
        assert books.lost == []
        assert all(front.answers.get(web.url) for name, web in made.running.items() if name.startswith("web"))
        assert {name: each.stop() for name, each in made.running.items()} == dict.fromkeys(described, 0)


def under_load(made: Host, clinic: Clinic) -> None:
    """Let people edit; kill the victims one after the other meanwhile, and start each again."""
    people = threading.Thread(target=clinic.work)
    people.start()
    try:
        for number, name in enumerate(VICTIMS):
            before = 2 * ROUND * number
            clinic.let_edit(2 * ROUND)
            clinic.wait_for(before + ROUND // 2)
            made.running[name].kill()
            clinic.wait_for(before + ROUND)  # people go on editing while it is away, and while it comes back
            made.start(made.running[name].container)
            clinic.wait_for(before + 2 * ROUND)
    finally:
        clinic.rest()
        people.join()
