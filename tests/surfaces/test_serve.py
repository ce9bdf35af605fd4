"""`hintsync serve`: a process of its own that syncs what is edited on either side, and stops in order."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from hintsync.bootstrap import open_service
from hintsync.core.values import Side
from hintsync.settings import SETTINGS_FILE, load_settings
from tests.surfaces.town import Town

#: Seconds before a test is given up; none waits for them to pass.
PATIENCE = 60.0
BORN = "1980-05-06"


@contextmanager
def served(town: Town, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `hintsync serve` as a process; yields it, and its address where it answers requests."""
    command = [sys.executable, "-m", "hintsync", "serve", "--port", "0", "--state", str(town.state), *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        roles = process.stderr.readline()
        line = process.stderr.readline() if "web" in roles else ""
        yield process, line.rpartition(" ")[2].strip()
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < PATIENCE, "it does not come about"
        time.sleep(0.02)


def stop(process: subprocess.Popen[str]) -> int:
    """Ask a process to stop; return how it ended."""
    process.send_signal(signal.SIGTERM)
    return process.wait(PATIENCE)


def set_up(town: Town, **settings: str) -> None:
    """Add settings to the town's."""
    path = town.state / SETTINGS_FILE
    lines = "".join(f"HINTSYNC_{name.upper()}={value}\n" for name, value in settings.items())
    path.write_text(path.read_text(encoding="utf-8") + lines, encoding="utf-8")


def waiting(town: Town) -> int:
    """Count the dirty records that the store holds, leased ones included."""

    async def count() -> int:
        async with open_service(load_settings(state=town.state)) as service:
            return len(await service.store.dirty("clinic"))

    return asyncio.run(count())


def test_m8_what_was_edited_while_nobody_served_arrives_on_both_sides(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN)
    town.link_everybody()
    town.org.update("Contact", contact, {"MailingCity": "Lynn"})
    town.practice.edit(patient, phones=[{"type": "mobile", "number": "(617) 555-0101"}])
    with served(town) as (process, _):
        until(lambda: town.city(Side.HINT, patient) == "Lynn")
        until(lambda: town.org.get("Contact", contact)["MobilePhone"] is not None)
        assert stop(process) == 0
    assert waiting(town) == 0


def test_m2_m8_an_edit_in_hint_comes_by_webhook_and_is_written_while_the_process_runs(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN)
    town.link_everybody()
    partner = town.practice.partner
    set_up(town, hint_partner_key=partner.key, hint_webhook_keys=partner.key)
    with served(town) as (process, url):
        until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        assert town.json("webhook", "--url", f"{url}/webhooks/hint")["registered"] is not None
        town.practice.edit(patient, address_city="Dover")
        until(lambda: town.city(Side.SALESFORCE, contact) == "Dover")
        assert town.json("webhook")["seen_at"] is not None
        assert 'hintsync_webhooks_total{connection="",result="taken",side=""} 1.0' in httpx.get(f"{url}/metrics").text
        assert stop(process) == 0


def test_a_process_that_only_answers_requests_works_nothing(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN)
    town.link_everybody()
    partner = town.practice.partner
    set_up(town, hint_partner_key=partner.key)
    with served(town, "--role", "web") as (process, url):
        until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        town.json("webhook", "--url", f"{url}/webhooks/hint")
        town.practice.edit(patient, address_city="Dover")
        until(lambda: waiting(town) == 1)
        assert stop(process) == 0
    assert town.city(Side.SALESFORCE, contact) is None
    with served(town, "--role", "worker") as (process, _):
        until(lambda: town.city(Side.SALESFORCE, contact) == "Dover")
        assert stop(process) == 0


def test_what_a_killed_process_had_taken_is_finished_by_the_next(town: Town) -> None:
    contact, patient = town.both("Ann", "Moor", BORN)
    town.link_everybody()
    town.practice.edit(patient, address_city="Dover")
    with served(town) as (process, _):
        until(lambda: town.city(Side.SALESFORCE, contact) == "Dover" or waiting(town) > 0)
        process.send_signal(signal.SIGKILL)
    with served(town) as (process, _):
        until(lambda: town.city(Side.SALESFORCE, contact) == "Dover")
        until(lambda: waiting(town) == 0)
        assert stop(process) == 0


def test_a_port_that_is_taken_is_named(town: Town) -> None:
    with served(town) as (_, url):
        port = url.rpartition(":")[2]
        result = subprocess.run(
            [sys.executable, "-m", "hintsync", "serve", "--port", port, "--state", str(town.state)],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    assert result.returncode == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in result.stderr
    assert "--port" in result.stderr


def test_serving_without_a_connection_says_that_there_is_nothing_to_sync(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hintsync", "serve", "--port", "0", "--state", str(tmp_path / "new")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "listening on" in line:
                break
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
    assert any("no connection yet" in line for line in said)


def test_an_unknown_role_is_refused_in_words(town: Town) -> None:
    result = town.run("serve", "--role", "cook")
    assert result.exit_code == 2
    assert "expected web, worker or subscriber" in result.stderr


def test_an_alert_address_that_nobody_knows_is_refused_before_anything_starts(town: Town) -> None:
    set_up(town, alerts="carrierpigeon://roof")
    result = town.run("serve")
    assert result.exit_code == 2
    assert "address 1 (carrierpigeon)" in result.stderr
