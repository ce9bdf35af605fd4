"""What the batch from contacts to patients knows before it decides: the contacts of its list, and who might be theirs.

Two ways to find patients give the same matches: asking Hint for each birth date, or reading the whole practice. The
cheaper one in calls is taken and said. Duplicates are counted over the whole org and practice either way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from hintsync.core.forecast import Way, choose_way
from hintsync.core.match import MatchKey, match_key
from hintsync.core.person import Person
from hintsync.core.records import KeyRow, RecordId, RecordState, Snapshot
from hintsync.engine.batch.census import Census, one_to_one, refuse_empty, remembered
from hintsync.engine.batch.near import near_matches, person_of_row
from hintsync.engine.batch.population import (
    Contacts,
    Patients,
    hold,
    note_contact,
    read_contacts,
    scan_contacts,
    scan_patients,
)
from hintsync.engine.context import Engine
from hintsync.ports import Demographics

#: Contacts of a list up to which the org is asked for their namesakes; longer lists scan it.
SHORT_LIST = 200


@dataclass(slots=True)
class ContactCensus:
    """Facts of one run."""

    census: Census
    #: The contacts of the list that exist, by id.
    rows: Mapping[RecordId, KeyRow]
    #: How patients were found, in words, with the calls of both ways.
    way: str


async def take_contact_census(engine: Engine, ids: Sequence[RecordId]) -> ContactCensus:
    """Read the listed contacts, those who share their demographics, and the patients who might be theirs.

    Raises:
        SafetyStop: a side shows nobody although there are links (guard G2).
    """
    contacts, rows = await _contacts(engine, ids)
    births = {row.birth_date for row in rows.values() if _key(engine, row) is not None}
    total = await _count_patients(engine)
    can_filter = engine.hint.capabilities.find_by_birth_date
    finding = choose_way(len(births), total, engine.hint.capabilities.page_size, can_filter=can_filter)
    if finding.way is Way.FILTER:
        patients = await _patients_by_birth_date(engine, rows)
    else:
        patients = await scan_patients(engine)
    if not contacts.whole:
        await _note_claims(engine, contacts, patients, rows)
    census = await remembered(engine, contacts, patients)
    seen = contacts.count if contacts.whole else max(contacts.count, 1)
    refuse_empty(links_exist=bool(census.by_contact), contacts=seen, patients=total)
    _find_near(engine, census, rows)
    return ContactCensus(census, rows, finding.reason)


def _key(engine: Engine, row: KeyRow) -> MatchKey | None:
    return match_key(row.first_name, row.last_name, row.birth_date, engine.options.placeholder_dates)


async def _contacts(engine: Engine, ids: Sequence[RecordId]) -> tuple[Contacts, dict[RecordId, KeyRow]]:
    wanted = frozenset(ids)
    if len(wanted) > SHORT_LIST:
        found = await scan_contacts(engine)
        return found, {row.id: row for row in found.rows() if row.id in wanted}
    listed = await read_contacts(engine.salesforce, list(wanted))
    rows = {record_id: row_of(record) for record_id, record in listed.items() if record.state is RecordState.LIVE}
    people = _demographics(engine, rows)
    namesakes = await engine.salesforce.find(people) if people else ()
    found = Contacts(whole=False)
    for row in {**{other.id: row_of(other) for other in namesakes}, **rows}.values():
        note_contact(found, row, engine.options.placeholder_dates)
    return found, rows


def row_of(record: Snapshot) -> KeyRow:
    """Return what a snapshot says for matching."""
    first, last, born = (record.values.get(name) for name in ("first_name", "last_name", "birth_date"))
    return KeyRow(
        record.id,
        first if isinstance(first, str) else None,
        last if isinstance(last, str) else None,
        born if isinstance(born, str) else None,
        record.peer_id,
        record.marked,
        record.state,
        record.person_account,
    )


def _demographics(engine: Engine, rows: Mapping[RecordId, KeyRow]) -> list[Demographics]:
    return [
        Demographics(row.first_name, row.last_name, row.birth_date)
        for row in rows.values()
        if row.first_name and row.last_name and row.birth_date and _key(engine, row) is not None
    ]


async def _count_patients(engine: Engine) -> int:
    """Ask how many patients there are: the first page of the list says it."""
    async with aclosing(engine.hint.scan()) as pages:  # type: ignore[type-var]  # our replicas are async generators
        async for page in pages:
            return page.total if page.total is not None else len(page.records)
    return 0


async def _patients_by_birth_date(engine: Engine, rows: Mapping[RecordId, KeyRow]) -> Patients:
    people = _demographics(engine, rows)
    found = Patients()
    if people:
        records = await engine.hint.find(people)
        born = {person.birth_date for person in people}
        hold(engine, found, [r for r in records if r.values.get("birth_date") in born], None)
    await _hold_claimed(engine, found, rows)
    return found


async def _hold_claimed(engine: Engine, found: Patients, rows: Mapping[RecordId, KeyRow]) -> None:
    """Read the patients that listed contacts name by id; their demographics may differ, so no filter brings them."""
    named = sorted({row.peer_id for row in rows.values() if row.peer_id and row.peer_id not in found.seen})
    claimed = await engine.hint.read(named) if named else {}
    if claimed:
        hold(engine, found, list(claimed.values()), None)


async def _note_claims(engine: Engine, contacts: Contacts, patients: Patients, rows: Mapping[RecordId, KeyRow]) -> None:
    """Learn which contacts show the patients that might be linked, whatever their own demographics."""
    asked = {patient_id for key in _keys(engine, rows) for patient_id in patients.index.candidates(key)}
    asked |= {row.peer_id for row in rows.values() if row.peer_id}
    known = set(contacts.marked)
    showing = await engine.salesforce.find_by_key(sorted(asked)) if asked else {}
    for record in showing.values():
        if record.id not in known:
            note_contact(contacts, row_of(record), engine.options.placeholder_dates)


def _find_near(engine: Engine, census: Census, rows: Mapping[RecordId, KeyRow]) -> None:
    """Find near matches of the unmatched contacts among patients of the same birth date, whichever way they were found."""
    wanted: dict[RecordId, Person] = {}
    for contact_id, row in rows.items():
        key = _key(engine, row)
        if key is not None and contact_id not in census.by_contact and not census.patients.index.candidates(key):
            wanted[contact_id] = person_of_row(row)
    born = {person.birth_date for person in wanted.values()}
    if wanted:
        taken = {census.patients.index.candidates(key)[0] for key in _keys(engine, rows) if one_to_one(census, key)}
        free = [row for row in _free_patients(census, born) if row.id not in taken]
        placeholders = engine.options.placeholder_dates
        census.near = near_matches(wanted, free, placeholders, closed=census.declined)


def _keys(engine: Engine, rows: Mapping[RecordId, KeyRow]) -> list[MatchKey]:
    return [key for row in rows.values() if (key := _key(engine, row)) is not None]


def _free_patients(census: Census, born: Collection[str | None]) -> list[KeyRow]:
    return [
        row_of(record)
        for page in census.patients.pages
        for record in page.packed.unpack()
        if record.values.get("birth_date") in born
        and record.state is RecordState.LIVE
        and record.id not in census.by_patient
    ]
