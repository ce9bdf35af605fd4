"""Shows a run while it goes on, and turns an interrupt into an abort that leaves nothing half done."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from hintsync.engine.context import Engine
from hintsync.state.port import Run

OnProgress = Callable[[Run], None]
#: A batch, waiting to be told where to report its progress.
Work = Callable[[OnProgress], Awaitable[Run]]


async def watched(engine: Engine, work: Work, *, as_json: bool) -> Run:
    """Work a run with a progress bar on standard error, if a terminal is there to see it.

    The first interrupt asks the run to stop: the chunks in hand are finished and committed. A second one stops at once;
    the run may then be resumed too.
    """
    with _bar(silent=as_json) as show:
        watch = _Watch(engine, show)
        task = asyncio.ensure_future(work(watch.see))
        with interrupts(lambda: watch.interrupt(task)):
            return await task


def resume_hint(run: Run) -> str:
    """Say how a run that did not get through goes on."""
    return f"hintsync: run {run.id} is {run.status}; go on with: hintsync resume {run.id}"


@dataclass(slots=True)
class _Watch:
    engine: Engine
    show: OnProgress
    run: Run | None = None
    asking: asyncio.Task[bool] | None = None

    def see(self, run: Run) -> None:
        self.run = run
        self.show(run)

    def interrupt(self, task: asyncio.Future[Run]) -> None:
        if self.run is None or self.asking is not None:
            task.cancel()
            return
        sys.stderr.write("hintsync: stopping after the chunk in hand; press again to stop at once\n")
        self.asking = asyncio.ensure_future(self.engine.store.ask_abort(self.run.id))


@contextmanager
def interrupts(handler: Callable[[], object]) -> Iterator[None]:
    """Route SIGINT and SIGTERM to a handler, where this thread may."""
    loop = asyncio.get_running_loop()
    routed = []
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, handler)
        except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread (tests)
            continue
        routed.append(number)
    try:
        yield
    finally:
        for number in routed:
            loop.remove_signal_handler(number)


@contextmanager
def _bar(*, silent: bool) -> Iterator[OnProgress]:
    console = Console(stderr=True)
    if silent or not console.is_terminal:
        yield lambda run: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda run: _advance(progress, task, run)


def _advance(progress: Progress, task: TaskID, run: Run) -> None:
    phase = run.details.get("phase")
    progress.update(task, description=str(phase or run.kind), total=run.total, completed=run.done)
