"""How fast and how well the search finds people: 100,000 invented ones, 1,000 searches of each kind, and a peer beside it.

The peer is what one would write without an index: rapidfuzz over all people as strings. It gets the same searches in
the same run, so that a slow machine slows both. Names are built from syllables; how often each occurs falls with its
rank about as in a census. Nothing here is taken from a list of real people.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate
from typing import TypeVar

from rapidfuzz import fuzz, process

from hintsync.core.person import Person
from hintsync.engine.search.index import Entry, SearchIndex

Query = TypeVar("Query")

#: The bar: the five best of 100,000, at the median, in milliseconds.
BAR_MS = 10.0
FIVE = 5

# fmt: off
_ONSETS = ["b", "br", "c", "ch", "d", "f", "fl", "g", "gr", "h", "j", "k", "kr", "l", "m", "n", "p", "qu", "r", "s",
           "sh", "st", "t", "th", "tr", "v", "w", "y", "z"]
_VOWELS = ["a", "a", "a", "e", "e", "e", "i", "i", "o", "o", "u", "ai", "ea", "ee", "ie", "ou"]
# fmt: on
_CODAS = ["", "", "", "l", "n", "r", "s", "th", "m", "ck", "nd", "rt"]
_ENDINGS = ["", "", "son", "man", "er", "ez", "ski", "ley", "ton", "well", "ard", "a", "o", "ini"]
_ACCENTS = {"a": "á", "e": "é", "i": "í", "o": "ö", "u": "ü", "n": "ñ", "c": "ç"}
_OTHER_SCRIPTS = [
    "абвгдежзиклмнопрст",
    "αβγδεζηικλμνοπρστ",
    "小明王李张伟芳娜秀英敏静强磊洋",
    "가나다라마바사김이박최정",
]
_KEYBOARD = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Census:
    """Invented names with how often each occurs: running totals for weighted draws."""

    firsts: list[str]
    first_totals: list[float]
    lasts: list[str]
    last_totals: list[float]


def invent_census(rng: random.Random, firsts: int = 5_000, lasts: int = 60_000) -> Census:
    """Invent names; the commonest first name has about 2 % of the people, the commonest last name 0.8 %."""
    return Census(
        _invent_names(rng, firsts, [""]),
        list(accumulate((rank + 11) ** -1.1 for rank in range(firsts))),
        _invent_names(rng, lasts, _ENDINGS),
        list(accumulate((rank + 9) ** -0.9 for rank in range(lasts))),
    )


def _invent_names(rng: random.Random, count: int, endings: Sequence[str]) -> list[str]:
    names: dict[str, None] = {}
    while len(names) < count:
        names[_invent_name(rng, endings)] = None
    return list(names)


def _invent_name(rng: random.Random, endings: Sequence[str]) -> str:
    chance = rng.random()
    if chance < 0.01:
        letters = rng.choice(_OTHER_SCRIPTS)
        return "".join(rng.choices(letters, k=rng.randint(2, 5)))
    syllables = (
        rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(rng.choice((1, 2, 2, 3)))
    )
    name = "".join(syllables) + rng.choice(endings)
    if chance < 0.04:
        name = "".join(_ACCENTS.get(char, char) if rng.random() < 0.5 else char for char in name)
    return name.capitalize()


def invent_person(rng: random.Random, census: Census, number: int) -> Person:
    """Invent one person; one in thirty has two last names, one in fifty no birth date."""
    first = rng.choices(census.firsts, cum_weights=census.first_totals)[0]
    last = rng.choices(census.lasts, cum_weights=census.last_totals)[0]
    if rng.random() < 0.03:
        last += "-" + rng.choices(census.lasts, cum_weights=census.last_totals)[0]
    born = date(1935, 1, 1) + timedelta(days=rng.randrange(90 * 365))
    return Person(
        first=first,
        last=last,
        birth_date=None if rng.random() < 0.02 else born.isoformat(),
        email=f"{first}.{last}{number % 97}@example.com".lower(),
        phones=(f"+1{rng.randint(201, 989)}555{rng.randrange(10_000):04d}",),
        street=f"{rng.randint(1, 900)} {rng.choice(census.lasts)} Street",
        city=f"{rng.choice(census.firsts)}ville",
        zip=f"{rng.randrange(501, 99_950):05d}",
    )


def damage(rng: random.Random, person: Person) -> Person:
    """Copy a person's names and birth date as a tired clerk would: one to three slips."""
    copy = Person(first=person.first, last=person.last, birth_date=person.birth_date)
    for _ in range(rng.choice((1, 1, 2, 3))):
        copy = rng.choices(_SLIPS, weights=_SLIP_WEIGHTS)[0](rng, copy)
    return copy


