"""Caddy itself, where it is installed: takes our file, hides what is not for the internet, and leaves out a process that died."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from hintsync.state.keys import MasterKeys
from tests.deploy.composed import DEPLOY, ONE_HOST, Container, containers, read_image
from tests.deploy.running import Host, free_port, host, until

CADDY = shutil.which("caddy")
pytestmark = pytest.mark.skipif(CADDY is None, reason="Caddy is not installed here")


@contextmanager
def caddy(folder: Path, address: str, upstreams: str) -> Iterator[None]:
    """Run Caddy with our file; an address of plain http asks nobody for a certificate."""
    environment = {"HINTSYNC_HOST": address, "HINTSYNC_UPSTREAMS": upstreams, "HOME": str(folder)}
    command = [str(CADDY), "run", "--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile"]
    with (folder / "caddy.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        until(lambda: process.poll() is not None or answers(address), "Caddy answers")
        yield
    finally:
        process.terminate()
        process.wait()


def answers(address: str) -> bool:
    """Say whether anybody answers there at all."""
    try:
        return httpx.get(address).status_code > 0
    except httpx.TransportError:
        return False


def two_of(one: Container) -> list[Container]:
    """Return a container's like, twice."""
    return [Container(f"web{number}", 1, one.command, one.environment, one.mounts) for number in (1, 2)]


@pytest.mark.slow
def test_caddy_hides_what_is_internal_and_leaves_out_who_died(tmp_path: Path) -> None:
    described = containers(ONE_HOST, read_image(), {"HINTSYNC_HOST": "sync.example.org"})
    secrets = dict.fromkeys(("hint_partner_key", "alerts"), "") | {
        "hint_webhook_keys": "key",
        "master_keys": MasterKeys.generate(),
    }
    with ExitStack() as stack:
        made: Host = stack.enter_context(host(tmp_path, read_image(), {}, secrets))
        made.start(*two_of(described[0]))
        webs = list(made.running.values())
        address = f"http://127.0.0.1:{free_port()}"
        stack.enter_context(caddy(tmp_path, address, " ".join(each.url.removeprefix("http://") for each in webs)))
        http = stack.enter_context(httpx.Client(base_url=address))
        shown = {place: http.get(place).status_code for place in ("/healthz", "/readyz", "/metrics", "/", "/login/x")}
        assert shown == {"/healthz": 404, "/readyz": 404, "/metrics": 404, "/": 404, "/login/x": 404}
        assert http.get("/login").headers["strict-transport-security"]
        assert "server" not in http.get("/login").headers
        assert {reach(http) for _ in range(6)} == {200}
        webs[0].kill()
        assert {reach(http) for _ in range(12)} == {200}


def reach(http: httpx.Client) -> int:
    """Ask what `hintsync webhook --test` asks."""
    return http.get("/webhooks/hint", params={"nonce": "0" * 32}).status_code
