"""Leases of links and intents, in every store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.values import Side
from hintsync.state.live import Intent, SidePrints
from hintsync.state.port import Connection, StateStore
from tests.contract.live_examples import LEASE, T, a_mark, an_intent, claimed, claimed_ids

IDS = ["link-1", "link-2"]


async def lease(store: StateStore, *ids: str, worker: str = "worker-1", now: float = T) -> frozenset[str]:
    """Lease links for the length of a lease."""
    return await store.lease_links("con-1", ids, worker, now, now + LEASE)


async def pending(store: StateStore) -> Mapping[str, SidePrints]:
    """Return what the two links are about to write."""
    return await store.pending("con-1", IDS)


# --- leases of links


async def test_a_free_link_is_leased_and_a_leased_one_is_not(store: StateStore) -> None:
    assert await lease(store, "link-1", "link-2") == {"link-1", "link-2"}
    assert await lease(store, "link-2", "link-3", worker="worker-2") == {"link-3"}


async def test_a_link_named_twice_is_leased_once_and_no_link_is_nothing(store: StateStore) -> None:
    assert await lease(store, "link-1", "link-1") == {"link-1"}
    assert await lease(store) == frozenset()


async def test_links_of_another_connection_are_others(store: StateStore, connection: Connection) -> None:
    await store.put_connection(replace(connection, id="con-2"))
    await lease(store, "link-1")
    assert await store.lease_links("con-2", ["link-1"], "worker-2", T, T + LEASE) == {"link-1"}


async def test_a_worker_that_leases_again_extends_its_lease(store: StateStore) -> None:
    await lease(store, "link-1")
    assert await lease(store, "link-1", now=T + 5) == {"link-1"}
    assert await lease(store, "link-1", worker="worker-2", now=T + LEASE) == frozenset()
    assert await lease(store, "link-1", worker="worker-2", now=T + 5 + LEASE) == {"link-1"}


async def test_a_lease_that_ran_out_is_taken_over_and_not_given_back(store: StateStore) -> None:
    await lease(store, "link-1")
    assert await lease(store, "link-1", worker="worker-2", now=T + LEASE) == {"link-1"}
    assert await lease(store, "link-1", now=T + LEASE) == frozenset()
    await store.release_links("con-1", ["link-1"], "worker-1")
    assert await lease(store, "link-1", worker="worker-3", now=T + LEASE) == frozenset()


async def test_a_released_link_is_free(store: StateStore) -> None:
    await lease(store, *IDS)
    await store.release_links("con-1", ["link-1"], "worker-1")
    assert await lease(store, *IDS, worker="worker-2") == {"link-1"}


async def test_leases_of_an_unknown_connection_are_refused(store: StateStore) -> None:
    with pytest.raises(BadInput, match="con-9"):
        await store.lease_links("con-9", ["link-1"], "worker-1", T, T + LEASE)


# --- all that a worker holds


async def test_renewing_extends_leases_of_records_and_links_and_shortens_none(store: StateStore) -> None:
    await store.mark("con-1", [a_mark()])
    await claimed(store)
    await lease(store, "link-1")
    await store.renew_leases("con-1", "worker-1", T + 20)
    await store.renew_leases("con-1", "worker-1", T + 10)
    await store.renew_leases("con-1", "worker-2", T + 99)
    assert await claimed(store, T + 19.9, worker="worker-2") == []
    assert await lease(store, "link-1", worker="worker-2", now=T + 19.9) == frozenset()
    assert await claimed_ids(store, T + 20, worker="worker-2") == ["pat-1"]
    assert await lease(store, "link-1", worker="worker-2", now=T + 20) == {"link-1"}


async def test_a_worker_that_stops_lets_go_of_all_it_holds(store: StateStore) -> None:
    await store.mark("con-1", [a_mark("pat-1"), a_mark("pat-2")])
    await claimed(store, limit=1)
    await claimed(store, limit=1, worker="worker-2")
    await lease(store, "link-1")
    await lease(store, "link-2", worker="worker-2")
    await store.drop_leases("con-1", "worker-1")
    (dirty,) = await claimed(store, worker="worker-3")
    assert (dirty.record_id, dirty.attempts) == ("pat-1", 0)
    assert await lease(store, *IDS, worker="worker-3") == {"link-1"}


# --- intents


async def test_a_leased_link_that_announced_nothing_comes_empty_and_a_free_one_not_at_all(store: StateStore) -> None:
    await lease(store, "link-1")
    assert await pending(store) == {"link-1": {}}


async def test_an_intent_is_kept_and_is_pending_on_a_leased_link(store: StateStore) -> None:
    await lease(store, "link-1")
    written, other = an_intent("link-1", T, "email", "city"), an_intent("link-2", T + 1, "email", side=Side.HINT)
    await store.intend("con-1", [written, other])
    assert await pending(store) == {"link-1": {Side.SALESFORCE: written.prints}}
    assert await store.intents("con-1", since=T) == [written, other]


async def test_what_is_pending_adds_up_by_side_and_field(store: StateStore) -> None:
    await lease(store, "link-1")
    first, second = an_intent("link-1", T, "email", "city"), an_intent("link-1", T + 1, "city")
    third = an_intent("link-1", T + 2, "zip", side=Side.HINT)
    await store.intend("con-1", [first])
    await store.intend("con-1", [second, third])
    together = {Side.SALESFORCE: {**first.prints, **second.prints}, Side.HINT: third.prints}
    assert await pending(store) == {"link-1": together}


async def test_an_intent_without_prints_is_counted_but_not_pending(store: StateStore) -> None:
    await lease(store, "link-1")
    await store.intend("con-1", [Intent("link-1", Side.HINT, T)])
    assert await pending(store) == {"link-1": {}}
    assert await store.intents("con-1", since=T) == [Intent("link-1", Side.HINT, T)]


async def test_what_is_pending_goes_with_the_lease(store: StateStore) -> None:
    await lease(store, *IDS)
    await store.intend("con-1", [an_intent("link-1", T, "email"), an_intent("link-2", T, "email")])
    await lease(store, "link-2", now=T + 1)
    await store.release_links("con-1", ["link-1"], "worker-1")
    assert set(await pending(store)) == {"link-2"}
    await lease(store, "link-1")
    assert (await pending(store))["link-1"] == {}
    assert (await pending(store))["link-2"] != {}
    assert len(await store.intents("con-1", since=T)) == 2


async def test_what_a_dead_worker_was_about_to_write_is_not_pending_for_the_next(store: StateStore) -> None:
    await lease(store, "link-1")
    await store.intend("con-1", [an_intent("link-1", T, "email")])
    assert (await pending(store))["link-1"] != {}
    await lease(store, "link-1", worker="worker-2", now=T + LEASE)
    assert await pending(store) == {"link-1": {}}


async def test_a_withdrawn_intent_is_neither_kept_nor_pending(store: StateStore) -> None:
    await lease(store, *IDS)
    kept, gone = an_intent("link-1", T, "email"), an_intent("link-1", T + 1, "city")
    other = an_intent("link-2", T + 1, "city", side=Side.HINT)
    await store.intend("con-1", [kept, gone, other])
    await store.withdraw("con-1", [gone, other, an_intent("link-3", T, "city")])
    assert await store.intents("con-1", since=T) == [kept]
    assert await pending(store) == {"link-1": {Side.SALESFORCE: kept.prints}, "link-2": {}}


async def test_an_intent_withdrawn_once_of_two_alike_is_kept_once(store: StateStore) -> None:
    twice = an_intent("link-1", T, "email")
    await store.intend("con-1", [twice, twice, twice])
    await store.withdraw("con-1", [twice, twice])
    assert await store.intents("con-1", since=T) == [twice]


async def test_a_withdrawn_intent_leaves_a_later_one_of_the_same_field_pending(store: StateStore) -> None:
    await lease(store, "link-1")
    first, second = an_intent("link-1", T, "email"), an_intent("link-1", T + 1, "email")
    await store.intend("con-1", [first, second])
    await store.withdraw("con-1", [first])
    assert await pending(store) == {"link-1": {Side.SALESFORCE: second.prints}}


async def test_intents_come_oldest_first_since_a_moment_and_by_link(store: StateStore) -> None:
    given = [an_intent(f"link-{number % 3}", T + 9 - number, "email") for number in range(9)]
    await store.intend("con-1", given)
    assert await store.intents("con-1", since=T + 3) == given[6::-1]
    assert await store.intents("con-1", since=T, link_ids=["link-1", "link-9"]) == given[7::-3]
    assert await store.intents("con-1", since=T, link_ids=[]) == []
    assert await store.intents("con-2", since=T) == []


async def test_old_intents_are_forgotten_of_one_side_or_both(store: StateStore) -> None:
    sides = [Side.HINT, Side.SALESFORCE]
    await store.intend("con-1", [an_intent("link-1", T + n, "email", side=side) for n in range(3) for side in sides])
    assert await store.forget_intents("con-1", before=T + 2, side=Side.HINT) == 2
    left = [(intent.at - T, intent.side) for intent in await store.intents("con-1", since=T)]
    assert left == [(0, Side.SALESFORCE), (1, Side.SALESFORCE), (2, Side.HINT), (2, Side.SALESFORCE)]
    assert await store.forget_intents("con-1", before=T + 2) == 2
    assert await store.forget_intents("con-1", before=T + 2) == 0


async def test_a_value_where_a_print_belongs_is_refused_without_being_repeated(store: StateStore) -> None:
    await lease(store, "link-1")
    with pytest.raises(ValueError, match="email: not a fingerprint") as refused:
        await store.intend("con-1", [Intent("link-1", Side.HINT, T, {"email": b"ida@example.org"})])
    assert "ida" not in str(refused.value)
    assert await store.intents("con-1", since=0) == []
    assert await pending(store) == {"link-1": {}}


async def test_intents_of_an_unknown_connection_are_refused(store: StateStore) -> None:
    with pytest.raises(BadInput, match="con-9"):
        await store.intend("con-9", [an_intent()])
