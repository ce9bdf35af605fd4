from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.replicas.salesforce.office import Office


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """An org with our package deployed, and a replica on it."""
    office = Office()
    await office.deploy()
    yield office
    await office.aclose()
