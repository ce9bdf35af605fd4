"""`hintsync demo`: the main job on both emulators, checked from outside; `make demo` runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hintsync.surfaces.cli.options import AsJson
from hintsync.surfaces.cli.perform import Asked, perform


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

    # Here, so that other commands need not wait for it.
    from hintsync.demo.people import Cast
    from hintsync.surfaces.cli.demo_work import demonstrate

    cast = Cast(people, seed, count)
    perform(Asked(state, None, as_json), lambda: demonstrate(state, cast, once=once, as_json=as_json))
