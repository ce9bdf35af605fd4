"""What the store knows of a connection's work, and what that means: pure judgements, one check each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hintsync.core.values import Side
from hintsync.doctor.findings import Finding, look, ok, wrong
from hintsync.engine.guards.facts import GuardFacts
from hintsync.engine.guards.stops import OTHER, PAUSE
from hintsync.engine.health.facts import HealthFacts
from hintsync.engine.hint_log.copying import Standing
from hintsync.engine.options import Options
from hintsync.settings import Settings
from hintsync.surfaces.web.views.durations import ago

_HOUR: Final = 3600.0
#: Seconds after which a nightly comparison is missed: one night may have been left out for want of calls.
_LATE: Final = 48 * _HOUR


@dataclass(frozen=True, slots=True)
class WorkFacts:
    """What the store knows of a connection's work."""

    health: HealthFacts
    #: What the guards have seen.
    guards: GuardFacts
    #: Where the copying of log entries to the org stands; None: not begun.
    copying: Standing | None
    options: Options
    #: Tell how long a change may wait, and for how long nothing may go well.
    settings: Settings


def judge_work(facts: WorkFacts) -> list[Finding]:
    """Return what is found of a connection's work."""
    health, guards, settings = facts.health, facts.guards, facts.settings
    return [
        stops(guards),
        paused_writes(guards),
        queue(health, settings.alert_queue_minutes * 60),
        parked(health),
        last_success(health, settings.alert_silence_hours * _HOUR),
        hint_log(facts.options, facts.copying),
        comparison(health),
    ]


def stops(guards: GuardFacts) -> Finding:
    """Judge what holds automatic work back."""
    tripped = [each for each in guards.stops if each.guard != PAUSE]
    if tripped:
        reasons = "; ".join(f"{each.guard}: {each.reason}" for each in tripped)
        beside = all(each.guard == OTHER for each in tripped)
        return wrong("stops", "other" if beside else "tripped", f"{reasons}; since", at=tripped[0].at)
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


def hint_log(options: Options, copying: Standing | None) -> Finding:
    """Judge whether log entries arrive in the org."""
    if not options.levels_copied:
        return ok("hint-log", "switched off")
    if copying is None:
        return look("hint-log", "never", "nothing was copied yet")
    if copying.trouble:
        return look("hint-log", "trouble", copying.trouble)
    if not copying.wrote_at:
        return ok("hint-log", "nothing had to be copied yet")
    return ok("hint-log", f"{copying.kept:,} entries are in the org; the latest were copied", at=copying.wrote_at)


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
