"""The parity check of a whole population: seconds, memory and calls, beside reading both sides and throwing everything away.

Both emulators are processes of their own, their rate limits lifted, each call 20 ms (Hint) or 60 ms (Salesforce) longer. The
pairs are linked first, which is not timed. The least calls possible are a page for every 2,000 contacts and 100 patients.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace

from bench.batch.nursery import Emulator, Nursery
from bench.batch.ours import login_of, settings_of
from bench.batch.people import Shape
from bench.batch.way import Result, Stopwatch, Task, begin, calls, tell
from hintsync.bootstrap import open_engine, open_service
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.options import Options
from hintsync.engine.parity.check import check_parity
from hintsync.runtime import run
from hintsync.setup.connecting import connect
from hintsync.setup.installation import prepare_org
from hintsync.state.port import RunStatus

#: Bars: times the least calls, megabytes beyond what reading alone takes.
MORE_CALLS, MEGABYTES = 1.05, 60.0
#: Calls whatever the size: who is there (two), what the fields are like, another look at the list.
CONSTANT = 4


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; the exit code is 1 if a bar is missed."""
    options = _options(argv)
    if options.part:
        run(_part(options.part, Task(**json.loads(options.task))))
        return 0
    shape = Shape(options.patients, options.contacts)
    with ExitStack() as stack:
        results, least = _measure(stack, shape)
    reading, checking = results["reading"], results["checking"]
    figures = [
        ("calls, times the least", checking.notes["calls"] / least, MORE_CALLS),
        ("memory beyond reading's, MB", checking.peak_mb - reading.peak_mb, MEGABYTES),
    ]
    print(f"{shape.patients:,} linked pairs, {shape.contacts:,} contacts")
    for name, result in results.items():
        told = f"{result.seconds:.1f} s ({result.cpu:.1f} s of CPU), {result.peak_mb:.0f} MB, {result.notes}"
        print(f"  {name:<10}{told}")
    print(f"  {'time, times reading alone':<28}{checking.seconds / reading.seconds:>8.2f}")
    for what, figure, bar in figures:
        print(f"  {what:<28}{figure:>8.2f}   at most {bar:g}: {'met' if figure <= bar else 'MISSED'}")
    return 0 if all(figure <= bar for _, figure, bar in figures) else 1


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench parity", description=__doc__)
    parser.add_argument("--patients", type=int, default=20_000)
    parser.add_argument("--contacts", type=int, default=25_000)
    parser.add_argument("--part", default="", help=argparse.SUPPRESS)
    parser.add_argument("--task", default="", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _measure(stack: ExitStack, shape: Shape) -> tuple[dict[str, Result], int]:
    nurseries = [stack.enter_context(Nursery(system, shape)) for system in ("hint", "salesforce")]
    for nursery in nurseries:
        nursery.ready()
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hintsync-bench-"))
    hint, org = (nursery.start() for nursery in nurseries)
    task = Task(hint.url, hint.facts["token"], org.url, org.facts["token"], False, 16, 8, path=folder)
    _child("link", task)
    results = {}
    for name in ("reading", "checking"):
        begin(hint.url, org.url)
        result = _child(name, task)
        results[name] = replace(result, notes={**result.notes, "calls": _count(hint) + _count(org)})
    for nursery in nurseries:
        nursery.stop()
    return results, CONSTANT + -(-shape.contacts // 2_000) + -(-shape.patients // 100)


def _count(emulator: Emulator) -> int:
    return sum(calls(emulator).values())


def _child(part: str, task: Task) -> Result:
    """Do a part in a process of its own, so that its memory is its own."""
    command = [sys.executable, "-m", "bench.parity", "--part", part, "--task", json.dumps(asdict(task))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Result(**json.loads(done.stdout.splitlines()[-1]))


async def _part(part: str, task: Task) -> None:
    async with open_service(settings_of(task)) as service:
        if part == "link":
            await prepare_org(service, login_of(task))
            token, login = task.hint_token, login_of(task)
            await connect(service, "bench", hint_token=token, login=login, options=Options(write_back=False))
        async with open_engine(service, await service.connection()) as engine:
            tell(await {"link": _link, "reading": _read, "checking": _check}[part](engine))


async def _link(engine: Engine) -> Result:
    watch = Stopwatch()
    return watch.result((await batch_patients(engine)).done)


async def _read(engine: Engine) -> Result:
    """Read both sides, one after the other, and keep nothing."""
    watch, seen = Stopwatch(), 0
    for replica in (engine.salesforce, engine.hint):
        async for page in replica.scan():
            seen += len(page.records)
            await asyncio.sleep(0)
    return watch.result(seen)


async def _check(engine: Engine) -> Result:
    watch = Stopwatch()
    done = await check_parity(engine)
    if done.status is not RunStatus.DONE:
        raise RuntimeError(f"the check is {done.status}: {done.reason}")
    report = done.details["report"]
    assert isinstance(report, dict)
    return watch.result(done.done, pairs=report["pairs"])


if __name__ == "__main__":
    sys.exit(main())
