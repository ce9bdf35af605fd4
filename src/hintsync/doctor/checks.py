"""Every check there is, in the order in which they are shown, and what to do where a fact could not be had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hintsync.doctor.check import Area, Check
from hintsync.doctor.hint_checks import HINT_CHECKS, WEBHOOK_CHECKS
from hintsync.doctor.known import Why
from hintsync.doctor.salesforce_checks import SALESFORCE_CHECKS
from hintsync.doctor.service_checks import SERVICE_CHECKS
from hintsync.doctor.work_checks import WORK_CHECKS

__all__ = ["BY_CODE", "CHECKS", "NOT_KNOWN", "Area", "Check"]

CHECKS: Final[tuple[Check, ...]] = (
    *SERVICE_CHECKS,
    *SALESFORCE_CHECKS,
    *HINT_CHECKS,
    *WEBHOOK_CHECKS,
    *WORK_CHECKS,
)
BY_CODE: Final[Mapping[str, Check]] = {check.code: check for check in CHECKS}

#: What to do about a fact that is not known, by what kept it from being known.
NOT_KNOWN: Final[Mapping[Why, str]] = {
    Why.SILENT: "Check again in a minute. If it stays so, look at the network between here and there.",
    Why.LOCKED: "Renew the credential first: the check that the system lets us in says how.",
    Why.ABSENT: "What has to be there first is not: see the checks above.",
    Why.REFUSED: "Give our user the right to look, or mend what the message names.",
    Why.UNFORESEEN: "This is a mistake of ours: please report it with the line in the log.",
}
