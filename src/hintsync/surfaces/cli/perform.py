"""Runs a command: logging, settings, the store, the event loop, and every error as one line and an exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from hintsync.bootstrap import Service, open_engine, open_service
from hintsync.engine.context import Engine
from hintsync.runtime import run
from hintsync.settings import load_settings
from hintsync.state.port import Connection
from hintsync.surfaces.cli.answer import Answer, Exit, give, give_error
from hintsync.surfaces.logs import set_up_logging

#: Who the audit trail names for what is done here.
ACTOR = "command line"


@dataclass(frozen=True, slots=True)
class Asked:
    """What every command is told."""

    state: Path | None = None
    connection: str | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Local:
    """The installation and one connection, without a word to either system."""

    service: Service
    connection: Connection


def perform(asked: Asked, work: Callable[[], Coroutine[Any, Any, Answer]]) -> None:
    """Run a command to its exit; never returns normally."""
    set_up_logging()
    try:
        answer = run(work())
        give(answer, as_json=asked.as_json)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Exit.AGAIN) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        typer.echo("hintsync: interrupted", err=True)
        raise typer.Exit(Exit.AGAIN) from None
    except Exception as error:
        raise typer.Exit(give_error(error, as_json=asked.as_json)) from None
    raise typer.Exit(answer.code)


def with_service(asked: Asked, work: Callable[[Service], Awaitable[Answer]]) -> None:
    """Run a command on the installation."""

    async def run() -> Answer:
        async with open_service(load_settings(state=asked.state)) as service:
            return await work(service)

    perform(asked, run)


def with_store(asked: Asked, work: Callable[[Local], Awaitable[Answer]]) -> None:
    """Run a command on what is remembered of one connection; neither system is called."""

    async def run(service: Service) -> Answer:
        return await work(Local(service, await service.connection(asked.connection)))

    with_service(asked, run)


def with_engine(asked: Asked, work: Callable[[Engine], Awaitable[Answer]]) -> None:
    """Run a command on one connection with both its systems."""

    async def run(local: Local) -> Answer:
        async with open_engine(local.service, local.connection, actor=ACTOR) as engine:
            return await work(engine)

    with_store(asked, run)
