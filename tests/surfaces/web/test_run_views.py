"""How runs and results look on pages: every outcome has words, every state says what may be done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hintsync.core.limits import DayBudget
from hintsync.core.plan import Outcome
from hintsync.core.values import Side
from hintsync.engine.workers import worker_name
from hintsync.state.port import Run, RunKind, RunRow, RunStatus
from hintsync.surfaces.web.views.results import count_chosen, outcome_choices, reason_choices, result_line
from hintsync.surfaces.web.views.run_views import change_lines, price_lines, run_view
from hintsync.surfaces.web.views.run_words import KINDS, OUTCOMES, duration_words, reason_words, stopped_words

NOW = 1_800_000_000.0
RUN = Run("run-1", "con-1", RunKind.BATCH_PATIENTS, RunStatus.RUNNING, False, "2026-11-23T04:00:00Z", "user:1")
CONTACT = "0035g00000AbCdEAAV"
ORDERED = {"ordered_by": "user:1"}


def test_every_outcome_and_every_kind_of_run_has_words():
    assert set(OUTCOMES) == set(Outcome)
    assert set(KINDS) == set(RunKind)


@pytest.mark.parametrize(
    ("run", "status", "can"),
    [
        (replace(RUN, details=ORDERED), "waiting for a worker", {"abort"}),
        (replace(RUN, worker=worker_name(), leased_until=NOW + 9), "running", {"abort"}),
        (RUN, "left by its process", {"abort", "resume"}),
        (replace(RUN, status=RunStatus.ABORTING, details=ORDERED), "stopping", set()),
        (replace(RUN, status=RunStatus.ABORTED), "aborted", {"resume"}),
        (replace(RUN, status=RunStatus.STOPPED, reason="budget-spent: x"), "stopped", {"resume"}),
        (replace(RUN, status=RunStatus.DONE), "finished", set()),
        (replace(RUN, status=RunStatus.DONE, dry=True, seal="5ea1"), "planned", {"start"}),
        (replace(RUN, kind=RunKind.HELD, dry=True), "waits to be approved", set()),
        (replace(RUN, kind=RunKind.PARITY, status=RunStatus.STOPPED, reason="retry-later: x"), "stopped", set()),
    ],
)
def test_each_state_says_what_may_be_done(run: Run, status: str, can: set[str]):
    view = run_view(run, NOW)
    found = {"abort": view.can_abort, "resume": view.can_resume, "start": view.can_start}
    assert (view.status, {name for name, may in found.items() if may}) == (status, can)


@pytest.mark.parametrize("code", ["safety-stop", "budget-spent", "retry-later", "reconnect-needed", "worker-died"])
def test_b6_a_stopped_run_says_how_to_go_on(code: str):
    words, path = stopped_words(f"{code}: whatever it was")
    assert "Resume" in words
    assert path.startswith("/")


def test_b11_a_price_is_held_against_what_is_left_for_batches():
    run = replace(RUN, dry=True, details={"cost": {"salesforce": 31, "hint": 2613, "seconds": 327.0}})
    budgets = {Side.SALESFORCE: DayBudget(15_000, 400, 0.2), Side.HINT: DayBudget(3_000, 0, 0.2)}
    org, practice = price_lines(run, budgets)
    assert (org.calls, org.left, org.limit, org.reserve, org.is_short) == (31, 11_600, 15_000, 3_000, False)
    assert (practice.left, practice.is_short) == (2_400, True)
    assert [line.left for line in price_lines(run, {})] == [None, None]
    assert run_view(run, NOW).duration == "about 5 minutes"


def test_b3_changes_are_counted_by_field_and_side():
    run = replace(RUN, details={"changes": {"salesforce": {"email": 3}, "hint": {"email": 1, "city": 2}}})
    lines = [(line.field, line.salesforce, line.hint) for line in change_lines(run)]
    assert lines == [("Email", 3, 1), ("City", 0, 2)]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "about 5 seconds"),
        (41, "about 40 seconds"),
        (61, "about a minute"),
        (250, "about 4 minutes"),
        (3700, "about an hour"),
        (5400, "about 1.5 hours"),
    ],
)
def test_durations_are_told_roughly(seconds: float, words: str):
    assert duration_words(seconds) == words


def test_m16_a_result_names_contacts_and_patients_apart():
    row = RunRow("run-1", 3, Side.HINT, "pat-1", Outcome.AMBIGUOUS, "L3", (CONTACT,), "several-candidates")
    line = result_line(replace(row, written={Side.HINT: ("email",)}, held=("city",)))
    assert (line.contacts, line.patients, line.outcome) == ((CONTACT,), ("pat-1",), "Ambiguous")
    assert line.why == "several contacts share the name and date of birth"
    assert line.fields == ("in Hint: Email", "waiting for a decision: City")


def test_m15_a_row_of_a_file_that_names_no_contact_shows_its_line():
    row = RunRow("run-1", 3, Side.SALESFORCE, "line 7", Outcome.REPEATED, "M15", (CONTACT,), "named before")
    line = result_line(row)
    assert (line.place, line.contacts, line.patients) == ("line 7 of the file", (CONTACT,), ())


def test_m16_filters_count_what_they_let_through():
    counts = {
        (Outcome.LINKED, None): 5,
        (Outcome.AMBIGUOUS, "several-candidates"): 2,
        (Outcome.AMBIGUOUS, "patients-share-key"): 1,
    }
    assert [choice.name for choice in outcome_choices(counts, "linked")] == ["All (8)", "Linked (5)", "Ambiguous (3)"]
    chosen = [choice.value for choice in outcome_choices(counts, "ambiguous") if choice.chosen]
    assert chosen == ["ambiguous"]
    reasons = [choice.value for choice in reason_choices(counts, "ambiguous", "")]
    assert reasons == ["", "several-candidates", "patients-share-key"]
    assert [choice.value for choice in reason_choices(counts, "linked", "")] == [""]
    assert count_chosen(counts, "ambiguous", "several-candidates") == 2
    assert count_chosen(counts, "", "") == 8


def test_a_reason_without_words_of_its_own_stands_as_it_is():
    assert reason_words("FIELD_CUSTOM_VALIDATION_EXCEPTION: Email") == "FIELD_CUSTOM_VALIDATION_EXCEPTION: Email"
    assert reason_words(None) == ""
