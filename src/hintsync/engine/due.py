"""Decides what of a connection's regular work is due now, so that a clock that jumps neither skips nor repeats a day. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

#: A moment that lies further ahead than this was noted by a clock that has been set back since. Less is an hour's correction or
#: two, which must not make a night's work run twice.
FAR_AHEAD: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Daily:
    """Due once a day, from an hour of the clinic's clock on."""

    #: 0 to 23.
    hour: int


@dataclass(frozen=True, slots=True)
class Every:
    """Due again after some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Asked:
    """Due when somebody asked for it and it has not been done since."""


When: TypeAlias = Daily | Every | Asked


@dataclass(frozen=True, slots=True)
class Noted:
    """What is remembered of one kind of work."""

    #: When it was last begun, of those times that it came to its end; by our clock.
    done: datetime | None = None
    #: It failed, and is not tried again before.
    not_before: datetime | None = None
    #: Token of the latest request, and of the latest that was carried out.
    asked: str | None = None
    answered: str | None = None


class Verdict(Enum):
    """What is to be done now."""

    DUE = "due"
    WAIT = "wait"
    #: Nothing, but the moment must be noted: it begins to count now.
    NOTE = "note"


def judge(when: When, noted: Noted, now: datetime, zone: ZoneInfo) -> Verdict:
    """Decide whether work is due.

    Daily work that was never done waits for its next hour: a start at noon is no reason for a night's work.
    """
    if isinstance(when, Asked):
        wanted = noted.asked is not None and noted.asked != noted.answered
        return Verdict.DUE if wanted and not _put_off(noted, now) else Verdict.WAIT
    if isinstance(when, Daily) and (noted.done is None or noted.done - now > FAR_AHEAD):
        return Verdict.NOTE
    if _put_off(noted, now) or not _is_over(when, noted.done, now, zone):
        return Verdict.WAIT
    return Verdict.DUE


def _put_off(noted: Noted, now: datetime) -> bool:
    return noted.not_before is not None and now < noted.not_before <= now + FAR_AHEAD


def _is_over(when: Daily | Every, done: datetime | None, now: datetime, zone: ZoneInfo) -> bool:
    if done is None:
        return True
    if isinstance(when, Daily):
        return day_of(now, when.hour, zone) > day_of(done, when.hour, zone)
    return not timedelta(0) <= now - done < timedelta(seconds=when.seconds)


def day_of(moment: datetime, hour: int, zone: ZoneInfo) -> date:
    """Return the clinic's day that a moment belongs to if days begin at an hour.

    Counted on the clock on the wall: where summer time repeats or skips the hour, the day still begins once.
    """
    wall = moment.astimezone(zone).replace(tzinfo=None)
    return (wall - timedelta(hours=hour)).date()
