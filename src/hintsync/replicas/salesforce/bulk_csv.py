"""The CSV that Bulk API 2.0 takes and gives (Bulk API 2.0 Developer Guide, "Data File Format")."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from hintsync.replicas.salesforce.contact_update import ContactUpdate

#: Sets a field to null. An empty cell leaves the field as it is, which is why rows may name different fields.
CLEAR = "#N/A"

#: An upload may have 150 MB after base64, 100 MB before it (Bulk API 2.0 limits). This leaves room.
UPLOAD_BYTES = 80_000_000


def fits_csv(update: ContactUpdate) -> bool:
    """Say whether the CSV can carry the update: text that reads `#N/A` would clear its field."""
    return CLEAR not in update.body.values()


def uploads(updates: Sequence[ContactUpdate], most: int = UPLOAD_BYTES) -> Iterator[tuple[list[ContactUpdate], bytes]]:
    """Cut updates into uploads: yields the updates of each and its CSV, whose header names every field of any row."""
    part: list[ContactUpdate] = []
    lines: list[str] = []
    size = 0
    header = ["Id", *dict.fromkeys(name for update in updates for name in update.body)]
    for update in updates:
        line = _line([update.record_id, *(_cell(update, name) for name in header[1:])])
        if part and size + len(line.encode()) > most:
            yield part, _file(header, lines)
            part, lines, size = [], [], 0
        part.append(update)
        lines.append(line)
        size += len(line.encode())
    if part:
        yield part, _file(header, lines)


def read_rows(body: bytes) -> list[dict[str, str]]:
    """Read a result file; row order is not that of the upload."""
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def _cell(update: ContactUpdate, name: str) -> str:
    if name not in update.body:
        return ""
    value = update.body[name]
    if value is None:
        return CLEAR
    return str(value).lower() if isinstance(value, bool) else _quoted(str(value))


def _quoted(text: str) -> str:
    """Return a cell that may hold anything; a quote within is doubled."""
    return '"' + text.replace('"', '""') + '"'


def _file(header: Sequence[str], lines: Sequence[str]) -> bytes:
    return (_line(header) + "".join(lines)).encode()


def _line(cells: Sequence[str]) -> str:
    return ",".join(cells) + "\n"
