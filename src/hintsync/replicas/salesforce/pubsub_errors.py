"""What errors of the Pub/Sub API mean: sorted by what is done next.

The API puts a code of its own into the trailer `error-code` (Pub/Sub API Developer Guide, "Handle Errors"); where there is
none, a proxy or the transport speaks, and only the gRPC status tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import grpc
from grpc import aio

from hintsync.change_feed import DeliveriesSpent, PositionLost
from hintsync.core.errors import FixConfiguration, HintsyncError, RetryLater
from hintsync.core.values import Side

TRAILER: Final = "error-code"
PREFIX: Final = "sfdc.platform.eventbus.grpc."

#: Seconds to leave the API alone that said it protects itself, or that too many clients are connected.
BUSY_PAUSE: Final = 60.0
#: Seconds after which it is worth asking again whether the day's deliveries have cleared.
DELIVERIES_PAUSE: Final = 900.0


class TokenRefused(HintsyncError):
    """The access token was refused: a new one may be taken."""

    code = "token-refused"


class BrokenOff(RetryLater):
    """A stream ended and its reason was lost, as when it ends just while we send credit. Opening it again tells."""

    code = "broken-off"


class Next(StrEnum):
    """What is done next."""

    #: Passing trouble: wait and go on from the last position.
    WAIT = "wait"
    #: As above, and longer: the service is busy.
    WAIT_LONG = "wait long"
    #: Go on from the last position at once: what is wrong will be told then.
    ASK_AGAIN = "ask again"
    #: Take a new token and go on from the last position.
    NEW_TOKEN = "new token"
    #: Read what changed since the last poll, then begin at the latest event.
    CATCH_UP = "catch up"
    #: Guard G8: poll until the day's window clears.
    POLL = "poll"
    #: Poll until an administrator has changed something.
    FIX = "fix"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error means to us."""

    next: Next
    #: What an administrator should do, or what went wrong.
    words: str


_SELECT = "select Contact under Setup, Change Data Capture, or deploy our channel"
_PERMIT = "give our user read access to Contact and to the fields of the permission set Hint Sync"

#: Code without its beginning -> meaning. Codes of publishing and of managed subscriptions are left out: we use neither.
CODES: Final[Mapping[str, Meaning]] = {
    "subscription.fetch.replayid.corrupted": Meaning(Next.CATCH_UP, "the position is unknown or older than 72 hours"),
    "subscription.fetch.replayid.validation.failed": Meaning(Next.CATCH_UP, "the position cannot be read"),
    "subscription.fetch.requested.events.invalid": Meaning(Next.WAIT, "we asked for no events"),
    "subscription.fetch.topic.mismatch": Meaning(Next.WAIT, "we asked for another topic in the same stream"),
    "subscription.fetch.overflow": Meaning(Next.WAIT, "more events are outstanding than allowed"),
    "subscription.fetch.replay.repeated": Meaning(Next.WAIT, "we named a position twice in the same stream"),
    "subscription.topic.cannot.subscribe": Meaning(Next.FIX, f"it cannot be subscribed to; {_SELECT}"),
    "subscription.internal.error": Meaning(Next.WAIT, "an internal error"),
    "subscription.limit.exceeded": Meaning(Next.POLL, "the org's event deliveries of the day are used up"),
    "topic.not.found": Meaning(Next.FIX, f"the org does not have it; {_SELECT}"),
    "topic.meta.permission": Meaning(Next.FIX, f"it is not there for us; {_SELECT}, and {_PERMIT}"),
    "topic.api.unavailable": Meaning(Next.WAIT, "topics cannot be read just now"),
    "schema.meta.permission": Meaning(Next.FIX, f"the schema of its events is not there for us; {_PERMIT}"),
    "schema.api.unavailable": Meaning(Next.WAIT, "schemas cannot be read just now"),
    "schema.validation.failed": Meaning(Next.WAIT, "the schema is not valid"),
    "service.unavailable": Meaning(Next.WAIT, "the service is not available"),
    "service.protection.triggered": Meaning(Next.WAIT_LONG, "the service protects itself"),
    "service.auth.error": Meaning(Next.NEW_TOKEN, "the access token was refused"),
    "service.auth.headers.invalid": Meaning(Next.FIX, "org id and address do not fit; connect the org again"),
    "service.tenant.license": Meaning(Next.FIX, "the org has no licence for change events; polling goes on instead"),
    "concurrent.client.limit.exceeded": Meaning(Next.WAIT_LONG, "too many subscribers are connected"),
}

#: What the gRPC status tells where no code does; any other status passes.
STATUSES: Final[Mapping[grpc.StatusCode, Meaning]] = {
    grpc.StatusCode.UNAUTHENTICATED: Meaning(Next.NEW_TOKEN, "the access token was refused"),
    grpc.StatusCode.PERMISSION_DENIED: Meaning(Next.FIX, f"it is not there for us; {_SELECT}, and {_PERMIT}"),
    grpc.StatusCode.NOT_FOUND: Meaning(Next.FIX, f"the org does not have it; {_SELECT}"),
    grpc.StatusCode.UNIMPLEMENTED: Meaning(Next.FIX, "the address is no Pub/Sub API; check salesforce_events"),
    grpc.StatusCode.INTERNAL: Meaning(Next.ASK_AGAIN, "it broke off"),
    grpc.StatusCode.INVALID_ARGUMENT: Meaning(Next.CATCH_UP, "the position was refused"),
}


def code_of(error: aio.AioRpcError) -> str:
    """Return the API's own code without its beginning, or nothing where there is none."""
    for name, value in error.trailing_metadata() or ():
        if name == TRAILER:
            text = value.decode(errors="replace") if isinstance(value, bytes) else value
            return text.removeprefix(PREFIX)
    return ""


def meaning_of(error: aio.AioRpcError) -> Meaning:
    """Say what an error means; one that nobody knows passes."""
    status = error.code()
    known = CODES.get(code_of(error)) or STATUSES.get(status)
    return known or Meaning(Next.WAIT, status.name.lower())


def failure(error: aio.AioRpcError, about: str) -> HintsyncError:
    """Return what to raise for an error.

    Args:
        error: what the call ended with; its own text stays out.
        about: the topic, or what was asked for.
    """
    meaning, code = meaning_of(error), code_of(error) or error.code().name.lower()
    reason = f"{about}: {meaning.words} ({code})"
    match meaning.next:
        case Next.NEW_TOKEN:
            return TokenRefused(f"{Side.SALESFORCE}: {reason}")
        case Next.CATCH_UP:
            return PositionLost(f"{Side.SALESFORCE}: {reason}")
        case Next.POLL:
            return DeliveriesSpent(Side.SALESFORCE, reason, after=DELIVERIES_PAUSE)
        case Next.FIX:
            return FixConfiguration(f"{Side.SALESFORCE}: {reason}")
        case Next.ASK_AGAIN:
            return BrokenOff(Side.SALESFORCE, reason)
        case Next.WAIT_LONG:
            return RetryLater(Side.SALESFORCE, reason, after=BUSY_PAUSE)
        case Next.WAIT:
            return RetryLater(Side.SALESFORCE, reason)
