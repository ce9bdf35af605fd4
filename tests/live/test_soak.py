"""T24: a week of a clinic with 5,000 linked patients, with every kind of outage, in minutes of processor time."""

from __future__ import annotations

import logging
import sys
import time

import pytest

from hintsync.core.records import LinkStatus, RecordState
from hintsync.core.values import Side
from hintsync.engine.options import Options
from hintsync.engine.parity.check import check_parity
from hintsync.engine.parity.report import REPORT
from hintsync.state.port import RunKind, RunStatus
from tests.live.invariants import problems
from tests.live.soak_clinic import Clinic
from tests.live.soak_week import WEEK, at

PATIENTS = 5_000
#: Part by which what the process holds may grow from the second evening to the last.
GROWTH = 0.03
#: Hours after an outage within which its backlog is worked off, and seconds that a change may wait at other times.
DRAINED, WAITS = 0.25, 300.0
#: Calls that an org allows in a day.
ALLOWANCE = 100_000


async def calls_of_a_day_at_rest(clinic: Clinic, *, follows: bool) -> int:
    """Return the calls to Salesforce of a day on which nobody edits."""
    clinic.poll_at_rest = not follows
    before = clinic.org.calls
    await clinic.live_on(clinic.hour + 24, busy=False)
    return clinic.org.calls - before


@pytest.mark.slow
async def test_t24_a_week_with_outages_ends_in_step_with_a_short_queue_and_no_more_memory(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "hintsync")  # a week of outages says a lot
    began = time.process_time()
    clinic = Clinic(options=Options(create_contacts=True))
    await clinic.open(PATIENTS)
    opened = time.process_time() - began
    await clinic.live_on(at(1, 23.5))
    second = clinic.weigh()
    await clinic.live_on(at(6, 23.5))
    seventh = clinic.weigh()
    await clinic.live_on(WEEK)
    night = await check_parity(await clinic.live(), repair=False)
    found = await problems(clinic)
    at_rest = await calls_of_a_day_at_rest(clinic, follows=True)
    polling = await calls_of_a_day_at_rest(clinic, follows=False)
    took = time.process_time() - began - opened
    with capsys.disabled():
        sys.stdout.write(
            f"\nT24: {PATIENTS:,} linked in {opened:.0f} s of CPU, the week in {took:.0f} s\n"
            f"  {dict(sorted(clinic.tally.items()))}\n"
            f"  memory: blocks {second.blocks:,} to {seventh.blocks:,}, resident {second.rss:,} to {seventh.rss:,} kB\n"
            f"  worked off after: {[(what, round((then - end) * 60)) for what, end, then in clinic.drained]} minutes\n"
            f"  longest wait else {clinic.oldest_in_peace:.0f} s; calls of a day at rest {at_rest}, polling {polling}\n"
        )

    assert found == []
    assert (night.status, night.details[REPORT]["missed"]) == (RunStatus.DONE, 0)
    nightly = [run for run in await clinic.store.runs("main", limit=10_000) if run.kind is RunKind.PARITY]
    assert len(nightly) >= 7
    assert seventh.blocks <= second.blocks * (1 + GROWTH)
    assert {what for what, _, _ in clinic.drained} == {"hint down", "salesforce down", "storm", "process down"}
    assert all(then - end <= DRAINED for _, end, then in clinic.drained)
    assert clinic.oldest_in_peace <= WAITS
    assert await clinic.store.dirty("main") == []
    assert at_rest < ALLOWANCE / 100
    assert polling < ALLOWANCE / 20
    assert clinic.tally["positions lost"] == 1
    assert clinic.tally["arrived"] > 2000
    await _people_came_and_went(clinic)


async def _people_came_and_went(clinic: Clinic) -> None:
    """The new have contacts, the deleted one's link rests, and the merged one's has moved."""
    links = {state.link.patient_id: state.link for state in await clinic.store.links("main", limit=100_000)}
    born = [record for record in clinic.practice.records() if record.values["first_name"].startswith("Neu")]
    assert len(born) == clinic.tally["new patients"]
    assert all(links[record.id].status is LinkStatus.ACTIVE for record in born)
    assert links[clinic.deleted[1]].status is LinkStatus.SUSPENDED
    assert links[clinic.merged[1]].contact_id == clinic.merged[0]
    assert clinic.org.shown(clinic.merged[0]).state is RecordState.LIVE
    assert clinic.show(Side.SALESFORCE, clinic.merged[0], "city") == clinic.show(Side.HINT, clinic.merged[1], "city")
