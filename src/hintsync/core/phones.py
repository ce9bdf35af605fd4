"""Phone numbers: E.164 with an extension inside, the form each side is used to outside.

Only what is plainly a number is taken for one: text with words in it ("ask for Ana") stays text, for reading just the
digits would lose what a person wrote.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

from hintsync.core.canonical import as_string, text

#: Regions whose plain ten digits we read ourselves: the ones of the North American plan that dial nothing shorter.
_FAST_REGIONS: Final = frozenset({"US", "CA"})
_FAST: Final = re.compile(r"(?:\+?1[ .-]?)?\(?([2-9][0-9]{2})\)?[ .-]?([0-9]{3})[ .-]?([0-9]{4})", re.ASCII)

#: A number as people write it, with at most an extension behind it; anything else is text. Applied to folded text.
_NUMBER: Final = re.compile(
    r"[+＋]?[\d ().\-‐‑‒–—−/]+(?P<mark>(?:;ext=|[;,]{1,2}|#|x|ext|extn|extension)[ .:]*\d{1,7})?", re.IGNORECASE
)


class PhoneFormat:
    """Reads and writes numbers for the country a connection's people dial from."""

    def __init__(self, region: str = "US") -> None:
        """Take the ISO code of the country whose numbers come without a country code."""
        self.region = region
        self._ten_digits = region in _FAST_REGIONS
        self._parsed = lru_cache(maxsize=65_536)(self._parse)
        self._for_people = lru_cache(maxsize=8_192)(self._format)

    def read(self, raw: object) -> str | None:
        """Return `+14155550132` or `+14155550132;ext=12` where the value is a number, else its folded text."""
        if raw is None:
            return None
        number = raw if type(raw) is str else as_string(raw)
        if self._ten_digits:
            if len(number) == 10 and number.isascii() and number.isdecimal() and number[0] > "1":
                return "+1" + number
            plain = _FAST.fullmatch(number)
            if plain:
                return f"+1{plain[1]}{plain[2]}{plain[3]}"
        return self._parsed(number)

    def parse_slowly(self, raw: str) -> str | None:
        """Return the same as `read` by the library alone; a property test holds the two equal."""
        return self._parse(raw)

    def _parse(self, raw: str) -> str | None:
        value = text(raw)
        if value is None:
            return None
        shape = _NUMBER.fullmatch(value)
        if shape is None:
            return value
        number = _possible(value, self.region)
        if number is None or bool(number.extension) != bool(shape["mark"]):
            return value
        form = _e164(number)
        # A form that does not read as itself would change at every pass; then the text is the safer value.
        again = _possible(form, self.region)
        return form if again is not None and _e164(again) == form else value

    def for_hint(self, value: str) -> tuple[str, bool]:
        """Return the number as Hint keeps it, and its `us_formattable` mark: true for exactly ten digits of plan +1.

        Source: Hint's page on phone types; a mark of false allows any form.
        """
        digits = value[2:]
        if self._ten_digits and value.startswith("+1") and len(digits) == 10 and self.read(digits) == value:
            return digits, True
        return self._for_people(value), False

    def for_salesforce(self, value: str) -> str:
        """Return the number as people read it: `(415) 555-0132` at home, `+44 20 7946 0958` from abroad."""
        if self._ten_digits and len(value) == 12 and value.startswith("+1") and value[2:].isdecimal():
            form = f"({value[2:5]}) {value[5:8]}-{value[8:]}"
            if self.read(form) == value:
                return form
        return self._for_people(value)

    def _format(self, value: str) -> str:
        """Return the library's form for people if it reads back as the same value, else the value itself."""
        if not value.startswith("+"):
            return value
        number = _possible(value, self.region)
        if number is None:
            return value
        home = number.country_code == phonenumbers.country_code_for_region(self.region)
        form = phonenumbers.format_number(
            number, PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
        )
        return form if self._parse(form) == value else value


def _possible(value: str, region: str) -> PhoneNumber | None:
    """Return the number if its length can be dialled from anywhere; numbers without an area code cannot."""
    try:
        number = phonenumbers.parse(value, region)
    except NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return number


def _e164(number: PhoneNumber) -> str:
    form = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return f"{form};ext={number.extension}" if number.extension else form
