"""No value of a person at rest (B7), live: edits, conflicts, overlays, merges, new patients and faults leave none behind."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from hintsync.core.values import Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.detect.intake import take_in
from hintsync.engine.detect.notices import Notice, NoticeKind
from hintsync.engine.live.known_patients import take_known_patients
from hintsync.engine.live.work import work_once
from hintsync.engine.options import Options
from hintsync.replicas.hint.replica import HintReplica
from tests.engine.test_canary import MARK, contact, files, found_in, patient
from tests.engine.wire import Wire, wired


async def hear(engine: Engine, side: Side, *ids: str, kind: NoticeKind = NoticeKind.CHANGED) -> str:
    """Take in events that show all that the system shows, and work what they bring."""
    seen = await engine.replicas[side].read(list(ids))
    notices = [
        Notice(
            side,
            each,
            kind,
            "webhook",
            time.time(),
            values={n: v for n, v in found.values.items() if isinstance(v, str)},
        )
        for each in ids
        if (found := seen.get(each)) is not None
    ] or [Notice(side, each, kind, "webhook", time.time()) for each in ids]
    said = [repr(await take_in(engine, notices)), repr(notices)]
    while (worked := await work_once(engine, "worker")).claimed:
        said.append(repr(worked))
    return " ".join(said)


async def live_through_it(wire: Wire, engine: Engine) -> list[str]:
    """Let happen what can happen to people who are linked, and to new ones; return what was said on the way."""
    contacts = [wire.org.insert("Contact", contact(f"A{n}")) for n in range(6)]
    patients = [wire.practice.create_patient(**patient(f"A{n}")) for n in range(6)]
    await batch_patients(engine)
    await take_known_patients(engine)
    said = []
    wire.org.update("Contact", contacts[0], {"MailingCity": f"Edited{MARK}"})
    said.append(await hear(engine, Side.SALESFORCE, contacts[0]))
    wire.org.update("Contact", contacts[1], {"MailingCity": f"Here{MARK}"})
    wire.practice.edit(patients[1], address_city=f"There{MARK}")
    said.append(await hear(engine, Side.HINT, patients[1]))
    wire.practice.edit(patients[2], first_name=f"Another{MARK}", dob="1931-07-20")
    said.append(await hear(engine, Side.HINT, patients[2]))
    wire.org.add_validation_rule("Contact", lambda row: MARK in str(row["MailingStreet"]), f"Not {MARK} Street", None)
    wire.practice.edit(patients[3], address_line1=f"9 {MARK} Lane")
    said.append(await hear(engine, Side.HINT, patients[3]))
    winner = wire.org.insert("Contact", {"FirstName": f"A4{MARK}", "LastName": f"{MARK}son", "Birthdate": "1931-07-19"})
    wire.org.merge("Contact", winner, [contacts[4]])
    said.append(await hear(engine, Side.SALESFORCE, contacts[4], kind=NoticeKind.DELETED))
    wire.practice.destroy(patients[5])
    said.append(await hear(engine, Side.HINT, patients[5], kind=NoticeKind.DELETED))
    new = wire.practice.create_patient(**patient("New", last_name=f"Quill{MARK}", dob="1944-02-03"))
    twin = wire.practice.create_patient(**patient("A0"))
    said.append(await hear(engine, Side.HINT, new, twin))
    said += [repr(dirty) for dirty in await engine.store.dirty(engine.connection.id)]
    said += [repr(review) for review in await engine.store.reviews(engine.connection.id)]
    said += [repr(entry) for entry in await engine.store.log(engine.connection.id)]
    said += [repr(event) for event in await engine.store.audit(engine.connection.id)]
    said += [str(wire.practice.patient(each)["integration_error_message"]) for each in patients[:5]]
    return said


async def fail_on_a_value(engine: Engine, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a bug raise an error whose text holds a value."""

    async def write(self: HintReplica, updates: object, mode: object) -> object:
        raise ValueError(f"cannot write {MARK}")

    monkeypatch.setattr(HintReplica, "update", write)
    wire.org.rules.validation.clear()
    linked = next(row for row in wire.org.rows("Contact") if row["Synced_to_Hint__c"])
    wire.org.update("Contact", linked["Id"], {"MailingCity": f"Once more {MARK}"})
    await hear(engine, Side.SALESFORCE, linked["Id"])


async def test_live_sync_keeps_and_says_nothing_of_a_person(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    caplog.set_level(logging.DEBUG)
    async with wired(tmp_path, Options(create_contacts=True)) as wire, wire.engine() as engine:
        said = await live_through_it(wire, engine)
        await fail_on_a_value(engine, wire, monkeypatch)
        said += [repr(dirty) for dirty in await engine.store.dirty(engine.connection.id)]
        assert "ValueError at" in " ".join(record.getMessage() for record in caplog.records)
    assert len(said) > 30, "the canary must have something to look at"
    assert [found_in(text) for text in said if found_in(text)] == []
    for path in files(tmp_path):
        assert found_in(path.read_bytes().decode("latin-1")) == [], path.name
    ours = [r.getMessage() for r in caplog.records if r.name.startswith(("hintsync", "httpx", "sqlalchemy"))]
    assert [found_in(text) for text in ours if found_in(text)] == []
