"""States and countries: names, codes and usual other names on the way in, one code inside, what the side wants on the way out.

The tables come from ISO 3166 by way of pycountry; only what ISO does not know and people type all the same is listed here.
A place in no table stays the text it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Final, TypeAlias

import pycountry

from hintsync.core.canonical import as_string, text

#: Code and name.
_Pairs: TypeAlias = list[tuple[str, str]]

#: Countries whose subdivisions are kept as codes; Hint writes two letters for these (docs: API conventions, addresses).
_STATE_COUNTRIES: Final = ("US", "CA")

#: Codes the US post uses and ISO does not list (USPS Publication 28, appendix B).
_MILITARY: Final = (("AA", "Armed Forces Americas"), ("AE", "Armed Forces Europe"), ("AP", "Armed Forces Pacific"))

#: Other names people type for a state.
_STATE_ALIASES: Final = (
    ("DC", "Washington DC"),
    ("VI", "US Virgin Islands"),
    ("NL", "Newfoundland"),
    ("NL", "Newfoundland & Labrador"),
    ("PE", "PEI"),
    ("YT", "Yukon Territory"),
)

#: Other names people type for a country, beyond the name, common name, official name and three-letter code of ISO.
_COUNTRY_ALIASES: Final = (
    ("US", "United States America"),
    ("US", "U S A"),
    ("US", "U S"),
    ("GB", "UK"),
    ("GB", "Great Britain"),
    ("GB", "United Kingdom of Great Britain and Northern Ireland"),
    ("AE", "UAE"),
    ("CI", "Ivory Coast"),
    ("CV", "Cape Verde"),
    ("CZ", "Czech Republic"),
    ("MK", "Macedonia"),
    ("MM", "Burma"),
    ("NL", "Holland"),
    ("RU", "Russia"),
    ("SZ", "Swaziland"),
    ("TR", "Turkey"),
    ("VA", "Vatican City"),
)

_MARKS_IN_NAMES: Final = re.compile(r"[.,'’()\[\]]")


def _key(name: str) -> str:
    """Return the form in which names of places are looked up: no case, accents, dots, commas or leading article."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(_MARKS_IN_NAMES.sub("", bare.replace("&", " and ")).split()).removeprefix("the ")


def _looks_like_code(value: str) -> bool:
    return len(value) in (2, 3) and value.isascii() and value.isalpha() and value.isupper()


class PlaceTable:
    """Known places of one sort, each under its code; the first code and the first meaning of a name win."""

    def __init__(self, places: Iterable[tuple[str, str]], aliases: Iterable[tuple[str, str]], *, short_codes: bool):
        """Take (code, label) pairs and (code, other name) pairs.

        Args:
            places: pairs in order of preference; a code that is taken already is left to the first.
            aliases: further names of codes among the places.
            short_codes: whether unknown text of two or three letters is a code too, kept in capitals.
        """
        self._labels: dict[str, str] = {}
        self._codes: dict[str, str] = {}
        self._short_codes = short_codes
        for code, label in places:
            self._add(code, label)
        for code, name in aliases:
            self._codes.setdefault(_key(name), code)
        self._find = lru_cache(maxsize=8_192)(self._look_up)

    def _add(self, code: str, label: str) -> None:
        if code in self._labels or _key(label) in self._codes or _key(code) in self._codes:
            return
        self._labels[code] = label
        self._codes[_key(code)] = code
        self._codes[_key(label)] = code

    def read(self, raw: object) -> str | None:
        """Return the code of a place, or its text where it is in no table."""
        if raw is None:
            return None
        return self._find(raw if type(raw) is str else as_string(raw))

    def _look_up(self, raw: str) -> str | None:
        value = text(raw)
        if value is None:
            return None
        known = self._codes.get(_key(value))
        if known is None and self._short_codes and _looks_like_code(value.upper()):
            return value.upper()
        return known or value

    def is_code(self, value: str) -> bool:
        """Say whether a canonical value is a code, one of this table or one kept for a code, rather than free text."""
        return value in self._labels or (self._short_codes and _looks_like_code(value))

    def label(self, value: str) -> str:
        """Return the name of a code, or the text itself."""
        return self._labels.get(value, value)

    def prefers_codes(self, samples: Iterable[object]) -> bool | None:
        """Say whether a side writes its places as codes, judged by values found there; None if these do not tell.

        Args:
            samples: raw values of a text field; blanks and places in no table do not count.
        """
        codes = labels = 0
        for raw in samples:
            value = self.read(raw)
            if value in self._labels:
                is_code = _key(str(raw)) == _key(value)
                codes, labels = codes + is_code, labels + (not is_code)
        return None if codes == labels else codes > labels

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes, in order of preference."""
        return tuple(self._labels)


def load_places() -> None:
    """Read ISO 3166 now; else the first record would wait for it, the tenth of a second long."""
    _iso_states()
    _iso_countries()


@cache
def states(listed: tuple[tuple[str, str], ...] = ()) -> PlaceTable:
    """Return the table of states and provinces.

    Args:
        listed: (code, label) pairs of the org's own state picklist; they add to the states of the USA and Canada.
    """
    return PlaceTable([*_iso_states(), *_MILITARY, *listed], _STATE_ALIASES, short_codes=True)


@cache
def countries(listed: tuple[tuple[str, str], ...] = ()) -> PlaceTable:
    """Return the table of countries under their ISO 3166-1 two-letter codes.

    Args:
        listed: (code, label) pairs of the org's own country picklist; they add to ISO's.
    """
    known, official = _iso_countries()
    return PlaceTable([*known, *listed], [*official, *_COUNTRY_ALIASES, *listed], short_codes=False)


@cache
def _iso_states() -> _Pairs:
    return [
        (division.code.partition("-")[2], division.name)
        for country in _STATE_COUNTRIES
        for division in sorted(pycountry.subdivisions, key=lambda one: str(one.code))
        if division.country_code == country
    ]


@cache
def _iso_countries() -> tuple[_Pairs, _Pairs]:
    """Return the names to show, and the official ones beside them."""
    known = [(one.alpha_2, getattr(one, "common_name", one.name)) for one in pycountry.countries]
    official = [
        (one.alpha_2, name)
        for one in pycountry.countries
        for name in (one.name, one.alpha_3, getattr(one, "official_name", one.name))
    ]
    return known, official
