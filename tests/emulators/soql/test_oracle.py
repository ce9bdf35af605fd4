"""The SOQL engine against an evaluator that shares nothing with it, over worlds and statements made by Hypothesis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from hintsync_emulators.salesforce import ManualClock, Org
from hintsync_emulators.salesforce.schema.model import Field, PickValue
from tests.emulators.soql.evaluator import LEVELS, TODAY, Row, World
from tests.emulators.soql.generated import GROUPED, QUERIES, Plan, plans
from tests.emulators.soql.statements import Grouped, Query, sorting_key

#: Statements compared, rows found by them; printed at the end of the run.
RAN: Counter[str] = Counter()
BUDGET = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
OWN_FIELDS = (
    Field("Day__c", "Day", "date", custom=True),
    Field("When__c", "When", "datetime", custom=True),
    Field("Tags__c", "Tags", "multipicklist", length=4099, custom=True, sortable=False),
    Field("Level__c", "Level", "picklist", length=255, custom=True, values=tuple(PickValue(x, x) for x in LEVELS)),
    Field(
        "Clinic__c",
        "Clinic",
        "reference",
        length=18,
        custom=True,
        reference_to=("Account",),
        relationship="Clinic__r",
        child_relationship="Patients__r",
    ),
)


@pytest.fixture(scope="module")
def org() -> Iterator[Org]:
    org = Org(seed=1, clock=ManualClock(datetime(TODAY.year, TODAY.month, TODAY.day, 9, tzinfo=UTC)))
    org.add_fields("Contact", OWN_FIELDS)
    yield org
    org.close()


def _settle(org: Org, plan: Plan) -> World:
    """Put a plan's rows into an emptied org, and return them as the evaluator wants them."""
    for name in ("Contact", "Account"):
        for old in org.rows(name, deleted=True):
            org.purge(name, str(old["Id"]))
    accounts = list[Row]()
    for one in plan.accounts:
        row = {name: value for name, value in one.items() if name != "Parent"}
        row["ParentId"] = None if one["Parent"] is None else accounts[int(str(one["Parent"]))]["Id"]
        accounts.append({**row, "Id": org.insert("Account", row), "Gone": False})
    contacts = list[Row]()
    for one in plan.contacts:
        row = {name: value for name, value in one.items() if name not in ("Gone", "Account", "Clinic", "Superior")}
        for field, place, among in (
            ("AccountId", one["Account"], accounts),
            ("Clinic__c", one["Clinic"], accounts),
            ("ReportsToId", one["Superior"], contacts),
        ):
            row[field] = None if place is None else among[int(str(place))]["Id"]
        record_id = org.insert("Contact", {name: _sent(value) for name, value in row.items()})
        contacts.append({**row, "Id": record_id, "Gone": one["Gone"]})
    for contact in contacts:
        if contact["Gone"]:
            org.delete("Contact", str(contact["Id"]))
    return {"Account": accounts, "Contact": contacts}


def _sent(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _shown(value: object) -> object:
    """Return an expected value as the API shows it."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000") if isinstance(value, datetime) else value


def _picked(record: Row, query: Query) -> Row:
    """Flatten a record to what was selected."""
    found: Row = {}
    for one in query.fields:
        here: object = record
        for name in one.path:
            here = here[name] if isinstance(here, dict) else None
        found[one.soql()] = here
    for name, inner in query.children:
        held = record[name]
        if held is not None:
            assert isinstance(held, dict)
            assert held["totalSize"] == len(held["records"])
            held = [_picked(one, inner) for one in held["records"]]
        found[name] = held
    return found


def _expected(record: Row, query: Query) -> Row:
    found = {name: _shown(value) for name, value in record.items()}
    for name, inner in query.children:
        held = record[name]
        found[name] = [_expected(one, inner) for one in held] if isinstance(held, list) else None
    return found


def _ask(org: Org, statement: str, everything: bool) -> list[Row]:
    note(statement)
    records = org.queries.run(statement, everything, 2000, "")["records"]
    assert isinstance(records, list)
    RAN["statements"] += 1
    RAN["rows"] += len(records)
    return records


@BUDGET
@given(plan=plans(), queries=st.lists(QUERIES, min_size=1, max_size=4), everything=st.booleans())
def test_records_are_those_that_the_evaluator_finds(
    org: Org, plan: Plan, queries: list[Query], everything: bool
) -> None:
    world = _settle(org, plan)
    for query in queries:
        found = [_picked(one, query) for one in _ask(org, query.soql(), everything)]
        assert found == [_expected(one, query) for one in query.answer(world, everything)]


@BUDGET
@given(plan=plans(), queries=st.lists(GROUPED, min_size=1, max_size=4), everything=st.booleans())
def test_groups_are_those_that_the_evaluator_makes(
    org: Org, plan: Plan, queries: list[Grouped], everything: bool
) -> None:
    world = _settle(org, plan)
    for query in queries:
        found = [_row(one, query) for one in _ask(org, query.soql(), everything)]
        expected = [_row(one, query) for one in query.answer(world, everything)]
        assert Counter(map(repr, found)) == Counter(map(repr, expected))
        for number in range(len(query.order)):
            assert _ordered(found, query, number) == _ordered(expected, query, number)


def _row(row: Row, query: Grouped) -> tuple[object, ...]:
    """Return a row's values, text without case: any member of a group may lend it its spelling."""
    columns = [(f"k{number}", one.kind) for number, one in enumerate(query.by)]
    columns += [(f"expr{number}", one.kind) for number, one in enumerate(query.totals)]
    values = []
    for name, kind in columns:
        value = _shown(row[name])
        if isinstance(value, str) and kind in ("text", "level"):
            value = value.lower()
        values.append(float(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    return tuple(values)


def _ordered(rows: list[tuple[object, ...]], query: Grouped, number: int) -> list[object]:
    """Return the values of the sorting keys up to one of them, in the order of the rows."""
    wanted = [sort.by.soql() for sort in query.order[: number + 1]]
    names = [one.soql() for one in (*query.by, *query.totals)]
    return [tuple(row[names.index(name)] for name in wanted) for row in rows]


@BUDGET
@given(plan=plans(), query=QUERIES, everything=st.booleans())
def test_a_bare_count_is_the_number_of_rows(org: Org, plan: Plan, query: Query, everything: bool) -> None:
    world = _settle(org, plan)
    whole = Query(query.object, query.fields, (), query.where)
    statement = f"SELECT COUNT() {whole.soql()[whole.soql().index('FROM') :]}"
    note(statement)
    RAN["statements"] += 1
    total = org.queries.run(statement, everything, 2000, "")["totalSize"]
    assert total == len(whole.answer(world, everything))


def test_sorting_keys_of_texts_ignore_the_case_of_plain_letters_only() -> None:
    assert [sorting_key("text", one) for one in ("aB", "É", "é")] == ["ab", "É", "é"]
