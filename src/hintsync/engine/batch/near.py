"""Near matches for the records of a batch that found no exact one (row L6).

Turned round against a search: the few records without a match are filed under the keys they would ask for, and the many
of the other side stream past once. Nothing is read again and no index of everybody is built.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from hintsync.core.blocking import asked_keys, stored_keys
from hintsync.core.near import Grade, NearMatch, Population, Prepared, Scorer
from hintsync.core.near_weights import Field
from hintsync.core.person import Person
from hintsync.core.records import KeyRow, RecordId, Snapshot

_NAMES = frozenset({Field.FIRST_NAME, Field.LAST_NAME, Field.SWAPPED_NAME})
#: Candidates of one record that are scored at most; more share a key only where the key says nothing.
MOST_SCORED = 2_000
#: Candidates that a reviewer is shown.
MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Near:
    """The near matches of one record, best first."""

    candidates: tuple[RecordId, ...]
    grade: Grade
    #: Evidence lines of the best one; they hold no value.
    sentences: tuple[str, ...]


def person_of_row(row: KeyRow) -> Person:
    """Return what a key row says of who somebody is."""
    return Person(first=row.first_name, last=row.last_name, birth_date=row.birth_date)


def person_of(snapshot: Snapshot) -> Person:
    """Return what a snapshot says of who somebody is: name and birth date, as the other side's key rows do."""
    first, last, born = (snapshot.values.get(name) for name in ("first_name", "last_name", "birth_date"))
    return Person(first=_text(first), last=_text(last), birth_date=_text(born))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def near_matches(
    wanted: Mapping[RecordId, Person],
    rows: Iterable[KeyRow],
    placeholders: frozenset[str],
    *,
    closed: Collection[tuple[RecordId, RecordId]] = (),
) -> dict[RecordId, Near]:
    """Find the near matches of the wanted records among the other side's rows.

    Args:
        wanted: Records without an exact match, by id.
        rows: Every record of the other side that may still be linked.
        placeholders: Birth dates that mean "unknown".
        closed: Pairs (wanted id, other id) that a person has declined.
    """
    blocks: dict[str, list[RecordId]] = defaultdict(list)
    for record_id, person in wanted.items():
        for key in asked_keys(person):
            blocks[key].append(record_id)
    population = Population()
    met: dict[RecordId, dict[RecordId, Person]] = defaultdict(dict)
    for row in rows:
        person = person_of_row(row)
        population.add(person)
        for record_id in _meet(blocks, person):
            if len(met[record_id]) < MOST_SCORED and (record_id, row.id) not in closed:
                met[record_id][row.id] = person
    scorer = Scorer(population, placeholders)
    judged = {record_id: _judge(scorer, scorer.prepare(wanted[record_id]), found) for record_id, found in met.items()}
    return {record_id: near for record_id, near in judged.items() if near is not None}


def _meet(blocks: Mapping[str, list[RecordId]], person: Person) -> set[RecordId]:
    return {record_id for key in stored_keys(person) if key in blocks for record_id in blocks[key]}


def _judge(scorer: Scorer, mine: Prepared, found: Mapping[RecordId, Person]) -> Near | None:
    matches = ((other, scorer.compare_prepared(mine, scorer.prepare(person))) for other, person in found.items())
    worth = ((match, other) for other, match in matches if match.grade is not None and _names_speak_for_it(match))
    best = heapq.nsmallest(MOST_SHOWN, worth, key=lambda pair: _rank(*pair))
    if not best:
        return None
    top: NearMatch = best[0][0]
    return Near(tuple(other for _, other in best), top.grade or Grade.POSSIBLE, tuple(top.sentences()))


def _names_speak_for_it(match: NearMatch) -> bool:
    """In a batch a shared birth date alone is a coincidence, not a reason to bother a reviewer."""
    return any(line.weight > 0 for line in match.evidence if line.field in _NAMES)


def _rank(match: NearMatch, record_id: RecordId) -> tuple[int, float, RecordId]:
    return (list(Grade).index(match.grade or Grade.POSSIBLE), -match.weight, record_id)
