"""hintsync as its users run it: a state folder, `hintsync connect` and a batch, then `hintsync serve` or workers as processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.live.office import HTTP, Office
from hintsync.bootstrap import Service, open_engine, open_service
from hintsync.core.values import Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.live.known_patients import take_known_patients
from hintsync.engine.options import Options
from hintsync.logins import WithToken
from hintsync.settings import PREFIX, SETTINGS_FILE, Settings, load_settings
from hintsync.setup.connecting import connect
from hintsync.setup.installation import prepare_org
from hintsync.state.port import RunStatus

NAME = "bench"
#: Seconds that anything may take to come about.
PATIENCE = 180.0


@dataclass(frozen=True, slots=True)
class Site:
    """An installation: its folder, and the systems it is connected to."""

    folder: Path
    hint: Office
    org: Office
    database_url: str = ""

    def configure(self, **settings: object) -> None:
        """Write the settings file anew."""
        chosen = {
            "hint_url": self.hint.url,
            "hint_partner_key": self.hint.facts["partner_key"],
            "hint_webhook_keys": self.hint.facts["signing_key"],
            "salesforce_events": self.org.facts["pubsub"],
            "salesforce_events_ca": self.org.facts["ca"],
            "database_url": self.database_url,
            **settings,
        }
        lines = (f"{PREFIX}{name.upper()}={value}\n" for name, value in chosen.items() if value != "")
        path = self.folder / SETTINGS_FILE
        path.touch(0o600)
        path.write_text("".join(lines), encoding="utf-8")

    def settings(self) -> Settings:
        """Return the settings in force."""
        return load_settings(state=self.folder)

    def link_everybody(self) -> int:
        """Connect, and link everybody as on the first day, with the limits lifted; return the number of links."""
        self.limit(None)
        self.configure(hint_requests_per_second=1000)
        return asyncio.run(self._link())

    async def _link(self) -> int:
        async with open_service(self.settings()) as service:
            login = WithToken(self.org.url, self.org.facts["token"])
            await prepare_org(service, login)
            options = Options(guard_share=1.0, guard_at_least=10**6)  # the bursts here are meant
            made = await connect(service, NAME, hint_token=self.hint.facts["token"], login=login, options=options)
            async with open_engine(service, made) as engine:
                await take_known_patients(engine)
                done = await batch_patients(engine)
            if done.status is not RunStatus.DONE:
                raise RuntimeError(f"the batch ended as {done.status}: {done.reason}")
            return done.done

    def limit(self, per_second: float | None) -> None:
        """Set the emulated Hint's limit."""
        self.hint.control("PUT", "/faults", {"limits": {"per_second": per_second}})

    async def pairs(self, service: Service) -> list[tuple[str, str]]:
        """Return contact and patient of every link."""
        connection = await service.connection(NAME)
        links = await service.store.live_pairs(connection.id)
        return [(k.contact_id, k.patient_id) for k in links if k.contact_id and k.patient_id]

    def linked(self) -> list[tuple[str, str]]:
        """Return contact and patient of every link."""

        async def ask() -> list[tuple[str, str]]:
            async with open_service(self.settings()) as service:
                return await self.pairs(service)

        return asyncio.run(ask())

    def waiting(self) -> int:
        """Return how many dirty records are left in the file; asked of the file itself, which costs next to nothing."""
        with closing(sqlite3.connect(self.folder / "hintsync.sqlite3", timeout=30)) as database:
            return int(database.execute("SELECT count(*) FROM dirty WHERE parked IS NULL").fetchone()[0])


@dataclass(frozen=True, slots=True)
class Running:
    """A process of hintsync."""

    process: subprocess.Popen[str]
    url: str = ""

    def cpu(self) -> float:
        """Return the processor seconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def notices(self, side: Side, result: str) -> int:
        """Return how many events of a side were marked, or recognised as an echo."""
        text = HTTP.get(f"{self.url}/metrics").text
        lines = [line for line in text.splitlines() if line.startswith("hintsync_notices_total{")]
        wanted = [line for line in lines if f'result="{result}"' in line and f'side="{side}"' in line]
        return int(sum(float(line.rpartition(" ")[2]) for line in wanted))

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def served(site: Site, *arguments: str, port: int = 0) -> Iterator[Running]:
    """Run `hintsync serve`; yields once it answers and Hint knows its address."""
    command = [sys.executable, "-m", "hintsync", "serve", "--port", str(port), "--state", str(site.folder), *arguments]
    with _process(command, site) as process:
        assert process.stderr is not None
        process.stderr.readline()
        url = process.stderr.readline().rpartition(" ")[2].strip()
        _drain(process)
        until(lambda: HTTP.get(f"{url}/readyz").status_code == 200)
        tell = [
            sys.executable,
            "-m",
            "hintsync",
            "webhook",
            "--state",
            str(site.folder),
            "--url",
            f"{url}/webhooks/hint",
        ]
        subprocess.run(tell, check=True, capture_output=True)
        yield Running(process, url)


@contextmanager
def served_pages(site: Site) -> Iterator[str]:
    """Run `hintsync serve` for people who open pages; yields its address once it answers."""
    command = [sys.executable, "-m", "hintsync", "serve", "--port", "0", "--state", str(site.folder)]
    with _process(command, site) as process:
        assert process.stderr is not None
        process.stderr.readline()
        url = process.stderr.readline().rpartition(" ")[2].strip()
        _drain(process)
        until(lambda: HTTP.get(f"{url}/readyz").status_code == 200)
        yield url


@contextmanager
def worker(site: Site) -> Iterator[Running]:
    """Run `hintsync worker`."""
    command = [sys.executable, "-m", "hintsync", "worker", "--state", str(site.folder)]
    with _process(command, site) as process:
        assert process.stderr is not None
        process.stderr.readline()
        _drain(process)
        yield Running(process)


@contextmanager
def _process(command: list[str], site: Site) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _drain(process: subprocess.Popen[str]) -> None:
    """Copy what a process says into its log, so that it never waits for a reader."""

    def copy() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if os.environ.get("BENCH_LOUD"):
                sys.stderr.write(line)

    threading.Thread(target=copy, daemon=True).start()


def until(condition: Callable[[], bool], *, seconds: float = PATIENCE, look: float = 0.1) -> float:
    """Wait for something; return the seconds it took.

    Raises:
        TimeoutError: it did not come about.
    """
    began = time.monotonic()
    while True:
        try:
            if condition():
                return time.monotonic() - began
        except httpx.TransportError:
            pass
        if time.monotonic() - began > seconds:
            raise TimeoutError("it does not come about")
        time.sleep(look)
