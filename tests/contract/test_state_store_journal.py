"""The contract of every StateStore: connections, secrets, reviews, log, cursors and calls."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.values import Side
from hintsync.state.port import Commit, Connection, Json, LogLevel, ReviewKind, ReviewStatus, StateStore
from tests.contract.state_examples import a_log_entry, a_review

OTHER = Connection("con-2", "Alder Clinic", "00D2", True, "prac-2", {"list": [1, {"x": None}]}, {"first_clear": "kept"})


async def test_a_connection_comes_back_and_is_replaced(store: StateStore, connection: Connection) -> None:
    await store.put_connection(OTHER)
    assert await store.connection("con-2") == OTHER
    assert await store.connections() == [OTHER, connection]
    renamed = replace(OTHER, name="Zelkova Clinic", facts={})
    await store.put_connection(renamed)
    assert await store.connections() == [connection, renamed]
    assert await store.connection("con-404") is None


async def test_what_a_caller_does_to_its_settings_later_does_not_reach_the_store(store: StateStore) -> None:
    settings: dict[str, list[str]] = {"paused": []}
    await store.put_connection(replace(OTHER, settings=settings))
    settings["paused"].append("email")
    found = await store.connection("con-2")
    assert found is not None
    assert found.settings == {"paused": []}


async def test_settings_are_swapped_only_as_they_were_read_and_nothing_else_moves(store: StateStore) -> None:
    settings: dict[str, Json] = {
        "guard_share": 0.05,
        "create_contacts": False,
        "policies": {"city": "hint"},
        "topic": "é",
    }
    await store.put_connection(replace(OTHER, settings=settings, facts={"verified": ["phones"]}))
    read = await store.connection("con-2")
    assert read is not None
    assert await store.swap_settings("con-2", read.settings, {**settings, "guard_share": 1e-07})
    assert not await store.swap_settings("con-2", read.settings, {}), "they moved since"
    assert not await store.swap_settings("con-404", {}, {})
    assert await store.connection("con-2") == replace(read, settings={**settings, "guard_share": 1e-07})


async def test_a_secret_comes_back_and_is_replaced(store: StateStore) -> None:
    await store.put_secret("con-1", "hint-key", b"\x00first\xff")
    assert await store.secret("con-1", "hint-key") == b"\x00first\xff"
    await store.put_secret("con-1", "hint-key", b"")
    assert await store.secret("con-1", "hint-key") == b""
    assert await store.secret("con-1", "other") is None
    assert await store.secret("con-2", "hint-key") is None


async def test_all_secrets_of_one_connection_are_destroyed_and_no_others(store: StateStore) -> None:
    await store.put_connection(OTHER)
    for connection, name in (("con-1", "hint-key"), ("con-1", "login"), ("con-2", "hint-key")):
        await store.put_secret(connection, name, b"kept")
    assert await store.drop_secrets("con-1") == 2
    assert await store.drop_secrets("con-1") == 0
    assert [await store.secret("con-1", name) for name in ("hint-key", "login")] == [None, None]
    assert await store.secret("con-2", "hint-key") == b"kept"


async def test_each_connection_has_its_own_lasting_fingerprint_key(store: StateStore) -> None:
    key = store.fingerprint_key("con-1")
    assert len(key) == 32
    assert key == store.fingerprint_key("con-1") != store.fingerprint_key("con-2")


async def test_open_reviews_are_counted_by_kind(store: StateStore) -> None:
    await store.put_connection(OTHER)
    assert await store.count_reviews("con-1") == {}
    first = replace(a_review("rev-1"), kind=ReviewKind.CONFLICT, field_name="city")
    others = [
        replace(first, id="rev-2", field_name="zip"),
        replace(first, id="rev-3", kind=ReviewKind.OVERLAY, field_name=""),
        replace(first, id="rev-4", field_name="state", status=ReviewStatus.DECIDED),
        replace(first, id="rev-5", connection_id="con-2"),
    ]
    await store.commit(Commit(reviews=[first, *others]))
    assert await store.count_reviews("con-1") == {ReviewKind.CONFLICT: 2, ReviewKind.OVERLAY: 1}


async def test_reviews_of_certain_records_are_asked_for_by_id(store: StateStore) -> None:
    mine, other = a_review(), replace(a_review(), id="rev-other", record_id="003000000000OTHER")
    await store.commit(Commit(reviews=[mine, other]))
    assert await store.reviews("con-1", record_ids=[mine.record_id, "003-nobody"]) == [mine]
    assert await store.reviews("con-1", record_ids=[]) == []


@pytest.mark.parametrize("act", ["put_secret", "put_cursor", "add_calls", "decline", "review", "log"])
async def test_an_unknown_connection_is_refused(store: StateStore, act: str) -> None:
    acts = {
        "put_secret": lambda: store.put_secret("con-404", "name", b"secret"),
        "put_cursor": lambda: store.put_cursor("con-404", "name", "1"),
        "add_calls": lambda: store.add_calls("con-404", Side.HINT, "2026-03-01", 1),
        "decline": lambda: store.decline("con-404", "003-1", "pat-1", "user-7", "2026-03-01T09:00:00Z"),
        "review": lambda: store.commit(Commit(reviews=[replace(a_review(), connection_id="con-404")])),
        "log": lambda: store.commit(Commit(logs=[replace(a_log_entry(), connection_id="con-404")])),
    }
    with pytest.raises(BadInput, match="con-404"):
        await acts[act]()


async def test_a_review_comes_back_with_all_it_held(store: StateStore) -> None:
    review = replace(
        a_review(), candidates=("003-1", "003-2"), details={"evidence": ["birth date agrees"], "n": 2}, run_id="run-9"
    )
    await store.commit(Commit(reviews=[review]))
    assert await store.review("review-1") == review
    assert await store.review("review-404") is None


async def test_opening_a_review_again_updates_the_open_one(store: StateStore) -> None:
    await store.commit(Commit(reviews=[a_review("review-1", opened_at="2026-03-01T09:00:00Z")]))
    again = replace(a_review("review-2", opened_at="2026-03-05T09:00:00Z"), candidates=("003-5",), run_id="run-2")
    await store.commit(Commit(reviews=[again]))
    assert await store.reviews("con-1") == [replace(again, id="review-1", opened_at="2026-03-01T09:00:00Z")]
    assert await store.review("review-2") is None


async def test_opening_a_review_twice_in_one_commit_opens_one(store: StateStore) -> None:
    twice = [a_review("review-1"), replace(a_review("review-2"), candidates=("003-5",))]
    await store.commit(Commit(reviews=twice))
    assert [(review.id, review.candidates) for review in await store.reviews("con-1")] == [("review-1", ("003-5",))]


async def test_reviews_that_differ_in_any_part_of_their_subject_are_two(store: StateStore) -> None:
    first = a_review("review-0")
    others = [
        replace(first, id="review-1", kind=ReviewKind.CONFLICT),
        replace(first, id="review-2", side=Side.SALESFORCE),
        replace(first, id="review-3", record_id="pat-2"),
        replace(first, id="review-4", field_name="email"),
    ]
    await store.commit(Commit(reviews=[first, *others]))
    assert len(await store.reviews("con-1")) == 5


async def test_a_decided_review_makes_room_for_a_new_one(store: StateStore) -> None:
    await store.commit(Commit(reviews=[a_review("review-1")]))
    decided = replace(
        a_review("review-1"), status=ReviewStatus.DECIDED, decided_at="2026-03-02", decided_by="user-7", decision="link"
    )
    await store.commit(Commit(reviews=[a_review("review-2"), decided, a_review("review-3")]))
    assert [review.id for review in await store.reviews("con-1")] == ["review-3"]
    assert await store.reviews("con-1", status=ReviewStatus.DECIDED) == [decided]


async def test_what_a_person_decided_is_not_made_obsolete_by_who_read_it_open(store: StateStore) -> None:
    await store.commit(Commit(reviews=[a_review("review-1")]))
    decided = replace(a_review("review-1"), status=ReviewStatus.DECIDED, decided_by="user-7")
    await store.commit(Commit(reviews=[decided]))
    await store.commit(Commit(reviews=[replace(a_review("review-1"), status=ReviewStatus.OBSOLETE)]))
    (kept,) = await store.reviews("con-1", status=ReviewStatus.DECIDED)
    assert (kept.id, kept.decided_by) == ("review-1", "user-7")
    assert await store.reviews("con-1", status=ReviewStatus.OBSOLETE) == []


async def test_a_decided_review_may_be_opened_again_by_its_id(store: StateStore) -> None:
    obsolete = replace(a_review("review-1"), status=ReviewStatus.OBSOLETE)
    await store.commit(Commit(reviews=[obsolete]))
    await store.commit(Commit(reviews=[a_review("review-1")]))
    assert await store.reviews("con-1") == [a_review("review-1")]
    assert await store.reviews("con-1", status=ReviewStatus.OBSOLETE) == []


async def test_reviews_come_oldest_first_by_kind_and_limited(store: StateStore) -> None:
    days = [3, 1, 2]
    reviews = [a_review(f"review-{day}", record_id=f"pat-{day}", opened_at=f"2026-03-0{day}") for day in days]
    conflict = replace(a_review("review-4", opened_at="2026-01-01"), kind=ReviewKind.CONFLICT)
    await store.commit(Commit(reviews=[*reviews, conflict]))
    assert [review.id for review in await store.reviews("con-1", limit=3)] == ["review-4", "review-1", "review-2"]
    ambiguous = await store.reviews("con-1", kind=ReviewKind.AMBIGUOUS)
    assert [review.id for review in ambiguous] == ["review-1", "review-2", "review-3"]
    assert await store.reviews("con-2") == []


async def test_many_writers_opening_one_subject_open_one_review(store: StateStore) -> None:
    await asyncio.gather(*(store.commit(Commit(reviews=[a_review(f"review-{n}")])) for n in range(10)))
    assert len(await store.reviews("con-1")) == 1


async def test_the_log_comes_newest_first_by_level_and_run(store: StateStore) -> None:
    entry = replace(a_log_entry("first"), contact_id="003-1", patient_id="pat-1", fields=("email", "zip"))
    others = [a_log_entry("second", level=LogLevel.ERROR, run_id="run-1"), a_log_entry("third", run_id="run-1")]
    await store.commit(Commit(logs=[entry, *others]))
    found = await store.log("con-1")
    assert [line.event for line in found] == ["third", "second", "first"]
    assert replace(found[2], id=None) == entry
    assert [line.event for line in await store.log("con-1", levels=[LogLevel.ERROR, LogLevel.EXCEPTION])] == ["second"]
    assert [line.event for line in await store.log("con-1", run_id="run-1", limit=1)] == ["third"]
    assert await store.log("con-2") == []


async def test_the_log_is_read_on_from_an_id_oldest_first_and_by_level(store: StateStore) -> None:
    await store.put_connection(OTHER)
    await store.commit(Commit(logs=[a_log_entry(f"entry-{n}") for n in range(3)]))
    await store.commit(Commit(logs=[replace(a_log_entry("another's"), connection_id="con-2")]))
    await store.commit(Commit(logs=[a_log_entry("late", level=LogLevel.ERROR), a_log_entry("last")]))
    found = await store.log_after("con-1", 0)
    assert [line.event for line in found] == ["entry-0", "entry-1", "entry-2", "late", "last"]
    ids = [line.id or 0 for line in found]
    assert ids == sorted(ids)
    assert [line.event for line in await store.log_after("con-1", ids[1], limit=2)] == ["entry-2", "late"]
    graver = [LogLevel.ERROR, LogLevel.EXCEPTION]
    assert [line.event for line in await store.log_after("con-1", ids[0], levels=graver)] == ["late"]
    assert await store.log_after("con-1", ids[-1]) == []


async def test_the_log_is_pruned_by_count_and_by_age(store: StateStore) -> None:
    await store.put_connection(OTHER)
    await store.commit(Commit(logs=[a_log_entry(f"day-{day}", at=f"2026-03-0{day}T00:00:00Z") for day in range(1, 9)]))
    await store.commit(Commit(logs=[replace(a_log_entry("kept", at="2020-01-01"), connection_id="con-2")]))
    assert await store.prune_log("con-1") == 0
    assert await store.prune_log("con-1", before="2026-03-03T00:00:00Z") == 2
    assert await store.prune_log("con-1", keep=6) == 0
    assert await store.prune_log("con-1", keep=3) == 3
    assert await store.prune_log("con-1", keep=2, before="2026-03-07T12:00:00Z") == 2
    assert [line.event for line in await store.log("con-1")] == ["day-8"]
    assert await store.prune_log("con-1", keep=0) == 1
    assert [line.event for line in await store.log("con-2")] == ["kept"]


async def test_the_log_is_pruned_in_groups_the_oldest_first(store: StateStore) -> None:
    await store.commit(Commit(logs=[a_log_entry(f"entry-{n}", at="2026-03-01T00:00:00Z") for n in range(5)]))
    pruned = [await store.prune_log("con-1", before="2026-03-02T00:00:00Z", limit=2) for _ in range(2)]
    assert pruned == [2, 2]
    assert [line.event for line in await store.log("con-1")] == ["entry-4"]


async def test_settled_reviews_are_forgotten_by_age_in_groups_and_open_ones_never(store: StateStore) -> None:
    await store.put_connection(OTHER)
    reviews = [a_review(f"review-{n}", record_id=f"pat-{n}") for n in range(6)]
    settled = [replace(each, status=ReviewStatus.DECIDED, decided_at="2026-03-02T00:00:00Z") for each in reviews[:4]]
    late = replace(reviews[4], status=ReviewStatus.OBSOLETE, decided_at="2026-03-03T00:00:00Z")
    theirs = replace(settled[0], id="review-9", connection_id="con-2")
    await store.commit(Commit(reviews=[*settled, late, reviews[5], theirs]))
    assert [await store.prune_reviews("con-1", "2026-03-03T00:00:00Z", limit=3) for _ in range(3)] == [3, 1, 0]
    left = {review.id for review in [late, reviews[5], theirs] if await store.review(review.id)}
    assert left == {"review-4", "review-5", "review-9"}
    assert not [each.id for each in settled if await store.review(each.id)]


async def test_a_log_id_is_never_given_twice(store: StateStore) -> None:
    await store.commit(Commit(logs=[a_log_entry(), a_log_entry()]))
    last = (await store.log("con-1"))[0].id
    await store.prune_log("con-1", keep=0)
    await store.commit(Commit(logs=[a_log_entry()]))
    new = (await store.log("con-1"))[0].id
    assert last is not None
    assert new is not None
    assert new > last


async def test_a_cursor_comes_back_and_moves(store: StateStore) -> None:
    assert await store.get_cursor("con-1", "contacts") is None
    await store.put_cursor("con-1", "contacts", "2026-03-01T09:00:00Z")
    await store.put_cursor("con-1", "contacts", "2026-03-02T09:00:00Z")
    assert await store.get_cursor("con-1", "contacts") == "2026-03-02T09:00:00Z"
    assert await store.get_cursor("con-1", "patients") is None


async def test_calls_add_up_by_side_and_day(store: StateStore) -> None:
    sums = await asyncio.gather(*(store.add_calls("con-1", Side.HINT, "2026-03-01", 2) for _ in range(10)))
    assert sorted(sums) == list(range(2, 21, 2))
    assert await store.add_calls("con-1", Side.SALESFORCE, "2026-03-01", 5) == 5
    assert await store.add_calls("con-1", Side.HINT, "2026-03-02", 0) == 0
