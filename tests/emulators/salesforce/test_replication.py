"""What changed and what was deleted since."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from hintsync_emulators.salesforce import ManualClock, Org


async def _get(api: httpx.AsyncClient, clock: ManualClock, which: str, minutes: int = 60) -> httpx.Response:
    end = clock()
    start = end - timedelta(minutes=minutes)
    return await api.get(f"/sobjects/Contact/{which}/", params={"start": start.isoformat(), "end": end.isoformat()})


async def test_updated_lists_living_records_written_in_the_stretch(
    api: httpx.AsyncClient, org: Org, clock: ManualClock
) -> None:
    old, changed, gone = org.insert_many("Contact", [{"LastName": name} for name in "ABC"])
    clock.advance(7200)
    org.update("Contact", changed, {"Title": "x"})
    org.delete("Contact", gone)
    clock.advance(120)
    body = (await _get(api, clock, "updated")).json()
    assert body == {"ids": [changed], "latestDateCovered": "2026-03-02T11:02:00.000+0000"}
    assert old not in body["ids"]


async def test_deleted_lists_the_recycle_bin_with_dates(api: httpx.AsyncClient, org: Org, clock: ManualClock) -> None:
    gone, back = org.insert_many("Contact", [{"LastName": "A"}, {"LastName": "B"}])
    clock.advance(600)
    org.delete("Contact", gone)
    org.delete("Contact", back)
    org.undelete("Contact", back)
    clock.advance(120)
    body = (await _get(api, clock, "deleted")).json()
    assert body["deletedRecords"] == [{"id": gone, "deletedDate": "2026-03-02T09:10:00.000+0000"}]
    assert body["earliestDateAvailable"] == "2026-03-02T09:10:00.000+0000"


async def test_a_purged_record_leaves_no_trace(api: httpx.AsyncClient, org: Org, clock: ManualClock) -> None:
    gone = org.insert("Contact", {"LastName": "A"})
    org.delete("Contact", gone)
    org.purge("Contact", gone)
    clock.advance(120)
    assert (await _get(api, clock, "deleted")).json()["deletedRecords"] == []


async def test_an_open_transaction_keeps_the_covered_date_back(
    api: httpx.AsyncClient, org: Org, clock: ManualClock
) -> None:
    late = org.begin_late("Contact", None, {"LastName": "Late"})
    clock.advance(300)
    assert (await _get(api, clock, "updated")).json()["latestDateCovered"] == "2026-03-02T09:00:00.000+0000"
    late.commit()
    assert (await _get(api, clock, "updated")).json()["latestDateCovered"] == "2026-03-02T09:05:00.000+0000"


@pytest.mark.parametrize(
    ("which", "days", "status"),
    [("updated", 29, 200), ("updated", 31, 400), ("deleted", 14, 200), ("deleted", 16, 400)],
)
async def test_each_call_looks_back_only_so_far(
    api: httpx.AsyncClient, clock: ManualClock, which: str, days: int, status: int
) -> None:
    answer = await _get(api, clock, which, minutes=days * 1440)
    assert answer.status_code == status
    if status == 400:
        assert answer.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"


@pytest.mark.parametrize("params", [{}, {"start": "2026-03-02T08:00:00Z"}, {"start": "x", "end": "y"}])
async def test_a_stretch_needs_two_dates(api: httpx.AsyncClient, params: dict[str, str]) -> None:
    assert (await api.get("/sobjects/Contact/updated", params=params)).status_code == 400
    same = {"start": "2026-03-02T08:00:10Z", "end": "2026-03-02T08:00:50Z"}
    assert (await api.get("/sobjects/Contact/updated", params=same)).json()[0][
        "errorCode"
    ] == "INVALID_REPLICATION_DATE"
