"""CSV as Bulk API 2.0 reads and writes it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}

csv.field_size_limit(2**27)


class Unreadable(Exception):
    """An upload that no record can be read from; the text becomes the job's error message."""


def read(content: bytes, delimiter: str, line_ending: str) -> Iterator[list[str]]:
    """Read an upload line by line.

    Args:
        content: the bytes, in UTF-8.
        delimiter: a key of `DELIMITERS`.
        line_ending: a key of `LINE_ENDINGS`; the first line must end so.

    Yields:
        The header, then the rows, each as long as the header.

    Raises:
        Unreadable: wrong encoding, line ending, header or number of cells.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("InvalidBatch : Failed to parse CSV: the data is not UTF-8") from None
    _check_line_ending(text, line_ending)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[delimiter], strict=True)
    try:
        header = next(lines, [])
        if not any(header):
            raise Unreadable("InvalidBatch : Unable to find a header row")
        yield header
        for row in filter(None, lines):
            if len(row) != len(header):
                text = f"line {lines.line_num} has {len(row)} columns, the header has {len(header)}"
                raise Unreadable(f"InvalidBatch : Failed to parse CSV: {text}")
            yield row
    except csv.Error as problem:
        raise Unreadable(f"InvalidBatch : Failed to parse CSV: {problem}") from None


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
    return b"".join(write_parts(header, [rows], delimiter, line_ending))


def write_parts(
    header: Sequence[str], parts: Iterable[Iterable[Sequence[object]]], delimiter: str, line_ending: str
) -> Iterator[bytes]:
    """Write a result whose rows come in parts, and yield it in as many parts; the first brings the header."""
    out = io.StringIO(newline="")
    writer = csv.writer(
        out, delimiter=DELIMITERS[delimiter], lineterminator=LINE_ENDINGS[line_ending], quoting=csv.QUOTE_ALL
    )
    writer.writerow(header)
    for rows in chain(parts, [()]):
        writer.writerows(rows)
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
