"""`hintsync emulate`: start a local Salesforce or Hint."""

from __future__ import annotations

from collections.abc import Sequence
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
TlsPort = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Serve https on this port too; 0 takes a free one.")
]
PubSubPort = Annotated[
    int | None, typer.Option("--pubsub-port", min=0, max=65535, help="Serve change events (gRPC, TLS) on this port.")
]
ChangeEvents = Annotated[
    list[str] | None, typer.Option(metavar="OBJECT", help="Tell changes of this object, e.g. Contact; may be repeated.")
]
PrintJson = Annotated[bool, typer.Option("--json", help="Print address and tokens as one line of JSON.")]


@app.command("salesforce")
def salesforce(
    port: Port = 0,
    people: People = None,
    seed: Seed = 1,
    count: Count = None,
    token: Token = None,
    keep: Keep = None,
    tls_port: TlsPort = None,
    pubsub_port: PubSubPort = None,
    change_events: ChangeEvents = None,
    as_json: PrintJson = False,
) -> None:
    """Start a Salesforce org that holds its half of the people as contacts."""
    more = [("--pubsub-port", pubsub_port), *(("--change-events", name) for name in change_events or ())]
    _start("salesforce", port, people, seed, count, token, keep, as_json, [("--tls-port", tls_port), *more])


@app.command("hint")
def hint(
    port: Port = 0,
    people: People = None,
    seed: Seed = 1,
    count: Count = None,
    token: Token = None,
    keep: Keep = None,
    tls_port: TlsPort = None,
    as_json: PrintJson = False,
) -> None:
    """Start a Hint practice that holds its half of the people as patients."""
    _start("hint", port, people, seed, count, token, keep, as_json, [("--tls-port", tls_port)])


def _start(
    system: str,
    port: int,
    people: Path | None,
    seed: int,
    count: int | None,
    token: str | None,
    keep: Path | None,
    as_json: bool,
    more: Sequence[tuple[str, object]],
) -> None:
    from hintsync_emulators.__main__ import main  # here, so that other commands need not wait for it

    given = [("--people", people), ("--count", count), ("--token", token), ("--keep", keep), *more]
    arguments = [system, "--port", str(port), "--seed", str(seed)]
    for name, value in given:
        if value is not None:
            arguments += [name, str(value)]
    raise typer.Exit(main([*arguments, "--json"] if as_json else arguments))
