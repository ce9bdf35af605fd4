"""How the demo looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from rich.console import RenderableType
from rich.text import Text

from hintsync.demo.check import Verdict
from hintsync.demo.compare import NOT_VERIFIABLE
from hintsync.demo.people import HINT_PER_SECOND, OUR_PER_SECOND
from hintsync.demo.play import Played, Step
from hintsync.demo.stage import Stage
from hintsync.surfaces.cli.answer import Answer, Exit, table

Item = TypeVar("Item")

#: Differences that are named one by one.
_MOST_NAMED = 20


def welcome_lines(stage: Stage) -> list[str]:
    """Say what is about to be played."""
    return [
        *stage.systems.people,
        f"limits: the emulated Hint allows {HINT_PER_SECOND} requests a second here (the real one 20), hintsync makes at"
        f" most {OUR_PER_SECOND:.0f}",
        "",
    ]


def step_line(step: Step) -> str:
    """Say what a step came to, in one line."""
    note = f" ({step.note})" if step.note else ""
    return f"{step.seconds:6.2f} s  {step.name}: {_figures(step.figures)}{note}"


def _figures(figures: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {word}" for word, number in figures.items())


def played_answer(stage: Stage, played: Played) -> Answer:
    """Return the demo's answer: done only if the check from outside passed."""
    code = Exit.DONE if played.passed else Exit.AGAIN
    return Answer(played_data(stage, played), (_steps_table(played), Text(), *_verdict(played)), code)


def played_data(stage: Stage, played: Played) -> dict[str, object]:
    """Return everything for JSON."""
    verdict = played.verdict
    return {
        "passed": played.passed,
        "steps": [step.to_json() for step in played.steps],
        "check": _verdict_data(verdict) if verdict else None,
        "edits_missing": played.missing,
        "changed_by_second_runs": played.changed_again,
        "live_edits_missing": played.late,
        "salesforce": {"url": stage.systems.org.url, "org_id": stage.systems.org.org_id},
        "hint": {"url": stage.systems.hint.url, "practice_id": stage.systems.hint.practice_id},
        "state": str(stage.folder),
        "requests_per_second": {"hint_allows": HINT_PER_SECOND, "hintsync_makes_at_most": OUR_PER_SECOND},
    }


def _verdict_data(verdict: Verdict) -> dict[str, object]:
    return {
        "contacts": verdict.contacts,
        "patients": verdict.patients,
        "pairs": verdict.pairs,
        "values_compared": verdict.compared,
        "not_verifiable": list(NOT_VERIFIABLE),
        "differences": [each._asdict() for each in verdict.unexpected],
        "conflicts_held": [{"contact_id": c.contact_id, "field": c.field} for c in verdict.held],
        "conflicts_lost": [{"contact_id": c.contact_id, "field": c.field} for c in verdict.lost],
        "broken_links": list(verdict.broken),
    }


def _steps_table(played: Played) -> RenderableType:
    made = table("step", "outcomes", "calls to Salesforce>", "to Hint>", "seconds>")
    for step in played.steps:
        calls = (f"{step.salesforce_calls:,}", f"{step.hint_calls:,}")
        told = f"; {step.note}" if step.note and step.run_id is None else ""  # the prices of runs would fill the table
        made.add_row(step.name, _figures(step.figures) + told, *calls, f"{step.seconds:.1f}")
    salesforce, hint = (sum(s.salesforce_calls for s in played.steps), sum(s.hint_calls for s in played.steps))
    made.add_section()
    made.add_row("all", "", f"{salesforce:,}", f"{hint:,}", f"{sum(step.seconds for step in played.steps):.1f}")
    return made


def _verdict(played: Played) -> list[RenderableType]:
    verdict = played.verdict
    if verdict is None:
        return [Text("the check was not reached")]
    lines = [
        f"Read through the two APIs: {verdict.pairs:,} linked pairs, {verdict.compared:,} values compared,"
        f" {len(verdict.unexpected):,} differences."
    ]
    lines += [
        f"  differs: {each.contact_id} and {each.patient_id} in {each.field}" for each in _some(verdict.unexpected)
    ]
    for conflict in _some(verdict.held):
        lines.append(f"  held, as meant: {conflict.field} of {conflict.contact_id} and {conflict.patient_id}")
    lines += [f"  OVERWRITTEN: {each.field} of {each.contact_id} and {each.patient_id}" for each in _some(verdict.lost)]
    lines += [f"  broken link: {each}" for each in _some(verdict.broken)]
    lines += [f"  edit missing on the other side: {each}" for each in _some(played.missing)]
    lines += [f"  live edit missing on the other side: {each}" for each in _some(played.late)]
    lines += [f"  changed by a second run: {each}" for each in _some(played.changed_again)]
    lines.append(f"Not verifiable through Hint's API: {', '.join(NOT_VERIFIABLE)}.")
    lines.append(f"Second runs changed {len(played.changed_again):,} records, batch stamps apart.")
    lines.append("PASSED" if played.passed else "FAILED")
    return [Text("\n".join(lines))]


def _some(items: Sequence[Item]) -> Sequence[Item]:
    return items[:_MOST_NAMED]


def served_lines(stage: Stage, url: str) -> list[str]:
    """Say what can be tried while both systems are served."""
    org, hint = stage.systems.org, stage.systems.hint
    here = f"--state {stage.folder}"
    return [
        "",
        "Still serving, and syncing what is edited on either side; press Ctrl-C to end. Open in a browser:",
        f"  Salesforce  {org.url}/login   as Ada Marlow (administrator) or Finn Tolliver (front desk):",
        "              the tab Hint Health, and Sync to Hint on any contact",
        f"  Hint        {hint.url}/patients   edit somebody, and look at the contact",
        f"  Fault lab   {org.url}/_emulator/faults and {hint.url}/_emulator/faults",
        f"  hintsync    {stage.public_url}/login   the same pages outside Salesforce; health {url}/readyz",
        "Or try, in another terminal (the command lies in .venv/bin after `make demo`):",
        f"  hintsync search smith {here}",
        f"  hintsync status {here}",
        f"  hintsync runs {here}",
        f"  hintsync review {here}",
        f"  hintsync batch patients --dry-run {here}",
    ]
