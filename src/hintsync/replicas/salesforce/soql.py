"""SOQL text: literals, and statements that are cut so that their address stays within what Salesforce takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from urllib.parse import quote_plus

#: Salesforce answers 414 above 16,384 bytes of address and 431 above that of address and headers; the token and the
#: other headers fit into the rest (REST API Developer Guide, "Status Codes and Error Responses").
ADDRESS_BYTES = 13_000

#: A literal's separator in an address: `%2C`.
_COMMA_BYTES = 3

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def quoted(text: str) -> str:
    """Return text as a SOQL string literal."""
    return f"'{text.translate(_ESCAPES)}'"


def instant(moment: datetime) -> str:
    """Return a moment as a SOQL dateTime literal, whole seconds rounded down, so that nothing at that second is missed."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def select(fields: Iterable[str], source: str, where: str = "") -> str:
    """Return a statement without an order: Salesforce pages through a cursor, which needs none."""
    return f"SELECT {','.join(fields)} FROM {source}" + (f" WHERE {where}" if where else "")


def select_in(
    fields: Sequence[str], source: str, field: str, literals: Iterable[str], *, most: int = 1_000_000
) -> Iterator[str]:
    """Yield statements that ask for the rows whose field is one of these literals, each short enough to be sent.

    Args:
        fields: API names to select.
        source: the object.
        field: the filtered field.
        literals: as they stand in SOQL, repetitions removed by the caller.
        most: literals in one statement.
    """
    room = ADDRESS_BYTES - len(quote_plus(select(fields, source, f"{field} IN ()")))
    for part in _parts(literals, room, most):
        yield select(fields, source, f"{field} IN ({','.join(part)})")


def _parts(literals: Iterable[str], room: int, most: int) -> Iterator[list[str]]:
    part: list[str] = []
    used = 0
    for literal in literals:
        size = len(quote_plus(literal)) + _COMMA_BYTES
        if part and (used + size > room or len(part) == most):
            yield part
            part, used = [], 0
        part.append(literal)
        used += size
    if part:
        yield part
