"""Text to tree, by the grammar beside this module."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib import resources
from typing import cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken, VisitError

from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.soql import tree
from hintsync_emulators.salesforce.soql.complaint import complaint

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


class _Build(Transformer[Token, object]):
    """Turns lark's tree into ours."""

    def start(self, parts: list[object]) -> object:
        return parts[0]

    def path(self, names: list[Token]) -> tree.Path:
        return tree.Path(tuple(str(one) for one in names), names[0].start_pos or 0)

    def call(self, parts: list[object]) -> tree.Call:
        name = cast("Token", parts[0])
        return tree.Call(str(name).upper(), cast("tuple[tree.Expression, ...]", tuple(parts[1:])), name.start_pos or 0)

    def item(self, parts: list[object]) -> tree.Item:
        alias = str(parts[1]) if len(parts) > 1 else None
        return tree.Item(cast("tree.Expression", parts[0]), alias)

    def child_query(self, parts: list[object]) -> object:
        return parts[0]

    def source(self, parts: list[object]) -> tree.Source:
        return tree.Source(cast("tree.Path", parts[0]), str(parts[1]) if len(parts) > 1 else None)

    def text(self, parts: list[Token]) -> tree.Value:
        return tree.Value("string", str(parts[0])[1:-1], parts[0].start_pos or 0)

    def number(self, parts: list[Token]) -> tree.Value:
        text = str(parts[0])
        value: object = int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
        return tree.Value("number", value, parts[0].start_pos or 0)

    def date(self, parts: list[Token]) -> tree.Value:
        return tree.Value("date", str(parts[0]), parts[0].start_pos or 0)

    def datetime(self, parts: list[Token]) -> tree.Value:
        return tree.Value("datetime", str(parts[0]).upper(), parts[0].start_pos or 0)

    def true(self, parts: list[Token]) -> tree.Value:
        return tree.Value("boolean", True, parts[0].start_pos or 0)

    def false(self, parts: list[Token]) -> tree.Value:
        return tree.Value("boolean", False, parts[0].start_pos or 0)

    def null(self, parts: list[Token]) -> tree.Value:
        return tree.Value("null", None, parts[0].start_pos or 0)

    def date_literal(self, parts: list[Token]) -> tree.Value:
        count = int(parts[1]) if len(parts) > 1 else None
        return tree.Value("range", str(parts[0]).upper(), parts[0].start_pos or 0, count)

    def compare(self, parts: list[object]) -> tree.Compare:
        operator = str(parts[1]).upper().replace("<>", "!=")
        return tree.Compare(cast("tree.Expression", parts[0]), operator, cast("tree.Value", parts[2]))

    def values(self, parts: list[object]) -> object:
        return tuple(parts)

    def values_of(self, parts: list[object]) -> object:
        return parts[0]

    def among(self, parts: list[object]) -> tree.Among:
        return tree.Among(cast("tree.Expression", parts[0]), False, cast("tree.Query", parts[2]))

    def not_among(self, parts: list[object]) -> tree.Among:
        return tree.Among(cast("tree.Expression", parts[0]), True, cast("tree.Query", parts[2]))

    def includes(self, parts: list[object]) -> tree.Includes:
        values = cast("tuple[tree.Value, ...]", tuple(parts[2:]))
        return tree.Includes(cast("tree.Expression", parts[0]), False, values)

    def excludes(self, parts: list[object]) -> tree.Includes:
        values = cast("tuple[tree.Value, ...]", tuple(parts[2:]))
        return tree.Includes(cast("tree.Expression", parts[0]), True, values)

    def all_of(self, parts: list[object]) -> tree.AllOf:
        return tree.AllOf(cast("tuple[tree.Condition, ...]", tuple(parts)))

    def any_of(self, parts: list[object]) -> tree.AnyOf:
        return tree.AnyOf(cast("tuple[tree.Condition, ...]", tuple(parts)))

    def negation(self, parts: list[object]) -> tree.Negation:
        return tree.Negation(cast("tree.Condition", parts[0]))

    def direction(self, parts: list[Token]) -> tuple[str, bool]:
        return "descending", str(parts[0]).upper() == "DESC"

    def nulls(self, parts: list[Token]) -> tuple[str, bool]:
        return "nulls_first", str(parts[0]).upper() == "FIRST"

    def sort(self, parts: list[object]) -> tree.Sort:
        chosen = dict(cast("list[tuple[str, bool]]", parts[1:]))
        return tree.Sort(
            cast("tree.Expression", parts[0]), chosen.get("descending", False), chosen.get("nulls_first", True)
        )

    def select_list(self, parts: list[object]) -> tuple[str, object]:
        return "items", tuple(parts)

    def sources(self, parts: list[object]) -> tuple[str, object]:
        return "sources", tuple(parts)

    def scope(self, parts: list[object]) -> tuple[str, object]:
        return "scope", str(parts[0]).upper()

    def where(self, parts: list[object]) -> tuple[str, object]:
        return "where", parts[0]

    def group(self, parts: list[object]) -> tuple[str, object]:
        return "group", tuple(parts)

    def having(self, parts: list[object]) -> tuple[str, object]:
        return "having", parts[0]

    def order(self, parts: list[object]) -> tuple[str, object]:
        return "order", tuple(parts)

    def limit(self, parts: list[Token]) -> tuple[str, object]:
        return "limit", int(parts[0])

    def offset(self, parts: list[Token]) -> tuple[str, object]:
        return "offset", int(parts[0])

    def purpose(self, parts: list[Token]) -> tuple[str, object]:
        for word in parts:
            if str(word).upper() not in ("VIEW", "REFERENCE"):
                raise not_emulated(f"SOQL FOR {str(word).upper()}")
        return "purpose", None

    def searched(self, parts: list[Token]) -> tuple[str, object]:
        if str(parts[2]).upper() != "FIELDS":
            raise ApiError(400, "MALFORMED_SEARCH", f"unexpected token: '{parts[2]}'")
        return "fields", str(parts[1]).upper()

    def returning(self, parts: list[object]) -> tree.Query:
        source = cast("tree.Path", parts[0])
        given = dict(cast("list[tuple[str, object]]", parts[1:]))
        clauses = {"items": (tree.Item(tree.Path(("Id",), source.pos), None),), **given}
        return tree.Query(pos=source.pos, sources=(tree.Source(source, None),), **clauses)  # type: ignore[arg-type]

    def search(self, parts: list[object]) -> tree.Search:
        clauses = dict(cast("list[tuple[str, object]]", [part for part in parts if isinstance(part, tuple)]))
        return tree.Search(
            terms=str(parts[0])[1:-1],
            fields=str(clauses.get("fields", "ALL")),
            returning=tuple(part for part in parts if isinstance(part, tree.Query)),
            limit=cast("int | None", clauses.get("limit")),
        )

    def query(self, parts: list[object]) -> tree.Query:
        clauses = dict(cast("list[tuple[str, object]]", parts))
        clauses.pop("purpose", None)
        sources = cast("tuple[tree.Source, ...]", clauses["sources"])
        return tree.Query(pos=sources[0].path.pos, **clauses)  # type: ignore[arg-type]


