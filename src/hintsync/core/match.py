"""The exact demographics key, which alone may link two people without a person deciding.

First name, last name and date of birth, made comparable just far enough that two spellings of one typed name meet and
two different names never do. Everything looser (accents, nicknames, slips of a key) lives in `hintsync.core.near` and
only feeds suggestions. The same key is computed for every record of both systems, so plain names take a short way
through; a property test holds it equal to the long one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

#: Birth dates that software or hurried typing leaves behind when nobody knew the date, as `YYYY-MM-DD`. The reason for
#: each is in docs/matching.md; all but 1970-01-01 lie where no living person was born.
DEFAULT_PLACEHOLDER_DATES: Final[frozenset[str]] = frozenset(
    {
        "0001-01-01",
        "1111-11-11",
        "1753-01-01",
        "1800-01-01",
        "1899-12-30",
        "1899-12-31",
        "1900-01-01",
        "1901-01-01",
        "1904-01-01",
        "1911-11-11",
        "1970-01-01",
        "2999-12-31",
        "9999-01-01",
        "9999-09-09",
        "9999-12-31",
    }
)

#: Signs typed for an apostrophe; all become U+0027. Several would be torn into a space and an accent by NFKC.
_APOSTROPHES: Final = "`´ʹʻʼʽˈˊˋ՚׳᾽᾿‘’‛′‵＇｀Ꞌꞌ"

#: Signs typed for a hyphen; all become U+002D. The katakana length mark and the wave dash are letters, not hyphens.
_HYPHENS: Final = "֊־‐‑‒–—―⁃⁻−﹘﹣－"

#: Code points that take no room on the screen: soft hyphen, joiners, direction marks, variation selectors, fillers.
_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_MARKS: Final = str.maketrans({**dict.fromkeys(_APOSTROPHES, "'"), **dict.fromkeys(_HYPHENS, "-")})
_DATE_SHAPE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class MatchKey(NamedTuple):
    """The three parts that must all be equal for two records to be one person without anybody looking.

    A named tuple rather than a frozen dataclass: a million are made in a run, and this is made in half the time.
    """

    #: Folded first name, never blank.
    first: str
    #: Folded last name, never blank.
    last: str
    #: A real calendar day as `YYYY-MM-DD`, never a placeholder.
    birth_date: str


def match_key(
    first: str | None,
    last: str | None,
    birth_date: str | None,
    placeholders: frozenset[str] = DEFAULT_PLACEHOLDER_DATES,
) -> MatchKey | None:
    """Make the exact demographics key of one record, or none if it may not be matched on them.

    Args:
        first: First name as either system shows it.
        last: Last name as either system shows it.
        birth_date: `YYYY-MM-DD`; white space around it is ignored, any other form gives no key.
        placeholders: Dates that mean "unknown", as `YYYY-MM-DD`.

    Returns:
        The key; None if a part is blank, or the date is a placeholder or no day of the calendar.
    """
    if not first or not last or not birth_date:
        return None
    day = calendar_day(birth_date)
    if day is None or day in placeholders:
        return None
    folded_first = fold_name(first)
    folded_last = fold_name(last)
    if not folded_first or not folded_last:
        return None
    return MatchKey(folded_first, folded_last, day)


@lru_cache(maxsize=1 << 14)  # people share their names
def fold_name(name: str) -> str:
    """Fold the differences of a name that say nothing about the person: case, width, spaces, kinds of apostrophe.

    Accents, letters of other scripts and all other punctuation stay, since Peña and Pena are two surnames.

    Returns:
        The folded name, `""` if nothing of it can be seen. Folding it again changes nothing.
    """
    if name.isascii() and "`" not in name:
        return " ".join(name.lower().split())
    return fold_any_script(name)


def fold_any_script(name: str) -> str:
    """Fold a name by the long way, which is right for every script; `fold_name` decides when it is needed."""
    folded = _fold_once(name)
    while (again := _fold_once(folded)) != folded:  # case folding can undo NFKC, and the reverse, for a few letters
        folded = again
    return folded


def _fold_once(name: str) -> str:
    seen = _UNSEEN.sub("", unicodedata.normalize("NFC", name)).translate(_MARKS)
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold()).split())


@lru_cache(maxsize=1 << 14)  # people share their birth dates: those of a century are 37,000, too many to keep them all
def calendar_day(text: str) -> str | None:
    """Read a birth date that was written as a calendar day.

    Returns:
        `YYYY-MM-DD`, or None if the text has another form (timestamps too) or names a day that never was.
    """
    trimmed = text.strip()
    if not _DATE_SHAPE.fullmatch(trimmed):
        return None
    try:
        date.fromisoformat(trimmed)
    except ValueError:
        return None
    return trimmed


class KeyIndex:
    """Who holds which key, over a whole org or practice, archived records included.

    Keeps hashes instead of keys (Python's own, 64 bits, of this process alone): a million people take about 90 MB besides
    their ids. Two people may share a hash, so a candidate is only a place to look: compare the keys before linking.
    """

    __slots__ = ("_holders",)

    def __init__(self) -> None:
        self._holders: dict[int, str | tuple[str, ...]] = {}

    def add(self, key: MatchKey, record_id: str) -> None:
        """Note that a record holds a key; noting it twice (a page read twice) counts once."""
        wanted = hash(key)
        held = self._holders.setdefault(wanted, record_id)
        if held == record_id:
            return
        holders = (held,) if isinstance(held, str) else held
        if record_id not in holders:
            self._holders[wanted] = (*holders, record_id)

    def discard(self, key: MatchKey, record_id: str) -> None:
        """Forget that a record holds a key, as when its name was corrected; unknown ones are ignored."""
        wanted = hash(key)
        left = tuple(holder for holder in self.candidates(key) if holder != record_id)
        if left:
            self._holders[wanted] = left[0] if len(left) == 1 else left
        else:
            self._holders.pop(wanted, None)

    def candidates(self, key: MatchKey) -> tuple[str, ...]:
        """Name the records that may hold a key, in the order in which they were noted; empty if none does."""
        held = self._holders.get(hash(key), ())
        return (held,) if isinstance(held, str) else held

    def repeated(self) -> Iterator[tuple[str, ...]]:
        """Yield the groups of two records or more that share a key."""
        return (held for held in self._holders.values() if isinstance(held, tuple))

    def missing_from(self, other: KeyIndex) -> Iterator[str]:
        """Yield the records whose key nobody in another index holds."""
        for hashed, held in self._holders.items():
            if hashed not in other._holders:
                yield from (held,) if isinstance(held, str) else held

    def one_to_one(self, other: KeyIndex) -> Iterator[tuple[str, str]]:
        """Yield the pairs of a record here and one of another index who share a key that nobody else on either side holds."""
        for hashed, held in self._holders.items():
            found = other._holders.get(hashed)
            if isinstance(found, str) and isinstance(held, str):
                yield held, found

    def __len__(self) -> int:
        """Count the different keys."""
        return len(self._holders)
