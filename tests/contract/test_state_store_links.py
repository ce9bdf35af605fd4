"""The contract of every StateStore: links, their memory and their uniqueness."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.records import LIVE_STATUSES, Link, LinkState, LinkStatus
from hintsync.core.values import Side
from hintsync.state.port import Commit, Connection, LinkChange, LinkTaken, StaleLink, StateStore
from tests.contract.state_examples import a_hold, a_link, a_run, everything, prints, put_links, remembered


async def test_a_link_comes_back_with_its_memory(store: StateStore) -> None:
    base, hold = prints("email", "city"), a_hold()
    link = replace(a_link(), reason="contact-deleted", salt=os.urandom(16))
    await store.commit(Commit(links=[LinkChange(link, base=base, holds={"zip": hold})]))
    assert await store.link(link.id) == LinkState(replace(link, revision=1), base, {"zip": hold})


async def test_an_unknown_link_is_none(store: StateStore) -> None:
    assert await store.link("link-404") is None


async def test_reserving_returns_the_link_as_stored(store: StateStore) -> None:
    link = replace(a_link(contact=None), status=LinkStatus.RESERVED)
    reserved = await store.reserve(link)
    assert reserved == replace(link, revision=1)
    assert await store.link(link.id) == LinkState(reserved, {}, {})


async def test_links_reserved_without_a_contact_do_not_get_in_each_others_way(store: StateStore) -> None:
    await store.reserve(a_link(1, contact=None))
    await store.reserve(a_link(2, contact=None))
    assert len(await store.live_pairs("con-1")) == 2


@pytest.mark.parametrize("status", sorted(LIVE_STATUSES))
@pytest.mark.parametrize("shared", [{"contact": "003-1"}, {"patient": "pat-1"}])
async def test_reserving_a_taken_record_says_by_which_link(
    store: StateStore, status: LinkStatus, shared: dict[str, str]
) -> None:
    (first,) = await put_links(store, replace(a_link(1), status=status))
    with pytest.raises(LinkTaken) as refused:
        await store.reserve(a_link(2, **shared))
    assert refused.value.existing == (first,)
    assert await store.link("link-2") is None


async def test_both_links_in_the_way_are_named(store: StateStore) -> None:
    first, second = await put_links(store, a_link(1), a_link(2))
    with pytest.raises(LinkTaken) as refused:
        await store.reserve(a_link(3, contact="003-1", patient="pat-2"))
    assert sorted(refused.value.existing, key=lambda link: link.id) == [first, second]


async def test_reserving_an_id_twice_is_stale(store: StateStore) -> None:
    await store.reserve(a_link(1))
    with pytest.raises(StaleLink):
        await store.reserve(a_link(1, contact="003-9", patient="pat-9"))


async def test_an_ended_link_lets_go_of_its_records(store: StateStore) -> None:
    (link,) = await put_links(store, a_link(1))
    await store.commit(Commit(links=[LinkChange(replace(link, status=LinkStatus.ENDED))]))
    await store.reserve(a_link(2, contact="003-1", patient="pat-1"))
    assert [live.id for live in await store.live_pairs("con-1")] == ["link-2"]


async def test_every_status_but_ended_is_live(store: StateStore) -> None:
    await put_links(store, *(replace(a_link(n), status=status) for n, status in enumerate(LinkStatus)))
    live = {link.status for link in await store.live_pairs("con-1")}
    assert live == LIVE_STATUSES == set(LinkStatus) - {LinkStatus.ENDED}


async def test_the_same_ids_of_another_connection_are_other_records(store: StateStore) -> None:
    await store.put_connection(Connection("con-2", "Oak Clinic", "00D2", False, "prac-2"))
    await store.reserve(a_link(1))
    await store.reserve(replace(a_link(1, connection_id="con-2"), id="link-of-con-2"))
    assert [link.id for link in await store.live_pairs("con-2")] == ["link-of-con-2"]


async def test_moving_the_base_of_one_field_keeps_the_others(store: StateStore) -> None:
    old = prints("email", "city")
    (link,) = await put_links(store, a_link())
    await store.commit(Commit(links=[LinkChange(link, base=old, holds={"zip": a_hold(), "state": a_hold()})]))
    new = prints("city", "zip")
    await store.commit(Commit(links=[LinkChange(replace(link, revision=2), base=new, holds={"zip": None})]))
    state = await store.link(link.id)
    assert state is not None
    assert state.base == {"email": old["email"], **new}
    assert set(state.holds) == {"state"}


async def test_a_cleared_base_holds_only_what_came_with_the_change(store: StateStore) -> None:
    await store.commit(Commit(links=[LinkChange(a_link(), base=prints("email", "city"))]))
    new = prints("zip")
    await store.commit(Commit(links=[LinkChange(replace(a_link(), revision=1), base=new, clear_base=True)]))
    state = await store.link("link-1")
    assert state is not None
    assert state.base == new


async def test_every_commit_raises_the_revision_by_one(store: StateStore) -> None:
    (link,) = await put_links(store, a_link())
    for revision in (2, 3):
        await store.commit(Commit(links=[LinkChange(replace(link, revision=revision - 1))]))
        state = await store.link(link.id)
        assert state is not None
        assert state.link.revision == revision


@pytest.mark.parametrize("given", [0, 2])
async def test_a_change_made_on_another_revision_is_stale(store: StateStore, given: int) -> None:
    await put_links(store, a_link())
    with pytest.raises(StaleLink) as refused:
        await store.commit(Commit(links=[LinkChange(replace(a_link(), revision=given, reason="late"))]))
    assert refused.value.link_id == "link-1"
    state = await store.link("link-1")
    assert state is not None
    assert state.link.reason is None


async def test_a_change_to_a_link_that_the_store_lost_is_stale(store: StateStore) -> None:
    with pytest.raises(StaleLink):
        await store.commit(Commit(links=[LinkChange(replace(a_link(), revision=3))]))


async def test_a_change_that_brings_what_was_read_moves_only_what_it_names(store: StateStore) -> None:
    old, new = prints("email", "zip"), prints("city", "zip")
    await store.commit(Commit(links=[LinkChange(a_link(n), old, holds={"zip": a_hold()}) for n in (1, 2)]))
    read = {n: await store.link(f"link-{n}") for n in (1, 2)}
    changes = [
        LinkChange(replace(state.link, reason=f"r{n}"), new, holds={"zip": None}, before=state)
        for n, state in read.items()
        if state is not None
    ]
    await store.commit(Commit(links=changes))
    for n in (1, 2):
        state = await store.link(f"link-{n}")
        assert state == LinkState(replace(a_link(n), revision=2, reason=f"r{n}"), {**old, **new}, {})


@pytest.mark.parametrize("late", ["link-1", "link-2"])
@pytest.mark.parametrize("rounds", [1, 2])
async def test_a_change_that_brings_what_was_read_is_stale_if_the_link_moved_since(
    store: StateStore, late: str, rounds: int
) -> None:
    await put_links(store, a_link(1), a_link(2))
    read = [await store.link("link-1"), await store.link("link-2")]
    for revision in range(1, rounds + 1):
        number = int(late[-1])
        await store.commit(Commit(links=[LinkChange(replace(a_link(number), revision=revision), prints("zip"))]))
    before = await remembered(store)
    changes = [LinkChange(state.link, prints("city"), before=state) for state in read if state is not None]
    with pytest.raises(StaleLink) as refused:
        await store.commit(Commit(links=changes))
    assert refused.value.link_id == late
    assert await remembered(store) == before


async def test_two_changes_of_one_link_follow_one_another_in_a_commit(store: StateStore) -> None:
    await put_links(store, a_link())
    state = await store.link("link-1")
    assert state is not None
    city, zip_code = prints("city"), prints("zip")
    first = LinkChange(state.link, city, before=state)
    second = LinkChange(replace(state.link, revision=2, reason="twice"), zip_code)
    await store.commit(Commit(links=[first, second]))
    after = await store.link("link-1")
    assert after == LinkState(replace(a_link(), revision=3, reason="twice"), {**city, **zip_code}, {})


async def test_of_many_writers_at_once_one_reserves_a_contact(store: StateStore) -> None:
    async def reserve(number: int) -> Link | None:
        try:
            return await store.reserve(a_link(number, contact="003-1"))
        except LinkTaken:
            return None

    won = [link for link in await asyncio.gather(*map(reserve, range(12))) if link]
    assert list(await store.live_pairs("con-1")) == won
    assert len(won) == 1


async def test_of_many_writers_on_one_revision_one_succeeds(store: StateStore) -> None:
    (link,) = await put_links(store, a_link())

    async def change(number: int) -> bool:
        try:
            await store.commit(Commit(links=[LinkChange(replace(link, reason=f"writer-{number}"))]))
        except StaleLink:
            return False
        return True

    assert sum(await asyncio.gather(*map(change, range(12)))) == 1
    state = await store.link(link.id)
    assert state is not None
    assert state.link.revision == 2


async def test_u5_one_commit_ends_a_link_and_gives_its_contact_to_another(store: StateStore) -> None:
    first, second = await put_links(store, a_link(1), a_link(2))
    await store.commit(
        Commit(
            links=[
                LinkChange(replace(second, contact_id="003-1")),
                LinkChange(replace(first, status=LinkStatus.ENDED)),
            ]
        )
    )
    assert [link.contact_id for link in await store.live_pairs("con-1")] == ["003-1"]


async def test_two_links_may_swap_their_contacts_in_one_commit(store: StateStore) -> None:
    first, second = await put_links(store, a_link(1), a_link(2))
    swapped = [replace(first, contact_id="003-2"), replace(second, contact_id="003-1")]
    await store.commit(Commit(links=[LinkChange(link) for link in swapped]))
    assert {link.id: link.contact_id for link in await store.live_pairs("con-1")} == {
        "link-1": "003-2",
        "link-2": "003-1",
    }


async def test_moving_a_link_onto_a_taken_record_is_refused(store: StateStore) -> None:
    first, second = await put_links(store, a_link(1), a_link(2))
    with pytest.raises(LinkTaken) as refused:
        await store.commit(Commit(links=[LinkChange(replace(second, patient_id="pat-1"))]))
    assert refused.value.existing == (first,)
    assert list(await store.live_pairs("con-1")) == [first, second]


async def test_two_new_links_of_one_commit_may_not_share_a_record(store: StateStore) -> None:
    with pytest.raises(LinkTaken):
        await put_links(store, a_link(1), a_link(2, patient="pat-1"))
    assert list(await store.live_pairs("con-1")) == []


async def test_live_links_are_found_by_either_side(store: StateStore) -> None:
    links = await put_links(store, *(a_link(number) for number in range(5)))
    await store.commit(Commit(links=[LinkChange(replace(links[4], status=LinkStatus.ENDED))]))
    by_contact = await store.live_links("con-1", Side.SALESFORCE, ["003-1", "003-3", "003-4", "003-9"])
    by_patient = await store.live_links("con-1", Side.HINT, ["pat-1", "pat-3", "pat-4", "003-1"])
    assert {key: state.link for key, state in by_contact.items()} == {"003-1": links[1], "003-3": links[3]}
    assert {key: state.link for key, state in by_patient.items()} == {"pat-1": links[1], "pat-3": links[3]}


async def test_many_live_links_are_found_at_once(store: StateStore) -> None:
    await put_links(store, *(a_link(number) for number in range(2500)))
    found = await store.live_links("con-1", Side.HINT, [f"pat-{number}" for number in range(3000)])
    assert len(found) == 2500


async def test_links_come_in_pages_by_id_and_by_status(store: StateStore) -> None:
    await put_links(store, *(replace(a_link(n), id=link_id) for n, link_id in enumerate(["b", "A", "a", "B", "_"])))
    frozen = replace(a_link(9), id="C", status=LinkStatus.FROZEN)
    await put_links(store, frozen)
    first = await store.links("con-1", limit=4)
    rest = await store.links("con-1", after=first[-1].link.id)
    assert [state.link.id for state in (*first, *rest)] == ["A", "B", "C", "_", "a", "b"]
    assert [state.link.id for state in await store.links("con-1", statuses=[LinkStatus.FROZEN])] == ["C"]


async def test_u4_a_declined_pair_is_remembered(store: StateStore) -> None:
    await store.decline("con-1", "003-1", "pat-1", "user-7", "2026-03-01T09:00:00Z")
    await store.decline("con-1", "003-1", "pat-1", "user-8", "2026-03-02T09:00:00Z")
    assert await store.declined("con-1", "003-1", "pat-1")
    assert not await store.declined("con-1", "003-1", "pat-2")
    assert await store.declined_pairs("con-1") == {("003-1", "pat-1")}
    assert await store.declined_pairs("con-2") == frozenset()


async def test_a_value_where_a_fingerprint_belongs_is_refused_without_being_repeated(store: StateStore) -> None:
    with pytest.raises(ValueError, match=r"^email: not a fingerprint$"):
        await store.commit(Commit(links=[LinkChange(a_link(), base={"email": b"ida@example.org"})]))
    assert await store.link("link-1") is None


async def test_a_link_of_an_unknown_connection_is_refused(store: StateStore) -> None:
    with pytest.raises(BadInput, match="con-404"):
        await store.reserve(a_link(1, connection_id="con-404"))


@pytest.mark.parametrize(
    ("flaw", "error"),
    [
        (lambda whole: replace(whole, links=[*whole.links, LinkChange(replace(a_link(8), revision=5))]), StaleLink),
        (lambda whole: replace(whole, links=[*whole.links, LinkChange(a_link(8, contact="003-1"))]), LinkTaken),
        (lambda whole: replace(whole, rows=[*whole.rows, replace(whole.rows[0], run_id="run-404")]), BadInput),
        (lambda whole: replace(whole, reviews=[replace(whole.reviews[0], connection_id="con-404")]), BadInput),
        (lambda whole: replace(whole, reviews=[replace(whole.reviews[0], details={"x": object()})]), TypeError),
        (lambda whole: replace(whole, logs=[replace(whole.logs[0], connection_id="con-404")]), BadInput),
        (lambda whole: replace(whole, audits=[replace(whole.audits[0], connection_id="con-404")]), BadInput),
        (lambda whole: replace(whole, run=replace(a_run("run-404"))), BadInput),
    ],
)
async def test_a_commit_with_one_flaw_leaves_nothing_of_itself(store: StateStore, flaw, error) -> None:
    await store.start_run(a_run())
    await store.commit(everything(1))
    before = await remembered(store)
    with pytest.raises(error):
        await store.commit(flaw(everything(2)))
    assert await remembered(store) == before
    await store.commit(everything(2))
    assert await remembered(store) != before
