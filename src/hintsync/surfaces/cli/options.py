"""The options that commands have in common, written once so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StateFolder = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="State folder; HINTSYNC_STATE or ./hintsync-state without it."),
]
ConnectionName = Annotated[
    str | None,
    typer.Option("--connection", metavar="NAME", help="Connection to work; not needed where there is only one."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing anywhere; show what would be done.")]
PlanId = Annotated[
    str | None,
    typer.Option("--plan", metavar="RUN_ID", help="Carry out this dry run, and nothing that it did not plan."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Most lines.")]
RunId = Annotated[str, typer.Argument(metavar="RUN_ID", help="Id of the run, the Batch Sync ID.")]
