"""A large org is read by several cursors; here it is large from 1,000 contacts on, and its pages hold 200."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import cast

import httpx
import pytest

from hintsync.core.errors import FixConfiguration, RetryLater
from hintsync.core.records import KeyRow
from hintsync.replicas.salesforce import query, whole_scan
from hintsync.replicas.salesforce.auth import GivenToken
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.replica import SalesforceReplica
from hintsync.replicas.throttled import Throttle
from tests.replicas.salesforce.office import ADDRESS, TOKEN, Office

MANY = 1_500
#: As they stand in an address.
ORDERED, BOUNDED = "ORDER", "WHERE[+]Id"
GONE = [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]

Scan = AsyncGenerator[Sequence[KeyRow], None]


@pytest.fixture(autouse=True)
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_scan, "LARGE", 1_000)
    monkeypatch.setattr(query, "PAGE_SIZE", 200)


def filled(office: Office, count: int = MANY) -> list[str]:
    return office.org.insert_many("Contact", ({"LastName": f"Okafor {n}"} for n in range(count)))


def scan_of(replica: SalesforceReplica) -> Scan:
    return cast(Scan, replica.scan_keys())


async def scanned(replica: SalesforceReplica) -> list[str]:
    return [row.id async for rows in replica.scan_keys() for row in rows]


async def counted(office: Office, replica: SalesforceReplica | None = None) -> tuple[list[str], dict[str, int]]:
    """Scan and return the ids that came, and the calls it took."""
    replica = replica or office.replica
    await replica.prepare()
    office.faults.counts.clear()
    return await scanned(replica), dict(office.faults.counts)


def replica_at_once(office: Office, requests: int | None) -> SalesforceReplica:
    """Return a replica whose client makes so many requests at a time."""
    throttle = Throttle(office.clock, concurrency=requests)
    client = SalesforceClient(office.http, GivenToken(ADDRESS, TOKEN), office.clock, throttle=throttle)
    return SalesforceReplica(client, clock=office.clock)


class Holding(httpx.AsyncBaseTransport):
    """Lets calls through to the org, but for some calls for later pages: those wait until they are cancelled."""

    def __init__(self, office: Office, holds: Callable[[int], bool]) -> None:
        """Hold those of which `holds` is true; the first call for a later page is number 0."""
        self._inner = httpx.ASGITransport(office.app)
        self._holds = holds
        self._calls = itertools.count()
        self.held = 0
        self.cancelled = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "/query/" in request.url.path and self._holds(next(self._calls)):
            await self._hold()
        return await self._inner.handle_async_request(request)

    async def _hold(self) -> None:
        self.held += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def replica(self, office: Office) -> SalesforceReplica:
        client = SalesforceClient(httpx.AsyncClient(transport=self), GivenToken(ADDRESS, TOKEN), office.clock)
        return SalesforceReplica(client, clock=office.clock)


def left_running() -> set[asyncio.Task[object]]:
    return asyncio.all_tasks() - {cast("asyncio.Task[object]", asyncio.current_task())}


async def settled() -> None:
    """Let whatever was begun come as far as it can."""
    for _ in range(200):
        await asyncio.sleep(0)


async def test_a_large_org_is_read_whole_by_several_cursors_and_nobody_twice(office: Office) -> None:
    ids = filled(office)
    found, calls = await counted(office)
    assert sorted(found) == sorted(ids)
    # The first page, both ends, four ranges of 375 contacts each; and the second page of each range.
    assert calls == {"query": 7, "queryMore": 4}


async def test_an_org_that_is_not_large_is_read_by_the_one_cursor_without_a_call_more(office: Office) -> None:
    ids = filled(office, 1_000)
    found, calls = await counted(office)
    assert found == ids
    assert calls == {"query": 1, "queryMore": 4}


async def test_deleted_contacts_are_in_no_range(office: Office) -> None:
    ids = filled(office)
    for gone in (ids[0], ids[700], ids[-1]):
        office.org.delete("Contact", gone)
    assert sorted(await scanned(office.replica)) == sorted({*ids} - {ids[0], ids[700], ids[-1]})


async def test_contacts_that_all_lie_in_one_range_are_read_all_the_same(office: Office) -> None:
    ids = filled(office, 1_100)
    office.org.ids.seen(ids[0][:6] + "z" * 8 + "0AAA")
    ids += filled(office, 3)
    found, calls = await counted(office)
    assert sorted(found) == sorted(ids)
    assert calls == {"query": 7, "queryMore": 5}


async def test_who_is_created_while_the_org_is_read_makes_nobody_else_come_twice_or_not_at_all(office: Office) -> None:
    ids = filled(office)
    scan = scan_of(office.replica)
    found = [row.id for row in await anext(scan)]
    filled(office, 50)
    found += [row.id async for rows in scan for row in rows]
    assert len(found) == len({*found})
    assert {*found} >= {*ids}


@pytest.mark.parametrize(("requests", "cursors"), [(2, 0), (3, 2), (4, 3), (10, 4), (None, 4)])
async def test_one_request_at_a_time_is_left_to_others(office: Office, requests: int | None, cursors: int) -> None:
    ids = filled(office)
    found, calls = await counted(office, replica_at_once(office, requests))
    assert sorted(found) == sorted(ids)
    assert calls["query"] == (1 + 2 + cursors if cursors else 1)


@pytest.mark.parametrize("count", [0, 1, 2])
async def test_few_ids_make_few_ranges(office: Office, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_scan, "LARGE", -1)
    ids = filled(office, count)
    found, calls = await counted(office)
    assert sorted(found) == sorted(ids)
    assert calls == {"query": 5 if count == 2 else 3}


@pytest.mark.parametrize("refused", [ORDERED, BOUNDED])
@pytest.mark.parametrize("code", ["MALFORMED_QUERY", "INVALID_FIELD", "INVALID_QUERY_FILTER_OPERATOR"])
async def test_an_org_that_does_not_compare_ids_is_read_on_by_the_first_cursor(
    office: Office, refused: str, code: str
) -> None:
    ids = filled(office)
    office.fail(400, [{"errorCode": code, "message": "unexpected"}], match=refused)
    found, calls = await counted(office)
    assert found == ids
    assert calls["queryMore"] == 7
    assert left_running() == set()


async def test_an_end_that_is_no_record_id_leaves_the_first_cursor_as_it_is(office: Office) -> None:
    ids = filled(office)
    strange = {"totalSize": 1, "done": True, "records": [{"Id": "000000000000000AAB"}]}
    office.fail(200, strange, match=ORDERED)
    found, calls = await counted(office)
    assert found == ids
    assert calls == {"query": 3, "queryMore": 7}


async def test_any_other_refusal_of_a_range_ends_the_scan(office: Office) -> None:
    filled(office)
    await office.replica.prepare()
    office.fail(403, [{"errorCode": "API_DISABLED_FOR_ORG", "message": "off"}], match=BOUNDED)
    with pytest.raises(FixConfiguration):
        await scanned(office.replica)
    assert left_running() == set()


async def test_a_cursor_lost_half_way_ends_the_scan_so_that_it_starts_again(office: Office) -> None:
    ids = filled(office)
    office.fail(400, GONE, match="/query/", skip=2)
    with pytest.raises(RetryLater):
        await scanned(office.replica)
    assert left_running() == set()
    assert sorted(await scanned(office.replica)) == sorted(ids)


async def test_a_failing_call_of_one_cursor_ends_the_calls_of_the_others(office: Office) -> None:
    filled(office)
    office.fail(400, GONE, match="/query/")
    transport = Holding(office, lambda call: call > 0)
    with pytest.raises(RetryLater):
        await scanned(transport.replica(office))
    assert (transport.held, transport.cancelled) == (3, 3)
    assert left_running() == set()


async def test_a_scan_that_is_left_early_ends_the_calls_of_every_cursor(office: Office) -> None:
    filled(office)
    transport = Holding(office, lambda call: True)
    scan = scan_of(transport.replica(office))
    for _ in range(4):
        await anext(scan)
    await settled()
    await scan.aclose()
    assert (transport.held, transport.cancelled) == (4, 4)
    assert left_running() == set()


async def test_a_scan_that_is_cancelled_ends_the_calls_of_every_cursor(office: Office) -> None:
    filled(office)
    transport = Holding(office, lambda call: True)
    scanning = asyncio.create_task(scanned(transport.replica(office)))
    await settled()
    assert transport.held == 4
    scanning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scanning
    assert transport.cancelled == 4
    assert left_running() == set()


async def test_a_page_at_most_of_each_cursor_waits_to_be_taken(office: Office) -> None:
    ids = filled(office, 4_000)
    await office.replica.prepare()
    office.faults.counts.clear()
    scan = scan_of(office.replica)
    found: list[str] = []
    for taken in range(1, 9):
        found += [row.id for row in await anext(scan)]
        await settled()
        assert office.faults.counts["queryMore"] == taken, "the next of each cursor is asked for as one is taken"
    found += [row.id async for rows in scan for row in rows]
    assert sorted(found) == sorted(ids)


async def test_a_cursor_that_waits_does_not_keep_the_others_from_going_on(office: Office) -> None:
    filled(office, 4_000)
    scan = scan_of(Holding(office, lambda call: call == 0).replica(office))
    # Four ranges of five pages; of the first range only the page that came with its question.
    assert [len(await anext(scan)) for _ in range(16)] == [200] * 16
    await scan.aclose()
    assert left_running() == set()
