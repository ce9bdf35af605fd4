"""jsforce for Node.js, unmodified, over a socket: each group of cases in ``jsforce/`` against an org of its own.

The groups cover what jsforce's own tests cover for connections, records, queries, objects, Bulk API 2.0, metadata and
OAuth, in our words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hintsync_emulators.control import Controlled
from tests.emulators.clients.conftest import Emulated, run
from tests.emulators.clients.installed import installed, node

_FOLDER = Path(__file__).parent / "jsforce"
_GROUPS = sorted(one.stem for one in _FOLDER.glob("*.mjs") if one.stem != "setup")
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("group", _GROUPS)
def test_jsforce_finds_an_org(
    group: str, emulated: Emulated, tmp_path: Path, exercised: Callable[[Controlled, str], None]
) -> None:
    environment = {**emulated.settings(), "CLIENT_FOLDER": str(installed("jsforce"))}
    done = run([node(), "--test-reporter=tap", str(_FOLDER / f"{group}.mjs")], environment, tmp_path)
    figures = {name: int(count) for name, count in re.findall(r"^# (\w+) (\d+)$", done.stdout, re.MULTILINE)}
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert figures["pass"] == figures["tests"] > 0
    exercised(emulated.app, "@jsforce/jsforce-node")
