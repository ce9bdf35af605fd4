"""SOQL errors, which quote the statement with a caret below the place."""

from __future__ import annotations

from hintsync_emulators.salesforce.errors import ApiError

#: Characters of the statement shown before and after the place.
_REACH = 60


def complaint(statement: str, pos: int, text: str, code: str) -> ApiError:
    """Return the error for a fault at an offset of the statement."""
    pos = min(pos, len(statement))
    row = statement.count("\n", 0, pos) + 1
    column = pos - (statement.rfind("\n", 0, pos) + 1) + 1
    start, end = max(0, pos - _REACH), pos + _REACH
    shown = statement[start:end].replace("\n", " ")
    caret = " " * (pos - start) + "^"
    return ApiError(400, code, f"\n{shown}\n{caret}\nERROR at Row:{row}:Column:{column}\n{text}")
