"""Finds a Chromium, or provides one: the machine's own, Debian's package, or the one that Playwright brings.

`python -m tests.browser.chromium` does so ahead of the tests, as CI does.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

#: Names a browser to use instead.
ENVIRONMENT = "HINTSYNC_TEST_CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Seconds; the package and what it needs have some 300 MB.
_LONGEST_INSTALL = 1200
#: Nothing is asked of any host but those of the test; a container has no sandbox of its own to offer.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--no-default-browser-check",
)


class NoBrowser(Exception):
    """There is none, and none could be had."""


def ensure() -> Path | None:
    """Return the path of a browser, installed first if need be; None for the one that Playwright itself brings.

    Raises:
        NoBrowser: with what to do.
    """
    with (Path(tempfile.gettempdir()) / "hintsync-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _named() or _known() or _of_debian() or _of_playwright()


def _named() -> Path | None:
    given = os.environ.get(ENVIRONMENT)
    if given and not Path(given).is_file():
        raise NoBrowser(f"{ENVIRONMENT} names {given}, which is no file")
    return Path(given) if given else None


def _known() -> Path | None:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    return Path(found) if found else None


def _of_debian() -> Path | None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return None
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"]
    for command in (install, ["apt-get", "update", "-q"], install):
        done = subprocess.run(command, env=quiet, capture_output=True, timeout=_LONGEST_INSTALL, check=False)
        if done.returncode == 0 and (found := _known()):
            return found
    return None


def _of_playwright() -> None:
    command = [sys.executable, "-m", "playwright", "install", "chromium-headless-shell"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_INSTALL, check=False)
    if done.returncode != 0:
        raise NoBrowser(f"install a Chromium (Debian: apt-get install chromium), or name one in {ENVIRONMENT}")


if __name__ == "__main__":
    sys.stdout.write(f"{ensure() or 'the browser of Playwright'}\n")
