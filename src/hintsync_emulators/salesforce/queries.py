"""Running SOQL: pages, locators, totals."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import orjson

from hintsync_emulators.bounds import whole
from hintsync_emulators.salesforce.clock import Clock
from hintsync_emulators.salesforce.errors import ApiError
from hintsync_emulators.salesforce.ids import IdSource
from hintsync_emulators.salesforce.schema.model import Schema, SObject
from hintsync_emulators.salesforce.soql import shape, tree
from hintsync_emulators.salesforce.soql.compile import compile_query
from hintsync_emulators.salesforce.soql.parse import parse
from hintsync_emulators.salesforce.soql.plan import Plan
from hintsync_emulators.salesforce.soql.terms import Terms
from hintsync_emulators.salesforce.storage import Storage, quote
from hintsync_emulators.salesforce.viewed import Viewed

#: Rows of a page when the caller names no size, and the least a caller may ask for.
DEFAULT_BATCH, LEAST_BATCH = 2000, 200
#: Two custom text fields longer than this cut a page to the least size ("Change the Batch Size in Queries").
LONG_TEXT = 255
_LOCATORS_KEPT = 500
#: Seconds that a locator is good for.
LOCATOR_LIFE = 2 * 86_400


@dataclass(frozen=True, slots=True)
class Cursor:
    """A result that is larger than a page: which rows, in which order."""

    plan: Plan
    rows: Sequence[int]
    batch: int
    #: Who asked; nobody else may go on.
    user_id: str
    #: Epoch second after which nobody may.
    until: float


class Queries:
    """Answers statements of one org."""

    def __init__(self, storage: Storage, schema: Schema, id_source: IdSource, clock: Clock) -> None:
        self._storage, self._schema, self._ids, self._clock = storage, schema, id_source, clock
        self._cursors: OrderedDict[str, Cursor] = OrderedDict()
        self._plans: OrderedDict[tuple[str, bool, str, int], Plan] = OrderedDict()
        #: What users have looked at.
        self.viewed = Viewed(storage, clock)

    def plan(self, statement: str, all_rows: bool) -> Plan:
        """Compile a statement, or take the plan made for it before; plans live until the schema or the day changes."""
        today = self._clock().date()
        key = (statement, all_rows, today.isoformat(), self._schema.version)
        plan = self._plans.get(key)
        if plan is None:
            plan = compile_query(statement, parse(statement), self._schema, today, all_rows)
            self._plans[key] = plan
            if len(self._plans) > _LOCATORS_KEPT:
                self._plans.popitem(last=False)
        return plan

    def plan_of(self, statement: str, query: tree.Query, all_rows: bool) -> Plan:
        """Compile a tree that somebody made from a statement's.

        Args:
            statement: the text that the tree was read from, for error messages.
            query: the tree.
            all_rows: deleted rows count too.
        """
        return compile_query(statement, query, self._schema, self._clock().date(), all_rows)

    def run(self, statement: str, all_rows: bool, batch: int, root: str, user_id: str = "") -> dict[str, object]:
        """Answer a statement with its first page.

        Args:
            statement: the SOQL text.
            all_rows: deleted rows count too (``/queryAll``).
            batch: rows of a page.
            root: path of the API version, e.g. ``/services/data/v64.0``.
            user_id: who asks.
        """
        plan = self.plan(statement, all_rows)
        if plan.count_only:
            return {"totalSize": self.count_rows(plan), "done": True, "records": []}
        if sum(1 for one in plan.outputs if one.field.custom and one.field.length > LONG_TEXT) >= 2:
            batch = min(batch, LEAST_BATCH)
        lines = self._lines(plan, batch + 1)
        if len(lines) <= batch:
            return self._page(plan, lines, len(lines), root, user_id)
        if plan.aggregate:
            text = "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"
            raise ApiError(400, "EXCEEDED_ID_LIMIT", text)
        rows = self.rowids(plan)
        if len(rows) <= batch:
            return self._page(plan, lines[:batch], len(rows), root, user_id)
        url = self._continue(plan, rows, batch, batch, root, user_id)
        return _with_more(self._page(plan, lines[:batch], len(rows), root, user_id), url)

    def more(self, locator: str, root: str, user_id: str = "") -> dict[str, object]:
        """Answer with a later page of a statement.

        Raises:
            ApiError: INVALID_QUERY_LOCATOR, also for a locator that is too old or that another user was given.
        """
        name, _, start_text = locator.partition("-")
        cursor = self._cursor(name, user_id)
        start = whole(start_text)
        if cursor is None or start is None or start >= len(cursor.rows):
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        self._cursors.move_to_end(name)
        lines = self.lines_at(cursor.plan, cursor.rows[start : start + cursor.batch])
        page = self._page(cursor.plan, lines, len(cursor.rows), root, user_id)
        if start + cursor.batch >= len(cursor.rows):
            return page
        return _with_more(page, _url(root, cursor.plan, f"{name}-{start + cursor.batch}"))

    def _cursor(self, name: str, user_id: str) -> Cursor | None:
        cursor = self._cursors.get(name)
        if cursor is None or cursor.user_id != user_id or cursor.until < self._clock().timestamp():
            return None
        return cursor

    def search(
        self, statement: str, terms: Terms, returning: Iterable[tree.Query], root: str, most: int
    ) -> list[shape.Record]:
        """Return records that hold search terms, object by object.

        Args:
            statement: the text that `returning` was read from, for error messages.
            terms: what to look for.
            returning: what to return of each object.
            root: path of the API version.
            most: records altogether.
        """
        found = list[shape.Record]()
        today = self._clock().date()
        for query in returning:
            plan = compile_query(statement, query, self._schema, today, False, terms.clause)
            if plan.aggregate or plan.shape.children:
                raise ApiError(400, "MALFORMED_SEARCH", "SOSL returns neither aggregates nor nested statements")
            found += shape.records(plan, self._lines(plan, most - len(found)), self._storage, f"{root}/sobjects/")
        return found

    def rowids(self, plan: Plan) -> Sequence[int]:
        """Return the internal numbers of all rows of a result, in its order."""
        if plan.unfiltered and plan.limit is None and not plan.offset:
            unbroken = self._unbroken(plan)
            if unbroken is not None:
                return unbroken
        inner = f"SELECT {plan.alias}._row AS r{plan.source}{plan.rest}{_window(plan, None)}"
        found = self._storage.rows(f"SELECT json_group_array(r) FROM ({inner})", plan.parameters)
        return array("q", orjson.loads(str(found[0][0])))

    def _unbroken(self, plan: Plan) -> Sequence[int] | None:
        """Return the numbers of all rows, without a look at each, if none is missing between the first and the last."""
        table = quote(plan.shape.owner.name)
        parts = (f"(SELECT {what} FROM {table})" for what in ("count(*)", "min(_row)", "max(_row)"))
        count, first, last = self._storage.rows(f"SELECT {', '.join(parts)}")[0]
        if not isinstance(first, int) or not isinstance(last, int) or count != last - first + 1:
            return None
        if plan.all_rows or "isdeleted" not in plan.shape.owner.fields:
            return range(first, last + 1)
        gone = self._storage.rows(f"SELECT _row FROM {table} WHERE IsDeleted = 1 ORDER BY _row")
        if not gone:
            return range(first, last + 1)
        living, next_row = array("q"), first
        for (row,) in cast("list[tuple[int]]", gone):
            living.extend(range(next_row, row))
            next_row = row + 1
        living.extend(range(next_row, last + 1))
        return living

    def lines_at(self, plan: Plan, rows: Sequence[int]) -> list[shape.Line]:
        """Return the plan's columns for rows given by their internal numbers, in that order."""
        row = f"{plan.alias}._row"
        sql = f"SELECT {plan.columns}, {row}{plan.source} WHERE {row}"
        if isinstance(rows, range):
            return list(self._storage.rows(f"{sql} BETWEEN ? AND ? ORDER BY {row}", (rows.start, rows.stop - 1)))
        found = self._storage.rows(f"{sql} IN (SELECT value FROM json_each(?))", (orjson.dumps(list(rows)).decode(),))
        by_row = {line[-1]: line for line in found}
        return [by_row[one] for one in rows if one in by_row]

    def fetch(
        self, one: SObject, names: Sequence[str], record_ids: Sequence[str], root: str, living: bool = False
    ) -> list[shape.Record | None]:
        """Return records by id, in the order of the ids; None where there is none.

        Args:
            one: the object.
            names: fields, parents' fields dotted.
            record_ids: ids of eighteen characters.
            root: path of the API version.
            living: deleted records count as not there.
        """
        plan = self.plan(f"SELECT {', '.join(dict.fromkeys(names)) or 'Id'} FROM {one.name}", all_rows=not living)
        joiner = " AND" if plan.rest.startswith(" WHERE") else " WHERE"
        where = plan.rest.rpartition(" ORDER BY ")[0]
        mine = f"{joiner} {plan.alias}.Id IN (SELECT value FROM json_each(?))"
        sql = f"SELECT {plan.columns}{plan.source}{where}{mine}"
        lines = self._storage.rows(sql, (orjson.dumps(list(record_ids)).decode(),))
        built = shape.records(plan, lines, self._storage, f"{root}/sobjects/")
        found = {line[plan.shape.id_column]: record for line, record in zip(lines, built, strict=True)}
        return [found.get(record_id) for record_id in record_ids]

    def _lines(self, plan: Plan, most: int | None) -> list[shape.Line]:
        sql = f"SELECT {plan.columns}{plan.source}{plan.rest}{_window(plan, most)}"
        return list(self._storage.rows(sql, plan.parameters))

    def count_rows(self, plan: Plan) -> int:
        """Return how many rows a result has."""
        inner = f"SELECT 1{plan.source}{plan.rest}{_window(plan, None)}"
        return int(str(self._storage.rows(f"SELECT count(*) FROM ({inner})", plan.parameters)[0][0]))

    def _page(self, plan: Plan, lines: list[shape.Line], total: int, root: str, user_id: str) -> dict[str, object]:
        def go_on(child: Plan, rows: Sequence[int], start: int) -> str:
            return self._continue(child, rows, DEFAULT_BATCH, start, root, user_id)

        records = shape.records(plan, lines, self._storage, f"{root}/sobjects/", go_on)
        if plan.purposes and lines:
            seen = [str(line[plan.shape.id_column]) for line in lines]
            self.viewed.note(user_id, plan.shape.owner, seen, plan.purposes)
        return {"totalSize": total, "done": True, "records": records}

    def _continue(self, plan: Plan, rows: Sequence[int], batch: int, start: int, root: str, user_id: str) -> str:
        """Remember a result and return the address of its part from a row on."""
        locator = self._ids.next("01g")
        self._remember(locator, Cursor(plan, rows, batch, user_id, self._clock().timestamp() + LOCATOR_LIFE))
        return _url(root, plan, f"{locator}-{start}")

    def _remember(self, locator: str, cursor: Cursor) -> None:
        self._cursors[locator] = cursor
        if len(self._cursors) > _LOCATORS_KEPT:
            self._cursors.popitem(last=False)


def _url(root: str, plan: Plan, locator: str) -> str:
    return f"{root}/{'queryAll' if plan.all_rows else 'query'}/{locator}"


def _with_more(page: dict[str, object], url: str) -> dict[str, object]:
    return {"totalSize": page["totalSize"], "done": False, "nextRecordsUrl": url, "records": page["records"]}


def _window(plan: Plan, most: int | None) -> str:
    limits = [min(one, 2**31) for one in (plan.limit, most) if one is not None]
    if not limits and not plan.offset:
        return ""
    return f" LIMIT {min(limits) if limits else -1} OFFSET {plan.offset}"
