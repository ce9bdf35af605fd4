"""What the store knows of a connection's work, and what that means: pure judgements, one check each."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from hintsync.core.values import Side
from hintsync.doctor.findings import Finding, look, ok, wrong
from hintsync.engine.guard_facts import GuardFacts
from hintsync.engine.health_facts import HealthFacts
from hintsync.engine.stops import PAUSE
from hintsync.surfaces.web.views.durations import ago

_HOUR: Final = 3600.0
#: Seconds after which a nightly comparison is missed: one night may have been left out for want of calls.
_LATE: Final = 48 * _HOUR


def judge_work(health: HealthFacts, guards: GuardFacts, *, queue_minutes: float, silence_hours: float) -> list[Finding]:
    """Return what is found of a connection's work.

    Args:
        health: As the store knows it.
        guards: What the guards have seen.
        queue_minutes: Minutes that a change may wait.
        silence_hours: Hours that may pass without anything going well.
    """
    return [
        stops(guards),
        paused_writes(guards),
        queue(health, queue_minutes * 60),
        parked(health),
        last_success(health, silence_hours * _HOUR),
        comparison(health),
    ]


def stops(guards: GuardFacts) -> Finding:
    """Judge what holds automatic work back."""
    tripped = [each for each in guards.stops if each.guard != PAUSE]
    if tripped:
        reasons = "; ".join(f"{each.guard}: {each.reason}" for each in tripped)
        return wrong("stops", "tripped", f"{reasons}; since", at=tripped[0].at)
    if guards.stops:
        return look("stops", "paused", f"paused ({guards.stops[0].reason}) since", at=guards.stops[0].at)
    return ok("stops", "none in force")


def paused_writes(guards: GuardFacts) -> Finding:
    """Judge the kinds of writes that are paused."""
    if guards.paused_writes:
        return wrong("paused-writes", "paused", f"paused: {', '.join(guards.paused_writes)}")
    return ok("paused-writes", "none is paused")


def queue(health: HealthFacts, most: float) -> Finding:
    """Judge how long changes wait."""
    waiting = sum(health.figures.backlog.waiting.values())
    oldest = max(health.figures.queue_age.values(), default=0.0)
    if not waiting:
        return ok("queue", "nothing waits")
    found = f"{waiting:,} {'record waits' if waiting == 1 else 'records wait'}, the oldest for {ago(oldest)}"
    silent = [str(side) for side in Side if side in health.trouble]
    told = f"{found}; live work cannot reach {' and '.join(silent)}" if silent else found
    return wrong("queue", "long", told) if oldest > most else ok("queue", told)


def parked(health: HealthFacts) -> Finding:
    """Judge the records that were set aside."""
    count = health.figures.backlog.parked
    return look("parked", "some", f"{count:,} wait for a person") if count else ok("parked", "none")


def last_success(health: HealthFacts, most: float) -> Finding:
    """Judge how long ago something went well: what the dead-man's alert looks at."""
    if health.last_success is None:
        return look("last-success", "never", "nothing has been worked yet")
    age = health.now - health.last_success
    found = f"something last went well {ago(age)} ago"
    return wrong("last-success", "silent", found) if age > most else ok("last-success", found)


def comparison(health: HealthFacts) -> Finding:
    """Judge the latest comparison of everybody."""
    run = health.parity
    if run is None or run.finished_at is None:
        return look("comparison", "never", "none has ended yet")
    if not health.parity_signed:
        return wrong("comparison", "forged", f"the report of run {run.id} is not as it was signed")
    age = health.now - datetime.fromisoformat(run.finished_at).timestamp()
    if age > _LATE:
        return look("comparison", "late", "the latest ended", at=run.finished_at)
    return ok("comparison", "the latest ended", at=run.finished_at)
