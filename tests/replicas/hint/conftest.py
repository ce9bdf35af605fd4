from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.hint_world import HintWorld


@pytest.fixture
async def hint() -> AsyncIterator[HintWorld]:
    """A practice on the emulator, and the replica on it."""
    world = HintWorld()
    yield world
    await world.aclose()
