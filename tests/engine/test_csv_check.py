"""A report export is looked at before a batch of it begins (M15, T14): what is wrong, on which line, what was expected."""

from __future__ import annotations

import pytest

from hintsync.core.errors import BadInput
from hintsync.engine.batch import csv_check
from hintsync.engine.batch.csv_check import MOST_TOLD, RepeatedRow, WrongRow, check_csv
from hintsync.engine.batch.csv_ids import to_18

FIRST = "0035g00000AbCdEAAV"
OTHER = to_18("0035g00000AbCdF")
FOOTER = '\n\n"Contacts to sync"\n"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."\n'


def test_m15_a_clean_export_shows_its_form_and_what_was_left_out():
    found = check_csv(f"Contact ID\n{FIRST}\n{OTHER}{FOOTER}".encode())
    assert (found.usable, found.wrong_count, found.repeated_count) == (2, 0, 0)
    assert (found.listed.had_header, found.listed.footer_line) == (True, 5)
    assert (found.encoding, found.delimiter) == ("UTF-8", "comma")


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("cp1252", "Windows-1252")],
)
def test_m15_encoding_and_columns_are_told_in_words(encoding: str, said: str):
    found = check_csv(f"Kontakt-ID;Näme\n{FIRST};Zoë\n".encode(encoding))
    assert (found.encoding, found.delimiter, found.usable) == (said, "semicolon", 1)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("001000000000001AAA", "the id of an account"),
        (to_18("a0X000000000001"), "the id of another object"),
        (f"{FIRST[:-1]}Z", "last three letters"),
        (FIRST.lower(), "capitals were lost"),
        ("", "first column is empty"),
        ("0035g00000", "10 characters; expected a Salesforce ID of 15 or 18"),
        ("Ann Moor", "no Salesforce ID"),
    ],
)
def test_m15_each_wrong_row_says_what_was_expected(cell: str, said: str):
    found = check_csv(f"Contact ID,City\n{FIRST},Boston\n{cell},Salem\n".encode())
    (wrong,) = found.wrong
    assert (wrong.line, wrong.cell) == (3, cell)
    assert said in wrong.problem


def test_b7_what_stood_in_a_bad_cell_is_in_no_record_of_ours():
    found = check_csv(f"Contact ID\n{FIRST}\nZyxwvutcanary Person\n".encode())
    assert found.wrong[0].cell == "Zyxwvutcanary Person"
    assert "Zyxwvutcanary" not in repr(found)


def test_m15_a_long_cell_is_cut():
    (wrong,) = check_csv(f"Contact ID\n{FIRST}\n{'word ' * 50}\n".encode()).wrong
    assert len(wrong.cell) == 60
    assert wrong.cell.endswith("…")


def test_m15_repeated_contacts_name_the_line_they_repeat_in_either_length():
    found = check_csv(f"Contact ID\n{FIRST}\n{OTHER}\n{FIRST[:15]}\n{FIRST}\n".encode())
    assert found.repeated == (RepeatedRow(4, 2), RepeatedRow(5, 2))
    assert found.usable == 2


def test_m15_lines_are_those_of_the_file_where_cells_have_line_breaks():
    found = check_csv(f'Contact ID,Street\n{FIRST},"1 Elm St\nUnit 2"\nwrong one,x\n'.encode())
    assert found.wrong == (WrongRow(4, "wrong one", found.wrong[0].problem),)


def test_m15_many_wrong_rows_are_counted_and_the_first_are_told():
    text = f"Contact ID\n{FIRST}\n" + "wrong one\n" * (MOST_TOLD + 7)
    found = check_csv(text.encode())
    assert (found.wrong_count, len(found.wrong), found.wrong[-1].line) == (MOST_TOLD + 7, MOST_TOLD, MOST_TOLD + 2)


def test_m15_ids_in_another_column_are_found():
    found = check_csv(f"Name,City,ID\nAnn,x,{FIRST}\nBea,y,{OTHER}\n".encode())
    assert (found.usable, found.ids_in_column) == (0, 3)
    assert check_csv(b"Name\nAnn\n").ids_in_column is None


def test_t14_a_file_with_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(csv_check, "MOST_ROWS", 2)
    with pytest.raises(BadInput, match="has 3 rows; expected at most 2"):
        check_csv(f"Contact ID\n{FIRST}\n{OTHER}\nx y\n".encode())


@pytest.mark.parametrize("content", [b"", b"\n \n", b"PK\x03\x04\x00\x00"])
def test_t14_an_empty_or_binary_file_is_refused(content: bytes):
    with pytest.raises(BadInput, match="the file"):
        check_csv(content)
