"""What an answer of Hint that is not a success means for what happens next.

Hint documents a status and a sentence, `{"status": 422, "message": "…"}`, and no code
(https://developers.hint.com/docs/handling-errors). The sentence may quote what was sent, so it is kept out of every
exception; its attribute names are read, and otherwise it is shown once to the person acting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import httpx
import orjson

from hintsync.core.errors import FixConfiguration, HintsyncError, ReconnectNeeded, RetryLater, UnknownOutcome
from hintsync.core.values import Side
from hintsync.replicas.hint.names import WRITABLE

#: Raised by httpx before the request was sent: it was surely not carried out.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Hint will not take what was sent (400, 404 or 422)."""

    status: int
    #: Hint's keys that the sentence names as the reason, such as `first_name`; empty where none can be told.
    keys: frozenset[str]
    #: Hint's own sentence; for the person acting only.
    text: str | None = field(default=None, repr=False, compare=False)


def no_answer(error: httpx.HTTPError, what: str, *, writes: bool) -> HintsyncError:
    """Return what a broken connection means: to be tried again, or an unknown outcome if a write may have arrived."""
    if writes and not isinstance(error, _NOT_SENT):
        return UnknownOutcome(Side.HINT, what)
    return RetryLater(Side.HINT, f"no answer to {what} ({type(error).__name__})")


def failure(status: int, retry_after: str | None, what: str, *, writes: bool, worked_before: bool) -> HintsyncError:
    """Return the error for a status that concerns the whole side, not one record.

    Args:
        status: HTTP status other than 2xx, 400, 404 and 422.
        retry_after: value of the Retry-After header; Hint documents none, and one is honoured if it comes.
        what: method and route, without ids or values.
        writes: the request was a write, so that a server error leaves its outcome unknown.
        worked_before: a request with this credential succeeded since the process started.
    """
    if status == 401:
        return ReconnectNeeded(Side.HINT, "practice token refused")
    if status == 428:
        return FixConfiguration("hint: the partner key was used where a practice token is needed; connect the practice")
    if status == 429:
        return RetryLater(Side.HINT, "429 too many requests", after=_seconds(retry_after))
    if status == 403:
        return _forbidden(retry_after, what, worked_before=worked_before)
    if status >= 500 and status != 501:
        if writes:
            return UnknownOutcome(Side.HINT, f"{what} (status {status})")
        return RetryLater(Side.HINT, f"{what} answered {status}", after=_seconds(retry_after))
    return FixConfiguration(f"hint: {what} answered {status}, which is not Hint's API; check the base URL")


def _forbidden(retry_after: str | None, what: str, *, worked_before: bool) -> HintsyncError:
    """Tell the two meanings of 403 apart: "not permitted", and a block by Hint's anomaly detection under load.

    A credential that never worked meets the first.
    """
    if worked_before:
        return RetryLater(Side.HINT, "403 blocked for a while, or no longer permitted", after=_seconds(retry_after))
    return FixConfiguration(f"hint: 403, this connection may not use {what}; check what the practice permitted")


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None


def rejection(status: int, body: bytes) -> Rejection:
    """Read the sentence of a 400, 404 or 422 as far as it can be told what it names."""
    text = _message(body)
    return Rejection(status, frozenset(_named_keys(text)) if text else frozenset(), text)


def _message(body: bytes) -> str | None:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    message = parsed.get("message") if isinstance(parsed, dict) else None
    return message if isinstance(message, str) else None


def _humanised(key: str) -> str:
    """Write an attribute as Rails does in a sentence: `dob` is "Dob", a trailing `_id` is dropped."""
    return key.removesuffix("_id").replace("_", " ").capitalize()


_KEYS = {_humanised(key): key for key in sorted(WRITABLE)}
#: "First name can't be blank": a known attribute at the start of a part, then a lower-case verb. Longest names first.
_NAMED = re.compile(
    "({})(?: [a-z]+)?? (?:can't|cannot|is|are|has|have|must|should|does|was|needs|contains|already|too|not)\\b".format(
        "|".join(sorted(map(re.escape, _KEYS), key=len, reverse=True))
    )
)


def _named_keys(text: str) -> Iterable[str]:
    """Yield the keys named in "Validation failed: First name can't be blank, Email is invalid"."""
    _, _, problems = text.partition("Validation failed: ")
    for part in problems.split(", "):
        found = _NAMED.match(part)
        if found:
            yield _KEYS[found.group(1)]
