"""Follows a run for a page: its progress each second, words for a screen reader now and then, its end."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace

from hintsync.core.errors import BadInput
from hintsync.core.plan import Outcome
from hintsync.state.port import Run
from hintsync.surfaces.web.pages.place import Visit
from hintsync.surfaces.web.pages.render import text_of
from hintsync.surfaces.web.pages.streaming import Event, last_event_id
from hintsync.surfaces.web.views.run_views import RunView, outcome_lines, run_view
from hintsync.surfaces.web.views.run_words import duration_words

#: Seconds between two looks at a run, at least: one small read each, and a count of its results.
LOOK = 1.0
#: Times as long as a count took before the next: a large run must not be slowed down by who follows it.
_SHARE = 20.0
#: Seconds before it is guessed how much longer a run takes.
_GUESS_AFTER = 5.0


async def known_run(visit: Visit, run_id: str) -> Run:
    """Return a run of the visitor's connection.

    Raises:
        BadInput: there is none of that id.
    """
    found = await visit.service.store.run(run_id)
    if found is None or found.connection_id != visit.connection.id:
        raise BadInput(f"there is no run {run_id[:80]}")
    return found


def view_now(visit: Visit, run: Run) -> RunView:
    """Return how a run looks now."""
    return run_view(run, visit.service.clock.now().timestamp())


@dataclass(slots=True)
class _Pace:
    """How fast a run went since the page began to look."""

    #: Monotonic seconds, and records done then.
    began: float
    done: int

    def left(self, view: RunView, now: float) -> str:
        """Say how much longer it takes; empty while nobody knows."""
        passed, moved = now - self.began, view.done - self.done
        if view.total is None or moved <= 0 or passed < _GUESS_AFTER or not view.is_under_way:
            return ""
        return f"{duration_words((view.total - view.done) * passed / moved)} left"


async def follow(visit: Visit, run_id: str, back: str) -> AsyncGenerator[Event, None]:
    """Yield what becomes of a run, until it has ended.

    Args:
        visit: whose page follows.
        run_id: of the visitor's connection.
        back: address of the page to show at the end.
    """
    clock, seen, told = visit.service.clock, last_event_id(visit), ""
    pace: _Pace | None = None
    while True:
        view = view_now(visit, await known_run(visit, run_id))
        pace = pace or _Pace(clock.monotonic(), view.done)
        looked = clock.monotonic()
        counts = await visit.service.store.outcome_counts(run_id)
        pause = max(LOOK, _SHARE * (clock.monotonic() - looked))
        event = _part(visit, view, counts, pace.left(view, clock.monotonic()))
        if event.id != seen:
            seen = event.id
            yield event
        words = _words(view)
        if words != told:
            told = words
            yield Event("tell", words)
        if not view.is_under_way:
            yield Event("done", back)
            return
        await clock.sleep(pause)


def _part(visit: Visit, view: RunView, counts: Mapping[Outcome, int], left: str) -> Event:
    html = text_of(visit, "_run_progress.html", run=view, outcomes=outcome_lines(counts), time_left=left)
    return replace(Event("part", html), id=hashlib.sha256(html.encode()).hexdigest()[:16])


def _words(view: RunView) -> str:
    """Say where a run stands in steps of ten percent, so that a screen reader is not flooded."""
    if not view.is_under_way or view.percent is None:
        return f"{view.title}: {view.status}"
    return f"{view.title}: {view.status}, {view.percent // 10 * 10} percent"
