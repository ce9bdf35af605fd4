"""The house that most tests of the web surface live in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.surfaces.web.house import House, opened


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path) as house:
        yield house
