"""Text to tree, by the grammar beside this module."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.soql import tree
from hintsync_emulators.salesforce.soql.complaint import complaint

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.soql.build import Unreadable

#: Longest statement (SOQL and SOSL Limits).
LONGEST = 100_000
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
#: Words of SOQL that the grammar leaves out, to be named instead of called a mistake.
_LEFT_OUT = re.compile(
    r"\b(TYPEOF\b|DISTANCE(?=\s*\()|WITH\s+(?:DATA\s+CATEGORY|SECURITY_ENFORCED|USER_MODE|SYSTEM_MODE|RecordVisibility\w*))",
    re.I,
)
_LEFT_OUT_OF_SOSL = re.compile(r"\b(WITH\s+\w+|UPDATE\s+\w+|USING\s+\w+|TYPEOF)", re.I)


class _BadEscape(Exception):
    """A backslash before a character that cannot be escaped."""

    def __init__(self, pos: int) -> None:
        super().__init__(pos)
        self.pos = pos


def unescape(text: str, pos: int, keep_wildcards: bool = False) -> str:
    r"""Undo the backslashes of a quoted text; ``\_`` and ``\%`` stay as they are where wildcards count."""

    def one(match: re.Match[str]) -> str:
        char = match.group(1)
        if char in "_%":
            return match.group(0) if keep_wildcards else char
        if keep_wildcards and char == "\\":
            return "\\\\"
        if char.lower() in _ESCAPES:
            return _ESCAPES[char.lower()]
        raise _BadEscape(pos + match.start())

    return re.sub(r"\\(.)", one, text, flags=re.S)


@lru_cache(maxsize=512)
def parse(statement: str) -> tree.Query:
    """Read a statement.

    Raises:
        ApiError: MALFORMED_QUERY with a caret below the place, or NOT_EMULATED naming what the grammar leaves out.
    """
    from hintsync_emulators.salesforce.soql.build import Unreadable, read

    if len(statement) > LONGEST:
        raise ApiError(400, "QUERY_TOO_COMPLICATED", f"SOQL statement is longer than {LONGEST} characters")
    try:
        return cast("tree.Query", read(statement, "start"))
    except Unreadable as problem:
        raise _explain(statement, problem) from None


@lru_cache(maxsize=512)
def parse_search(statement: str) -> tree.Search:
    """Read a SOSL statement.

    Raises:
        ApiError: MALFORMED_SEARCH with a caret below the place, or NOT_EMULATED naming what the grammar leaves out.
    """
    from hintsync_emulators.salesforce.soql.build import Unreadable, read

    try:
        return cast("tree.Search", read(statement, "search"))
    except Unreadable as problem:
        left_out = _LEFT_OUT_OF_SOSL.search(re.sub(r"\{(?:[^}\\]|\\.)*\}", "{}", statement))
        if left_out:
            raise not_emulated(f"SOSL {left_out.group(1).upper()}") from None
        raise _explain(statement, problem, "MALFORMED_SEARCH") from None


def _explain(statement: str, problem: Unreadable, code: str = "MALFORMED_QUERY") -> ApiError:
    plain = re.sub(r"'(?:[^'\\]|\\.)*'", "''", statement)
    left_out = _LEFT_OUT.search(plain)
    if left_out:
        return not_emulated(f"SOQL {left_out.group(1).upper()}")
    if re.search(r"\bALL\s+ROWS\s*$", plain, re.I):
        pos = statement.upper().rindex("ALL")
        return complaint(statement, pos, "ALL ROWS not allowed in this context", "MALFORMED_QUERY")
    if problem.is_bind_variable:
        return complaint(statement, problem.pos, "Bind variables only allowed in Apex code", code)
    return complaint(statement, problem.pos, f"unexpected token: '{problem.token or '<EOF>'}'", code)


def text_of(statement: str, value: tree.Value, wildcards: bool = False) -> str:
    """Return what a quoted text says.

    Raises:
        ApiError: MALFORMED_QUERY for a backslash before a character that has no escape.
    """
    try:
        return unescape(str(value.value), value.pos + 1, wildcards)
    except _BadEscape as problem:
        text = "Illegal escape sequence in string literal"
        raise complaint(statement, problem.pos, text, "MALFORMED_QUERY") from None
