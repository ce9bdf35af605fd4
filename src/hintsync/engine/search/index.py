"""The index of one side's people, in memory, that answers a search before the next key is pressed.

Hint has no search call, and a person waits at the other end, so the people of a side are kept in an SQLite database that
lives in memory alone (no file, no temporary file) and dies with the process. Whoever feeds it keeps it fresh from list
pages and change events.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from operator import attrgetter
from threading import Lock
from typing import Final

import orjson

from hintsync.core.blocking import asked_keys, stored_keys
from hintsync.core.match import DEFAULT_PLACEHOLDER_DATES
from hintsync.core.near import Evidence, Grade, NearMatch, Population, Prepared, Scorer
from hintsync.core.near_details import date_digits
from hintsync.core.near_names import NameForm, compare_names, name_form
from hintsync.core.near_weights import WEIGHTS, Field, Verdict
from hintsync.core.person import Person
from hintsync.engine.search.forms import EMAIL, SOUND, bounds, search_forms, selection
from hintsync.engine.search.text import Typed, fit, understand

_SCHEMA: Final = """
PRAGMA temp_store = MEMORY;
PRAGMA journal_mode = MEMORY;
PRAGMA secure_delete = ON;
CREATE TABLE people (
    p INTEGER PRIMARY KEY, record_id TEXT UNIQUE NOT NULL, linked_to TEXT, archived INTEGER NOT NULL, person BLOB NOT NULL
);
CREATE TABLE keys (key INTEGER NOT NULL, p INTEGER NOT NULL, PRIMARY KEY (key, p)) WITHOUT ROWID;
CREATE TABLE forms (
    form TEXT NOT NULL, p INTEGER NOT NULL, born TEXT NOT NULL, PRIMARY KEY (form, p)
) WITHOUT ROWID;
"""

#: Most records that are compared for one search; those that share most keys with the query come first.
_MOST_COMPARED: Final = 120

#: Records that are filed at a time; a search waits no longer than for that many.
_PAGE: Final = 200

#: Least bits of evidence for which a record is shown at all.
_LEAST_EVIDENCE: Final = 4.0

#: Least letters of a lone word for which names that sound alike are offered too.
_FEWEST_LETTERS: Final = 3

_person_values = attrgetter(*Person.__slots__)
_PHONES: Final = Person.__slots__.index("phones")
_GRADES: Final = {grade: rank for rank, grade in enumerate(Grade)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the side that an index is of."""

    record_id: str
    person: Person
    #: The record of the other side that it is linked with, if any.
    linked_to: str | None = None
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One result of a search: the record, and why it was found."""

    entry: Entry
    match: NearMatch


class SearchIndex:
    """Finds the people of one side by a description, or by what has been typed so far."""

    def __init__(self, placeholders: frozenset[str] = DEFAULT_PLACEHOLDER_DATES) -> None:
        """Start empty.

        Args:
            placeholders: Birth dates that mean "unknown", as `YYYY-MM-DD`.
        """
        self._scorer = Scorer(Population(), placeholders)
        self._lock = Lock()  # a search may run in a worker thread while events come in
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Forget everybody."""
        self._db.close()

    def __len__(self) -> int:
        """Count the records."""
        return self._scorer.population.size

    def put(self, record_id: str, person: Person, *, linked_to: str | None = None, archived: bool = False) -> None:
        """File a record, replacing what was filed under its id."""
        self.put_many([Entry(record_id, person, linked_to, archived)])

    def put_many(self, entries: Iterable[Entry]) -> None:
        """File many records (a page of a list), replacing what was filed under their ids."""
        for page in _pages(entries):
            with self._lock:
                self._db.execute("BEGIN")
                self._file(page)
                self._db.execute("COMMIT")

    def remove(self, record_id: str) -> bool:
        """Forget a record; tell whether it was there."""
        with self._lock:
            return self._forget(record_id)

    def search(self, wanted: Person | str, limit: int = 5) -> list[Found]:
        """Find the best records, best first; the same index and query always give the same list.

        Args:
            wanted: A person to find the likeliest records of, or the text typed so far.
            limit: Most results.

        Returns:
            For a person: records by grade and weight; a grade of None marks one that is only shown because somebody
            is searching. For a text: records that fit all of it, then those that sound or look like it. Empty for a
            blank query.
        """
        with self._lock:
            if isinstance(wanted, Person):
                return self._like(wanted)[:limit]
            return self._typed(understand(_storable(wanted)), limit)

    def compare(self, wanted: Person, entry: Entry) -> NearMatch:
        """Judge how likely a record of this side is of a certain person, line by line."""
        return self._scorer.compare(wanted, _storable_person(entry.person))

    # Filing, under the lock.

    def _file(self, page: dict[str, Entry]) -> None:
        keys: list[tuple[int, int]] = []
        forms: list[tuple[str, int, str]] = []
        for entry in page.values():
            self._forget(entry.record_id)
            person = _storable_person(entry.person)
            p, born = self._file_person(entry, person), date_digits(person.birth_date)
            keys += [(hash(key), p) for key in stored_keys(person)]
            forms += [(form, p, born) for form in search_forms(person)]
        self._db.executemany("INSERT INTO keys VALUES (?, ?)", sorted(keys))  # in order: faster
        self._db.executemany("INSERT INTO forms VALUES (?, ?, ?)", sorted(forms))

    def _file_person(self, entry: Entry, person: Person) -> int:
        row = (entry.record_id, entry.linked_to, entry.archived, orjson.dumps(_person_values(person)))
        inserted = self._db.execute(
            "INSERT INTO people (record_id, linked_to, archived, person) VALUES (?, ?, ?, ?)", row
        )
        self._scorer.population.add(person)
        assert inserted.lastrowid is not None  # it is, after any INSERT
        return inserted.lastrowid

    def _forget(self, record_id: str) -> bool:
        row = self._db.execute("SELECT p, person FROM people WHERE record_id = ?", (record_id,)).fetchone()
        if row is None:
            return False
        p, person = row[0], _person(row[1])
        self._db.executemany(
            "DELETE FROM keys WHERE key = ? AND p = ?", [(hash(key), p) for key in stored_keys(person)]
        )
        self._db.executemany("DELETE FROM forms WHERE form = ? AND p = ?", [(form, p) for form in search_forms(person)])
        self._db.execute("DELETE FROM people WHERE p = ?", (p,))
        self._scorer.population.remove(person)
        return True

    # Search by description.

    def _like(self, wanted: Person) -> list[Found]:
        prepared = self._scorer.prepare(wanted)
        least = _LEAST_EVIDENCE - self._scorer.population.bits
        found = []
        for entry in self._sharing_keys(asked_keys(wanted)):
            match = self._scorer.compare_prepared(prepared, self._scorer.prepare(entry.person))
            if match.weight >= least:
                found.append(Found(entry, match))
        return sorted(found, key=_best_first)

    def _sharing_keys(self, keys: frozenset[str]) -> Iterator[Entry]:
        marks = ",".join("?" * len(keys))
        sharing = f"SELECT p FROM keys WHERE key IN ({marks}) GROUP BY p ORDER BY count(*) DESC, p LIMIT ?"
        return self._entries(sharing, [*map(hash, keys), _MOST_COMPARED])

    def _entries(self, selection: str, values: list[str | int]) -> Iterator[Entry]:
        """Read the records whose numbers a query selects."""
        rows = self._db.execute(
            f"SELECT record_id, linked_to, archived, person FROM people WHERE p IN ({selection})", values
        )
        return (Entry(row[0], _person(row[3]), row[1], bool(row[2])) for row in rows)

    # Search by what was typed.

    def _typed(self, typed: Typed, limit: int) -> list[Found]:
        found = sorted(self._fitting(typed), key=_best_first)[:limit]
        seen = {result.entry.record_id for result in found}
        if len(found) < limit:
            alike = (result for result in self._alike(typed) if result.entry.record_id not in seen)
            found += sorted(alike, key=_best_first)[: limit - len(found)]
        return found

    def _fitting(self, typed: Typed) -> Iterator[Found]:
        chosen = selection(typed)
        if chosen is None:
            return
        whole = list(map(self._scorer.prepare, typed.as_people()))
        for entry in self._entries(*chosen):
            if match := fit(typed, entry.person):
                yield Found(entry, self._exactly(whole, entry) or match)

    def _exactly(self, whole: list[Prepared], entry: Entry) -> NearMatch | None:
        """Judge a record by its exact key, if what was typed amounts to one."""
        theirs = self._scorer.prepare(entry.person) if whole else None
        for mine in whole:
            if theirs and mine.key is not None and mine.key == theirs.key:
                return self._scorer.compare_prepared(mine, theirs)
        return None

    def _alike(self, typed: Typed) -> list[Found]:
        """Find records that look or sound like what was typed; each once, best reading first."""
        best: dict[str, Found] = {}
        readings = [self._like(person) for person in typed.as_people()]
        if len(typed.words) == 1 and not (typed.dates or typed.digits or typed.email):
            readings.append(list(self._sounding(typed.words[0], typed.lone)))
        for result in sorted(chain(*readings), key=_best_first):
            best.setdefault(result.entry.record_id, result)
        return list(best.values())

    def _sounding(self, word: str, mail: str) -> Iterator[Found]:
        if len(word) < _FEWEST_LETTERS:
            return
        mine = name_form(word)
        spelt = "SELECT p FROM forms WHERE form >= ? AND form < ? LIMIT ?"
        sounding = "SELECT p FROM forms WHERE form = ? LIMIT ?"
        if mail:
            yield from _by_mail(self._entries(spelt, [*bounds(EMAIL + mail), _MOST_COMPARED]))
        for entry in self._entries(sounding, [SOUND + mine.sound, _MOST_COMPARED]):
            line = max(_word_lines(mine, entry.person), key=attrgetter("weight"))
            if line.weight > 0:
                yield Found(entry, NearMatch(None, 0.0, line.weight, (line,)))


