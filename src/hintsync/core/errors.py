"""The error tree, ordered by what the engine does next.

    HintsyncError
    ├── RetryLater          back off and try the same thing again (rate limit, lock, 5xx, network)
    │   └── BudgetSpent     the day's calls are used up: pause until `resume_at`, nothing is lost
    ├── UnknownOutcome      the request may have been carried out: look before doing it again
    ├── SkipRecord          log it, leave this record, go on with the others
    ├── StopRun             stop this run, write nothing more, show the reason (SafetyStop: until acknowledged)
    │   └── SafetyStop
    ├── AskPerson           nothing wrong with the machine: a person must decide
    ├── FixConfiguration    a setting, permission or credential is wrong: pause and say which
    │   ├── ReconnectNeeded the credential itself was refused
    │   └── NotConnected    one of the two systems was not connected yet; nothing is wrong, and nothing is done
    └── BadInput            the input is wrong: names the place and what was expected; nothing was done

Texts are ours and carry ids, field names and vendor codes only, never a person's data (vendor texts quote values).
"""

from __future__ import annotations

from hintsync.core.values import Side


class HintsyncError(Exception):
    """Root of everything hintsync raises on purpose."""

    #: Stable word for logs, exit codes and the docs' table of errors.
    code = "error"


class RetryLater(HintsyncError):
    """The same request may well work later: rate limit, row lock, server trouble, no network."""

    code = "retry-later"

    def __init__(self, side: Side | None, reason: str, *, after: float | None = None) -> None:
        super().__init__(f"{side or 'hintsync'}: {reason}")
        self.side = side
        self.reason = reason
        #: Seconds the other side asked to wait, if it said.
        self.after = after


class BudgetSpent(RetryLater):
    """The side's daily allowance is used up, or our share of it is."""

    code = "budget-spent"


class UnknownOutcome(HintsyncError):
    """The reply to a write was lost: it may or may not have been carried out. Look before writing again."""

    code = "unknown-outcome"

    def __init__(self, side: Side, what: str) -> None:
        super().__init__(f"{side}: no reply to {what}; it may have been carried out")
        self.side = side
        self.what = what


class SkipRecord(HintsyncError):
    """This record cannot be worked; the others can."""

    code = "skip-record"

    def __init__(self, side: Side, record_id: str, reason: str) -> None:
        super().__init__(f"{side} {record_id}: {reason}")
        self.side = side
        self.record_id = record_id
        self.reason = reason


class StopRun(HintsyncError):
    """The run ends here, in order; what is done stays done and it may be resumed."""

    code = "stop-run"


class SafetyStop(StopRun):
    """A guard tripped; automatic writes wait until an administrator acknowledges."""

    code = "safety-stop"

    def __init__(self, guard: str, reason: str) -> None:
        super().__init__(f"{guard}: {reason}")
        self.guard = guard
        self.reason = reason


class AskPerson(HintsyncError):
    """Only a person may decide this; the message says between what."""

    code = "ask-person"


class FixConfiguration(HintsyncError):
    """A setting, a permission or a missing field stands in the way; the message names it and the remedy."""

    code = "fix-configuration"


class ReconnectNeeded(FixConfiguration):
    """The side refused our credential for good: someone must connect it again."""

    code = "reconnect-needed"

    def __init__(self, side: Side, reason: str) -> None:
        super().__init__(f"{side}: {reason}; connect it again")
        self.side = side
        self.reason = reason


class NotConnected(FixConfiguration):
    """One of a connection's systems was not connected yet: nothing is wrong, there is only nothing to do so far."""

    code = "not-connected"


class BadInput(HintsyncError):
    """The input cannot be used; the message names the place (file, line, column or option) and what was expected."""

    code = "bad-input"
