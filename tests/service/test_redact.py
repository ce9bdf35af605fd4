"""Error texts without anybody's data."""

from __future__ import annotations

from hintsync.core.errors import BadInput
from hintsync.redact import safe_text


def test_our_own_texts_pass():
    assert safe_text(BadInput("report.csv, line 3: expected an id")) == "report.csv, line 3: expected an id"


def test_others_are_named_by_class_and_never_by_text():
    try:
        {}["Ann Moor"]
    except KeyError as error:
        said = safe_text(error)
    assert said.startswith("KeyError")
    assert "Ann" not in said


def test_the_place_in_our_code_is_told():
    from hintsync.core.match import match_key

    try:
        match_key(3, "Moor", "1980-05-06")  # type: ignore[arg-type]
    except AttributeError as error:
        said = safe_text(error)
    assert said.startswith("AttributeError at hintsync/core/match.py:")
