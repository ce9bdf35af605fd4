"""The fault lab of each emulator, with somebody who looks at it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hintsync_emulators import hint, salesforce
from hintsync_emulators.clock import Clock
from hintsync_emulators.control import Controlled
from hintsync_emulators.lab import ADDRESS
from hintsync_emulators.lab.app import groups_of
from hintsync_emulators.lab.card import Card
from tests.emulators.browsing import Form, Page, Visitor, visiting


@dataclass
class Lab:
    """The lab of one emulator."""

    system: str
    app: Controlled
    visitor: Visitor

    @property
    def cards(self) -> dict[str, Card]:
        """The cards by title."""
        return {card.title: card for group in groups_of(self.app, self.system) for card in group.cards}

    async def look(self) -> Page:
        return await self.visitor.get(ADDRESS)

    async def press(self, title: str, button: str = "", /, **inputs: str | None) -> Page:
        """Presses a button of a card, by default the one of its form."""
        page, card = await self.look(), self.cards[title]
        button = button or card.button
        return await self.visitor.send(page, form_of(page, card, button), button, inputs)

    async def now(self, path: str) -> Any:
        """Returns what the control API says."""
        return await self.app.steer("GET", path)


def form_of(page: Page, card: Card, button: str) -> Form:
    """Returns the form of a card that has a button."""
    return next(form for form in page.forms if form.values.get("card") == card.key and button in form.buttons)


@pytest.fixture
def practice() -> hint.Practice:
    practice = hint.Practice(seed=1, clock=Clock())
    practice.partner.endpoints.append(practice.partner.new_endpoint("http://127.0.0.1:9/hook"))
    practice.create_patient(first_name="Ada", last_name="<b>Moor</b>")
    return practice


@pytest.fixture
def org() -> Iterator[salesforce.Org]:
    org = salesforce.Org(seed=1, clock=Clock(), token="00D000000000001!secret", features=["MiddleName"])
    org.insert("Contact", {"LastName": "<b>Moor</b>"})
    yield org
    org.close()


@pytest.fixture
async def hint_lab(practice: hint.Practice) -> AsyncIterator[Lab]:
    app = hint.create_app(practice)
    async with visiting(app) as visitor:
        yield Lab("Hint", app, visitor)


@pytest.fixture
async def salesforce_lab(org: salesforce.Org) -> AsyncIterator[Lab]:
    app = salesforce.create_app(org)
    async with visiting(app) as visitor:
        yield Lab("Salesforce", app, visitor)


@pytest.fixture(params=["hint", "salesforce"])
def lab(request: pytest.FixtureRequest) -> Lab:
    """Each of the two labs in turn."""
    found: Lab = request.getfixturevalue(f"{request.param}_lab")
    return found
