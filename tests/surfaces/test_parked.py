"""`hintsync parked`: what waits for a person after repeated failure, and how it is worked again."""

from __future__ import annotations

import asyncio

from hintsync.bootstrap import open_service
from hintsync.core.values import Side
from hintsync.engine.detect.notices import TOLD_GONE
from hintsync.settings import load_settings
from hintsync.state.live import CROSSED, Mark
from tests.surfaces.town import Town

CODE = "FIELD_CUSTOM_VALIDATION_EXCEPTION: last_name"


def park(town: Town, *patients: str) -> None:
    """Let some patients have failed too often."""

    async def work() -> None:
        async with open_service(load_settings(state=town.state)) as service:
            causes = ("webhook", "webhook" + TOLD_GONE, f"webhook{CROSSED}city=00ff")
            marks = [Mark(Side.HINT, each, cause, 1.0) for each, cause in zip(patients, causes, strict=True)]
            await service.store.mark("clinic", marks)
            claimed = await service.store.claim("clinic", "a worker", 2.0, 17.0, limit=100)
            await service.store.put_off(claimed, 20.0, parked=CODE)

    asyncio.run(work())


def test_parked_records_are_listed_with_their_reason_and_replayed_one_or_all(town: Town) -> None:
    assert town.json("parked") == {"parked": [], "replayed": 0}
    park(town, "pat-1", "pat-2", "pat-3")
    listed = town.json("parked", code=3)["parked"]
    assert [(each["side"], each["record_id"], each["reason"]) for each in listed] == [
        ("hint", f"pat-{number}", CODE) for number in (1, 2, 3)
    ]
    assert {each["cause"] for each in listed} == {"webhook"}, "not what is kept for the worker behind it"
    assert "pat-2" in town.run("parked").stdout
    assert town.json("parked", "pat-2", "--replay")["replayed"] == 1
    assert [each["record_id"] for each in town.json("parked", code=3)["parked"]] == ["pat-1", "pat-3"]
    assert town.json("parked", "pat-2") == {"parked": [], "replayed": 0}
    assert town.json("parked", "--replay")["replayed"] == 2
    assert town.json("parked") == {"parked": [], "replayed": 0}
