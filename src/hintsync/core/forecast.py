"""What a batch will cost, in calls on both sides and in seconds, and the cheaper way to find patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hintsync.core.limits import DayBudget, Lane
from hintsync.core.plan import Cost
from hintsync.core.values import Side


@dataclass(frozen=True, slots=True)
class Terms:
    """What one side gives for a call, and how fast calls may be made."""

    #: Records of one page of a scan.
    page_size: int
    #: Records of one read by ids.
    read_size: int
    #: Records of one write.
    write_size: int
    #: Calls a second that the pace allows.
    per_second: float
    #: Calls under way at once.
    concurrency: int = 1
    #: Seconds one call takes, as measured.
    call_seconds: float = 0.1
    #: Records above which a write is one bulk job instead, and the calls such a job takes.
    bulk_from: int | None = None
    bulk_calls: int = 6

    @property
    def calls_a_second(self) -> float:
        """What pace and latency together let through."""
        if self.call_seconds <= 0:
            return self.per_second
        return min(self.per_second, self.concurrency / self.call_seconds)


@dataclass(frozen=True, slots=True)
class SideWork:
    """What a batch does on one side, in records."""

    scanned: int = 0
    #: Read again by id.
    read: int = 0
    #: Asked for one by one (a filter call each).
    found: int = 0
    #: Updated or created.
    written: int = 0
    #: Given batch stamps beside any other write.
    stamped: int = 0
    #: Calls of other kinds: identity, describe.
    other_calls: int = 0


def calls_of(work: SideWork, terms: Terms) -> int:
    """Return the calls that work takes on one side."""
    return (
        _chunks(work.scanned, terms.page_size)
        + _chunks(work.read, terms.read_size)
        + work.found
        + _write_calls(work.written, terms)
        + _write_calls(work.stamped, terms)
        + work.other_calls
    )


def _write_calls(records: int, terms: Terms) -> int:
    calls = _chunks(records, terms.write_size)
    if terms.bulk_from is not None and records > terms.bulk_from:
        return min(calls, terms.bulk_calls)
    return calls


def _chunks(records: int, size: int) -> int:
    return -(-records // size)


def forecast(work: Mapping[Side, SideWork], terms: Mapping[Side, Terms]) -> Cost:
    """Price a batch. Both sides are worked at the same time, so the slower one decides the seconds."""
    calls = {side: calls_of(done, terms[side]) for side, done in work.items()}
    seconds = max((count / terms[side].calls_a_second for side, count in calls.items()), default=0.0)
    return Cost(calls, seconds)


def short_of(cost: Cost, budgets: Mapping[Side, DayBudget]) -> Mapping[Side, int]:
    """Return by side how many calls a batch would take more than it may today (guard G6); empty if it fits.

    A side without a known budget is left out: nothing can be said of it.
    """
    missing = {
        side: calls - budgets[side].left_for(Lane.BATCH) for side, calls in cost.calls.items() if side in budgets
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
    pages = max(_chunks(patients, page_size), 1)
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
