"""How two names compare: the forms names are compared in, and the verdict on a pair of them."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Final, NamedTuple

import jellyfish
from nicknames import NickNamer
from rapidfuzz.distance import JaroWinkler

from hintsync.core.match import fold_name
from hintsync.core.near_weights import NAME_LIKENESS, Verdict

#: Accents and vowel points that people leave out when they type (Latin, Greek, Cyrillic, Hebrew, Arabic). Marks of
#: Indic scripts and of kana are letters in all but name and stay.
_OPTIONAL_MARKS: Final = re.compile("[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u064b-\u0652\u0670]")
_PLAIN_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t", "ß": "ss"}
)
_NOT_PLAIN: Final = re.compile(r"[^a-z0-9 ]+")
_GENERATIONS: Final = frozenset({"jr", "sr", "ii", "iii", "iv"})

#: Marks are kept with the letter before them by this first letter of their Unicode category.
_MARK_CATEGORY: Final = "M"


class NameForm(NamedTuple):
    """One name in the forms that comparison needs."""

    #: As the exact key has it: accents and punctuation kept.
    folded: str
    #: Words without accents and punctuation, in the order written.
    words: tuple[str, ...]
    #: The words run together; `""` for a blank name.
    bare: str
    #: How it sounds in English (metaphone); for scripts without one, its first three characters.
    sound: str


@lru_cache(maxsize=1 << 16)  # names repeat: a million people share some 100,000
def name_form(name: str | None) -> NameForm:
    """Put a name into the forms it is compared in; a missing name gives empty ones."""
    folded = fold_name(name or "")
    words = bare_words(folded)
    bare = "".join(words)
    return NameForm(folded, words, bare, _sound(bare))


def bare_words(text: str) -> tuple[str, ...]:
    """Split a text into words without case, accents, hyphens and punctuation; letters of any script stay."""
    folded = fold_name(text).replace("-", " ")
    if folded.isascii():
        return tuple(_NOT_PLAIN.sub("", folded).split())
    bare = _without_accents(folded)
    return tuple("".join(char for char in bare if char.isalnum() or char == " " or _is_mark(char)).split())


def _without_accents(folded: str) -> str:
    plain = _OPTIONAL_MARKS.sub("", unicodedata.normalize("NFKD", folded))
    return unicodedata.normalize("NFC", plain).translate(_PLAIN_LETTERS)


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == _MARK_CATEGORY


def _sound(bare: str) -> str:
    if not bare.isascii():
        return bare[:3]
    return jellyfish.metaphone(bare) or bare[:3]


def split_generation(last: NameForm) -> tuple[NameForm, str | None]:
    """Take a Jr, Sr, II, III or IV off the end of a last name; one that is the whole name stays."""
    if len(last.words) < 2 or last.words[-1] not in _GENERATIONS:
        return last, None
    return name_form(" ".join(last.words[:-1])), last.words[-1]


def compare_names(mine: NameForm, theirs: NameForm, *, given: bool) -> Verdict:
    """Judge two names, whichever side each is from.

    Args:
        mine: One name.
        theirs: The other; exchanging the two gives the same verdict.
        given: Whether they are first names, which have nicknames.
    """
    if not mine.bare or not theirs.bare:
        return Verdict.MISSING
    if mine.bare == theirs.bare:
        return Verdict.EQUAL if mine.folded == theirs.folded else Verdict.EQUAL_BUT_MARKS
    if given and _nicknames_meet(mine, theirs):
        return Verdict.NICKNAME
    return _compare_unequal(*sorted((mine, theirs)))


def _compare_unequal(mine: NameForm, theirs: NameForm) -> Verdict:
    likeness = JaroWinkler.similarity(mine.bare, theirs.bare)
    best = next((verdict for least, verdict in NAME_LIKENESS if likeness >= least), Verdict.DIFFERENT)
    if best is Verdict.NEARLY_EQUAL:
        return best
    shorter, longer = sorted((mine, theirs), key=_length)
    if _is_part(shorter, longer):
        return Verdict.PART
    if best is Verdict.SIMILAR:
        return best
    if len(shorter.bare) == 1 and longer.bare[0] == shorter.bare:
        return Verdict.INITIAL
    return best


def _length(name: NameForm) -> int:
    return len(name.bare)


def _is_part(shorter: NameForm, longer: NameForm) -> bool:
    """Tell whether a name begins the other, as Rob in Robert, or all its words stand in it, as Ann in Mary Ann."""
    if len(shorter.bare) >= 3 and longer.bare.startswith(shorter.bare):
        return True
    if len(longer.words) == 1 or len(shorter.words[0]) == 1:
        return False
    return set(shorter.words) <= set(longer.words)


def _nicknames_meet(mine: NameForm, theirs: NameForm) -> bool:
    return not _full_names(mine.bare).isdisjoint(_full_names(theirs.bare))


@lru_cache(maxsize=1 << 14)
def _full_names(bare: str) -> frozenset[str]:
    """Give a first name and every name it is short for."""
    return frozenset({bare, *_nicknamer().canonicals_of(bare)})


@cache
def _nicknamer() -> NickNamer:
    """Load the library's table of nicknames, which is data inside the package, the first time one is wanted."""
    return NickNamer()
