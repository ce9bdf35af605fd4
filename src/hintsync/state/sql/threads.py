"""Whole SQLite transactions on a thread of their own.

aiosqlite crosses from our thread to its own and back four times a statement, and waits for the interpreter at each
crossing while a batch computes; here a transaction crosses once. The store's code stays the same for both databases: it
is written with `await`, and over this connection nothing that it awaits ever has to wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias, TypeVar, cast

from sqlalchemy import Connection, CursorResult, Engine
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")

#: What is done within a transaction; awaits nothing but the connection.
Work: TypeAlias = Callable[[AsyncConnection], Coroutine[Any, Any, T]]

#: One for the writer, one for who only reads meanwhile.
_THREADS = 2


class Threads:
    """Carries out transactions of one SQLite database."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine on the driver of the standard library; closed by `aclose`."""
        self.engine = engine
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="hintsync-sqlite")

    async def transaction(self, work: Work[T], **options: object) -> T:
        """Do some work in one transaction: committed at the end, rolled back if anything is raised.

        Args:
            work: what is done.
            options: execution options of the connection.
        """
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._carry_out, work, options)

    async def aclose(self) -> None:
        """Close the connections."""
        await asyncio.get_running_loop().run_in_executor(self._pool, self.engine.dispose)
        self._pool.shutdown()

    def _carry_out(self, work: Work[T], options: dict[str, Any]) -> T:
        with self.engine.connect() as connection:
            connection.execution_options(**options)
            with connection.begin():
                # Of an AsyncConnection, the store's code uses these two methods and no other.
                return _finished(work(cast("AsyncConnection", _Immediate(connection))))


class _Immediate:
    """A connection whose answers are there at once, with the methods of one that is waited for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, statement: Any, parameters: Any = None) -> CursorResult[Any]:
        return self._connection.execute(statement, parameters)

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> CursorResult[Any]:
        return self._connection.exec_driver_sql(statement, parameters)


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits to its end."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("a transaction waited for something else than its database")
