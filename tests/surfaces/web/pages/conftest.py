"""The desk that most tests of the pages stand at."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.surfaces.web.pages.desk import Desk, at_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with at_desk(tmp_path) as desk:
        yield desk
