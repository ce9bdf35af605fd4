"""What a whole-population batch knows before it decides anything: both populations, all links, what people declined."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from hintsync.core.errors import SafetyStop
from hintsync.core.guards import check_population
from hintsync.core.link import Trigger, first_mode
from hintsync.core.match import MatchKey, match_key
from hintsync.core.person import Person
from hintsync.core.records import KeyRow, Link, RecordId
from hintsync.core.values import Side
from hintsync.engine.batch.ahead import Ahead
from hintsync.engine.batch.near import Near, near_matches, person_of
from hintsync.engine.batch.population import Contacts, Patients, scan_contacts, scan_patients
from hintsync.engine.context import Engine


@dataclass(slots=True)
class Census:
    """Facts of one run."""

    contacts: Contacts
    patients: Patients
    by_patient: Mapping[RecordId, Link]
    by_contact: Mapping[RecordId, Link]
    #: (contact, patient) pairs that a person parted or declined.
    declined: frozenset[tuple[RecordId, RecordId]]
    #: Patient id to the contacts that show it as their Hint Patient ID.
    claims: Mapping[RecordId, Sequence[RecordId]]
    #: Near matches of the run's records that nobody on the other side matches exactly.
    near: Mapping[RecordId, Near] = field(default_factory=dict)
    #: Contacts that were read already; None where it would not pay.
    ahead: Ahead | None = None


async def take_census(engine: Engine) -> Census:
    """Scan both sides, each once, and read what is remembered.

    Raises:
        SafetyStop: a side shows nobody although there are links (guard G2).
    """
    patients = Patients()
    linked = await engine.store.links(engine.connection.id, limit=1)
    ahead = None if linked else Ahead(engine, patients, first_mode(Trigger.BATCH_PATIENTS))
    contacts = await _scan_both(engine, patients, ahead)
    census = await remembered(engine, contacts, patients)
    census.ahead = ahead
    refuse_empty(links_exist=bool(census.by_patient), contacts=contacts.count, patients=len(patients.seen))
    census.near = _near(engine, census)
    return census


async def _scan_both(engine: Engine, patients: Patients, ahead: Ahead | None) -> Contacts:
    """Scan both sides at once; if one fails, the other's scan ends too."""
    look = ahead.look if ahead else lambda found: None
    scans = asyncio.ensure_future(scan_contacts(engine, look)), asyncio.ensure_future(scan_patients(engine, patients))
    try:
        contacts, _ = await asyncio.gather(*scans)
        if ahead:
            await ahead.finish(contacts)
    except BaseException:
        for scan in scans:
            scan.cancel()
        await asyncio.wait(scans)
        if ahead:
            await ahead.stop()
        raise
    return contacts


async def remembered(engine: Engine, contacts: Contacts, patients: Patients) -> Census:
    """Join what was read with what the store knows of links and declined pairs."""
    links = await engine.store.live_pairs(engine.connection.id)
    return Census(
        contacts,
        patients,
        {link.patient_id: link for link in links if link.patient_id},
        {link.contact_id: link for link in links if link.contact_id},
        await engine.store.declined_pairs(engine.connection.id),
        _claims(contacts),
    )


def _claims(contacts: Contacts) -> dict[RecordId, list[RecordId]]:
    claims: dict[RecordId, list[RecordId]] = defaultdict(list)
    for contact_id, patient_id in contacts.marked.items():
        if patient_id:
            claims[patient_id].append(contact_id)
    return claims


def refuse_empty(*, links_exist: bool, contacts: int, patients: int) -> None:
    """Guard G2: a side that shows nobody although there are links is an outage until proven otherwise.

    Raises:
        SafetyStop: that is so.
    """
    trip = check_population(int(links_exist), {Side.SALESFORCE: contacts, Side.HINT: patients})
    if trip is not None:
        raise SafetyStop(trip.guard, trip.reason)


def _near(engine: Engine, census: Census) -> dict[RecordId, Near]:
    """Find near matches for the free patients without an exact one, among the free contacts."""
    return find_near(engine, census, frozenset(census.patients.index.missing_from(census.contacts.index)))


def find_near(engine: Engine, census: Census, patient_ids: Collection[RecordId]) -> dict[RecordId, Near]:
    """Find near matches for these patients, as far as they are free, among the free contacts of the whole org."""
    unmatched = {
        patient_id
        for patient_id in patient_ids
        if patient_id not in census.by_patient and patient_id not in census.patients.archived
    }
    if not unmatched:
        return {}
    wanted: dict[RecordId, Person] = {}
    for page in census.patients.pages:
        wanted.update({record.id: person_of(record) for record in page.packed.unpack() if record.id in unmatched})
    placeholders = engine.options.placeholder_dates
    free = (row for row in census.contacts.rows() if _stays_free(census, row, placeholders))
    closed = {(patient_id, contact_id) for contact_id, patient_id in census.declined}
    return near_matches(wanted, free, placeholders, closed=closed)


def _stays_free(census: Census, row: KeyRow, placeholders: frozenset[str]) -> bool:
    """Say whether a contact is free and will not be linked by this very run, so that it may be somebody's near match.

    Without the second half a run would hold a patient back for a contact that is taken by its end, and the next run
    would decide otherwise although nobody did anything.
    """
    if row.id in census.by_contact or row.id in census.contacts.marked:
        return False
    key = match_key(row.first_name, row.last_name, row.birth_date, placeholders)
    return key is None or row.person_account or not one_to_one(census, key)


def one_to_one(census: Census, key: MatchKey) -> bool:
    """Say whether exactly one contact and one patient hold a key, and nothing keeps the two from being linked."""
    contacts, patients = census.contacts.index.candidates(key), census.patients.index.candidates(key)
    if len(contacts) != 1 or len(patients) != 1 or (contacts[0], patients[0]) in census.declined:
        return False
    return patients[0] not in census.patients.archived and patients[0] not in census.by_patient
