"""Supervisors are told: systemd by its socket, health checks of containers by a file or by the answer of the process."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hintsync.alive import find_fault
from hintsync.surfaces.supervised import SOCKET, Supervisor
from tests.deploy.running import PATIENCE


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket of a supervisor, as systemd makes one."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(path))
        made.settimeout(PATIENCE)
        monkeypatch.setenv(SOCKET, str(path))
        yield made


def test_a_serving_process_says_when_it_is_ready_that_it_lives_and_that_it_stops(
    line: socket.socket, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "hintsync", "serve", "--port", "0", "--json", "--state", str(tmp_path / "state")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        heard = []
        while "READY=1" not in heard:
            heard.append(line.recv(100).decode())
        process.terminate()
        while "STOPPING=1" not in heard:
            heard.append(line.recv(100).decode())
        assert process.wait(PATIENCE) == 0
    assert "WATCHDOG=1" in heard


def test_an_abstract_address_is_reached_too(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"hintsync-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(f"\0{name}")
        made.settimeout(PATIENCE)
        monkeypatch.setenv(SOCKET, f"@{name}")
        Supervisor().ready()
        assert made.recv(100) == b"READY=1"


def test_a_supervisor_that_is_gone_is_no_reason_to_fail(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(SOCKET, str(tmp_path / "nobody"))
    Supervisor(tmp_path / "no folder" / "alive").beat()
    assert ["cannot be told" in text or "no sign of life" in text for text in caplog.messages] == [True, True]


def test_a_process_with_a_file_of_life_is_alive_while_the_file_is_fresh(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    settings = {"HINTSYNC_ALIVE_FILE": str(file)}
    assert "No such file" in find_fault(settings)
    Supervisor(file).beat()
    assert find_fault(settings) == ""
    os.utime(file, (0, time.time() - 100))
    assert "100 seconds old" in find_fault(settings)


async def test_a_process_that_answers_requests_is_asked(tmp_path: Path) -> None:
    answers = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n",
        b"so\r\n",
    ]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers.pop(0))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = {
        "HINTSYNC_LISTEN_HOST": "0.0.0.0",
        "HINTSYNC_LISTEN_PORT": str(port),
        "HTTP_PROXY": "http://127.0.0.1:9",
    }
    async with server:
        told = [await asyncio.to_thread(find_fault, settings) for _ in range(3)]
    assert told[0] == ""
    assert told[1].endswith("answers with status 503")
    assert "BadStatusLine" in told[2]
    assert "ConnectionRefused" in await asyncio.to_thread(find_fault, settings)
