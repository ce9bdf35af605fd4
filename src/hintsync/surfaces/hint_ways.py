"""How a practice's Hint was seen to behave where its documents leave it open: at connect, by first writes, and since."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.values import Side
from hintsync.engine.pairs.first_writes import PHONES, clear_kind
from hintsync.replicas.hint.facts import HintFacts
from hintsync.state.port import Json
from hintsync.surfaces.joining import ROUTES_FACT


@dataclass(frozen=True, slots=True)
class HintWay:
    """One question that Hint's documents leave open, and what was seen."""

    #: Stable, for programs.
    code: str
    question: str
    #: None: not seen yet.
    seen: bool | None
    #: What hintsync does accordingly.
    so: str


def hint_ways(facts: Mapping[str, Json]) -> tuple[HintWay, ...]:
    """Return what is known, from the facts of a connection; without any, what is assumed meanwhile."""
    stored = facts.get("hint")
    hint = HintFacts.from_json(stored) if isinstance(stored, dict) else HintFacts()
    probed = bool(hint.probed_at)
    return (*_of_lists(hint, probed=probed), *_of_records(hint), *_of_writes(facts, hint), _of_routes(facts))


def probed_at(facts: Mapping[str, Json]) -> str:
    """Return when Hint was last asked, ISO 8601, UTC; empty: never."""
    stored = facts.get("hint")
    return HintFacts.from_json(stored).probed_at if isinstance(stored, dict) else ""


def _of_lists(hint: HintFacts, *, probed: bool) -> tuple[HintWay, ...]:
    def way(code: str, question: str, seen: bool, if_so: str, if_not: str) -> HintWay:
        return HintWay(code, question, seen if probed else None, if_so if seen else if_not)

    return (
        way(
            "changes",
            "Lists can be narrowed to what changed",
            hint.updated_at_filter is not None,
            "changes that no webhook told of are read by the minute",
            "every look for them reads everybody",
        ),
        way(
            "birth-date",
            "Lists can be narrowed to a birth date",
            hint.dob_filter,
            "people are looked up by birth date",
            "people are looked up among everybody",
        ),
        way(
            "archived-too",
            "One list shows active and archived patients",
            hint.filter_all,
            "one list is read",
            "both lists are read, one after the other",
        ),
        way(
            "order",
            "Lists come in order of creation",
            hint.sort_created_at,
            "a patient who comes meanwhile moves no page",
            "pages overlap, and what moved is read again",
        ),
        way(
            "totals",
            "Lists say how many there are",
            hint.totals_told,
            "pages are read side by side",
            "pages are read one after the other, to the last",
        ),
    )


def _of_records(hint: HintFacts) -> tuple[HintWay, ...]:
    archived = "a patient who is missing by id was destroyed or merged"
    return (
        HintWay(
            "archived-by-id",
            "Archived patients are shown by id",
            hint.archived_by_id,
            archived
            if hint.archived_by_id is not False
            else f"{archived}, or archived: the link waits for a list to show them",
        ),
        HintWay(
            "title",
            "Patients show their name prefix",
            hint.title_echoed,
            "it is synced like any other" if hint.title_echoed else "it is written to Hint and never compared",
        ),
        HintWay(
            "names",
            "An update must carry first and last name",
            hint.names_required,
            "they are sent with every update, as just read"
            if hint.names_required
            else "they are sent only when they change",
        ),
    )


def _of_writes(facts: Mapping[str, Json], hint: HintFacts) -> tuple[HintWay, ...]:
    verified, paused = _words(facts, "verified"), _words(facts, "paused")
    clears = [clear_kind(Side.HINT, row.name) for row in DEFAULT_MAPPING if Side.HINT not in row.write_only]
    return (
        HintWay(
            "phones",
            "A list of phones is kept as it is written",
            _kept([PHONES], verified, paused),
            "phones wait, and people were told"
            if PHONES in paused
            else "the first one is read back before others follow",
        ),
        HintWay(
            "clears",
            "A field that is emptied is empty",
            _kept(clears, verified, paused),
            "emptying waits for those fields, and people were told"
            if paused & set(clears)
            else "the first of each field is read back before others follow",
        ),
    )


def _of_routes(facts: Mapping[str, Json]) -> HintWay:
    answered = _words(facts, ROUTES_FACT)
    said = f"answered: {', '.join(sorted(answered))}" if answered else "asked when an authorization code is exchanged"
    return HintWay("routes", "The partner account has the newer routes", _newer(answered), said)


def _newer(answered: Collection[str]) -> bool | None:
    return "installations" in answered if answered else None


def _kept(kinds: Collection[str], verified: Collection[str], paused: Collection[str]) -> bool | None:
    if any(kind in paused for kind in kinds):
        return False
    return True if any(kind in verified for kind in kinds) else None


def _words(facts: Mapping[str, Json], name: str) -> frozenset[str]:
    stored = facts.get(name)
    return frozenset(str(each) for each in stored) if isinstance(stored, list) else frozenset()
