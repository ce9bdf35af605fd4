"""Bad values and a bad day on the wire: each says what it is, nothing is lost, nothing is half done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hintsync.core.plan import Outcome
from hintsync.engine.batch.patients import batch_patients
from hintsync.logins import WithToken
from hintsync.setup.connecting import connect
from hintsync.state.port import Run, RunRow, RunStatus
from tests.engine.wire import INSTANCE, TOKEN, Wire, wired

BORN = "1980-05-06"


def pair(wire: Wire, first: str, contact: dict[str, object] | None = None, **patient: object) -> tuple[str, str]:
    fields = {"FirstName": first, "LastName": "Moor", "Birthdate": BORN, **(contact or {})}
    values = {"first_name": first, "last_name": "Moor", "dob": BORN, **patient}
    return wire.org.insert("Contact", fields), wire.practice.create_patient(**values)


async def run_batch(
    wire: Wire, *, resume: str | None = None, on_progress: Callable[[Run], None] | None = None
) -> tuple[Run, dict[str, RunRow]]:
    async with wire.engine() as engine:
        run = await batch_patients(engine, resume=resume, on_progress=on_progress)
        return run, {row.record_id: row async for row in engine.store.rows(run.id)}


async def test_f8_a_value_too_long_for_salesforce_is_held_and_the_rest_goes(tmp_path: Path):
    async with wired(tmp_path) as wire:
        contact, patient = pair(wire, "Ann", address_city="Y" * 60, address_zip="02110")
        run, rows = await run_batch(wire)
        assert (rows[patient].outcome, rows[patient].held) == (Outcome.LINKED, ("city",))
        row = wire.org.get("Contact", contact)
        assert (row["MailingPostalCode"], row["MailingCity"]) == ("02110", None)
        (review,) = await wire.service.store.reviews(run.connection_id)
        assert (review.field_name, review.details["reason"]) == ("city", "too-long")
        _, again = await run_batch(wire)
        assert again[patient].written == {}


async def test_f8_an_unknown_state_is_refused_by_name_and_held_with_its_country(tmp_path: Path):
    async with wired(tmp_path, features=("MiddleName", "StateAndCountryPicklists")) as wire:
        contact, patient = pair(wire, "Ann", address_state="Atlantis", address_country="Erewhon", address_city="Lynn")
        _, rows = await run_batch(wire)
        assert rows[patient].outcome is Outcome.LINKED
        assert set(rows[patient].held) == {"state", "country"}
        assert wire.org.get("Contact", contact)["MailingCity"] == "Lynn"


async def test_f9_a_validation_rule_fails_one_record_by_its_code_only(tmp_path: Path):
    async with wired(tmp_path) as wire:
        wire.org.add_validation_rule("Contact", lambda row: row.get("FirstName") == "Bea", "Bea may not be changed")
        good, fine = pair(wire, "Ann", address_city="Lynn")
        _, refused = pair(wire, "Cleo", address_city="Lynn")
        wire.org.add_validation_rule("Contact", lambda row: row.get("FirstName") == "Cleo", "Cleo lives in Salem")
        run, rows = await run_batch(wire)
        assert rows[fine].outcome is Outcome.LINKED
        assert wire.org.get("Contact", good)["MailingCity"] == "Lynn"
        assert rows[refused].outcome is Outcome.FAILED
        assert rows[refused].reason == "salesforce: FIELD_CUSTOM_VALIDATION_EXCEPTION"
        assert "Salem" not in repr(await wire.service.store.log(run.connection_id))


@pytest.mark.parametrize(("first", "last"), [("王", "小明"), ("Иван", "Петров"), ("José", "Peña-Ruíz"), ("علي", "حسن")])
async def test_names_of_any_script_are_matched_and_created(tmp_path: Path, first: str, last: str):
    async with wired(tmp_path) as wire:
        wire.org.insert("Contact", {"FirstName": first, "LastName": last, "Birthdate": BORN})
        patient = wire.practice.create_patient(first_name=first, last_name=last, dob=BORN)
        _, rows = await run_batch(wire)
        assert rows[patient].outcome is Outcome.LINKED


async def test_a_hint_token_revoked_in_the_middle_stops_the_run_and_a_new_one_finishes_it(tmp_path: Path):
    async with wired(tmp_path) as wire:
        patients = [pair(wire, f"Ann{n}", {"MailingCity": "Lynn"})[1] for n in range(40)]

        def revoke(run: Run) -> None:
            if run.details.get("phase") == "linking and syncing":
                wire.practice.revoke_token()

        run, _ = await run_batch(wire, on_progress=revoke)
        assert run.status is RunStatus.STOPPED
        assert run.reason is not None
        assert run.reason.startswith("reconnect-needed: hint")
        token = await wire.new_hint_token()
        await connect(wire.service, "demo", hint_token=token, login=WithToken(INSTANCE, TOKEN))
        run, rows = await run_batch(wire, resume=run.id)
        assert run.status is RunStatus.DONE
        assert {rows[patient].outcome for patient in patients} == {Outcome.LINKED}
        assert all(wire.practice.patient(p)["address_city"] == "Lynn" for p in patients)


async def test_a_salesforce_session_that_ends_stops_the_run_and_says_so(tmp_path: Path):
    async with wired(tmp_path) as wire:
        pair(wire, "Ann")

        def expire(run: Run) -> None:
            if run.details.get("phase") == "linking and syncing":
                wire.org.expire_tokens()

        run, rows = await run_batch(wire, on_progress=expire)
        assert run.status is RunStatus.STOPPED
        assert run.reason is not None
        assert run.reason.startswith("reconnect-needed: salesforce")
        assert rows == {}


async def test_t15_the_orgs_day_ends_in_the_middle_and_the_run_goes_on_the_next(tmp_path: Path):
    async with wired(tmp_path) as wire:
        contacts = [pair(wire, f"Ann{n}", None, address_city="Lynn")[0] for n in range(30)]

        def spend(run: Run) -> None:
            if run.details.get("phase") == "linking and syncing":
                wire.org.set_daily_limit(100, used=100)

        run, _ = await run_batch(wire, on_progress=spend)
        assert run.status is RunStatus.STOPPED
        assert run.reason is not None
        assert run.reason.startswith("budget-spent: salesforce")
        wire.org.set_daily_limit(100_000, used=0)
        run, _ = await run_batch(wire, resume=run.id)
        assert run.status is RunStatus.DONE
        assert all(wire.org.get("Contact", c)["MailingCity"] == "Lynn" for c in contacts)


async def test_a_locked_contact_is_left_for_a_later_run(tmp_path: Path):
    async with wired(tmp_path) as wire:
        contact, patient = pair(wire, "Ann", address_city="Lynn")
        wire.org.lock(contact, times=2)
        _, rows = await run_batch(wire)
        if rows[patient].outcome is Outcome.FAILED:
            wire.org.unlock(contact)
            _, rows = await run_batch(wire)
        assert wire.org.get("Contact", contact)["MailingCity"] == "Lynn"
        assert rows[patient].outcome is Outcome.LINKED


async def test_b12_a_taken_integration_record_id_does_not_stop_the_link(tmp_path: Path):
    async with wired(tmp_path) as wire:
        contact, patient = pair(wire, "Ann", {"MailingCity": "Lynn"})
        bare_contact, bare = pair(wire, "Bea")
        for taken in (contact, bare_contact):
            other = wire.practice.create_patient(first_name="Old", last_name=taken[-6:], dob="1970-01-01")
            wire.practice.edit(other, integration_record_id=taken)
        run, rows = await run_batch(wire)
        assert rows[patient].outcome is Outcome.LINKED
        assert wire.practice.patient(patient)["address_city"] == "Lynn"
        assert rows[bare].outcome is Outcome.LINKED
        assert wire.org.get("Contact", bare_contact)["Synced_to_Hint__c"]
        log = await wire.service.store.log(run.connection_id)
        assert [entry.patient_id for entry in log if entry.event == "write-back-refused"] == [bare]
