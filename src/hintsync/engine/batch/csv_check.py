"""Looks at a report export before a batch of it begins, and says line by line what is wrong and what was expected.

What stood in a bad cell is told once, to the person who brought the file: it may be somebody's name, and is kept nowhere.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hintsync.core.errors import BadInput
from hintsync.engine.batch.csv_ids import (
    CONTACT_PREFIX,
    RECORD_ID,
    CsvIds,
    CsvRow,
    cells_of,
    classify,
    decode,
    delimiter_of,
)

#: Bytes of the largest file that is taken, and rows of the longest.
MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 250_000
#: Wrong and repeated rows that are told singly; the others are counted.
MOST_TOLD = 100
#: Characters of a cell that are shown.
_LONGEST_CELL = 60
#: Rows that are looked at for a column of ids that is not the first.
_LOOKED_AT = 200

#: What begins an id, for objects that reports are made of (Salesforce Help, "Standard Field Record ID Prefix Decoder").
_OBJECTS: Final[Mapping[str, str]] = {
    "001": "an account",
    "005": "a user",
    "006": "an opportunity",
    "00Q": "a lead",
    "00T": "a task",
    "00U": "an event",
    "00O": "a report",
    "500": "a case",
    "701": "a campaign",
    "00v": "a campaign member",
}
_ENCODINGS: Final[Mapping[str, str]] = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
_DELIMITERS: Final[Mapping[str, str]] = {",": "comma", ";": "semicolon", "\t": "tab"}


@dataclass(frozen=True, slots=True)
class WrongRow:
    """A row whose first cell is no contact's id."""

    line: int
    #: As it stood in the file, cut; for the eyes of who brought it.
    cell: str = field(repr=False)
    #: What is wrong with it, and what was expected.
    problem: str


@dataclass(frozen=True, slots=True)
class RepeatedRow:
    """A row that names a contact that an earlier one names."""

    line: int
    first_line: int


@dataclass(frozen=True, slots=True)
class CsvCheck:
    """What was found in a file."""

    #: What a batch takes: ids and line numbers.
    listed: CsvIds
    #: In words, such as "UTF-8" and "comma".
    encoding: str
    delimiter: str
    #: The first `MOST_TOLD` of each.
    wrong: tuple[WrongRow, ...]
    repeated: tuple[RepeatedRow, ...]
    wrong_count: int
    repeated_count: int
    #: Number, from 2, of a column that holds the ids instead of the first; None if none does.
    ids_in_column: int | None = None

    @property
    def usable(self) -> int:
        """Contacts that a batch would go over."""
        return len(self.listed.ids)


def check_csv(content: bytes, name: str = "the file") -> CsvCheck:
    """Look at a report export. Takes about a second for 250,000 rows: call it in a thread.

    Raises:
        BadInput: an empty or binary file, one that is not readable as CSV, or one with too many rows.
    """
    text, encoding = decode(content, name)
    if not text.strip():
        raise BadInput(f"{name} is empty; expected a report export with the Salesforce ID in the first column")
    listed = classify(cells_of(text, name))
    if len(listed.rows) > MOST_ROWS:
        raise BadInput(f"{name} has {len(listed.rows):,} rows; expected at most {MOST_ROWS:,}")
    bad = [row for row in listed.rows if row.problem]
    repeated = _repeated(listed)
    return CsvCheck(
        listed=listed,
        encoding=_ENCODINGS[encoding],
        delimiter=_DELIMITERS[delimiter_of(text)],
        wrong=_wrong(text, name, bad[:MOST_TOLD]),
        repeated=tuple(repeated[:MOST_TOLD]),
        wrong_count=len(bad),
        repeated_count=len(repeated),
        ids_in_column=None if listed.ids else _column_of_ids(text),
    )


def _wrong(text: str, name: str, rows: list[CsvRow]) -> tuple[WrongRow, ...]:
    wanted = {row.line: row for row in rows}
    if not wanted:
        return ()
    found = []
    for line, cell, _ in cells_of(text, name):
        if line in wanted:
            found.append(WrongRow(line, _cut(cell), _said(wanted[line], cell)))
            if len(found) == len(wanted):
                break
    return tuple(found)


def _cut(cell: str) -> str:
    return cell if len(cell) <= _LONGEST_CELL else cell[: _LONGEST_CELL - 1] + "…"


def _said(row: CsvRow, cell: str) -> str:
    if row.problem == "id of another object":
        return f"the id of {_OBJECTS.get(cell[:3], 'another object')}; expected a contact’s, which begins with {CONTACT_PREFIX}"
    if row.problem == "checksum":
        return "its last three letters do not fit the others: a letter was changed, or capitals were lost"
    if not cell:
        return "the first column is empty; expected a Salesforce ID"
    if cell.isalnum():
        return f"{len(cell)} characters; expected a Salesforce ID of 15 or 18"
    return "no Salesforce ID; expected 15 or 18 letters and digits"


def _repeated(listed: CsvIds) -> list[RepeatedRow]:
    first: dict[str, int] = {}
    found = []
    for row in listed.rows:
        if row.contact_id is None:
            continue
        if row.contact_id in first:
            found.append(RepeatedRow(row.line, first[row.contact_id]))
        else:
            first[row.contact_id] = row.line
    return found


def _column_of_ids(text: str) -> int | None:
    """Return the number of the column that has most contact ids; None if none has any."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text))
    counts: dict[int, int] = {}
    for number, cells in enumerate(reader):
        if number >= _LOOKED_AT:
            break
        for column, cell in enumerate(cells, start=1):
            if cell.startswith(CONTACT_PREFIX) and RECORD_ID.fullmatch(cell.strip()):
                counts[column] = counts.get(column, 0) + 1
    return max(counts, key=lambda column: counts[column], default=None)
