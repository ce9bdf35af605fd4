from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote_plus

from hypothesis import given
from hypothesis import strategies as st

from hintsync.replicas.salesforce.soql import ADDRESS_BYTES, instant, quoted, select_in


def test_quotes_and_backslashes_are_escaped() -> None:
    assert quoted("O'Neil \\ x\n") == r"'O\'Neil \\ x\n'"


@given(st.text())
def test_no_text_can_end_its_literal_early(text: str) -> None:
    inner = quoted(text)[1:-1]
    assert "'" not in inner.replace("\\\\", "").replace("\\'", "")


def test_moments_are_in_utc_and_rounded_down() -> None:
    moment = datetime(2026, 3, 2, 10, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert instant(moment) == instant(datetime(2026, 3, 2, 9, tzinfo=UTC)) == "2026-03-02T09:00:00Z"


@given(st.lists(st.text(min_size=1, max_size=40).map(quoted), unique=True, max_size=1_000), st.integers(1, 400))
def test_every_literal_is_asked_for_once_and_no_statement_is_too_long(literals: list[str], most: int) -> None:
    statements = list(select_in(["Id", "LastName"], "Contact", "Key__c", literals, most=most))
    asked = [each.removeprefix("SELECT Id,LastName FROM Contact WHERE Key__c IN (")[:-1] for each in statements]
    assert ",".join(asked) == ",".join(literals)
    assert all(len(quote_plus(each)) <= ADDRESS_BYTES for each in statements)
