"""The demo as the command runs it: told step by step, answered, and served until it is enough."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from hintsync.demo.people import Cast
from hintsync.demo.play import Play, Played, Step
from hintsync.demo.stage import Stage, open_stage
from hintsync.surfaces.cli.answer import Answer, give
from hintsync.surfaces.cli.demo_views import played_answer, served_lines, step_line, welcome_lines
from hintsync.surfaces.cli.progress import interrupts


async def demonstrate(state: Path | None, cast: Cast, *, once: bool, as_json: bool) -> Answer:
    """Play the demo, and serve both systems afterwards unless it is for once only."""
    task = asyncio.current_task()
    with interrupts(task.cancel if task else lambda: None):
        async with open_stage(state, cast) as stage:
            answer = played_answer(stage, await _play(stage, as_json=as_json))
            if once:
                return answer
            give(answer, as_json=as_json)
            await _serve(stage, as_json=as_json)
            return replace(answer, given=True)


async def _play(stage: Stage, *, as_json: bool) -> Played:
    def tell(lines: list[str]) -> None:
        if not as_json:
            sys.stderr.write("".join(f"{line}\n" for line in lines))
            sys.stderr.flush()

    tell(welcome_lines(stage))

    def note(step: Step) -> None:
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
