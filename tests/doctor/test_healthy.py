"""A clinic on which everything works: served, installed, heard from on both sides, backed up; the doctor has nothing to say."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from hintsync.core.values import Side
from hintsync.doctor.checks import CHECKS
from hintsync_emulators.salesforce.pubsub.server import pubsub_thread
from hintsync_emulators.tls import write_certificate
from tests.surfaces.test_serve import served, set_up, until
from tests.surfaces.town import Town, built


@contextmanager
def with_events(town: Town, folder: Path) -> Iterator[None]:
    """Serve the org's change events, and tell the service where."""
    files = write_certificate(folder)
    with pubsub_thread(town.org, files.read()) as address:
        set_up(town, salesforce_events=address, salesforce_events_ca=str(files.ca))
        yield


def free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def states(town: Town) -> dict[str, tuple[str, str]]:
    """Return the state of each check, and what it found."""
    result = town.run("doctor", "--json")
    assert result.exit_code in (0, 1, 3), result.output
    report = json.loads(result.stdout)
    rows = [*report["service"], *report["connections"][0]["checks"]]
    return {row["check"]: (row["state"], row["found"]) for row in rows}


@pytest.mark.slow
def test_where_all_is_well_every_check_is_ok_and_the_command_ends_with_0(tmp_path: Path) -> None:
    with built(tmp_path) as town, with_events(town, tmp_path):
        port, partner = free_port(), town.practice.partner
        public = f"http://127.0.0.1:{port}"
        set_up(town, hint_partner_key=partner.key, hint_webhook_keys=partner.key, public_url=public)
        set_up(town, alerts="json://127.0.0.1:9")
        contact, patient = town.both("Ann", "Moor", "1980-05-06")
        town.json("install", "--grant", "admins")
        town.link_everybody()
        with served(town, "--port", str(port)) as (_, url):
            until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
            town.json("webhook", "--update")
            town.practice.edit(patient, address_city="Dover")
            until(lambda: town.city(Side.SALESFORCE, contact) == "Dover")
            until(lambda: "followed" in states(town)["org-events"][1])
            town.org.update("Contact", contact, {"MailingCity": "Lynn"})
            until(lambda: town.city(Side.HINT, patient) == "Lynn")
            (tmp_path / "backups").mkdir()
            town.json("backup", str(tmp_path / "backups"))
            town.json("verify")
            until(lambda: all(state == "ok" for state, _ in states(town).values()))
            assert len(states(town)) == len(CHECKS)
            assert town.run("doctor").exit_code == 0
