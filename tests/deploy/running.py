"""Runs here, as processes, what a compose file describes as containers: same commands, same settings, same roles."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.deploy.composed import SECRETS, Container, Image

#: Seconds that anything may take before the test is given up; none waits for them to pass.
PATIENCE = 300.0
#: Seconds between two looks.
_LOOK = 0.5
#: Runs several commands of ours in one process, for starting one takes longer than most of them.
_IN_ORDER = """
import json, sys
from hintsync.surfaces.cli.main import app
for command in json.loads(sys.argv[1]):
    if app(command, standalone_mode=False):
        sys.exit(1)
"""
#: What programs of the image are called as here.
_PROGRAMS = {"hintsync": ("-m", "hintsync"), "hintsync-alive": ("-m", "hintsync.alive")}


def until(condition: Callable[[], bool], what: str, *, told: Callable[[], object] = str) -> None:
    """Wait for something that other processes do.

    Raises:
        AssertionError: it does not come about; says what is told then.
    """
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < PATIENCE, f"it does not come about: {what} {told()}"
        time.sleep(_LOOK)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Host:
    """The machine that the containers of one compose file run on."""

    folder: Path
    image: Image
    #: What differs from a real host: where the two systems are.
    here: Mapping[str, str]
    #: Contents of the secrets, by name.
    secrets: Mapping[str, str]
    running: dict[str, Running] = field(default_factory=dict)

    def run(self, container: Container, *commands: Sequence[str]) -> str:
        """Run commands to their end, as `docker compose run` does, one after the other; return what they printed.

        Raises:
            AssertionError: one did not end with 0.
        """
        asked = [list(command) for command in commands or (container.command,)]
        done = subprocess.run(
            [sys.executable, "-c", _IN_ORDER, json.dumps(asked)],
            env=self.environment(container),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
        return done.stdout

    def start(self, *containers: Container) -> None:
        """Start the processes of containers, or start them again, and wait until they are healthy."""
        for each in containers:
            self._start(each)
        for each in containers:
            until(partial(self._healthy, self.running[each.name]), f"{each.name} is healthy")

    def _start(self, container: Container) -> None:
        for inside in (inside for inside, source in container.mounts.items() if not source):
            shutil.rmtree(self._place(container, inside))  # what lay in memory is gone with the process
        before = self.running.get(container.name)
        port = before.port if before else free_port()
        environment = self.environment(container) | {"HINTSYNC_LISTEN_PORT": str(port)}
        command = self._program(self.image.entrypoint) + list(container.command)
        with (self.folder / f"{container.name}.log").open("ab") as log:
            process = subprocess.Popen(command, env=environment, cwd=self.folder, stdout=log, stderr=log)
        self.running[container.name] = Running(container, process, port)

    def _healthy(self, running: Running) -> bool:
        """Ask as the image's health check does."""
        assert running.process.poll() is None, f"{running.container.name} ended: {self.log(running.container)[-2000:]}"
        environment = self.environment(running.container) | {"HINTSYNC_LISTEN_PORT": str(running.port)}
        asking = self._program(self.image.health)
        return subprocess.run(asking, env=environment, capture_output=True, check=False).returncode == 0

    def log(self, container: Container) -> str:
        """Return what a container's processes have logged."""
        return (self.folder / f"{container.name}.log").read_text(encoding="utf-8")

    def environment(self, container: Container) -> dict[str, str]:
        """Return the environment of a container, with paths that lead to this host; nothing of this process's own."""
        places = {inside: self._place(container, inside) for inside in container.mounts}
        own = {name: _moved(value, places) for name, value in container.environment.items()}
        # All containers share one network here, so none may listen everywhere.
        return own | {"PATH": os.environ["PATH"], "HINTSYNC_LISTEN_HOST": "127.0.0.1", **self.here}

    def stop(self) -> None:
        """End everything that runs."""
        for each in self.running.values():
            each.kill()

    def _program(self, words: Sequence[str]) -> list[str]:
        return [sys.executable, *_PROGRAMS[words[0]], *words[1:]]

    def _place(self, container: Container, inside: str) -> Path:
        """Return where something lies that is mounted into a container: a secret, a shared volume, or its own memory."""
        if inside.startswith(SECRETS):
            path = self.folder / "secrets" / container.mounts[inside]
            path.parent.mkdir(exist_ok=True)
            path.write_text(self.secrets[container.mounts[inside]], encoding="utf-8")
            return path
        path = self.folder / (container.mounts[inside] or f"{container.name}{inside}")
        path.mkdir(parents=True, exist_ok=True)
        return path


@dataclass(slots=True)
class Running:
    """The process of a container."""

    container: Container
    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        """Where it answers requests, if it does."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop as the container's keeper does; return how it ended."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def host(folder: Path, image: Image, here: Mapping[str, str], secrets: Mapping[str, str]) -> Iterator[Host]:
    """Set a host up; whatever runs on it ends with the block."""
    made = Host(folder, image, here, secrets)
    try:
        yield made
    finally:
        made.stop()


def _moved(value: str, places: Mapping[str, Path]) -> str:
    for inside, place in places.items():
        if value == inside or value.startswith(inside + "/"):
            return str(place) + value.removeprefix(inside)
    return value
