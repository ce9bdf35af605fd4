"""The reader of SOQL and SOSL that lark makes of the grammar beside this module.

Importing it loads lark, so `parse` does that at the first statement: an org without queries starts sooner.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken, VisitError

from hintsync_emulators.bounds import whole
from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.soql import tree


class Unreadable(Exception):
    """A text is no statement; `token` is what stood at `pos`, nothing at the text's end."""

    def __init__(self, pos: int, token: str, is_bind_variable: bool = False) -> None:
        super().__init__(pos)
        self.pos, self.token, self.is_bind_variable = pos, token, is_bind_variable


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
        # Whole numbers that no field can hold are read as floats.
        value: object = int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else float(text)
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
        count = whole(str(parts[1])) if len(parts) > 1 else None
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
        return "limit", _rows(parts[0])

    def offset(self, parts: list[Token]) -> tuple[str, object]:
        return "offset", _rows(parts[0])

    def purpose(self, parts: list[Token]) -> tuple[str, object]:
        words = tuple(str(word).upper() for word in parts)
        for word in words:
            if word not in ("VIEW", "REFERENCE"):
                raise not_emulated(f"SOQL FOR {word}")
        return "purposes", words

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
        sources = cast("tuple[tree.Source, ...]", clauses["sources"])
        return tree.Query(pos=sources[0].path.pos, **clauses)  # type: ignore[arg-type]


def _rows(token: Token) -> int:
    number = whole(str(token))
    if number is None:
        raise ApiError(400, "MALFORMED_QUERY", f"For input string: {str(token)!r}")
    return number


@cache
def _parser() -> Lark:
    grammar = (resources.files(__package__) / "grammar.lark").read_text(encoding="utf-8")
    starts = ["start", "search"]
    return Lark(
        grammar, start=starts, parser="lalr", propagate_positions=False, maybe_placeholders=False, transformer=_Build()
    )


def read(text: str, start: str) -> object:
    """Return the tree of a text.

    Args:
        text: the whole statement.
        start: ``start`` for SOQL, ``search`` for SOSL.

    Raises:
        Unreadable: the grammar does not know it.
        ApiError: it holds a part that is refused by itself.
    """
    try:
        return _parser().parse(text, start=start)
    except UnexpectedInput as problem:
        raise _placed(text, problem) from None
    except VisitError as problem:
        if isinstance(problem.orig_exc, ApiError):
            raise problem.orig_exc from None
        raise


def _placed(text: str, problem: UnexpectedInput) -> Unreadable:
    if isinstance(problem, UnexpectedCharacters):
        pos = problem.pos_in_stream or 0
        return Unreadable(pos, text[pos])
    assert isinstance(problem, (UnexpectedEOF, UnexpectedToken))
    if isinstance(problem, UnexpectedToken) and problem.token.type != "$END":
        return Unreadable(problem.token.start_pos or 0, str(problem.token), problem.token.type == "_COLON")
    return Unreadable(len(text), "")
