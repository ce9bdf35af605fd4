"""A fact that was asked for, or why it is not known: one question's trouble never hides the answer to another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias, TypeVar

from hintsync.core.errors import FixConfiguration, HintsyncError, NotConnected, ReconnectNeeded
from hintsync.redact import safe_text

_log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds that one question may take.
PATIENCE: Final = 8.0


class Why(StrEnum):
    """What kept a fact from being known."""

    #: No answer, or none in time: asking again may do.
    SILENT = "silent"
    #: The credential was refused; the check of the token says so.
    LOCKED = "locked"
    #: There is nobody to ask yet, or something that has to be there first is not.
    ABSENT = "absent"
    #: We may not ask, or are refused: a person must look.
    REFUSED = "refused"
    #: A mistake of ours.
    UNFORESEEN = "unforeseen"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why a fact is not known."""

    why: Why
    #: For a person; ids, field names and codes only.
    words: str
    #: Code of the error; empty where there was none.
    code: str = ""


#: A fact, or why it is not known.
Known: TypeAlias = T | Unknown


async def learn(work: Coroutine[Any, Any, T], seconds: float = PATIENCE) -> Known[T]:
    """Do some asking, and give up on it after a while; what it raises becomes the answer.

    Args:
        work: asks one question.
        seconds: after which it is given up; what is under way then is not waited for.
    """
    asking = asyncio.ensure_future(work)
    try:
        await asyncio.wait([asking], timeout=seconds)
    except asyncio.CancelledError:
        asking.cancel()
        raise
    if not asking.done():
        asking.cancel()
        return Unknown(Why.SILENT, f"no answer within {seconds:g} seconds")
    error = asking.exception()
    return asking.result() if error is None else unknown_by(error)


def unknown_by(error: BaseException) -> Unknown:
    """Return why a fact is not known, by what was raised in its place."""
    if not isinstance(error, HintsyncError):
        _log.error("a check failed: %s", safe_text(error))
        return Unknown(Why.UNFORESEEN, f"unforeseen: {safe_text(error)}")
    return Unknown(_why(error), str(error).removeprefix("hintsync: "), error.code)


def _why(error: HintsyncError) -> Why:
    if isinstance(error, ReconnectNeeded):
        return Why.LOCKED
    if isinstance(error, NotConnected):
        return Why.ABSENT
    return Why.REFUSED if isinstance(error, FixConfiguration) else Why.SILENT
