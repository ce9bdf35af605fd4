"""Canonical forms of plain values: text, e-mail, dates, timestamps, checkboxes, streets.

Every function takes what a system's answer held (already decoded from JSON or CSV) and returns the one form in which
values are compared, or `None` for blank. Each is idempotent: a canonical value is its own canonical form. What cannot be
read is never guessed: `Unreadable` is raised and the codec reports the field by name.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

#: Salesforce dates in events and Hint dates in answers; nothing else is a calendar day to us.
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_IN_MS: Final = 86_400_000
_TICKED: Final = {True: True, False: False, "true": True, "false": False, "1": True, "0": False, "": False}


class Unreadable(Exception):
    """The answer holds a value that is no value of its kind; it is kept there, reported by field, and never written over.

    Carries no text: the value belongs to a person.
    """


def as_string(raw: object) -> str:
    """Return the string in an answer; whole numbers are taken too, since Hint types phone numbers and ages loosely.

    Raises:
        Unreadable: anything else (a list, an object, a boolean), or text that is not well-formed Unicode.
    """
    if type(raw) is int:
        return str(raw)
    if not isinstance(raw, str):
        raise Unreadable
    return raw


def text(raw: object) -> str | None:
    """Return text in canonical form: NFC, trimmed, inner white space folded to single spaces, case kept."""
    if raw is None:
        return None
    if type(raw) is not str:
        raw = as_string(raw)
    folded = " ".join(raw.split())
    if not folded.isascii():
        folded = _composed(folded)
    return folded or None


def _composed(folded: str) -> str:
    """Return NFC of folded text, refusing half surrogates: they have no encoding, so nothing could be written or keyed."""
    try:
        folded.encode()
    except UnicodeEncodeError:
        raise Unreadable from None
    return unicodedata.normalize("NFC", folded)


def email(raw: object) -> str | None:
    """Return an e-mail address in lower case.

    Lower case and not case folding: the canonical value is also what is written to the other side, and folding would turn
    an address with a sharp s into the address of somebody else.
    """
    value = text(raw)
    if value is None:
        return None
    lowered = value.lower()
    return lowered if lowered.isascii() else unicodedata.normalize("NFC", lowered)


def calendar_day(raw: object) -> str | None:
    """Return a date as `YYYY-MM-DD`.

    Takes that form, or whole days in milliseconds since 1970 (Salesforce change events). Days that do not exist
    (2023-02-30), signs, other orders and other calendars are refused rather than interpreted.

    Raises:
        Unreadable: not such a date.
    """
    if type(raw) is str:
        return _day(raw)
    if raw is None:
        return None
    if type(raw) is int and raw % _DAY_IN_MS == 0:
        return _instant(raw).date().isoformat()
    raise Unreadable


@lru_cache(maxsize=1 << 13)
def _day(raw: str) -> str | None:
    trimmed = raw.strip()
    if not trimmed:
        return None
    if not _DATE.fullmatch(trimmed):
        raise Unreadable
    try:
        date.fromisoformat(trimmed)
    except ValueError:
        raise Unreadable from None
    return trimmed


def timestamp(raw: object) -> str | None:
    """Return an instant as `YYYY-MM-DDTHH:MM:SSZ`, decimals cut off.

    Takes ISO 8601 to the second, any decimals, any offset (`Z`, `-08:00`, Salesforce's `+0000`), or milliseconds since
    1970 (Salesforce change events).

    Raises:
        Unreadable: no such instant, or one without an offset: its zone would be a guess.
    """
    if type(raw) is str:
        return _utc(raw.strip())
    if raw is None:
        return None
    if type(raw) is int:
        return _zulu(_instant(raw))
    raise Unreadable


def _utc(trimmed: str) -> str | None:
    if not trimmed:
        return None
    # The shape is checked here because `fromisoformat` takes week dates, missing separators and bare hours as well.
    if len(trimmed) < 20 or trimmed[7] != "-" or trimmed[10] != "T" or trimmed[16] != ":":
        raise Unreadable
    try:
        moment = datetime.fromisoformat(trimmed)
        if moment.tzinfo is UTC:
            return trimmed[:19] + "Z"
        if moment.tzinfo is None:
            raise Unreadable
        return _zulu(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        raise Unreadable from None


def _instant(milliseconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise Unreadable from None


def _zulu(moment: datetime) -> str:
    return moment.isoformat()[:19] + "Z"


def checkbox(raw: object) -> bool:
    """Return whether a box is ticked; null is the same as not ticked, so a checkbox is never blank.

    Raises:
        Unreadable: neither a boolean, 0 or 1, nor their spelling (CSV answers hold `true` and `false`).
    """
    if raw is None:
        return False
    if isinstance(raw, str):
        raw = raw.strip().lower()
    elif not isinstance(raw, int):
        raise Unreadable
    try:
        return _TICKED[raw]
    except KeyError:
        raise Unreadable from None


def street(raw: object) -> str | None:
    r"""Return a street as one value: the first line that is not blank, then `\n` and all others folded to one line."""
    if raw is None:
        return None
    if type(raw) is not str:
        raw = as_string(raw)
    if "\r" in raw:
        raw = raw.replace("\r\n", "\n").replace("\r", "\n")
    first, _, rest = raw.lstrip().partition("\n")
    line, others = text(first), text(rest)
    return f"{line}\n{others}" if others else line


def street_lines(value: str | None) -> tuple[str | None, str | None]:
    """Split a canonical street into Hint's two address lines."""
    if value is None:
        return None, None
    first, _, rest = value.partition("\n")
    return first, rest or None
