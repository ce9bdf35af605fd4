"""The demo as the command runs it: told step by step, answered, and served until it is enough."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from hintsync.demo.live import live_service
from hintsync.demo.people import Cast
from hintsync.demo.play import Play, Step
from hintsync.demo.stage import Stage, open_stage
from hintsync.surfaces.cli.answer import Answer, give
from hintsync.surfaces.cli.demo_views import played_answer, served_lines, step_line, welcome_lines
from hintsync.surfaces.cli.progress import interrupts


async def demonstrate(state: Path | None, cast: Cast, *, once: bool, as_json: bool) -> Answer:
    """Play the demo, and serve both systems afterwards unless it is for once only."""
    task = asyncio.current_task()
    with interrupts(task.cancel if task else lambda: None):
        async with open_stage(state, cast) as stage:
            played = await _play(stage, as_json=as_json)
            async with live_service(stage) as url:
                await played.play_live()
                answer = played_answer(stage, played.played)
                stage.write_notes(steps=[each.to_json() for each in played.played.steps], passed=played.played.passed)
                if once:
                    return answer
                give(answer, as_json=as_json)
                await _serve(stage, url, as_json=as_json)
                return replace(answer, given=True)


async def _play(stage: Stage, *, as_json: bool) -> Play:
    def tell(lines: list[str]) -> None:
        if not as_json:
            sys.stderr.write("".join(f"{line}\n" for line in lines))
            sys.stderr.flush()

    tell(welcome_lines(stage))

    def note(step: Step) -> None:
        tell([step_line(step)])

    play = Play(stage, note)
    await play.play()
    return play


async def _serve(stage: Stage, url: str, *, as_json: bool) -> None:
    """Let both systems be tried out until somebody says that it is enough."""
    if not as_json:
        sys.stdout.write("\n".join(served_lines(stage, url)) + "\n")
    sys.stdout.flush()
    enough = asyncio.Event()
    with interrupts(enough.set):
        await enough.wait()
