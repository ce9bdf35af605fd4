"""No value of a person at rest (B7): a mark in every field, and nothing of it in database, logs, rows or messages."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path

import pytest

from hintsync.core.link_by_hand import Warned
from hintsync.core.plan import Outcome
from hintsync.engine.batch.contacts import batch_contacts
from hintsync.engine.batch.csv_ids import CsvIds, CsvRow
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.guards.approvals import approve
from hintsync.engine.options import Options
from hintsync.engine.pairs.by_hand import create_by_hand, link_by_hand, unlink_by_hand
from tests.engine.wire import Wire, wired

MARK = "Kanarienvogel"
BORN = "1931-07-19"
DIGITS = "4155550179"
#: Everything of a person that must be found nowhere, in the forms it could take.
TRACES = [MARK, MARK.lower(), BORN, BORN.replace("-", ""), DIGITS, "415) 555-0179", "90379"]


def contact(first: str, **values: object) -> dict[str, object]:
    return {
        "Salutation": "Dr.",
        "FirstName": f"{first}{MARK}",
        "LastName": f"{MARK}son",
        "Birthdate": BORN,
        "Email": f"{first}.{MARK}@example.org".lower(),
        "MobilePhone": "(415) 555-0179",
        "MailingStreet": f"1 {MARK} Street",
        "MailingCity": f"{MARK}ville",
        "MailingState": "CA",
        "MailingPostalCode": "90379",
        "MailingCountry": "United States",
        **values,
    }


def patient(first: str, **values: object) -> dict[str, object]:
    return {
        "first_name": f"{first}{MARK}",
        "last_name": f"{MARK}son",
        "dob": BORN,
        "email": f"{first}.{MARK}@example.com".lower(),
        "phones": [{"type": "mobile", "number": DIGITS}, {"type": "home", "number": DIGITS}],
        "address_line1": f"2 {MARK} Lane",
        "address_city": f"{MARK}burg",
        "address_state": "CA",
        "address_zip": "90379",
        "health_insurance_member_id": f"{MARK}-77",
        "health_insurance_payer_name": f"{MARK} Insurance",
        **values,
    }


async def make_trouble(wire: Wire) -> list[str]:
    """Live through everything that could write something down; return what was said on the way."""
    said: list[str] = []
    batches: list[str] = []
    ids = [wire.org.insert("Contact", contact(f"A{n}")) for n in range(12)]
    for n in range(9):
        wire.practice.create_patient(**patient(f"A{n}"))
    loner = patient("Xaver", last_name=f"Quill{MARK}", dob="1944-02-03", email=None, phones=[])
    wire.practice.create_patient(**loner)
    wire.practice.create_patient(**patient("A3"))  # ambiguous
    wire.practice.create_patient(**patient("TooLong", email=None, address_city=f"{MARK}" * 10))
    wire.org.insert("Contact", contact("Other", Email="not.taken@example.org"))
    async with wire.engine() as engine:
        for dry in (True, False):
            run = await batch_patients(engine, dry=dry)
            batches.append(run.id)
            said.append(repr(run))
        listed = CsvIds(tuple(CsvRow(n, i) for n, i in enumerate(ids, 2)), True, None)
        run = await batch_contacts(engine, listed)
        batches.append(run.id)
        said.append(repr(run))
        wire.org.update("Contact", ids[0], {"MailingCity": f"New{MARK}"})
        said.append(repr(await sync_all(engine)))
        said.append(repr(await create_by_hand(engine, ids[11])))
        said.append(repr(await link_by_hand(engine, ids[0], wire.practice.patients()[1]["id"], confirmed=list(Warned))))
        said.append(repr(await unlink_by_hand(engine, ids[0])))
        said.extend([repr(row) async for row in engine.store.rows(run.id)])
        outcomes: set[Outcome] = set()
        for run_id in batches:
            outcomes |= set(await engine.store.outcome_counts(run_id))
        assert outcomes >= {Outcome.LINKED, Outcome.CREATED, Outcome.AMBIGUOUS, Outcome.ALREADY_LINKED}
        connection = engine.connection.id
        said += [repr(x) for x in await engine.store.reviews(connection)]
        said += [repr(x) for x in await engine.store.log(connection)]
        said += [json.dumps(asdict(x), default=str) for x in await engine.store.audit(connection)]
    return said


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def found_in(text: str) -> list[str]:
    return [trace for trace in TRACES if trace in text]


async def test_nothing_of_a_person_is_kept_or_said(tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd):
    caplog.set_level(logging.DEBUG)
    async with wired(tmp_path, Options(create_contacts=True)) as wire:
        said = await make_trouble(wire)
        assert len(said) > 30, "the canary must have something to look at"
    for path in files(tmp_path):
        assert found_in(path.read_bytes().decode("latin-1")) == [], path.name
    assert [found_in(text) for text in said if found_in(text)] == []
    ours = [
        r.getMessage() for r in caplog.records if r.name.startswith(("hintsync", "httpx", "sqlalchemy", "aiosqlite"))
    ]
    assert [found_in(text) for text in ours if found_in(text)] == []
    captured = capfd.readouterr()
    assert found_in(captured.out + captured.err) == []


async def test_a_kept_plan_and_its_stop_hold_nothing_of_a_person(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    async with wired(tmp_path, Options(guard_at_least=1, guard_share=0.0)) as wire:
        people = [(wire.org.insert("Contact", contact(f"A{n}")), patient(f"A{n}")) for n in range(3)]
        patients = [wire.practice.create_patient(**raw) for _, raw in people]
        async with wire.engine() as engine:
            await batch_patients(engine)
            for patient_id in patients:
                wire.practice.edit(patient_id, address_city=f"Moved{MARK}")
            run = await sync_all(engine)
            (stop,) = await engine.store.stops(engine.connection.id)
            said = [repr(run), repr(stop), *[repr(row) async for row in engine.store.rows(str(stop.run_id))]]
            assert len(said) == 5, "three pairs are kept"
            assert await approve(engine, str(stop.run_id)) == 3
            said += [repr(x) for x in await engine.store.log(engine.connection.id)]
            said += [json.dumps(asdict(x), default=str) for x in await engine.store.audit(engine.connection.id)]
    for path in files(tmp_path):
        assert found_in(path.read_bytes().decode("latin-1")) == [], path.name
    said += [record.getMessage() for record in caplog.records if record.name.startswith(("hintsync", "httpx"))]
    assert [found_in(text) for text in said if found_in(text)] == []


def test_the_canary_would_be_found():
    assert found_in(f"held: {MARK}ville") == [MARK]
