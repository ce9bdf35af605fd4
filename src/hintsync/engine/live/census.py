"""What must be known of both populations to match the new patients of one pass, exactly as a batch would match them.

Exact matches need only the people born on the same days, on both sides. Whoever finds none is compared with the whole org
before anything is said of near matches, let alone created: a slip in a birth date hides a person from any look-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from hintsync.core.forecast import Way, choose_way
from hintsync.core.records import RecordId, Snapshot
from hintsync.engine.batch.census import Census, find_near, refuse_empty, remembered
from hintsync.engine.batch.contact_census import row_of
from hintsync.engine.batch.population import Contacts, Patients, hold, note_contact, scan_contacts, scan_patients
from hintsync.engine.context import Engine
from hintsync.ports import Demographics

#: Birth dates up to which nobody counts the practice first.
_FEW = 3


async def take_patient_census(engine: Engine, newcomers: Sequence[Snapshot]) -> Census:
    """Find everybody who might be one of these patients.

    Raises:
        SafetyStop: the org shows nobody although there are links (guard G2).
        BudgetSpent: somebody has no exact match, and the whole org would cost more than may be spent.
    """
    people = [_demographics(each) for each in newcomers if engine.key_of(each) is not None]
    patients = await _patients(engine, newcomers, people)
    contacts = await _contacts(engine, newcomers, people)
    census = await remembered(engine, contacts, patients)
    unmatched = _unmatched(engine, census, newcomers)
    if not unmatched:
        return census
    census = await remembered(engine, await scan_contacts(engine), patients)
    refuse_empty(links_exist=bool(census.by_contact), contacts=census.contacts.count, patients=len(patients.seen))
    census.near = find_near(engine, census, unmatched)
    return census


def _demographics(seen: Snapshot) -> Demographics:
    return Demographics(*(str(seen.values[name]) for name in ("first_name", "last_name", "birth_date")))


async def _patients(engine: Engine, newcomers: Sequence[Snapshot], people: Sequence[Demographics]) -> Patients:
    """Hold the newcomers and all who may share their key, archived ones included."""
    if await _finds_by_filter(engine, {person.birth_date for person in people}):
        found = Patients()
        hold(engine, found, newcomers, None)
        if people:
            hold(engine, found, await engine.hint.find(people), None)
        return found
    found = await scan_patients(engine)
    hold(engine, found, newcomers, None)
    return found


async def _finds_by_filter(engine: Engine, born: set[str]) -> bool:
    """Choose the cheaper way to find patients: a call for each birth date, or the whole list."""
    hint = engine.hint.capabilities
    if len(born) <= _FEW:
        return hint.find_by_birth_date or not born
    total = await _count(engine) if hint.find_by_birth_date else None
    return choose_way(len(born), total, hint.page_size, can_filter=hint.find_by_birth_date).way is Way.FILTER


async def _count(engine: Engine) -> int | None:
    async with aclosing(engine.hint.scan()) as pages:  # type: ignore[type-var]  # our replicas' are generators
        async for page in pages:
            return page.total
    return 0


async def _contacts(engine: Engine, newcomers: Sequence[Snapshot], people: Sequence[Demographics]) -> Contacts:
    """Note the contacts born on the same days, and those that show one of the newcomers as their patient."""
    found = Contacts(whole=False)
    named = await engine.salesforce.find_by_key([each.id for each in newcomers])
    alike = await engine.salesforce.find(people) if people else ()
    for seen in {each.id: each for each in (*named.values(), *alike)}.values():
        note_contact(found, row_of(seen), engine.options.placeholder_dates)
    return found


def _unmatched(engine: Engine, census: Census, newcomers: Sequence[Snapshot]) -> frozenset[RecordId]:
    """Return the newcomers with a key that no contact holds, and that no contact names."""
    keys = {each.id: engine.key_of(each) for each in newcomers if each.id not in census.claims}
    return frozenset(who for who, key in keys.items() if key is not None and not census.contacts.index.candidates(key))
