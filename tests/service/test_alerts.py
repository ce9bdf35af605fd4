"""Alerts reach every address that can be reached; addresses and texts stay out of logs and errors."""

from __future__ import annotations

import pytest
from apprise.decorators import notify

from hintsync.alerts import AppriseAlerts
from hintsync.core.errors import BadInput
from hintsync.ports import Urgency

heard: list[tuple[str, str, str]] = []


@notify(on="hintsynctest")
def _listen(body: str, title: str, notify_type: str, *args: object, **kwargs: object) -> bool:
    heard.append((title, body, str(notify_type)))
    return True


@notify(on="hintsyncdeaf")
def _fail(body: str, title: str, notify_type: str, *args: object, **kwargs: object) -> bool:
    return False


@pytest.fixture(autouse=True)
def _empty() -> None:
    heard.clear()


async def test_trouble_and_its_end_are_told_apart() -> None:
    alerts = AppriseAlerts(["hintsynctest://here"])
    await alerts.send("hintsync main: parked", "records wait", Urgency.TROUBLE)
    await alerts.send("hintsync main: parked is over", "records wait", Urgency.RECOVERED)
    assert [(title, kind) for title, _, kind in heard] == [
        ("hintsync main: parked", "failure"),
        ("hintsync main: parked is over", "success"),
    ]


async def test_an_address_that_fails_is_logged_and_the_others_are_told(caplog: pytest.LogCaptureFixture) -> None:
    alerts = AppriseAlerts(["hintsyncdeaf://user:secret@there", "hintsynctest://here"])
    await alerts.send("title", "text", Urgency.TROUBLE)
    assert [title for title, _, _ in heard] == ["title"]
    assert "could not be sent to every address" in caplog.text
    assert "secret" not in caplog.text


async def test_without_addresses_nothing_is_sent() -> None:
    await AppriseAlerts([]).send("title", "text", Urgency.TROUBLE)
    assert heard == []


def test_an_unknown_address_is_named_by_its_place_only() -> None:
    with pytest.raises(BadInput, match=r"address 2 \(carrierpigeon\)") as refused:
        AppriseAlerts(["hintsynctest://here", "carrierpigeon://user:secret@roof"])
    assert "secret" not in str(refused.value)
