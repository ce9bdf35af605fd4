from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from hintsync.replicas.salesforce.bulk_csv import fits_csv, read_rows, uploads
from hintsync.replicas.salesforce.contact_update import ContactUpdate, http_date

FIRST = ContactUpdate("0038c00002XoT5bAAF", {"LastName": 'O"Neil, X', "MailingStreet": "Elm St 1\nBox 2"})
SECOND = ContactUpdate("0038c00002XoT5cAAF", {"MobilePhone": None, "Synced_to_Hint__c": True})


def test_the_header_names_every_field_of_any_row() -> None:
    ((_, file),) = uploads([FIRST, SECOND])
    assert file.decode().splitlines()[0] == "Id,LastName,MailingStreet,MobilePhone,Synced_to_Hint__c"


def test_an_empty_cell_leaves_a_field_alone_and_a_clear_says_so() -> None:
    ((_, file),) = uploads([FIRST, SECOND])
    first, second = read_rows(file)
    assert (first["MobilePhone"], first["Synced_to_Hint__c"]) == ("", "")
    assert (second["LastName"], second["MobilePhone"], second["Synced_to_Hint__c"]) == ("", "#N/A", "true")


def test_text_that_reads_like_a_clear_does_not_fit() -> None:
    assert not fits_csv(ContactUpdate("0038c00002XoT5bAAF", {"LastName": "#N/A"}))
    assert fits_csv(SECOND)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=1))
def test_any_text_survives_the_csv(texts: list[str]) -> None:
    updates = [ContactUpdate(f"0038c0000{place:06}", {"LastName": text}) for place, text in enumerate(texts)]
    parts = list(uploads(updates, most=200))
    rows = [row for _, file in parts for row in csv.DictReader(io.StringIO(file.decode(), newline=""))]
    assert [row["LastName"] for row in rows] == texts
    assert [update for part, _ in parts for update in part] == updates


def test_a_stamp_becomes_an_http_date() -> None:
    assert http_date("2026-03-02T09:00:00.000+0000") == "Mon, 02 Mar 2026 09:00:00 GMT"
