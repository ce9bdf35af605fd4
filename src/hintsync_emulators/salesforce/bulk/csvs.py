"""CSV as Bulk API 2.0 reads and writes it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}

csv.field_size_limit(2**27)


class Unreadable(Exception):
    """An upload that no record can be read from; the text becomes the job's error message."""


def read(content: bytes, delimiter: str, line_ending: str) -> tuple[list[str], list[list[str]]]:
    """Read an upload.

    Args:
        content: the bytes, in UTF-8.
        delimiter: a key of `DELIMITERS`.
        line_ending: a key of `LINE_ENDINGS`; the first line must end so.

    Returns:
        The header and the rows, each row as long as the header.

    Raises:
        Unreadable: wrong encoding, line ending, header or number of cells.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("InvalidBatch : Failed to parse CSV: the data is not UTF-8") from None
    _check_line_ending(text, line_ending)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[delimiter], strict=True))
    except csv.Error as problem:
        raise Unreadable(f"InvalidBatch : Failed to parse CSV: {problem}") from None
    if not lines or not any(lines[0]):
        raise Unreadable("InvalidBatch : Unable to find a header row")
    header, rows = lines[0], [line for line in lines[1:] if line]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            text = f"row {number} has {len(row)} columns, the header has {len(header)}"
            raise Unreadable(f"InvalidBatch : Failed to parse CSV: {text}")
    return header, rows


def _check_line_ending(text: str, line_ending: str) -> None:
    first = text.find("\n")
    if first < 0:
        return
    found = "CRLF" if text[:first].endswith("\r") else "LF"
    if found != line_ending:
        wanted = f"Current LineEnding setting is {line_ending}"
        raise Unreadable(f"InvalidBatch : LineEnding is invalid on user data. {wanted}")


def write(header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str, line_ending: str) -> bytes:
    """Write a result: every cell quoted, as the service does."""
    out = io.StringIO(newline="")
    writer = csv.writer(
        out, delimiter=DELIMITERS[delimiter], lineterminator=LINE_ENDINGS[line_ending], quoting=csv.QUOTE_ALL
    )
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()
