"""The clinic that most tests of the doctor look over."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.doctor.surgery import Surgery, opened


@pytest.fixture
async def surgery(tmp_path: Path) -> AsyncIterator[Surgery]:
    async with opened(tmp_path) as surgery:
        yield surgery
