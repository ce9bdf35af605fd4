"""Restored links: what they were, and what the records say of them (T21)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hintsync.core.records import Link, LinkStatus
from hintsync.core.restored import Shown, Verdict, before_restore, is_restored, judge, restored_reason

LINK = Link("link-1", "main", "003-1", "pat-1", LinkStatus.FROZEN, "manual", "user-7", b"salt", "2026-03-02T09:00:00Z")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (LinkStatus.ACTIVE, None),
        (LinkStatus.SUSPENDED, "contact deleted"),
        (LinkStatus.FROZEN, "D6"),
        (LinkStatus.FROZEN, "parting>pat-2>first-salesforce-wins"),
    ],
)
def test_t21_a_link_that_was_restored_twice_still_knows_what_it_was(status: LinkStatus, reason: str | None) -> None:
    once = replace(LINK, reason=restored_reason(status, reason))
    twice = replace(once, reason=restored_reason(once.status, once.reason))
    assert is_restored(twice)
    assert before_restore(twice) == (status, reason)


@pytest.mark.parametrize(
    ("contacts", "patients", "verdict"),
    [
        ({"003-1": ("pat-1", True)}, {"pat-1": "003-1"}, Verdict.GOES_ON),
        ({"003-1": ("pat-1", False)}, {"pat-1": "003-1"}, Verdict.GOES_ON),
        ({"003-1": (None, True)}, {"pat-1": "003-1"}, Verdict.GOES_ON),
        ({"003-1": (None, False)}, {"pat-1": "003-1"}, Verdict.DOUBTED),
        ({"003-1": (None, False)}, {}, Verdict.DOUBTED),
        ({"003-1": (None, False)}, {"pat-1": ""}, Verdict.ENDED),
        ({"003-1": ("pat-2", True)}, {"pat-1": "", "pat-2": "003-1"}, Verdict.ENDED),
        ({"003-1": ("pat-2", True)}, {"pat-1": "003-1", "pat-2": ""}, Verdict.DOUBTED),
        ({"003-1": ("pat-1", True), "003-2": ("pat-1", True)}, {"pat-1": "003-2"}, Verdict.ENDED),
        ({"003-1": ("pat-1", True), "003-2": ("pat-1", True)}, {"pat-1": "003-1"}, Verdict.GOES_ON),
        ({"003-2": ("pat-1", True)}, {"pat-1": "003-1"}, Verdict.GOES_ON),
        ({"003-2": ("pat-1", True)}, {"pat-1": "003-2"}, Verdict.ENDED),
        ({}, {}, Verdict.GOES_ON),
    ],
)
def test_t21_a_link_ends_only_if_two_records_say_so(
    contacts: dict[str, tuple[str | None, bool]], patients: dict[str, str], verdict: Verdict
) -> None:
    claimed = {peer for peer, marked in contacts.values() if peer and marked}
    assert judge("003-1", "pat-1", Shown(contacts, patients, claimed)) is verdict
