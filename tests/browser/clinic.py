"""A clinic to click through: both emulators with invented people, and `hintsync serve`, each a process of its own.

Salesforce is connected and our package is in the org, as after an installation; Hint is not, unless asked for.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import httpx

from hintsync.bootstrap import open_service
from hintsync.demo.people import Cast, Systems, both_systems
from hintsync.demo.staff import ADA, FINN, hire
from hintsync.demo.wire import open_wires
from hintsync.logins import WithClientCredentials
from hintsync.replicas.salesforce.metadata_soap import Files
from hintsync.replicas.salesforce.page_names import ADMIN_SET, USER_SET
from hintsync.settings import PREFIX, Settings, load_settings
from hintsync.setup.connecting import connect_hint, connect_salesforce
from hintsync.setup.installation import Grants, Wish, install_pages, prepare_org
from tests.metadata_files import files_of_the_org

CONNECTION = "clinic"
#: Seconds that a server has to answer for the first time.
_READY = 60.0


@dataclass(frozen=True, slots=True)
class Clinic:
    """Where everything is."""

    #: The service, as a browser reaches it; another site than the org.
    url: str
    systems: Systems
    folder: Path
    #: The org's files before anything of ours was in it.
    before: Files

    @property
    def org(self) -> str:
        """The emulated org."""
        return self.systems.org.url

    @property
    def hint(self) -> str:
        """The emulated Hint."""
        return self.systems.hint.url


@contextmanager
def open_clinic(folder: Path, *, count: int = 120, with_hint: bool = True) -> Iterator[Clinic]:
    """Start everything; ended at the end of the block.

    Args:
        folder: state of the service; empty.
        count: how many people are invented.
        with_hint: connect Hint too.
    """
    with both_systems(Cast(seed=5, count=count)) as systems:
        port = _free_port()
        url = f"http://localhost:{port}"
        settings = _settings(folder, systems, url)
        with ThreadPoolExecutor(1) as aside:  # Playwright has a loop of its own in this thread
            before = aside.submit(asyncio.run, _prepare(settings, systems, url, with_hint=with_hint)).result()
        with _serving(folder, port):
            yield Clinic(url, systems, folder, before)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _settings(folder: Path, systems: Systems, url: str) -> Settings:
    chosen = {
        "hint_url": systems.hint.url,
        "hint_partner_key": systems.hint.partner_key,
        "hint_webhook_keys": systems.hint.signing_key,
        "hint_requests_per_second": "400",
        "salesforce_events": systems.org.pubsub,
        "salesforce_events_ca": systems.org.ca,
        "public_url": url,
    }
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{PREFIX}{name.upper()}={value}\n" for name, value in chosen.items())
    (folder / "settings.env").write_text(lines, encoding="utf-8")
    return load_settings(state=folder)


async def _prepare(settings: Settings, systems: Systems, url: str, *, with_hint: bool) -> Files:
    """Do what an installation does: connect the org, put our pages into it; return what the org consisted of before."""
    org = systems.org
    async with open_service(settings) as service, open_wires(systems) as wires:
        await hire(SimpleNamespace(wires=wires))
        login = WithClientCredentials(org.url, org.client_id, org.client_secret)
        before = await files_of_the_org(service, login)
        await prepare_org(service, login)
        connection = await connect_salesforce(service, CONNECTION, login=login)
        grants = Grants(administrators=False, users={ADMIN_SET: (ADA,), USER_SET: (FINN,)})
        await install_pages(service, connection, Wish(url, grants))
        if with_hint:
            await connect_hint(service, CONNECTION, systems.hint.token)
    return before


@contextmanager
def _serving(folder: Path, port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "hintsync", "serve", "--state", str(folder), "--port", str(port)]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, stdout=log, env=os.environ.copy())
        try:
            _await_answer(f"http://127.0.0.1:{port}/healthz", process)
            yield
        finally:
            process.terminate()
            process.wait(20)


def _await_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _READY
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError("hintsync serve did not answer")
