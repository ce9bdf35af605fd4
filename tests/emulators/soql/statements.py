"""Whole statements for the evaluator: selecting, sorting, cutting, grouping."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.emulators.soql.evaluator import DOWN, LEVELS, Condition, Expr, Place, Row, World, compared, key, rows_of


def sorting_key(kind: str, value: object) -> object:
    """Return what values are sorted by: letters beyond ASCII by their code point, a picklist by its own order."""
    if kind == "text":
        return "".join(char.lower() if char.isascii() else char for char in str(value))
    if kind == "level":
        return LEVELS.index(str(value))
    return key(kind, value)


@dataclass(frozen=True)
class Sort:
    """One entry of ORDER BY; `nulls` is FIRST, LAST or nothing."""

    by: Expr | Aggregate
    descending: bool
    nulls: str

    def soql(self) -> str:
        nulls = f" NULLS {self.nulls}" if self.nulls else ""
        return f"{self.by.soql()}{' DESC' if self.descending else ''}{nulls}"

    def arrange(self, items: list[tuple[object, ...]], place: int) -> list[tuple[object, ...]]:
        """Sort items by the value at a place of each; those that are equal keep their order."""
        empty = [one for one in items if one[place] is None]
        filled = [one for one in items if one[place] is not None]
        kind = self.by.kind
        filled.sort(key=lambda one: sorting_key(kind, one[place]))  # type: ignore[arg-type, return-value]
        if self.descending:
            filled = _reversed_stably(filled, lambda one: sorting_key(kind, one[place]))
        return filled + empty if self.nulls == "LAST" else empty + filled


def _reversed_stably(
    items: list[tuple[object, ...]], by: Callable[[tuple[object, ...]], object]
) -> list[tuple[object, ...]]:
    """Turn sorted items round, equal ones keeping their order."""
    runs: list[list[tuple[object, ...]]] = []
    for one in items:
        if runs and by(runs[-1][0]) == by(one):
            runs[-1].append(one)
        else:
            runs.append([one])
    return [one for run in reversed(runs) for one in run]


@dataclass(frozen=True)
class Query:
    """A statement without aggregates."""

    object: str
    fields: tuple[Expr, ...]
    #: (relationship, statement over the children)
    children: tuple[tuple[str, Query], ...] = ()
    where: Condition | None = None
    order: tuple[Sort, ...] = ()
    limit: int | None = None
    offset: int | None = None

    def soql(self, source: str | None = None) -> str:
        items = [one.soql() for one in self.fields] + [f"({inner.soql(name)})" for name, inner in self.children]
        return f"SELECT {', '.join(items)} FROM {source or self.object}{_where(self.where)}{self._tail()}"

    def _tail(self) -> str:
        order = f" ORDER BY {', '.join(one.soql() for one in self.order)}" if self.order else ""
        limit = f" LIMIT {self.limit}" if self.limit is not None else ""
        return order + limit + (f" OFFSET {self.offset}" if self.offset is not None else "")

    def answer(self, world: World, everything: bool, rows: Iterable[Row] | None = None) -> list[Row]:
        """Return the records, each as a dictionary from what was selected to its value."""
        places = rows_of(world, self.object, everything, rows)
        places = [one for one in places if self.where is None or self.where.holds(one)]
        items: list[tuple[object, ...]] = [(*(sort.by.value(one) for sort in self.order), one) for one in places]
        for number in reversed(range(len(self.order))):
            items = self.order[number].arrange(items, number)
        kept = items[self.offset or 0 :]
        if self.limit is not None:
            kept = kept[: self.limit]
        return [self._record(one[-1], everything) for one in kept]

    def _record(self, place: object, everything: bool) -> Row:
        assert isinstance(place, Place)
        record = {one.soql(): one.value(place) for one in self.fields}
        for name, inner in self.children:
            child, field = DOWN[self.object, name]
            mine = [row for row in place.world[child] if row[field] == place.row["Id"]]
            record[name] = inner.answer(place.world, everything, mine) or None
        return record


@dataclass(frozen=True)
class Aggregate:
    """An aggregate function of a field."""

    function: str
    of: Expr

    @property
    def kind(self) -> str:
        return self.of.kind if self.function in ("MIN", "MAX") else "number"

    def soql(self) -> str:
        return f"{self.function}({self.of.soql()})"

    def total(self, places: Sequence[Place]) -> object:
        found = [value for value in (self.of.value(one) for one in places) if value is not None]
        if self.function == "COUNT":
            return len(found)
        if self.function == "COUNT_DISTINCT":
            return len({key(self.of.kind, value) for value in found})
        if not found:
            return None
        if self.function in ("MIN", "MAX"):
            ordered = sorted(found, key=lambda value: sorting_key(self.of.kind, value))  # type: ignore[arg-type, return-value]
            return ordered[0 if self.function == "MIN" else -1]
        total = sum(found)  # type: ignore[call-overload]
        return total / len(found) if self.function == "AVG" else total


@dataclass(frozen=True)
class Having:
    """An aggregate beside a number."""

    left: Aggregate
    operator: str
    right: int

    def soql(self) -> str:
        return f"{self.left.soql()} {self.operator} {self.right}"

    def holds(self, places: Sequence[Place]) -> bool:
        """Say whether a group of rows stays."""
        return compared(self.operator, self.left.total(places), self.right)


@dataclass(frozen=True)
class Grouped:
    """A statement with aggregates, perhaps with GROUP BY."""

    object: str
    by: tuple[Expr, ...]
    totals: tuple[Aggregate, ...]
    where: Condition | None = None
    having: Having | None = None
    order: tuple[Sort, ...] = ()

    def soql(self) -> str:
        items = [f"{one.soql()} k{number}" for number, one in enumerate(self.by)]
        items += [one.soql() for one in self.totals]
        group = f" GROUP BY {', '.join(one.soql() for one in self.by)}" if self.by else ""
        having = f" HAVING {self.having.soql()}" if self.having else ""
        order = f" ORDER BY {', '.join(one.soql() for one in self.order)}" if self.order else ""
        return f"SELECT {', '.join(items)} FROM {self.object}{_where(self.where)}{group}{having}{order}"

    def answer(self, world: World, everything: bool) -> list[Row]:
        """Return one row a group: ``k0…`` and ``expr0…``; sorted if the statement says so, else in any order."""
        places = rows_of(world, self.object, everything)
        groups: dict[tuple[object, ...], list[Place]] = {} if self.by else {(): []}
        for place in places:
            if self.where is None or self.where.holds(place):
                name = tuple(key(one.kind, one.value(place)) for one in self.by)
                groups.setdefault(name, []).append(place)
        kept = [one for one in groups.values() if self.having is None or self.having.holds(one)]
        items: list[tuple[object, ...]] = [(*(self._sorted_by(sort, one) for sort in self.order), one) for one in kept]
        for number in reversed(range(len(self.order))):
            items = self.order[number].arrange(items, number)
        return [self._row(one[-1]) for one in items]

    def _sorted_by(self, sort: Sort, places: Sequence[Place]) -> object:
        return sort.by.total(places) if isinstance(sort.by, Aggregate) else sort.by.value(places[0])

    def _row(self, places: object) -> Row:
        assert isinstance(places, list)
        row = {f"k{number}": one.value(places[0]) for number, one in enumerate(self.by)}
        return row | {f"expr{number}": one.total(places) for number, one in enumerate(self.totals)}


def _where(condition: Condition | None) -> str:
    return f" WHERE {condition.soql()}" if condition else ""
