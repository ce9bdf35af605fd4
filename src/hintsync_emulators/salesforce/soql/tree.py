"""The parts of a SOQL statement. `pos` is the offset of the first character in the statement."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Path:
    """A field, perhaps of a parent: ``Account.Owner.Name``."""

    names: tuple[str, ...]
    pos: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function: an aggregate, a date function, ``FIELDS``."""

    name: str
    arguments: tuple[Expression, ...]
    pos: int


Expression = Path | Call


def spelt(node: Expression) -> str:
    """Return an expression as a statement spells it."""
    if isinstance(node, Path):
        return ".".join(node.names)
    return f"{node.name}({', '.join(map(spelt, node.arguments))})"


@dataclass(frozen=True, slots=True)
class Value:
    """A literal. Kinds: string, number, date, datetime, boolean, null, range (a date literal such as TODAY)."""

    kind: str
    #: Text for string, date, datetime and range (upper case); number, bool or None otherwise.
    value: object
    pos: int
    #: The n of ``LAST_N_DAYS:n``.
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Compare:
    """A field beside a value. `operator` is one of = != < <= > >= LIKE."""

    left: Expression
    operator: str
    right: Value


@dataclass(frozen=True, slots=True)
class Among:
    """IN and NOT IN, over a list or another statement."""

    left: Expression
    negated: bool
    values: tuple[Value, ...] | Query


@dataclass(frozen=True, slots=True)
class Includes:
    """INCLUDES and EXCLUDES of a multi-select picklist; each value may join several with semicolons."""

    left: Expression
    negated: bool
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Conditions joined by AND."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Conditions joined by OR."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """NOT."""

    part: Condition


Condition = Compare | Among | Includes | AllOf | AnyOf | Negation


@dataclass(frozen=True, slots=True)
class Search:
    """A SOSL statement: what to look for, in which kind of fields (``ALL``), and what to return of which objects."""

    terms: str
    fields: str
    returning: tuple[Query, ...]
    limit: int | None


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the select list."""

    expression: Expression
    alias: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of FROM."""

    path: Path
    alias: str | None


@dataclass(frozen=True, slots=True)
class Sort:
    """One entry of ORDER BY."""

    expression: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A whole statement."""

    items: tuple[Item | Query, ...]
    sources: tuple[Source, ...]
    pos: int
    scope: str | None = None
    where: Condition | None = None
    group: tuple[Expression, ...] = ()
    having: Condition | None = None
    order: tuple[Sort, ...] = ()
    limit: int | None = None
    offset: int | None = None
    #: What FOR says the records are for: ``VIEW``, ``REFERENCE``.
    purposes: tuple[str, ...] = ()
