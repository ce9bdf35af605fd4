"""What a batch will cost, in calls on both sides and in seconds, and the cheaper way to find patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hintsync.core.limits import DayBudget, Purpose
from hintsync.core.plan import Cost
from hintsync.core.values import Side

#: Stamps beyond this number go by one bulk job, and the calls such a job takes about.
BULK_FROM: Final = 2_000
BULK_CALLS: Final = 10


@dataclass(frozen=True, slots=True)
class PlannedWrites:
    """What a plan would write; an update of several fields of a record is one write."""

    #: Patients that are written: a call each.
    patients: int = 0
    #: Chunks of the run that update at least one contact, and that create at least one: a call each.
    updating: int = 0
    creating: int = 0
    #: Contacts that get batch stamps and nothing else.
    stamped: int = 0


def price(
    read: Mapping[Side, int], writes: PlannedWrites, *, write_size: int, per_second: Mapping[Side, float]
) -> Cost:
    """Price a batch.

    Args:
        read: Calls that reading takes, by side: as many as the dry run made.
        writes: What is to be written.
        write_size: Contacts of one collections call.
        per_second: Calls a second that each side gives. Both are worked at once, so the slower one decides.
    """
    stamps = -(-writes.stamped // write_size)
    if writes.stamped > BULK_FROM:
        stamps = min(stamps, BULK_CALLS)
    written = {Side.HINT: writes.patients, Side.SALESFORCE: writes.updating + writes.creating + stamps}
    calls = {side: read.get(side, 0) + written[side] for side in Side}
    return Cost(calls, max((calls[side] / rate for side, rate in per_second.items()), default=0.0))


def short_of(cost: Cost, budgets: Mapping[Side, DayBudget]) -> Mapping[Side, int]:
    """Return by side how many calls a batch would take more than it may today (guard G6); empty if it fits.

    A side without a known budget is left out: nothing can be said of it.
    """
    missing = {
        side: calls - budgets[side].left_for(Purpose.BATCH) for side, calls in cost.calls.items() if side in budgets
    }
    return {side: calls for side, calls in missing.items() if calls > 0}


class Way(StrEnum):
    """How the patients of a batch of contacts are found."""

    #: One call a birth date, with Hint's filter.
    FILTER = "filter"
    #: The whole list of patients, page by page.
    WHOLE_LIST = "whole-list"


@dataclass(frozen=True, slots=True)
class Finding:
    """The way that was chosen, its price, and why."""

    way: Way
    calls: int
    #: A sentence for the run's page.
    reason: str


def choose_way(birth_dates: int, patients: int | None, page_size: int, *, can_filter: bool) -> Finding:
    """Choose the cheaper way to find the patients of a batch of contacts; on a tie the whole list.

    Args:
        birth_dates: Different birth dates among the contacts that have a key; one filter call each.
        patients: Patients of the practice, archived ones included; None if Hint has not said.
        page_size: Patients on a page of the list.
        can_filter: Hint's birth date filter was probed and works.
    """
    if patients is None:
        return _without_count(birth_dates, can_filter=can_filter)
    pages = max(-(-patients // page_size), 1)
    if not can_filter:
        return Finding(
            Way.WHOLE_LIST, pages, f"whole list: {_calls(pages)}; Hint's birth date filter cannot be relied on"
        )
    if birth_dates < pages:
        return Finding(
            Way.FILTER, birth_dates, f"a filter call per birth date: {_calls(birth_dates)} instead of {pages}"
        )
    return Finding(Way.WHOLE_LIST, pages, f"whole list: {_calls(pages)} instead of {birth_dates} filter calls")


def _without_count(birth_dates: int, *, can_filter: bool) -> Finding:
    """Without a count only a few contacts are worth a call each: one page is the least that a list costs."""
    if can_filter and birth_dates <= 1:
        return Finding(Way.FILTER, birth_dates, f"a filter call per birth date: {_calls(birth_dates)}")
    return Finding(Way.WHOLE_LIST, 1, "whole list: Hint has not said how many patients there are")


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count} calls"
