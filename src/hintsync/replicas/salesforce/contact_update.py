"""One contact's update as it is sent: fields, condition and neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from hintsync.core.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class ContactUpdate:
    """A write to one contact, in Salesforce's terms."""

    #: 18 characters.
    record_id: str
    #: API name to JSON value; `None` clears. Only what changes.
    body: Mapping[str, object] = field(repr=False)
    #: SystemModstamp the decision was made on; empty for an update without a condition.
    stamp: str = ""
    account_id: str | None = None


def http_date(stamp: str) -> str:
    """Return SystemModstamp (`2026-03-02T09:00:00.000+0000`) as an HTTP date.

    The condition holds while the record's last change is not after that second. SystemModstamp is never before
    LastModifiedDate, so an unchanged record always passes; a second edit within the same second passes too, which the
    snapshot's digest finds at the next read (REST API Developer Guide, "Conditional Requests": ETags are for accounts).
    """
    return format_datetime(datetime.fromisoformat(stamp), usegmt=True)
