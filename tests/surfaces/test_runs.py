"""Runs as people handle them: listed, shown, downloaded, aborted, resumed, interrupted."""

import asyncio
import csv
import signal
import subprocess
import sys
from contextlib import AsyncExitStack
from io import StringIO
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from hintsync.bootstrap import open_engine, open_service
from hintsync.core.errors import AskPerson, BadInput, ReconnectNeeded, RetryLater, SafetyStop, StopRun
from hintsync.core.values import Side
from hintsync.engine.runs.life import start_run
from hintsync.settings import load_settings
from hintsync.state.port import Run, RunHeld, RunKind, RunStatus
from hintsync.surfaces.cli.answer import Exit, exit_of_error, exit_of_run
from tests.surfaces.town import Town, built

BORN = "1980-05-06"


def test_m16_a_run_is_listed_shown_and_downloaded(town: Town, tmp_path: Path) -> None:
    contact, patient = town.both("Ann", "Moor", BORN)
    odd = town.patient("Bea", "Hill", "1900-01-01")
    run_id = town.link_everybody()["run"]["id"]
    assert [run["id"] for run in town.json("runs")["runs"]] == [run_id]
    shown = town.json("run", run_id)
    assert (shown["outcomes"], shown["reviews_open"], "rows" in shown) == ({"linked": 1, "incomplete": 1}, 1, False)
    rows = town.json("run", run_id, "--outcome", "linked")["rows"]
    assert [(row["record_id"], row["peers"]) for row in rows] == [(patient, [contact])]
    printed = list(csv.DictReader(StringIO(town.run("run", run_id, "--csv", "-").stdout)))
    assert {row["Record ID"]: row["Outcome"] for row in printed} == {patient: "linked", odd: "incomplete"}
    assert town.json("run", run_id, "--csv", tmp_path / "out.csv")["rows"] == 2
    assert len((tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()) == 3


def test_a_run_that_is_not_known_is_said_by_every_command(town: Town) -> None:
    for command in ("run", "abort", "resume"):
        result = town.run(command, "run-nowhere")
        assert (result.exit_code, "no run run-nowhere" in result.stderr) == (2, True)


def test_a_run_that_is_done_is_neither_aborted_nor_resumed(town: Town) -> None:
    run_id = town.link_everybody()["run"]["id"]
    for command in ("abort", "resume"):
        assert town.json(command, run_id, code=2)["error"]["code"] == "bad-input"


def test_results_that_cannot_be_written_are_said(town: Town, tmp_path: Path) -> None:
    run_id = town.link_everybody()["run"]["id"]
    assert town.run("run", run_id, "--csv", tmp_path).exit_code == 2


def test_a_run_that_was_stopped_goes_on_with_the_choice_it_was_started_with(town: Town) -> None:
    town.patient("Ann", "Moor", BORN)
    town.practice.revoke_token()
    stopped = town.json("batch", "patients", "--create-contacts", code=2)["run"]
    town.practice.partner.add_key(town.practice.installation, _stored_token(town))
    answer = town.json("resume", stopped["id"])
    assert (answer["outcomes"], answer["run"]["id"]) == ({"created": 1}, stopped["id"])


def _stored_token(town: Town) -> str:
    return town.practice.installation.keys[0].token


def test_an_abort_asked_from_outside_is_remembered_until_the_run_looks(town: Town) -> None:
    town.patient("Ann", "Moor", BORN)
    run_id = _left_running(town)
    assert town.json("abort", run_id)["run"]["status"] == "aborting"
    assert town.json("resume", run_id)["outcomes"] == {"no match": 1}


def _left_running(town: Town) -> str:
    """Leave a run as a killed process does, before it took a lease."""

    async def start() -> str:
        async with AsyncExitStack() as opened:
            service = await opened.enter_async_context(open_service(load_settings(state=town.state)))
            engine = await opened.enter_async_context(open_engine(service, await service.connection()))
            return (await start_run(engine, RunKind.BATCH_PATIENTS, dry=False, details={})).id

    return asyncio.run(start())


class _Interrupting:
    """Sends SIGINT to a process when the first patient is written."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.process: subprocess.Popen[str] | None = None
        self.sent = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") == "PATCH" and self.process is not None and not self.sent:
            self.sent = True
            self.process.send_signal(signal.SIGINT)
        await self.app(scope, receive, send)


def test_ctrl_c_on_a_real_batch_ends_in_order_and_says_how_to_go_on(tmp_path: Path) -> None:
    made: list[_Interrupting] = []

    def wrap(app: ASGIApp) -> ASGIApp:
        made.append(_Interrupting(app))
        return made[0]

    with built(tmp_path, wrap=wrap) as town:
        for number in range(1000):
            town.both(f"Ann{number}", "Moor", BORN)
        command = [sys.executable, "-m", "hintsync", "batch", "patients", "--state", str(town.state)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            made[0].process = process
            _, told = process.communicate(timeout=120)
        run = town.json("runs")["runs"][0]
        assert (process.returncode, run["status"]) == (1, "aborted")
        assert f"hintsync resume {run['id']}" in told
        assert 0 < run["done"] < 1000
        assert town.json("resume", run["id"])["outcomes"] == {"linked": 1000}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInput("x"), Exit.USAGE),
        (ReconnectNeeded(Side.HINT, "x"), Exit.USAGE),
        (AskPerson("x"), Exit.PERSON),
        (SafetyStop("G1", "x"), Exit.PERSON),
        (RetryLater(Side.HINT, "x"), Exit.AGAIN),
        (StopRun("x"), Exit.AGAIN),
        (RunHeld(), Exit.AGAIN),
        (ValueError("x"), Exit.AGAIN),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(int(value)),
)
def test_the_exit_code_says_who_must_do_what(error: Exception, code: Exit) -> None:
    assert exit_of_error(error) is code


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (RunStatus.DONE, None, Exit.DONE),
        (RunStatus.ABORTED, "aborted by a person", Exit.AGAIN),
        (RunStatus.STOPPED, "safety-stop: G2: nobody", Exit.PERSON),
        (RunStatus.STOPPED, "fix-configuration: a field is missing", Exit.USAGE),
        (RunStatus.STOPPED, "reconnect-needed: hint: refused", Exit.USAGE),
        (RunStatus.STOPPED, "budget-spent: salesforce: used up", Exit.AGAIN),
        (RunStatus.STOPPED, "retry-later: hint: busy", Exit.AGAIN),
        (RunStatus.RUNNING, None, Exit.AGAIN),
    ],
)
def test_a_run_ends_with_the_exit_code_of_what_stopped_it(status: RunStatus, reason: str | None, code: Exit) -> None:
    run = Run("run-1", "main", RunKind.SYNC, status, False, "2026-01-01T00:00:00Z", "me", reason=reason)
    assert exit_of_run(run) is code


def test_another_org_than_the_pinned_one_needs_a_person(town: Town) -> None:
    town.both("Ann", "Moor", BORN)
    town.org.storage.update("Organization", town.org.org_id, {"IsSandbox": 1})
    answer = town.json("batch", "patients", code=3)
    assert answer["run"]["reason"].startswith("safety-stop: G1")
    (stands,) = town.json("status", "--online", code=3)["connections"]
    assert stands["online"]["salesforce"]["error"]["code"] == "safety-stop"
    assert "error" not in stands["online"]["hint"]