def _slip(rng: random.Random, text: str | None, alphabet: str) -> str | None:
    if not text or len(text) < 3:
        return text
    at = rng.randrange(1, len(text) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return text[:at] + rng.choice(alphabet) + text[at:]
    if kind == 1:
        return text[:at] + text[at + 1 :]
    if kind == 2:
        return text[:at] + rng.choice(alphabet) + text[at + 1 :]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _slip_first(rng: random.Random, person: Person) -> Person:
    return replace(person, first=_slip(rng, person.first, _KEYBOARD))


def _slip_last(rng: random.Random, person: Person) -> Person:
    return replace(person, last=_slip(rng, person.last, _KEYBOARD))


def _swap_names(_: random.Random, person: Person) -> Person:
    return replace(person, first=person.last, last=person.first)


def _slip_date(rng: random.Random, person: Person) -> Person:
    if not person.birth_date:
        return person
    born = date.fromisoformat(person.birth_date)
    year, month, day = born.year, born.month, born.day
    kind = rng.randrange(3)
    if kind == 0 and day <= 12:
        month, day = day, month
    elif kind == 1:
        year += rng.choice((-10, -1, 1, 10))
    else:
        day = max(1, min(28, day + rng.choice((-1, 1))))
    return replace(person, birth_date=f"{year:04d}-{month:02d}-{min(day, 28):02d}")


def _lose_date(_: random.Random, person: Person) -> Person:
    return replace(person, birth_date=None)


def _lose_first(_: random.Random, person: Person) -> Person:
    return replace(person, first=None)


_SLIPS = (_slip_first, _slip_last, _swap_names, _slip_date, _lose_date, _lose_first)
_SLIP_WEIGHTS = (30, 30, 6, 22, 6, 6)


def _full_name(_: random.Random, person: Person) -> str:
    return f"{person.first} {person.last}"


def _keys_so_far(rng: random.Random, person: Person) -> str:
    text = f"{person.first} {person.last}"
    return text[: rng.randint(1, len(text))]


def _two_beginnings(_: random.Random, person: Person) -> str:
    return f"{(person.first or '')[:3]} {(person.last or '')[:4]}"


def _last_comma(_: random.Random, person: Person) -> str:
    return f"{person.last}, {(person.first or '')[:2]}"


def _date_and_last(_: random.Random, person: Person) -> str:
    return f"{person.birth_date or ''} {person.last}"


def _american_date(_: random.Random, person: Person) -> str:
    if not person.birth_date:
        return _full_name(_, person)
    born = date.fromisoformat(person.birth_date)
    return f"{born.month}/{born.day}/{born.year} {(person.first or '')[:1]}"


def _phone(_: random.Random, person: Person) -> str:
    digits = person.phones[0][2:]
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"


def _mail(_: random.Random, person: Person) -> str:
    return (person.email or "").partition("@")[0] + "@"


def _misspelt(rng: random.Random, person: Person) -> str:
    return f"{person.first} {_slip(rng, person.last, _KEYBOARD)}"


#: What is typed, and whether it should suffice to find the person among the first five.
TYPED: dict[str, tuple[Callable[[random.Random, Person], str], bool]] = {
    "first and last name": (_full_name, True),
    "name, as far as typed": (_keys_so_far, False),
    "three and four letters": (_two_beginnings, False),
    "last name, two letters": (_last_comma, False),
    "birth date, last name": (_date_and_last, True),
    "3/2/1984 j": (_american_date, True),
    "phone number": (_phone, True),
    "e-mail up to @": (_mail, True),
    "name with a slip": (_misspelt, True),
}


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of one kind of search: milliseconds each, and how many found the right person."""

    title: str
    milliseconds: list[float]
    first: int
    in_five: int

    def row(self, *, judged: bool = True) -> str:
        """Format one line of the table."""
        ranked = sorted(self.milliseconds)
        times = (statistics.median(ranked), _share(ranked, 0.95), _share(ranked, 0.99), ranked[-1])
        hits = (f"{count / len(ranked):8.1%}" if judged else "       -" for count in (self.first, self.in_five))
        return f"{self.title:<34}{len(ranked):>6}" + "".join(f"{value:9.2f}" for value in times) + "".join(hits)


def _share(ranked: Sequence[float], share: float) -> float:
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def measure(title: str, queries: Iterable[tuple[str, Query]], search: Callable[[Query], Sequence[str]]) -> Result:
    """Run searches one by one; `search` gives record ids, best first."""
    milliseconds, first, in_five = [], 0, 0
    for wanted, query in queries:
        start = time.perf_counter()
        found = search(query)
        milliseconds.append((time.perf_counter() - start) * 1_000)
        first += bool(found) and found[0] == wanted
        in_five += wanted in found
    return Result(title, milliseconds, first, in_five)


def main(argv: list[str] | None = None) -> int:
    """Print the table; the exit code is 1 if a median misses the bar."""
    options = _options(argv)
    rng = random.Random(options.seed)
    census = invent_census(rng)
    people = {f"rec{number:06d}": invent_person(rng, census, number) for number in range(options.people)}
    index = _filled_index(people)
    asked = rng.sample(sorted(people), k=min(options.searches, len(people)))
    print(f"{'search':<34}{'n':>6}{'median':>9}{'p95':>9}{'p99':>9}{'max ms':>9}{'first':>8}{'in 5':>8}")
    medians = [_measure_people(index, people, asked, rng, options.peer)]
    medians += [_measure_typed(index, people, asked, rng, kind) for kind in TYPED]
    worst = max(medians)
    print(f"slowest median {worst:.2f} ms, bar {BAR_MS:.0f} ms: {'met' if worst < BAR_MS else 'MISSED'}")
    return 0 if worst < BAR_MS else 1


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench search", description="Search among invented people, with a peer.")
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=1_000, help="searches of each kind")
    parser.add_argument("--peer", type=int, default=200, help="searches that the brute-force peer repeats")
    parser.add_argument("--seed", type=int, default=20_260)
    return parser.parse_args(argv)


def _filled_index(people: dict[str, Person]) -> SearchIndex:
    index = SearchIndex()
    start, processor = time.perf_counter(), time.process_time()
    index.put_many(Entry(record_id, person) for record_id, person in people.items())
    seconds, busy = time.perf_counter() - start, time.process_time() - processor
    print(f"{len(people):,} invented people indexed in {seconds:.1f} s ({busy:.1f} s of processor)")
    return index


def _measure_people(
    index: SearchIndex, people: dict[str, Person], asked: list[str], rng: random.Random, peer: int
) -> float:
    queries = [(record_id, damage(rng, people[record_id])) for record_id in asked]

    def search(person: Person) -> list[str]:
        return [found.entry.record_id for found in index.search(person, limit=FIVE)]

    ours = measure("person with slips, hintsync", queries, search)
    beside = measure("the peer's share of them, hintsync", queries[:peer], search)
    ids, texts = list(people), [_as_text(person) for person in people.values()]
    brute = measure(
        "the same, brute force (peer)",
        queries[:peer],
        lambda person: [
            ids[at] for _, _, at in process.extract(_as_text(person), texts, scorer=fuzz.ratio, limit=FIVE)
        ],
    )
    print(ours.row(), beside.row(), brute.row(), sep="\n")
    return statistics.median(ours.milliseconds)


def _as_text(person: Person) -> str:
    return f"{person.first or ''} {person.last or ''} {person.birth_date or ''}".lower()


def _measure_typed(
    index: SearchIndex, people: dict[str, Person], asked: list[str], rng: random.Random, kind: str
) -> float:
    typed, judged = TYPED[kind]
    result = measure(
        f"typed: {kind}",
        [(record_id, typed(rng, people[record_id])) for record_id in asked],
        lambda text: [found.entry.record_id for found in index.search(text, limit=FIVE)],
    )
    print(result.row(judged=judged))
    return statistics.median(result.milliseconds)


if __name__ == "__main__":
    raise SystemExit(main())
