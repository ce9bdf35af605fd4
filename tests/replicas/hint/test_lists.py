"""Whole lists that move while they are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hintsync.core.errors import FixConfiguration, RetryLater
from hintsync.core.records import RecordState
from hintsync.replicas.hint.facts import HintFacts
from hintsync.replicas.hint.lists import HintPageRef
from tests.contract.hint_world import USUAL, HintWorld

ADA = {"first_name": "Ada", "last_name": "Moor", "birth_date": "1980-02-29"}


class Between:
    """Does something after the n-th list answer, and may edit the headers of all of them."""

    def __init__(self, app: ASGIApp, todo: dict[int, Callable[[], object]], drop_header: bytes = b"") -> None:
        self._app, self._todo, self._drop, self._answers = app, todo, drop_header, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def edited(message: Message) -> None:
            if message["type"] == "http.response.start" and self._drop:
                message["headers"] = [pair for pair in message["headers"] if pair[0].lower() != self._drop]
            await send(message)

        await self._app(scope, receive, edited)
        if scope["path"] == "/api/provider/patients":
            self._answers += 1
            self._todo.get(self._answers, lambda: None)()


def meanwhile(hint: HintWorld, todo: dict[int, Callable[[], object]], drop_header: bytes = b"") -> None:
    hint.client._transport = httpx.ASGITransport(Between(hint.app, todo, drop_header))


async def ids_of(hint: HintWorld) -> list[str]:
    return [record.id async for page in hint.replica.scan() for record in page.records]


@pytest.fixture
def staffed(hint: HintWorld) -> tuple[HintWorld, list[str]]:
    hint.practice.load([{"first_name": "Ada", "last_name": f"Moor {n}"} for n in range(350)])
    return hint, [str(patient["id"]) for patient in hint.practice.patients()]


Staffed = tuple[HintWorld, list[str]]


async def test_somebody_who_leaves_the_list_hides_nobody(staffed: Staffed) -> None:
    hint, ids = staffed
    meanwhile(hint, {1: lambda: hint.delete(ids[3])})
    found = await ids_of(hint)
    assert set(found) >= set(ids) - {ids[3]}
    assert len(found) == len(set(found))


async def test_somebody_who_joins_does_not_make_up_for_somebody_passed_over(staffed: Staffed) -> None:
    hint, ids = staffed
    meanwhile(hint, {1: lambda: hint.delete(ids[3]), 2: lambda: hint.seed(ADA)})
    assert set(await ids_of(hint)) >= set(ids) - {ids[3]}


async def test_somebody_who_joins_the_list_is_read_too(staffed: Staffed) -> None:
    hint, ids = staffed
    new: list[str] = []
    meanwhile(hint, {2: lambda: new.append(hint.seed(ADA))})
    before = hint.replica.calls
    assert set(await ids_of(hint)) == {*ids, *new}
    assert hint.replica.calls - before == 4


async def test_a_full_last_page_that_grows_is_read_on(hint: HintWorld) -> None:
    hint.practice.load([{"first_name": "Ada", "last_name": f"Moor {n}"} for n in range(200)])
    meanwhile(hint, {2: lambda: hint.seed(ADA)})
    found = await ids_of(hint)
    assert len(found) == len(set(found)) >= 200


async def test_a_still_list_is_read_once(staffed: Staffed) -> None:
    hint, ids = staffed
    assert await ids_of(hint) == ids
    assert hint.replica.calls == 4


async def test_a_list_without_totals_is_read_to_its_short_page(staffed: Staffed) -> None:
    hint, ids = staffed
    meanwhile(hint, {}, drop_header=b"x-total-count")
    assert await ids_of(hint) == ids


class SamePage:
    """A server that ignores `offset`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "query_string": scope["query_string"].split(b"&offset")[0]}, receive, send)


async def test_a_list_that_ignores_the_offset_does_not_go_round_for_ever(staffed: Staffed) -> None:
    hint, _ = staffed
    hint.client._transport = httpx.ASGITransport(SamePage(hint.app))
    with pytest.raises(RetryLater):
        await ids_of(hint)
    hint.client._transport = httpx.ASGITransport(Between(SamePage(hint.app), {}, b"x-total-count"))
    with pytest.raises(FixConfiguration, match="offset"):
        await ids_of(hint)


async def test_pages_are_asked_for_several_at_a_time_and_come_in_order(staffed: Staffed) -> None:
    hint, ids = staffed
    pages = [page async for page in hint.replica.scan()]
    assert [page.ref.offset for page in pages] == [0, 100, 200, 300]
    assert [record.id for page in pages for record in page.records] == ids


def two_lists() -> HintWorld:
    facts = HintFacts(updated_at_filter=USUAL.updated_at_filter, dob_filter=True)
    return HintWorld(facts=facts)


async def test_without_a_proven_filter_all_the_active_and_the_archived_are_both_read() -> None:
    hint = two_lists()
    ids = [hint.seed(ADA) for _ in range(4)]
    hint.archive(ids[2])
    found = {record.id: record.state async for page in hint.replica.scan() for record in page.records}
    assert set(found) == set(ids)
    assert found[ids[2]] is RecordState.ARCHIVED


async def test_somebody_brought_back_between_the_two_lists_is_not_missed() -> None:
    hint = two_lists()
    ids = [hint.seed(ADA) for _ in range(4)]
    hint.archive(ids[2])
    meanwhile(hint, {1: lambda: hint.practice.unarchive(ids[2])})
    assert set(await ids_of(hint)) == set(ids)


async def test_a_page_of_either_list_can_be_read_again() -> None:
    hint = two_lists()
    ids = [hint.seed(ADA) for _ in range(4)]
    hint.archive(ids[2])
    pages = [page async for page in hint.replica.scan()]
    assert [len(page.records) for page in pages] == [3, 1]
    for page in pages:
        again = await hint.replica.reread(page.ref)
        assert [record.id for record in again.records] == [record.id for record in page.records]


async def test_a_page_of_changes_is_read_again_as_a_page_of_changes(hint: HintWorld) -> None:
    ids = [hint.seed(ADA) for _ in range(3)]
    hint.edit(ids[1], {"city": "Shelbyville"})
    (page,) = [page async for page in hint.replica.scan(since=hint.clock.now())]
    assert isinstance(page.ref, HintPageRef)
    assert [record.id for record in (await hint.replica.reread(page.ref)).records] == [ids[1]]


async def test_changes_that_come_in_while_changes_are_read_do_not_start_it_over(hint: HintWorld) -> None:
    ids = [hint.seed(ADA) for _ in range(120)]
    hint.clock.elapsed += 60
    since = hint.clock.now()
    for each in ids[:110]:
        hint.practice.edit(each, address_city="Shelbyville")
    meanwhile(hint, {1: lambda: hint.practice.edit(ids[115], address_city="Ogdenville")})
    found: Sequence[str] = [r.id for p in [p async for p in hint.replica.scan(since=since)] for r in p.records]
    assert set(found) >= set(ids[:110])
    assert hint.app.faults.counts["patients.list"] == 2
