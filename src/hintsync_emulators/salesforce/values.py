"""Values on their way in (JSON or CSV to storage) and out (storage to JSON)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.clock import format_datetime
from hintsync_emulators.salesforce.errors import Refused
from hintsync_emulators.salesforce.schema.model import IDS, INTEGERS, NUMBERS, Field

_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\\\"]+@[^\s@.,;:<>()\[\]\\\"]+(\.[^\s@.,;:<>()\[\]\\\"]+)*\.[A-Za-z]{2,}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?")
#: Years that the platform can store.
_YEARS = range(1700, 4001)


def parse(field: Field, value: object, loose: bool) -> object:
    """Turn a value of a request into the form that is stored.

    Args:
        field: the field it is for.
        value: a JSON value, or the text of a CSV cell.
        loose: the value is a CSV cell, so that everything is text and type errors are worded as the Bulk API does.

    Raises:
        Refused: the value is not of the field's type.
    """
    if value is None or value == "":
        return 0 if field.type == "boolean" else None
    reader = _READERS.get(field.type, _text)
    try:
        return reader(field, value)
    except (ValueError, OverflowError):
        raise _wrong_type(field, value, loose) from None


def _wrong_type(field: Field, value: object, loose: bool) -> Refused:
    if loose:
        message = f"{field.label}: value not of required type: {value}"
        return Refused("INVALID_TYPE_ON_FIELD_IN_RECORD", message, field.name)
    kind = {"string": "VALUE_STRING", "number": "VALUE_NUMBER"}.get(_json_kind(value), "START_OBJECT")
    return Refused(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {field.type} from {kind} value {value} or request may be missing a required"
        " field",
    )


def _json_kind(value: object) -> str:
    if isinstance(value, str):
        return "string"
    return "number" if isinstance(value, (int, float)) else "object"


def _text(field: Field, value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str):
        raise ValueError
    return value.strip() or None


def _email(field: Field, value: object) -> object:
    text = _text(field, value)
    if isinstance(text, str) and not _EMAIL.fullmatch(text):
        raise Refused("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", field.name)
    return text


def _boolean(field: Field, value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    text = str(value).strip().lower()
    if text not in ("true", "false", "1", "0"):
        raise ValueError
    return int(text in ("true", "1"))


def _integer(field: Field, value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError
    number = float(value)
    if number != int(number) or abs(number) >= 2**31:
        raise ValueError
    return int(number)


def _number(field: Field, value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError
    number = float(value)
    if number != number or abs(number) == float("inf"):
        raise ValueError
    if field.precision and abs(number) >= 10 ** (field.precision - field.scale):
        message = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise Refused("NUMBER_OUTSIDE_VALID_RANGE", message, field.name)
    return round(number, field.scale) if field.precision else number


def _reference(field: Field, value: object) -> object:
    found = ids.normalise(value) if isinstance(value, str) else None
    if found is None:
        raise Refused("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", field.name)
    return found


def _date(field: Field, value: object) -> object:
    if not isinstance(value, str):
        raise ValueError
    return read_date(value.strip()).isoformat()


def _datetime(field: Field, value: object) -> object:
    if not isinstance(value, str):
        raise ValueError
    found = read_datetime(value.strip())
    if int(value.strip()[:4]) not in _YEARS:
        raise ValueError
    return found


def _time(field: Field, value: object) -> object:
    if not isinstance(value, str):
        raise ValueError
    return datetime.fromisoformat(f"2000-01-01T{value.strip()}").strftime("%H:%M:%S.000Z")


def read_date(text: str) -> date:
    """Read ``YYYY-MM-DD``, or the date part of a datetime.

    Raises:
        ValueError: the text is no date, or its year cannot be stored.
    """
    if not (_DATE.fullmatch(text) or _DATETIME.fullmatch(text)):
        raise ValueError
    found = date.fromisoformat(text[:10])
    if found.year not in _YEARS:
        raise ValueError
    return found


def read_datetime(text: str) -> int:
    """Read an ISO datetime (or a date, taken as its midnight) and return epoch seconds; no zone means UTC.

    Raises:
        ValueError: the text is no datetime.
    """
    if _DATE.fullmatch(text):
        text += "T00:00:00Z"
    if not _DATETIME.fullmatch(text):
        raise ValueError
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() // 1)


_READERS: dict[str, Callable[[Field, object], object]] = {
    "email": _email,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    **dict.fromkeys(INTEGERS, _integer),
    **dict.fromkeys(NUMBERS, _number),
    **dict.fromkeys(IDS, _reference),
}


def writer(field: Field) -> Callable[[object], object] | None:
    """Return the function that turns a stored value into its JSON form, or None when they are the same."""
    if field.type == "boolean":
        return bool
    if field.type == "datetime":
        return _show_datetime
    return None


def _show_datetime(value: object) -> object:
    return None if value is None else format_datetime(int(value))  # type: ignore[call-overload]


def show(field: Field, value: object) -> object:
    """Return the JSON form of one stored value."""
    convert = writer(field)
    return value if convert is None else convert(value)
