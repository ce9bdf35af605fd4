"""What is told of a practice's Hint where its documents leave it open."""

from __future__ import annotations

import pytest

from hintsync.core.values import Side
from hintsync.engine.pairs.first_writes import PHONES, clear_kind
from hintsync.replicas.hint.facts import BRACKETS, HintFacts
from hintsync.state.port import Json
from hintsync.surfaces.hint_ways import hint_ways
from tests.surfaces.town import Town


def facts(**known: object) -> dict[str, Json]:
    probed = HintFacts(probed_at="2026-11-23T06:00:00+00:00", **known)  # type: ignore[arg-type]
    return {"hint": probed.to_json()}  # type: ignore[dict-item]


def seen(of: dict[str, Json], code: str) -> bool | None:
    (way,) = [way for way in hint_ways(of) if way.code == code]
    return way.seen


def test_before_anybody_asked_nothing_counts_as_seen() -> None:
    assert {way.seen for way in hint_ways({})} == {None}


@pytest.mark.parametrize(
    ("code", "known"),
    [
        ("changes", {"updated_at_filter": BRACKETS}),
        ("birth-date", {"dob_filter": True}),
        ("archived-too", {"filter_all": True}),
        ("order", {"sort_created_at": True}),
        ("totals", {"totals_told": True}),
        ("archived-by-id", {"archived_by_id": True}),
        ("title", {"title_echoed": True}),
        ("names", {"names_required": True}),
    ],
)
def test_what_a_probe_found_is_told_and_so_is_what_follows_from_it(code: str, known: dict[str, object]) -> None:
    yes, no = hint_ways(facts(**known)), hint_ways(facts(**dict.fromkeys(known, False) | {"updated_at_filter": None}))
    ((good, bad),) = [(a, b) for a, b in zip(yes, no, strict=True) if a.code == code]
    assert (good.seen, bad.seen) == (True, False)
    assert good.so != bad.so


@pytest.mark.parametrize(("code", "kind"), [("phones", PHONES), ("clears", clear_kind(Side.HINT, "city"))])
def test_first_writes_are_told_as_tried_kept_or_paused(code: str, kind: str) -> None:
    assert seen(facts(), code) is None
    assert seen({**facts(), "verified": [kind]}, code) is True
    assert seen({**facts(), "verified": ["clear:hint:email"], "paused": [kind]}, code) is False


def test_routes_are_told_once_a_code_was_exchanged() -> None:
    assert seen(facts(), "routes") is None
    assert seen({**facts(), "hint_routes": ["legacy"]}, "routes") is False
    assert seen({**facts(), "hint_routes": ["installations", "legacy"]}, "routes") is True


def test_status_tells_it_in_a_line_and_in_full_as_json(town: Town) -> None:
    (stands,) = town.json("status")["connections"]
    assert {way["code"] for way in stands["hint_ways"]} == {way.code for way in hint_ways({})}
    assert "Hint as it was seen: yes: totals" in town.run("status").stdout
