"""A batch that was ordered outlives the processes that work it: killed, or told to stop, the next one goes on."""

from __future__ import annotations

import asyncio
import signal

import pytest

from hintsync.bootstrap import open_engine, open_service
from hintsync.core.plan import Outcome
from hintsync.engine.runs.ordering import BatchOrder, order_batch
from hintsync.settings import SETTINGS_FILE, load_settings
from hintsync.state.port import Run, RunKind, RunStatus
from tests.surfaces.test_serve import served, until
from tests.surfaces.town import Town

BORN = "1980-05-06"
PAIRS = 30


def slowly(town: Town) -> None:
    """Let so few requests a second go to Hint that a batch lasts a while."""
    path = town.state / SETTINGS_FILE
    text = path.read_text(encoding="utf-8").replace("REQUESTS_PER_SECOND=1000", "REQUESTS_PER_SECOND=5")
    path.write_text(text, encoding="utf-8")


def order(town: Town) -> Run:
    """Order a batch, as a page does."""

    async def work() -> Run:
        async with open_service(load_settings(state=town.state)) as service:
            connection = await service.connection()
            async with open_engine(service, connection, actor="user:005000000000001AAA") as engine:
                return await order_batch(engine, BatchOrder(RunKind.BATCH_PATIENTS))

    return asyncio.run(work())


def stored(town: Town, run: Run) -> tuple[Run, dict[Outcome, int]]:
    async def work() -> tuple[Run, dict[Outcome, int]]:
        async with open_service(load_settings(state=town.state)) as service:
            found = await service.store.run(run.id)
            assert found is not None
            return found, dict(await service.store.outcome_counts(run.id))

    return asyncio.run(work())


def written(town: Town, patients: list[str]) -> int:
    return sum(bool(town.practice.patient(patient)["integration_record_id"]) for patient in patients)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_batch_goes_on_where_its_process_ended_and_nothing_is_done_twice(town: Town, ending: signal.Signals) -> None:
    pairs = [town.both(f"Ann{number}", "Moor", BORN) for number in range(PAIRS)]
    patients = [patient for _, patient in pairs]
    slowly(town)
    run = order(town)
    with served(town, "--role", "worker") as (process, _):
        until(lambda: written(town, patients) > 3)
        process.send_signal(ending)
        process.wait(30)
    assert 0 < written(town, patients) < PAIRS
    assert stored(town, run)[0].status is RunStatus.RUNNING
    with served(town, "--role", "worker"), served(town, "--role", "worker"):
        until(lambda: written(town, patients) == PAIRS and stored(town, run)[0].status is not RunStatus.RUNNING)
    ended, counts = stored(town, run)
    assert (ended.status, ended.reason, ended.done) == (RunStatus.DONE, None, PAIRS)
    assert sum(counts.values()) == PAIRS
    assert set(counts) <= {Outcome.LINKED, Outcome.SYNCED}
    for contact, patient in pairs:
        assert town.org.get("Contact", contact)["Hint_Patient_Id__c"] == patient
        assert town.practice.patient(patient)["integration_record_id"] == contact
