"""`hintsync emulate`: start a local Salesforce or Hint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, help="Start a local Salesforce or Hint on 127.0.0.1, with invented people in it."
)

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")]
People = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A patients.csv of Synthea; without it people are invented.")
]
Seed = Annotated[int, typer.Option(help="The same seed makes the same population.")]
Count = Annotated[int | None, typer.Option(min=1, help="How many people; the whole file, or a thousand.")]
Token = Annotated[str | None, typer.Option(help="The access token to accept, instead of a fresh one.")]
Keep = Annotated[Path | None, typer.Option(metavar="FILE", help="Keep everything in this file.")]
PrintJson = Annotated[bool, typer.Option("--json", help="Print address and tokens as one line of JSON.")]


@app.command("salesforce")
def salesforce(
    port: Port = 0,
    people: People = None,
    seed: Seed = 1,
    count: Count = None,
    token: Token = None,
    keep: Keep = None,
    as_json: PrintJson = False,
) -> None:
    """Start a Salesforce org that holds its half of the people as contacts."""
    _start("salesforce", port, people, seed, count, token, keep, as_json)


@app.command("hint")
def hint(
    port: Port = 0,
    people: People = None,
    seed: Seed = 1,
    count: Count = None,
    token: Token = None,
    keep: Keep = None,
    as_json: PrintJson = False,
) -> None:
    """Start a Hint practice that holds its half of the people as patients."""
    _start("hint", port, people, seed, count, token, keep, as_json)


def _start(
    system: str,
    port: int,
    people: Path | None,
    seed: int,
    count: int | None,
    token: str | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    from hintsync_emulators.__main__ import main  # here, so that other commands need not wait for it

    given = {"--people": people, "--count": count, "--token": token, "--keep": keep}
    arguments = [system, "--port", str(port), "--seed", str(seed)]
    for name, value in given.items():
        if value is not None:
            arguments += [name, str(value)]
    raise typer.Exit(main([*arguments, "--json"] if as_json else arguments))
