"""`hintsync serve` and `hintsync worker`: live sync, for as long as the process runs."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Collection
from typing import Annotated

import typer

from hintsync.bootstrap import Service, open_service
from hintsync.settings import load_settings
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.options import AsJson, StateFolder
from hintsync.surfaces.cli.perform import Asked, perform
from hintsync.surfaces.cli.progress import interrupts
from hintsync.surfaces.cli.setup import first_code
from hintsync.surfaces.logs import set_up_logging

_log = logging.getLogger(__name__)

_ROLES = ("web", "worker", "subscriber")

Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        metavar="ROLE",
        help="web, worker or subscriber; may be given more than once. All of them without it.",
    ),
]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on; HINTSYNC_LISTEN_HOST without it.")]
Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, help="Port to listen on; HINTSYNC_LISTEN_PORT without it.")
]
Loops = Annotated[
    int | None,
    typer.Option("--loops", min=1, max=16, help="Groups worked at once; HINTSYNC_WORKER_LOOPS without it."),
]


def serve(
    role: Roles = None,
    host: Host = None,
    port: Port = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Answer Hint's webhooks, follow Salesforce's events and sync what changes, until stopped by SIGTERM or Ctrl-C."""
    wanted = role or list(_ROLES)
    if unknown := sorted(set(wanted) - set(_ROLES)):
        raise typer.BadParameter(f"{', '.join(unknown)}: expected web, worker or subscriber", param_hint="--role")
    _run(Asked(state, None, as_json), wanted, listen_host=host, listen_port=port)


def worker(loops: Loops = None, state: StateFolder = None, as_json: AsJson = False) -> None:
    """Work dirty records and keep the schedule, until stopped; any number may run, on any host, with PostgreSQL."""
    _run(Asked(state, None, as_json), ["worker"], worker_loops=loops)


def _run(asked: Asked, roles: Collection[str], **settings: object) -> None:
    async def work() -> Answer:
        chosen = load_settings(state=asked.state, **settings)
        set_up_logging(logging.getLevelNamesMapping()[chosen.log_level.upper()])
        async with open_service(chosen) as service:
            return await _serve(service, roles, quiet=asked.as_json)

    perform(asked, work)


async def _serve(service: Service, roles: Collection[str], *, quiet: bool) -> Answer:
    # Here, so that other commands need not wait for the web server and gRPC.
    from hintsync.surfaces.roles import Role, open_process

    wanted = [Role(name) for name in _ROLES if name in roles]
    stop = asyncio.Event()
    with interrupts(stop.set):
        async with open_process(service, wanted) as process:
            _tell(quiet, f"{', '.join(wanted)}; Ctrl-C finishes what is begun and stops")
            fresh = not await service.store.connections()
            if fresh:
                _tell(quiet, "no connection yet, so there is nothing to sync; hintsync connect makes one")

            def listening(port: int) -> None:
                address = f"http://{service.settings.listen_host}:{port}"
                _tell(quiet, f"listening on {address}")
                if fresh and not quiet:  # a code belongs on a console, not in a log
                    _tell(
                        quiet,
                        f"or open {service.settings.public_url or address}/setup, with the code {first_code(service)}",
                    )

            await process.run(stop, on_listening=listening)
    return Answer({"roles": [str(role) for role in wanted], "stopped": "in order"})


def _tell(quiet: bool, line: str) -> None:
    """Say something to who looks on; where nobody does, log it, so that every line is JSON."""
    if quiet:
        _log.info(line)
    else:
        sys.stderr.write(f"hintsync: {line}\n")
        sys.stderr.flush()
