"""`hintsync demo`: the main job on both emulators, checked from outside; `make demo` runs it."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hintsync.demo.people import Cast
from hintsync.demo.play import Play, Played, Step
from hintsync.demo.stage import Stage, open_stage
from hintsync.surfaces.cli.answer import Answer, give
from hintsync.surfaces.cli.demo_views import played_answer, served_lines, step_line, welcome_lines
from hintsync.surfaces.cli.options import AsJson
from hintsync.surfaces.cli.perform import Asked, perform
from hintsync.surfaces.cli.progress import interrupts


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the figures instead of serving on.")] = False,
    people: Annotated[
        Path | None,
        typer.Option("--people", metavar="FILE", help="A patients.csv of Synthea; else people are invented."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same population and edits.")] = 1,
    count: Annotated[
        int | None, typer.Option("--count", min=60, help="How many people; the whole file, or 1,000.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="DIR", help="Keep everything here, and go on with what is kept.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start both emulators, link and sync everybody both ways, and check the result through the two APIs."""

    async def work() -> Answer:
        task = asyncio.current_task()
        with interrupts(task.cancel if task else lambda: None):
            async with open_stage(state, Cast(people, seed, count)) as stage:
                answer = played_answer(stage, await _play(stage, as_json=as_json))
                if once:
                    return answer
                give(answer, as_json=as_json)
                await _serve(stage, as_json=as_json)
                return replace(answer, given=True)

    perform(Asked(state, None, as_json), work)


async def _play(stage: Stage, *, as_json: bool) -> Played:
    def tell(lines: list[str]) -> None:
        if not as_json:
            sys.stderr.write("".join(f"{line}\n" for line in lines))
            sys.stderr.flush()

    tell(welcome_lines(stage))
    steps: list[Step] = []

    def note(step: Step) -> None:
        steps.append(step)
        tell([step_line(step)])

    played = await Play(stage, note).play()
    stage.write_notes(steps=[step.to_json() for step in played.steps], passed=played.passed)
    return played


async def _serve(stage: Stage, *, as_json: bool) -> None:
    """Let both systems be tried out until somebody says that it is enough."""
    if not as_json:
        sys.stdout.write("\n".join(served_lines(stage)) + "\n")
    sys.stdout.flush()
    enough = asyncio.Event()
    with interrupts(enough.set):
        await enough.wait()
