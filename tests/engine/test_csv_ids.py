"""Reading contact ids from whatever a spreadsheet or Salesforce made of a CSV (M15, T14)."""

from __future__ import annotations

from pathlib import Path

import pytest

from hintsync.core.errors import BadInput
from hintsync.engine.batch.csv_ids import parse_csv_ids, read_csv_ids, to_18

FIRST = "0035g00000AbCdE"
FULL = "0035g00000AbCdEAAV"
OTHER = to_18("0035g00000AbCdF")
FOOTER = '\n\n"Contacts to sync"\n"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."\n"Confidential"\n'


def ids(text: str | bytes) -> tuple[str, ...]:
    content = text if isinstance(text, bytes) else text.encode()
    return parse_csv_ids(content, "report.csv").ids


def test_an_id_of_15_characters_becomes_18():
    assert to_18(FIRST) == FULL
    assert ids(f"Contact ID\n{FIRST}\n") == (FULL,)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_told_apart(encoding: str):
    assert ids(f"Kontakt-ID,Näme\n{FULL},Zoë\n".encode(encoding)) == (FULL,)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_delimiters_are_told_apart(mark: str):
    assert ids(f"Contact ID{mark}Last Name\r\n{FULL}{mark}Moor\r\n{OTHER}{mark}Hill\r\n") == (FULL, OTHER)


def test_a_file_without_a_header_loses_no_row():
    found = parse_csv_ids(f"{FULL}\n{OTHER}\n".encode(), "report.csv")
    assert (found.ids, found.had_header) == ((FULL, OTHER), False)


def test_the_footer_of_a_salesforce_export_is_skipped_and_its_line_told():
    found = parse_csv_ids((f'"Contact ID"\n"{FULL}"\n"{OTHER}"' + FOOTER).encode(), "report.csv")
    assert found.ids == (FULL, OTHER)
    assert len(found.rows) == 2
    assert found.footer_line == 5


def test_quoted_line_breaks_stay_in_their_row():
    assert ids(f'Contact ID,Street\n{FULL},"1 Elm St\nUnit 2"\n{OTHER},x\n') == (FULL, OTHER)


def test_problem_rows_are_kept_with_line_and_reason():
    text = f"Contact ID\n001000000000001AAA\nnot-an-id\n{FULL[:-1]}Z\n{FULL}\n"
    found = parse_csv_ids(text.encode(), "report.csv")
    assert [(row.line, row.problem) for row in found.rows] == [
        (2, "id of another object"),
        (3, "not an id"),
        (4, "checksum"),
        (5, None),
    ]


def test_repeated_ids_are_counted_once_in_either_length():
    found = parse_csv_ids(f"Contact ID\n{FIRST}\n{FULL}\n".encode(), "report.csv")
    assert found.ids == (FULL,)
    assert len(found.rows) == 2


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n  \n"])
def test_an_empty_file_is_said_to_be_empty(content: bytes):
    with pytest.raises(BadInput, match=r"report\.csv: the file is empty"):
        parse_csv_ids(content, "report.csv")


@pytest.mark.parametrize("content", [b"PK\x03\x04\x00\x00\x00\x08", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_a_binary_file_is_said_to_be_binary(content: bytes):
    with pytest.raises(BadInput, match=r"report\.csv: a binary file"):
        parse_csv_ids(content, "report.csv")


def test_a_file_without_any_contact_id_names_the_line_and_what_was_expected():
    with pytest.raises(BadInput, match=r"report\.csv, line 2: no contact id in the first column; expected"):
        parse_csv_ids(b"Name\nAnn Moor\n", "report.csv")


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(BadInput, match="cannot be read"):
        read_csv_ids(tmp_path / "none.csv")


def test_a_million_rows_are_read():
    lines = ["Contact ID", *(f"003{n:012d}" for n in range(1_000_000))]
    assert len(ids("\n".join(lines))) == 1_000_000
