"""A guarded test that is skipped fails the session; another one may be skipped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_CONFTEST = """
from tests.skip_guard import SkipGuard

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipGuard(("test_guarded",)))
"""
_SKIPPED = "import pytest\n\n@pytest.mark.skip\ndef test_it(): pass\n"
_SKIPPED_INSIDE = "import pytest\n\ndef test_it(): pytest.skip('no server')\n"
_SKIPPED_MODULE = "import pytest\n\npytest.skip('no server', allow_module_level=True)\n"
_XFAILED = "import pytest\n\n@pytest.mark.xfail\ndef test_it(): assert False\n"
_PASSES = "def test_it(): pass\n"


def run(folder: Path, *options: str, **modules: str) -> subprocess.CompletedProcess[str]:
    """Run test modules of their own in a folder with the guard."""
    (folder / "conftest.py").write_text(_CONFTEST)
    (folder / "pytest.ini").write_text("[pytest]\n")
    for name, content in modules.items():
        (folder / f"{name}.py").write_text(content)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
        *options,
        str(folder),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["here", "in a worker"])
def test_a_skipped_guarded_test_fails_the_session(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run(
        tmp_path,
        *options,
        test_other=_PASSES,
        test_guarded_1=_SKIPPED,
        test_guarded_2=_SKIPPED_INSIDE,
        test_guarded_3=_SKIPPED_MODULE,
    )
    assert done.returncode == 1
    _, _, named = done.stdout.partition("may not be (MAY_NOT_SKIP)")
    assert all(f"test_guarded_{number}.py" in named for number in (1, 2, 3))


def test_what_is_not_skipped_or_not_guarded_passes(tmp_path: Path) -> None:
    done = run(tmp_path, test_guarded_1=_PASSES, test_guarded_2=_XFAILED, test_other=_SKIPPED)
    assert done.returncode == 0, done.stdout