def _by_mail(entries: Iterable[Entry]) -> Iterator[Found]:
    line = Evidence(Field.EMAIL, Verdict.BEGINS_AS_TYPED, 0.5)
    return (Found(entry, NearMatch(None, 0.0, line.weight, (line,))) for entry in entries)


def _best_first(found: Found) -> tuple[int, float, str]:
    grade = found.match.grade
    return (_GRADES[grade] if grade else len(_GRADES)), -found.match.weight, found.entry.record_id


def _word_lines(mine: NameForm, person: Person) -> Iterator[Evidence]:
    for field, name in ((Field.LAST_NAME, person.last), (Field.FIRST_NAME, person.first)):
        verdict = compare_names(mine, name_form(name), given=False)
        yield Evidence(field, verdict, WEIGHTS[field].get(verdict, 0.0))


def _pages(entries: Iterable[Entry]) -> Iterator[dict[str, Entry]]:
    """Cut entries into pages; in each, the last entry of an id counts."""
    every = iter(entries)
    while page := {entry.record_id: entry for entry in islice(every, _PAGE)}:
        yield page


def _person(stored: bytes) -> Person:
    values = orjson.loads(stored)
    values[_PHONES] = tuple(values[_PHONES])
    return Person(*values)


def _storable(text: str) -> str:
    """Replace halves of surrogate pairs, which broken JSON can carry and no database takes."""
    return text.encode("utf-8", "replace").decode()


def _storable_person(person: Person) -> Person:
    try:
        orjson.dumps(_person_values(person))
    except TypeError:
        texts = {name: value for name in Person.__slots__ if isinstance(value := getattr(person, name), str)}
        cleaned: dict[str, str] = {name: _storable(text) for name, text in texts.items()}
        return replace(person, phones=tuple(map(_storable, person.phones)), **cleaned)
    return person
