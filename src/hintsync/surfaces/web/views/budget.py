"""A side's calls of the day as a page shows them: used, expected, and what stops first."""

from __future__ import annotations

from dataclasses import dataclass

from hintsync.core.limits import DayBudget, Purpose
from hintsync.core.values import Side
from hintsync.engine.guards.forecast import DayForecast
from hintsync.surfaces.web.views.rule_words import SYSTEM
from hintsync.surfaces.web.views.stops import WORK


@dataclass(frozen=True, slots=True)
class BudgetCard:
    """A side's calls of the day."""

    system: str
    forecast: DayForecast
    #: Whether it will do.
    kind: str
    text: str
    #: Kind of work, calls it leaves over, whether it goes on now.
    order: tuple[tuple[str, int, bool], ...]


def budget_card(side: Side, forecast: DayForecast, allowance: DayBudget) -> BudgetCard:
    """Return a side's calls in words."""
    stopping = [WORK[purpose] for purpose in forecast.stopping]
    kind = "good" if not stopping else "warn"
    text = "It will do." if not stopping else f"At this pace these would wait: {', '.join(stopping)}."
    order = tuple((WORK[each], allowance.kept_from(each), allowance.allows(1, each)) for each in Purpose)
    return BudgetCard(SYSTEM[side], forecast, kind, text, order)
