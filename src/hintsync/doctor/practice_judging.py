"""What the facts of a practice mean: pure judgements, one check each."""

from __future__ import annotations

from hintsync.doctor.both_judging import calls, clock, token
from hintsync.doctor.findings import Finding, not_known, ok, wrong
from hintsync.doctor.known import Known, Unknown
from hintsync.doctor.practice_facts import PracticeFacts
from hintsync.ports import Identity
from hintsync.replicas.hint.partner import Integration
from hintsync.state.port import Connection
from hintsync.surfaces.joining import ACTIVE


def judge_practice(facts: PracticeFacts) -> list[Finding]:
    """Return what is found of a connection's practice."""
    return [
        token("hint-token", facts.identity),
        pin(facts.connection, facts.identity),
        clock("hint-clock", facts.ahead),
        calls("hint-calls", facts.calls, "today (UTC)"),
        integration(facts.integration),
    ]


def pin(connection: Connection, identity: Known[Identity]) -> Finding:
    """Judge whether the practice is the pinned one."""
    if isinstance(identity, Unknown):
        return not_known("hint-pin", identity)
    if identity.id != connection.practice_id:
        return wrong("hint-pin", "other", f"practice {identity.id} answers; pinned is {connection.practice_id}")
    return ok("hint-pin", f"practice {identity.id}")


def integration(known: Known[Integration | None]) -> Finding:
    """Judge the integration as Hint shows it."""
    if isinstance(known, Unknown):
        return not_known("hint-integration", known)
    if known is None:
        return wrong("hint-integration", "gone", "Hint knows none of this practice with our partner account")
    if known.status not in ACTIVE:
        return wrong("hint-integration", "inactive", f"{known.id} is {known.status or 'without a status'}")
    return ok("hint-integration", f"{known.id} is {known.status}")
