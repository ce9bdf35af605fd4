"""Both batches on both emulators, over a population whose truth is known; judged by the systems, not by our state."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from hintsync.core.plan import Outcome
from hintsync.engine.batch.contacts import batch_contacts
from hintsync.engine.batch.csv_ids import CsvIds, CsvRow
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.options import Options
from hintsync.state.port import Run, RunStatus
from hintsync_emulators.__main__ import load_contacts
from hintsync_emulators.people import Category, Population, invent, spread
from tests.engine.wire import Wire, wired

LINKABLE = (Category.EQUAL, Category.DIFFERENT, Category.GAPS)
#: Categories in which nothing may be linked without a person.
NEVER = (
    Category.TWICE_IN_HINT,
    Category.TWICE_IN_SALESFORCE,
    Category.TWICE_ON_BOTH,
    Category.NEAR,
    Category.PLACEHOLDER,
    Category.NO_BIRTH_DATE,
    Category.ARCHIVED,
    Category.NO_FIRST_NAME,
)


class Loaded:
    """A population in the two systems, with the ids it got."""

    def __init__(self, wire: Wire, population: Population) -> None:
        self.population = population
        self.contacts = load_contacts(wire.org, population.contacts)
        self.patients = [wire.practice.create_patient(**values) for values in population.patients]

    def pairs(self, *categories: Category) -> set[tuple[str, str]]:
        pairs = self.population.truth.pairs(*categories)
        return {(self.contacts[contact], self.patients[patient]) for contact, patient in pairs}


def linked(wire: Wire) -> set[tuple[str, str]]:
    """Return the pairs that Salesforce shows as linked."""
    rows = wire.org.rows("Contact")
    return {(row["Id"], row["Hint_Patient_Id__c"]) for row in rows if row["Synced_to_Hint__c"]}


def written(counts: Counter[str]) -> int:
    return counts["patients.update"] + counts["patients.create"]


async def run_patients(wire: Wire) -> Run:
    async with wire.engine() as engine:
        run = await batch_patients(engine)
    assert run.status is RunStatus.DONE, run.reason
    return run


async def test_every_true_pair_is_linked_and_no_other_and_a_second_run_writes_nothing(tmp_path: Path):
    async with wired(tmp_path, Options(create_contacts=True)) as wire:
        loaded = Loaded(wire, spread(invent(250, seed=7), seed=7))
        before = len(wire.org.rows("Contact"))
        run = await run_patients(wire)
        pairs = linked(wire)
        old = set(loaded.contacts)
        assert {pair for pair in pairs if pair[0] in old} == loaded.pairs(*LINKABLE)
        assert not pairs & loaded.pairs(*NEVER)
        created = {pair for pair in pairs if pair[0] not in old}
        counts = await wire.service.store.outcome_counts(run.id)
        assert len(created) == counts[Outcome.CREATED] == len(wire.org.rows("Contact")) - before > 0
        alone = {
            p
            for p, c in zip(loaded.patients, loaded.population.truth.patient_category, strict=True)
            if c is Category.HINT_ONLY
        }
        assert {patient for _, patient in created} <= alone
        stamps = {p["id"]: p["updated_at"] for p in wire.practice.patients()}
        again = await run_patients(wire)
        rows = [row async for row in wire.service.store.rows(again.id)]
        assert [row for row in rows if row.written] == []
        assert {p["id"]: p["updated_at"] for p in wire.practice.patients()} == stamps


async def test_a_csv_of_everybody_links_every_true_pair_with_the_contacts_values(tmp_path: Path):
    async with wired(tmp_path) as wire:
        loaded = Loaded(wire, spread(invent(250, seed=8), seed=8))
        patients = {p["id"]: dict(p) for p in wire.practice.patients()}
        listed = CsvIds(tuple(CsvRow(n, i) for n, i in enumerate(loaded.contacts, 2)), True, None)
        async with wire.engine() as engine:
            run = await batch_contacts(engine, listed)
        assert run.status is RunStatus.DONE, run.reason
        assert linked(wire) == loaded.pairs(*LINKABLE)
        assert len(wire.practice.patients()) == len(patients)
        for contact_id, patient_id in loaded.pairs(*LINKABLE):
            contact, patient = wire.org.get("Contact", contact_id), wire.practice.patient(patient_id)
            if contact["Email"]:
                assert patient["email"].lower() == contact["Email"].lower()
            if contact["MailingCity"]:
                assert patient["address_city"] == contact["MailingCity"]
            elif patients[patient_id]["address_city"]:
                assert contact["MailingCity"] == patients[patient_id]["address_city"]
