"""Judgements that are the same for both systems: whether one lets us in, its clock, its calls."""

from __future__ import annotations

from typing import Final

from hintsync.core.limits import Purpose
from hintsync.doctor.calls import Calls
from hintsync.doctor.findings import Finding, look, not_known, ok, wrong
from hintsync.doctor.known import Known, Unknown, Why
from hintsync.ports import Identity

#: Seconds of difference that are told, and from which on logins are about to fail: an assertion is good for three minutes.
_OFF, _FAR = 30.0, 150.0
#: Seconds below which a difference is not told: answers tell whole seconds, and take their time.
_EXACT: Final = 2.0
_SPENT = "budget-spent"


def token(check: str, identity: Known[Identity]) -> Finding:
    """Judge whether a system lets us in."""
    if not isinstance(identity, Unknown):
        return ok(check, "it answers our credential")
    if identity.why is Why.ABSENT:
        return look(check, "absent", identity.words)
    if identity.why in (Why.LOCKED, Why.REFUSED):
        return wrong(check, "refused", identity.words)
    return not_known(check, identity)


def clock(check: str, ahead: Known[float]) -> Finding:
    """Judge how far a system's clock and ours are apart.

    Args:
        check: Code of the check.
        ahead: Seconds that the system's clock is before ours.
    """
    if isinstance(ahead, Unknown):
        return not_known(check, ahead)
    apart, ours = abs(ahead), "behind" if ahead > 0 else "ahead"
    found = f"ours is {apart:.0f} seconds {ours}" if apart >= _EXACT else "they agree"
    if apart > _FAR:
        return wrong(check, "far", found)
    return look(check, "off", found) if apart > _OFF else ok(check, found)


def calls(check: str, known: Known[Calls], day: str) -> Finding:
    """Judge a day's calls (guard G6).

    Args:
        check: Code of the check.
        known: What is left, and how many we made.
        day: Which day, in words.
    """
    if isinstance(known, Unknown):
        spent = known.code == _SPENT
        return wrong(check, "spent", "the day's calls are used up") if spent else not_known(check, known)
    budget = known.budget
    made = "" if isinstance(known.ours, Unknown) else f"; we made {known.ours:,} in the last 24 hours"
    found = f"{budget.left:,} of {budget.limit:,} are left of {day}{made}; batches leave {budget.reserve:,} over"
    if not budget.allows(1, Purpose.LIVE):
        return wrong(check, "spent", found)
    if not budget.allows(1, Purpose.PARITY):
        waiting = [str(each) for each in Purpose if not budget.allows(1, each)]
        return look(check, "low", f"{found}; waiting until more are left: {', '.join(waiting)}")
    return ok(check, found)
