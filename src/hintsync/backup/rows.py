"""The content of a backup: every row that must survive, as lines of JSON that either database can take back.

    {"table": "links", "columns": ["id", …], "bytes": ["salt", "base"]}     what follows
    ["link-1", …]                                                           a row
    {"end": {"links": 1, …}}                                                how many there were

Bytes are base64. Two tables are not the database's own: `keyring` holds the root and `secrets` the secrets in clear, for in here
the backup key guards them, and whoever restores them has another master key.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import orjson
from sqlalchemy import LargeBinary, Table

from hintsync.core.errors import BadInput
from hintsync.state.sql import tables

#: Tables that are not copied. Keys and secrets are, in their own way; the others hold what only living processes know: who holds
#: which link and is about to write what, who is alive, and whose turn it is.
LEFT_OUT: Final = frozenset({"keyring", "data_keys", "secrets", "link_leases", "intents", "processes", "paces"})

#: Tables that are copied row by row, those first that others refer to.
COPIED: Final[Sequence[Table]] = [table for table in tables.metadata.sorted_tables if table.name not in LEFT_OUT]

Row: TypeAlias = tuple[object, ...]

#: Rows that are handed on at a time.
BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of one table."""

    table: str
    columns: tuple[str, ...]
    #: Columns that hold bytes.
    binary: frozenset[str]
    rows: Sequence[Row]


def batch_of(table: Table, rows: Sequence[Row]) -> Batch:
    """Return rows of a table as they are copied, with every column in the table's order."""
    binary = frozenset(str(column.name) for column in table.columns if isinstance(column.type, LargeBinary))
    columns = tuple(str(column.name) for column in table.columns)  # plain text: JSON takes no kinds of it
    return Batch(str(table.name), columns, binary, rows)


class LineMaker:
    """Turns batches into lines, and counts."""

    def __init__(self) -> None:
        """Start before the first line."""
        self.counts: Counter[str] = Counter()
        self._head: tuple[str, tuple[str, ...]] | None = None

    def lines(self, batch: Batch) -> bytes:
        """Return a batch's lines, with a head where another table begins."""
        lines = []
        if (batch.table, batch.columns) != self._head:
            self._head = batch.table, batch.columns
            head = {"table": batch.table, "columns": batch.columns, "bytes": sorted(batch.binary)}
            lines.append(orjson.dumps(head))
        lines += [orjson.dumps(row, default=_text_of_bytes) for row in batch.rows]
        self.counts[batch.table] += len(batch.rows)
        return b"".join(line + b"\n" for line in lines)

    def end(self) -> bytes:
        """Return the last line."""
        return orjson.dumps({"end": dict(self.counts)}) + b"\n"


def batches_of(content: Iterable[bytes]) -> Iterator[Batch]:
    """Yield the batches that a backup's content holds.

    Raises:
        BadInput: the lines are none that `LineMaker` makes, or their numbers are not those of the end.
    """
    reader = _LineReader()
    for line in _lines_of(content):
        try:
            batch = reader.take(orjson.loads(line))
        except (ValueError, TypeError, KeyError):
            raise BadInput("the backup holds a line that cannot be read") from None
        if batch is not None:
            yield batch
    if not reader.ended:
        raise BadInput("the backup's content has no end")


class _LineReader:
    def __init__(self) -> None:
        self.ended = False
        self._counts: Counter[str] = Counter()
        self._batch = Batch("", (), frozenset(), ())
        self._rows: list[Row] = []

    def take(self, line: object) -> Batch | None:
        """Take a line; return a batch that it completes."""
        if self.ended:
            raise ValueError("behind the end")
        if isinstance(line, dict):
            return self._take_head(line)
        if not isinstance(line, list) or not self._batch.columns or len(line) != len(self._batch.columns):
            raise ValueError("no row of its table")
        self._rows.append(self._row(line))
        self._counts[self._batch.table] += 1
        return self._handed_on() if len(self._rows) >= BATCH else None

    def _take_head(self, head: dict[str, object]) -> Batch | None:
        full = self._handed_on()
        if "end" in head:
            if head["end"] != dict(self._counts):
                raise ValueError("other numbers")
            self.ended = True
            return full
        name, columns, binary = head["table"], head["columns"], head["bytes"]
        if not isinstance(name, str) or not isinstance(columns, list) or not isinstance(binary, list):
            raise ValueError("no head of a table")
        self._batch = Batch(name, tuple(columns), frozenset(binary), ())
        self._counts[name] += 0
        return full

    def _handed_on(self) -> Batch | None:
        rows, self._rows = self._rows, []
        return Batch(self._batch.table, self._batch.columns, self._batch.binary, rows) if rows else None

    def _row(self, line: list[object]) -> Row:
        named = zip(self._batch.columns, line, strict=True)
        return tuple(
            b64decode(value) if name in self._batch.binary and isinstance(value, str) else value
            for name, value in named
        )


def _lines_of(content: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in content:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    if rest:
        raise BadInput("the backup's content is cut off")


def _text_of_bytes(value: object) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} cannot be copied")
