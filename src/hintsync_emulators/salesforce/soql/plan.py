"""A compiled statement: the SQL to run, and how its rows become records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hintsync_emulators.salesforce.schema.model import Field, SObject

Convert = Callable[[object], object]


class Output(NamedTuple):
    """One column of the answer."""

    #: Dotted for fields of parents; the alias (or ``expr0``) for functions.
    name: str
    #: The field that it shows, or one that stands for the type of a function.
    field: Field
    #: The function as the statement spells it, e.g. ``COUNT(Id)``; None for a plain field.
    function: str | None = None


@dataclass
class Shape:
    """How columns of a row become one record: `order` names its parts, the other maps say what each is."""

    owner: SObject
    #: Column that holds the record's id.
    id_column: int
    #: Output name -> column and conversion.
    values: dict[str, tuple[int, Convert | None]] = field(default_factory=dict)
    #: Output name -> (key of the compound value, column).
    compounds: dict[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    parents: dict[str, Shape] = field(default_factory=dict)
    children: dict[str, ChildPlan] = field(default_factory=dict)
    #: All output names as the statement orders them.
    order: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled statement."""

    columns: str
    #: How many columns there are.
    width: int
    #: FROM with its joins.
    source: str
    #: WHERE, GROUP BY, HAVING, ORDER BY.
    rest: str
    parameters: Sequence[object]
    limit: int | None
    offset: int
    shape: Shape
    #: Alias of the table that records come from.
    alias: str
    #: Deleted rows count too.
    all_rows: bool = False
    aggregate: bool = False
    #: Every (living) row is found, in the order of its making.
    unfiltered: bool = False
    #: ``SELECT COUNT() FROM …``: the answer is the total alone.
    count_only: bool = False
    #: Output columns in order; for CSV and column metadata.
    outputs: tuple[Output, ...] = ()
    #: What the statement says that its records are for.
    purposes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """A statement inside the select list; it runs once for a page of parents, whose ids fill the last parameter."""

    plan: Plan
    #: SQL with one parameter for the JSON list of parent ids behind the plan's own.
    sql: str
    #: Column that holds the parent's id.
    parent_column: int
    #: Column that holds the row's internal number.
    row_column: int
