"""The batch from patients to contacts: hintsync, a bare client without logic (the floor), and an administrator's script.

Two populations: (a) the pairs are equal and nothing is written back to Hint; (b) some of the pairs differ and the link is
written back. Both emulators are processes of their own on this machine; each call takes 20 ms (Hint) or 60 ms
(Salesforce) longer. Every way gets fresh copies of the same records.

The least calls possible are: a page for every 2,000 contacts and every 100 patients; a read and a write for every 200
contacts that are written; one write for each patient that must change. Identity and describe come on top.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.batch.nursery import Nursery
from bench.batch.people import Shape
from bench.batch.replay import Floor
from bench.batch.stage import Measured, Stage

#: Bars: times the floor's time, times the least calls, times faster than the script on (a), megabytes.
SLOWER, MORE_CALLS, FASTER, MEGABYTES = 1.25, 1.05, 10.0, 300.0
#: At ten times the records: times the time, megabytes.
SCALED_SLOWER, SCALED_MEGABYTES = 12.0, 1_000.0
#: Calls on top of the least ones, whatever the size: who is there (two), what the fields are like (two).
CONSTANT = 4


@dataclass(frozen=True, slots=True)
class Judged:
    """One figure against its bar."""

    what: str
    figure: float
    bar: float
    #: The figure must not be below the bar; else not above it.
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the figure is as good as the bar asks."""
        return self.figure >= self.bar if self.at_least else self.figure <= self.bar

    def line(self) -> str:
        """Return the figure with its bar."""
        sign = "at least" if self.at_least else "at most"
        return f"  {self.what:<44}{self.figure:>9.2f}   {sign} {self.bar:g}: {'met' if self.met else 'MISSED'}"


def least_calls(shape: Shape, floor: Floor) -> int:
    """Return the calls that no program could do without."""
    contact_pages, patient_pages = -(-shape.contacts // 2_000), -(-shape.patients // 100)
    return contact_pages + patient_pages + 2 * len(floor.contact_groups) + len(floor.patches) + CONSTANT


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables; the exit code is 1 if a bar is missed."""
    options = _options(argv)
    if options.scale > 1:
        judged = _scaled(options)
    else:
        judged = [each for name in options.populations for each in _population(name, options)]
    for each in judged:
        print(each.line())
    return 0 if all(each.met for each in judged) else 1


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench batch", description="The patients batch, its floor and a script.")
    parser.add_argument("--patients", type=int, default=20_000)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--populations", default="ab", help="which of the two populations (default: ab)")
    parser.add_argument(
        "--repeat", type=int, default=1, help="runs of hintsync and of the floor; the best of each counts"
    )
    parser.add_argument("--sample", type=int, default=300, help="patients that the script does; 0 leaves it out")
    parser.add_argument("--scale", type=int, default=1, help="compare with so many times the records instead")
    parser.add_argument("--hint-concurrency", type=int, default=16)
    parser.add_argument("--salesforce-concurrency", type=int, default=8)
    return parser.parse_args(argv)


def _shape(name: str, options: argparse.Namespace, times: int = 1) -> Shape:
    return Shape(options.patients * times, options.contacts * times, 0.3 if name == "b" else 0.0)


def _stage(stack: ExitStack, name: str, shape: Shape, options: argparse.Namespace) -> Stage:
    """Fill both emulators, side by side."""
    hint, org = (stack.enter_context(Nursery(system, shape)) for system in ("hint", "salesforce"))
    hint.ready()
    org.ready()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hintsync-bench-")))
    at_once = (options.hint_concurrency, options.salesforce_concurrency)
    return Stage(hint, org, folder, write_back=name == "b", at_once=at_once)


def _population(name: str, options: argparse.Namespace) -> list[Judged]:
    shape = _shape(name, options)
    with ExitStack() as stack:
        stage = _stage(stack, name, shape, options)
        ours, floors, plan = [], [], None
        for _ in range(options.repeat):
            measured, plan = stage.hintsync()
            ours.append(measured)
            floors.append(stage.floor(plan))
        script = stage.script(options.sample) if options.sample else None
    assert plan is not None
    best, floor = min(ours, key=_seconds), min(floors, key=_seconds)
    _print_table(name, shape, [*(("hintsync", each) for each in ours), *(("floor", each) for each in floors)], script)
    judged = [
        Judged(f"({name}) time, times the floor's", _seconds(best) / _seconds(floor), SLOWER),
        Judged(f"({name}) calls, times the least", best.calls / least_calls(shape, plan), MORE_CALLS),
        Judged(f"({name}) peak memory, MB", max(each.result.peak_mb for each in ours), MEGABYTES),
    ]
    if script is not None:
        faster = script.seconds_for(shape.patients) / _seconds(best)
        bar = FASTER if name == "a" else 0.0
        judged.append(Judged(f"({name}) times faster than the script", faster, bar, at_least=True))
    return judged


def _seconds(measured: Measured) -> float:
    return measured.result.seconds


def _print_table(name: str, shape: Shape, rows: Sequence[tuple[str, Measured]], script: Measured | None) -> None:
    print(
        f"({name}) {shape.patients:,} patients, {shape.contacts:,} contacts, {shape.differing:.0%} of the pairs differ, "
        f"write-back {'on' if name == 'b' else 'off'}"
    )
    print(f"  {'':<26}{'seconds':>9}{'cpu':>8}{'MB':>7}{'calls':>8}{'Hint':>8}{'SF':>7}{'Hint cpu':>10}{'SF cpu':>8}")
    for title, measured in rows:
        print(measured.row(title))
    if script is not None:
        done = script.result.done
        print(script.row(f"script, {done} patients"))
        whole = script.seconds_for(shape.patients)
        print(f"  {'script, all (from sample)':<26}{whole:>9.1f}", flush=True)


def _scaled(options: argparse.Namespace) -> list[Judged]:
    """Run hintsync alone, on the population and on one many times as large."""
    judged = []
    for name in options.populations:
        found = []
        for times in (1, options.scale):
            shape = _shape(name, options, times)
            with ExitStack() as stack:
                measured, _ = _stage(stack, name, shape, options).hintsync()
            _print_table(name, shape, [("hintsync", measured)], None)
            found.append(measured)
        small, large = found
        bar = SCALED_SLOWER * options.scale / 10
        judged.append(
            Judged(f"({name}) {options.scale} x the records, times the time", _seconds(large) / _seconds(small), bar)
        )
        judged.append(
            Judged(f"({name}) {options.scale} x the records, peak MB", large.result.peak_mb, SCALED_MEGABYTES)
        )
    return judged


if __name__ == "__main__":
    raise SystemExit(main())
