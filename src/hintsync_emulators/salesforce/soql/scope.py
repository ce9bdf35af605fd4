"""Names of a statement, resolved against the schema: which column of which table, over which joins."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.schema.model import Field, Schema, SObject
from hintsync_emulators.salesforce.soql import tree
from hintsync_emulators.salesforce.soql.complaint import complaint
from hintsync_emulators.salesforce.storage import quote

#: How many parents a path may climb (SOQL, "Understanding Relationship Query Limitations").
DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Column:
    """A field in its place: the table alias and the SQL that reads it."""

    alias: str
    owner: SObject
    field: Field

    @property
    def sql(self) -> str:
        return f"{self.alias}.{quote(self.field.name)}"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the FROM clause."""

    alias: str
    owner: SObject


@dataclass
class Scope:
    """What a statement can see, and the joins that it has asked for so far."""

    statement: str
    schema: Schema
    root: Table
    today: date
    #: Includes deleted rows.
    all_rows: bool
    #: Names that stand for a path in this statement, in small letters.
    names: dict[str, tuple[str, ...]]
    aliases: Iterator[int]
    joins: dict[tuple[str, ...], Table] = field(default_factory=dict)
    clauses: list[str] = field(default_factory=list)

    def complain(self, pos: int, text: str, code: str = "INVALID_FIELD") -> ApiError:
        """Return an error that points at a place of the statement."""
        return complaint(self.statement, pos, text, code)

    def expand(self, path: tree.Path) -> tuple[str, ...]:
        """Return the path without the alias or object name it may begin with."""
        names = path.names
        head = names[0].lower()
        if head in self.names and len(names) > 1:
            return (*self.names[head], *names[1:])
        return names

    def parent(self, names: tuple[str, ...], pos: int) -> Table:
        """Return the table that relationship names lead to, joining what is needed."""
        table, taken = self.root, tuple[str, ...]()
        for name in names:
            taken = (*taken, name.lower())
            table = self.joins.get(taken) or self._join(table, taken, name, pos)
        return table

    def _join(self, table: Table, taken: tuple[str, ...], name: str, pos: int) -> Table:
        ref = table.owner.relationships.get(name.lower())
        if ref is None or len(taken) > DEEPEST:
            raise self.complain(pos, _no_relationship(name, table.owner))
        target = self.schema.get(ref.reference_to[0])
        if len(ref.reference_to) > 1:
            raise not_emulated(f"path through {table.owner.name}.{ref.name}, which leads to several objects")
        if target is None:
            raise not_emulated(f"object {ref.reference_to[0]}, parent of {table.owner.name}.{ref.name}")
        joined = Table(f"t{next(self.aliases)}", target)
        on = f"{joined.alias}.Id = {table.alias}.{quote(ref.name)}"
        self.clauses.append(f" LEFT JOIN {quote(target.name)} {joined.alias} ON {on}")
        self.joins[taken] = joined
        return joined

    def column(self, path: tree.Path) -> Column:
        """Return the column a path ends at.

        Raises:
            ApiError: INVALID_FIELD, with a caret below the path.
        """
        names = self.expand(path)
        table = self.parent(names[:-1], path.pos)
        found = table.owner.get(names[-1])
        if found is None:
            raise self.complain(path.pos, _no_column(names[-1], table.owner))
        return Column(table.alias, table.owner, found)

    def canonical(self, names: tuple[str, ...], pos: int) -> tuple[str, ...]:
        """Return relationship names in the spelling of the schema."""
        owner, spelt = self.root.owner, []
        for depth, name in enumerate(names):
            ref = owner.relationships[name.lower()]
            spelt.append(str(ref.relationship))
            owner = self.parent(names[: depth + 1], pos).owner
        return tuple(spelt)

    def living(self) -> str:
        """Return the condition that leaves deleted rows out, or nothing."""
        if self.all_rows or "isdeleted" not in self.root.owner.fields:
            return ""
        return f"{self.root.alias}.IsDeleted = 0"

    def source(self) -> str:
        """Return the FROM clause; complete only after everything else is compiled."""
        return f" FROM {quote(self.root.owner.name)} {self.root.alias}{''.join(self.clauses)}"


def open_scope(
    statement: str,
    query: tree.Query,
    schema: Schema,
    today: date,
    all_rows: bool,
    aliases: Iterator[int] | None = None,
    owner: SObject | None = None,
) -> Scope:
    """Return the scope of a statement.

    Args:
        statement: the whole text, for error messages.
        query: the statement, or a statement inside it.
        schema: the org's objects.
        today: the day it is in the org.
        all_rows: deleted rows count too.
        aliases: numbers for table aliases, shared with the statement around this one.
        owner: the object, when FROM names a child relationship instead.

    Raises:
        ApiError: INVALID_TYPE, with a caret below the object's name.
    """
    first = query.sources[0]
    numbers = itertools.count() if aliases is None else aliases
    if owner is None:
        owner = schema.get(first.path.names[0]) if len(first.path.names) == 1 else None
    if owner is None:
        name = ".".join(first.path.names)
        raise complaint(statement, first.path.pos, _no_object(name), "INVALID_TYPE")
    names: dict[str, tuple[str, ...]] = {first.path.names[0].lower(): ()}
    if first.alias:
        names[first.alias.lower()] = ()
    scope = Scope(statement, schema, Table(f"t{next(numbers)}", owner), today, all_rows, names, numbers)
    for further in query.sources[1:]:
        path = scope.expand(further.path)
        scope.names[(further.alias or path[-1]).lower()] = path
    return scope


def _no_object(name: str) -> str:
    return (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the"
        " '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    )


def _no_column(name: str, owner: SObject) -> str:
    return (
        f"No such column '{name}' on entity '{owner.name}'. If you are attempting to use a custom field, be sure to"
        " append the '__c' after the custom field name. Please reference your WSDL or the describe call for the"
        " appropriate names."
    )


def _no_relationship(name: str, owner: SObject) -> str:
    return (
        f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom relationship,"
        f" be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe"
        f" call for the appropriate names. (entity '{owner.name}')"
    )
