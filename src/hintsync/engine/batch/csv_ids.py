"""Reads the contact ids of a CSV report export (M15): first column, whatever a spreadsheet or Salesforce did to the file."""

from __future__ import annotations

import csv
import io
import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hintsync.core.errors import BadInput

#: A Salesforce id in its two lengths.
RECORD_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
#: Capitals to 1, all else that an id may hold to 0.
_CAPITALS = str.maketrans({letter: str(int(letter.isupper())) for letter in string.ascii_letters + string.digits})
CONTACT_PREFIX = "003"
_LONGEST_LINE = 1_000_000
#: Lines of a Salesforce export's footer: nothing that looks like an id follows them.
_FOOTER_AFTER_BLANK = re.compile(r"[^\W\d_]", re.UNICODE)


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One data row of the file: its line and what its first column held."""

    line: int
    #: 18 characters, when it is a contact's id.
    contact_id: str | None
    #: Why it is none: "not an id", "id of another object", "checksum"; None when it is one.
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class CsvIds:
    """Everything that was read."""

    rows: tuple[CsvRow, ...]
    had_header: bool
    #: Line on which a footer began; the rest was skipped.
    footer_line: int | None

    @property
    def ids(self) -> tuple[str, ...]:
        """The contact ids, in order, repeated ones once."""
        return tuple(dict.fromkeys(row.contact_id for row in self.rows if row.contact_id))


def read_csv_ids(path: Path) -> CsvIds:
    """Read the ids of a CSV file.

    UTF-8 with or without BOM, UTF-16, Windows-1252; comma, semicolon or tab; quoted cells with line breaks; with or
    without a header; with the footer text of a Salesforce export.

    Raises:
        BadInput: no such file, an empty or binary file, or no row with a contact's id; names the file and line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    return parse_csv_ids(content, path.name)


def parse_csv_ids(content: bytes, name: str) -> CsvIds:
    """Read the ids of a CSV file's bytes; `name` is what errors call it. See `read_csv_ids`."""
    text, _ = decode(content, name)
    if not text.strip():
        raise BadInput(
            f"{name}: the file is empty; expected a report export with the Salesforce ID in the first column"
        )
    found = classify(cells_of(text, name))
    if not found.ids:
        line = found.rows[0].line if found.rows else 1
        raise BadInput(
            f"{name}, line {line}: no contact id in the first column; expected ids that begin with {CONTACT_PREFIX},"
            " 15 or 18 characters long"
        )
    return found


def decode(content: bytes, name: str) -> tuple[str, str]:
    """Return a file's text and the name of its encoding.

    Raises:
        BadInput: a binary file, or broken UTF-16.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\x00" in content[:4096]:
        raise BadInput(f"{name}: a binary file; expected a CSV report export (.csv)")
    else:
        encoding = "utf-8-sig"
    try:
        return content.decode(encoding), encoding
    except UnicodeDecodeError:
        if encoding == "utf-16":
            raise BadInput(f"{name}: broken UTF-16; export the report again as CSV") from None
        return content.decode("cp1252", errors="replace"), "cp1252"


def cells_of(text: str, name: str) -> Iterator[tuple[int, str, bool]]:
    """Yield line number, first cell, and whether the row has any cell filled.

    Raises:
        BadInput: a line that is not readable as CSV.
    """
    csv.field_size_limit(_LONGEST_LINE)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text))
    line = 1
    try:
        for cells in reader:
            yield line, cells[0].strip() if cells else "", any(cell.strip() for cell in cells)
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadInput(f"{name}, line {line}: not readable as CSV: {error}") from None


def delimiter_of(text: str) -> str:
    """Return what parts the columns: comma, semicolon or tab, whichever the first line has most of."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=first.count) if any(mark in first for mark in ",;\t") else ","


def classify(cells: Iterable[tuple[int, str, bool]]) -> CsvIds:
    """Tell header, ids, problem rows and footer apart, from what `cells_of` yields."""
    rows: list[CsvRow] = []
    header = False
    blank_before = False
    for line, cell, filled in cells:
        if not filled:
            blank_before = bool(rows) or blank_before
            continue
        if _is_footer(cell, blank_before, bool(rows)):
            return CsvIds(tuple(rows), header, line)
        if not rows and not header and not RECORD_ID.fullmatch(cell):
            header = True
        else:
            rows.append(_row(line, cell))
        blank_before = False
    return CsvIds(tuple(rows), header, None)


def _is_footer(cell: str, blank_before: bool, after_rows: bool) -> bool:
    """A Salesforce export ends with an empty line and then text: report name, copyright, who ran it."""
    return after_rows and blank_before and not RECORD_ID.fullmatch(cell) and bool(_FOOTER_AFTER_BLANK.search(cell))


def _row(line: int, cell: str) -> CsvRow:
    if not RECORD_ID.fullmatch(cell):
        return CsvRow(line, None, "not an id")
    full = to_18(cell[:15])
    if len(cell) == 18 and cell.upper() != full.upper():
        return CsvRow(line, None, "checksum")
    if not cell.startswith(CONTACT_PREFIX):
        return CsvRow(line, None, "id of another object")
    return CsvRow(line, full)


def to_18(short: str) -> str:
    """Return the 18-character form of a 15-character id.

    Each block of five letters gives one character: bit k is set when letter k is a capital (Salesforce's public rule).
    """
    bits = short.translate(_CAPITALS)
    return short + _SUFFIX[int(bits[4::-1], 2)] + _SUFFIX[int(bits[9:4:-1], 2)] + _SUFFIX[int(bits[14:9:-1], 2)]
