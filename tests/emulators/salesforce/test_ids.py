"""The two forms of an id."""

from __future__ import annotations

import pytest

from hintsync_emulators.salesforce.ids import IdSource, normalise, to_18

#: Ids that Salesforce's own documentation prints.
PUBLISHED = (
    "001D000000IqhSLIAZ",
    "003D000000QV9n2IAD",
    "a00D0000008pQRAIA2",
    "001R0000005hDFYIA2",
    "005D0000001b1zHIAQ",
    "006D000000CaoLyIAJ",
    "00DD0000000CHkvMAG",
)


@pytest.mark.parametrize("published", PUBLISHED)
def test_the_suffix_of_published_ids_is_reproduced(published: str) -> None:
    assert to_18(published[:15]) == published
    assert normalise(published[:15]) == published == normalise(published)


@pytest.mark.parametrize("published", PUBLISHED)
@pytest.mark.parametrize("lost", [str.upper, str.lower])
def test_an_id_that_lost_its_case_is_restored(published: str, lost: object) -> None:
    assert callable(lost)
    assert normalise(lost(published)) == published


@pytest.mark.parametrize("text", ["", "003", "003D000000QV9n2IA", "003D000000QV9n2IA!", "003D000000QV9n2999"])
def test_what_is_no_id_is_refused(text: str) -> None:
    assert normalise(text) is None


def test_ids_follow_the_seed_and_never_repeat() -> None:
    one, same, other = IdSource(1), IdSource(1), IdSource(2)
    given = [one.next("003") for _ in range(3000)]
    assert given == [same.next("003") for _ in range(3000)]
    assert len(set(given)) == 3000
    assert given == sorted(given)
    assert given[0] != other.next("003")


def test_a_kept_id_is_not_given_again() -> None:
    first = IdSource(1)
    last = [first.next("003") for _ in range(10)][-1]
    again = IdSource(1)
    again.seen(last)
    assert again.next("003") == first.next("003")
