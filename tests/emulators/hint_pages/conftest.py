"""A practice whose pages somebody visits, and a receiver for the webhooks that come of it."""

from collections.abc import AsyncIterator

import pytest

from hintsync_emulators.clock import Clock
from hintsync_emulators.control import Controlled
from hintsync_emulators.hint import Practice, create_app
from tests.emulators.browsing import Visitor, visiting
from tests.emulators.hint.receiver import Receiver


@pytest.fixture
def receiver() -> Receiver:
    """Where the practice's events arrive."""
    return Receiver()


@pytest.fixture
def practice(receiver: Receiver) -> Practice:
    practice = Practice(seed=7, clock=Clock(), transport=receiver.transport)
    practice.partner.endpoints.append(practice.partner.new_endpoint("https://example.com/hook"))
    return practice


@pytest.fixture
def app(practice: Practice) -> Controlled:
    return create_app(practice)


@pytest.fixture
async def visitor(app: Controlled) -> AsyncIterator[Visitor]:
    async with visiting(app) as visitor:
        yield visitor
