"""SQLite transactions: statements where they are asked for, the two steps that may have to wait on a thread.

A transaction waits in two places only: for another process's lock as it begins, and for the disk as it commits. Both run
on a thread. Statements do not wait, and a driver that lets go of the interpreter at every row would quarrel for it with
the batch that computes meanwhile (docs/decisions/0036); so they are carried out at once, where they are asked for. The
store's code stays the same for both databases: it is written with `await`, and over this connection nothing that it
awaits ever has to wait; a writer gives way to other tasks between its long statements.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias, TypeVar, cast

from sqlalchemy import Connection, CursorResult, Engine, RootTransaction
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")

#: What is done within a transaction; awaits nothing but the connection.
Work: TypeAlias = Callable[[AsyncConnection], Coroutine[Any, Any, T]]


#: Rows of a statement after which others have a turn.
_MANY = 20


class Threads:
    """Carries out transactions of one SQLite database.

    To be called where a cancellation waits for the end (`part.uninterrupted`): one that came between beginning and end
    would leave the transaction open.
    """

    def __init__(self, engine: Engine) -> None:
        """Take an engine on the driver of the standard library; closed by `aclose`."""
        self.engine = engine
        # One: a writer holds the store's write lock from beginning to end, so there are never two that wait.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="hintsync-sqlite")

    async def read(self, work: Work[T]) -> T:
        """Do some reading in one transaction; readers wait for nobody (write-ahead log)."""
        with self.engine.connect() as connection, connection.begin():
            return _finished(work(cast("AsyncConnection", _Immediate(connection))))

    async def write(self, work: Work[T], options: dict[str, Any]) -> T:
        """Do some writing in one transaction: committed at the end, rolled back if anything is raised.

        Args:
            work: what is done.
            options: execution options of the connection.
        """
        loop = asyncio.get_running_loop()
        connection, transaction = await loop.run_in_executor(self._pool, self._begin, options)
        try:
            result = await work(cast("AsyncConnection", _InTurns(connection)))
        except BaseException:
            await loop.run_in_executor(self._pool, _give_up, connection, transaction)
            raise
        await loop.run_in_executor(self._pool, _commit, connection, transaction)
        return result

    async def aclose(self) -> None:
        """Close the connections."""
        await asyncio.get_running_loop().run_in_executor(self._pool, self.engine.dispose)
        self._pool.shutdown()

    def _begin(self, options: dict[str, Any]) -> tuple[Connection, RootTransaction]:
        connection = self.engine.connect()
        try:
            connection.execution_options(**options)
            return connection, connection.begin()
        except BaseException:
            connection.close()
            raise


def _give_up(connection: Connection, transaction: RootTransaction) -> None:
    with connection:
        transaction.rollback()


def _commit(connection: Connection, transaction: RootTransaction) -> None:
    with connection, transaction:  # rolls back what cannot be committed
        pass


class _Immediate:
    """A connection whose answers are there at once, with the methods of one that is waited for.

    Of an AsyncConnection, the store's code uses these two methods and no other.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, statement: Any, parameters: Any = None) -> CursorResult[Any]:
        return self._connection.execute(statement, parameters)

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> CursorResult[Any]:
        return self._connection.exec_driver_sql(statement, parameters)


class _InTurns(_Immediate):
    """The same, but after a statement of many rows whoever else is ready has a turn: that of a chunk takes some milliseconds.

    A short one gives none: whoever stores a webhook would wait at each for all that is computed meanwhile.
    """

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> CursorResult[Any]:
        result = await super().exec_driver_sql(statement, parameters)
        if isinstance(parameters, list) and len(parameters) > _MANY:
            await asyncio.sleep(0)
        return result


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits to its end."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("a transaction waited for something else than its database")
