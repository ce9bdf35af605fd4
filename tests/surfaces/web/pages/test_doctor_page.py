"""The doctor's page: there at once, filled area by area as the answers come, and nothing of another connection in it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from hintsync.core.values import Side
from hintsync.doctor.checks import CHECKS
from hintsync_emulators.control import Controlled, Faults
from tests.surfaces.web.pages.desk import Desk
from tests.surfaces.web.pages.test_reviews import seen

_PART = re.compile(r"event: part\n((?:data: .*\n)+)")


@pytest.fixture
async def clinic(desk: Desk) -> Desk:
    """Return a desk whose public address is surely nobody's."""
    service = desk.house.wire.service
    service.settings = service.settings.model_copy(update={"public_url": "https://sync.hintsync.invalid"})
    await desk.administrator.open()
    return desk


def faults(desk: Desk, side: Side) -> Faults:
    transports = desk.house.wire.service.transports
    app = (transports.hint if side is Side.HINT else transports.salesforce).app  # type: ignore[union-attr]
    assert isinstance(app, Controlled)
    return app.faults


async def parts(desk: Desk) -> list[str]:
    """Follow the page to its end; return what it showed, one after the other."""
    answer = await desk.administrator.get("/doctor/checks")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "event: done\n" in answer.text
    return [re.sub(r"(?m)^data: ?", "", each) for each in _PART.findall(answer.text)]


async def test_the_page_is_there_before_anybody_was_asked(clinic: Desk) -> None:
    (await clinic.administrator.get("/health")).raise_for_status()  # the visitor's role is known then
    for side in Side:
        faults(clinic, side).counts.clear()
    page = (await clinic.administrator.get("/doctor")).text
    assert sum(faults(clinic, side).total for side in Side) == 0
    assert 'data-stream="/c/demo/doctor/checks"' in page
    assert "Check again" in page
    assert page.count("Being looked at.") == 5


async def test_each_area_shows_as_soon_as_it_is_known(clinic: Desk) -> None:
    shown = await parts(clinic)
    assert [part.count("Being looked at.") for part in shown] == [4, 3, 2, 1, 0]
    whole = seen(shown[-1])
    assert [check.title for check in CHECKS if check.title not in whole] == []
    assert "The name is not known to DNS." in whole
    assert "Enter the name in DNS, or correct HINTSYNC_PUBLIC_URL." in whole


async def test_a_line_that_broke_asks_nobody_anew_by_itself(clinic: Desk) -> None:
    headers = {"Authorization": f"Bearer {clinic.administrator.token}", "Last-Event-ID": "hint"}
    (await clinic.administrator.get("/doctor")).raise_for_status()
    for side in Side:
        faults(clinic, side).counts.clear()
    again = await clinic.house.http.get("/c/demo/doctor/checks", headers=headers)
    assert "The line to the service broke" in again.text
    assert again.text.endswith("event: done\ndata: \n\n")
    assert sum(faults(clinic, side).total for side in Side) == 0


async def test_a_system_that_refuses_us_leaves_the_others_shown(clinic: Desk) -> None:
    clinic.house.wire.practice.revoke_token()
    whole = seen((await parts(clinic))[-1])
    assert "wrong Hint lets us in" in whole
    assert "ok Salesforce lets us in" in whole


async def test_nothing_of_another_connection_and_no_secret_is_shown(clinic: Desk) -> None:
    service = clinic.house.wire.service
    here = await service.connection("demo")
    await service.store.put_connection(replace(here, id="con-2", name="Willow Clinic", practice_id="pra-willow"))
    whole = (await parts(clinic))[-1]
    assert not [hidden for hidden in ("Willow", "pra-willow", "con-2") if hidden in whole]
    assert clinic.house.wire.practice.token not in whole