@cache
def _parser() -> Lark:
    """Return the parser, built at the first statement: an org without queries starts sooner."""
    grammar = (resources.files(__package__) / "grammar.lark").read_text(encoding="utf-8")
    starts = ["start", "search"]
    return Lark(
        grammar, start=starts, parser="lalr", propagate_positions=False, maybe_placeholders=False, transformer=_Build()
    )


@lru_cache(maxsize=512)
def parse(statement: str) -> tree.Query:
    """Read a statement.

    Raises:
        ApiError: MALFORMED_QUERY with a caret below the place, or NOT_EMULATED naming what the grammar leaves out.
    """
    if len(statement) > LONGEST:
        raise ApiError(400, "QUERY_TOO_COMPLICATED", f"SOQL statement is longer than {LONGEST} characters")
    try:
        return cast("tree.Query", _parser().parse(statement, start="start"))
    except UnexpectedInput as problem:
        raise _explain(statement, problem) from None
    except VisitError as problem:
        if isinstance(problem.orig_exc, ApiError):
            raise problem.orig_exc from None
        raise


@lru_cache(maxsize=512)
def parse_search(statement: str) -> tree.Search:
    """Read a SOSL statement.

    Raises:
        ApiError: MALFORMED_SEARCH with a caret below the place, or NOT_EMULATED naming what the grammar leaves out.
    """
    try:
        return cast("tree.Search", _parser().parse(statement, start="search"))
    except UnexpectedInput as problem:
        left_out = _LEFT_OUT_OF_SOSL.search(re.sub(r"\{(?:[^}\\]|\\.)*\}", "{}", statement))
        if left_out:
            raise not_emulated(f"SOSL {left_out.group(1).upper()}") from None
        raise _explain(statement, problem, "MALFORMED_SEARCH") from None
    except VisitError as problem:
        if isinstance(problem.orig_exc, ApiError):
            raise problem.orig_exc from None
        raise


def _explain(statement: str, problem: UnexpectedInput, code: str = "MALFORMED_QUERY") -> ApiError:
    plain = re.sub(r"'(?:[^'\\]|\\.)*'", "''", statement)
    left_out = _LEFT_OUT.search(plain)
    if left_out:
        return not_emulated(f"SOQL {left_out.group(1).upper()}")
    if re.search(r"\bALL\s+ROWS\s*$", plain, re.I):
        pos = statement.upper().rindex("ALL")
        return complaint(statement, pos, "ALL ROWS not allowed in this context", "MALFORMED_QUERY")
    if isinstance(problem, UnexpectedToken) and problem.token.type == "_COLON":
        pos, text = problem.token.start_pos or 0, "Bind variables only allowed in Apex code"
    elif isinstance(problem, UnexpectedToken) and problem.token.type != "$END":
        pos, text = problem.token.start_pos or 0, f"unexpected token: '{problem.token}'"
    elif isinstance(problem, UnexpectedCharacters):
        pos = problem.pos_in_stream or 0
        text = f"unexpected token: '{statement[pos]}'"
    else:
        assert isinstance(problem, (UnexpectedEOF, UnexpectedToken))
        pos, text = len(statement), "unexpected token: '<EOF>'"
    return complaint(statement, pos, text, code)


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
