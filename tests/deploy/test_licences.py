"""`make licences` lets through what pyproject.toml allows, and nothing that does not say its licence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.composed import ROOT

PINNED = [ROOT / "requirements" / f"{name}.txt" for name in ("runtime", "dev", "data", "build")]


def check(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the check."""
    command = [sys.executable, str(ROOT / ".ci" / "licences.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def an_installed(folder: Path, *lines: str) -> Path:
    """Install a package that says its licence in some lines; return the file that pins it."""
    info = folder / "packages" / "moon-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("\n".join(("Metadata-Version: 2.4", "Name: moon", "Version: 1.0", *lines)), "utf-8")
    pins = folder / "pins.txt"
    pins.write_text("moon==1.0 \\\n    --hash=sha256:00\nsun==1.0 ; sys_platform == 'plan9' \\\n", "utf-8")
    return pins


def test_everything_that_we_depend_on_is_allowed() -> None:
    done = check(*PINNED)
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.split()[0]) > 100


@pytest.mark.parametrize(
    "lines",
    [
        ("License-Expression: MIT",),
        ("License-Expression: GPL-3.0-only OR (MIT AND Apache-2.0)",),
        ("Classifier: License :: OSI Approved :: MIT License", "License: see the file"),
        ("License: BSD-3-Clause",),
    ],
)
def test_a_licence_that_is_allowed_passes_however_it_is_said(tmp_path: Path, lines: tuple[str, ...]) -> None:
    done = check("--installed-in", tmp_path / "packages", an_installed(tmp_path, *lines))
    assert (done.returncode, done.stdout) == (0, "1 packages, 0 without an allowed licence\n")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("License-Expression: GPL-3.0-only",), "GPL-3.0-only is not allowed"),
        (("License-Expression: MIT AND AGPL-3.0-or-later",), "is not allowed"),
        (("License-Expression: Apache-2.0 WITH LLVM-exception",), "is not allowed"),
        (("Classifier: License :: OSI Approved :: MIT License", "Classifier: License :: OSI Approved :: Moon"), "look"),
        (("License: GPL-2.0-only", "License: MIT"), "is not allowed"),
        (("License: Copyright of somebody",), "in no way that is known"),
        ((), "in no way that is known"),
    ],
)
def test_a_licence_that_is_not_allowed_or_not_said_is_told(tmp_path: Path, lines: tuple[str, ...], told: str) -> None:
    done = check("--installed-in", tmp_path / "packages", an_installed(tmp_path, *lines))
    assert done.returncode == 1
    assert done.stdout.startswith("moon: ")
    assert told in done.stdout


def test_a_package_that_is_not_there_is_told(tmp_path: Path) -> None:
    pins = an_installed(tmp_path, "License-Expression: MIT")
    done = check("--installed-in", tmp_path, pins)
    assert done.stdout.startswith("moon: not installed")
    assert done.returncode == 1
