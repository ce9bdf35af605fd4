"""How our log entries look in the Hint Log of an org: their keys, and what stands in their fields."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from hintsync.hint_log import OrgEntry
from hintsync.state.port import Connection, LogEntry, LogLevel

#: The object's picklist.
LEVELS: Final[Mapping[LogLevel, str]] = {
    LogLevel.DEBUG: "Debug",
    LogLevel.ERROR: "Error",
    LogLevel.EXCEPTION: "Exception",
}
#: Entries whose event begins so tell of the copying itself, and are never copied.
OWN: Final = "hint-log"


def place_of(connection: Connection) -> str:
    """Return what the keys of a practice's entries begin with: the same after hintsync is set up anew.

    A hash, since a condition of SOQL takes some signs of an id for wild cards.
    """
    return hashlib.sha256(connection.practice_id.encode()).hexdigest()[:12]


def copies_of(connection: Connection) -> str:
    """Return what the keys of copied log entries begin with."""
    return f"{place_of(connection)}-e-"


def copy_of(connection: Connection, entry: LogEntry) -> OrgEntry:
    """Return an entry as the org keeps it.

    The key sorts as entries came. It holds the id and the time: a store that was restored gives ids a second time, and never at
    the same second.
    """
    digits = "".join(sign for sign in entry.at if sign.isalnum())
    return OrgEntry(
        f"{copies_of(connection)}{entry.id or 0:012}-{digits}",
        entry.at,
        LEVELS[entry.level],
        entry.message,
        "\n".join(f"{word}: {told}" for word, told in _details(entry).items() if told),
        entry.contact_id,
        entry.patient_id,
        entry.run_id,
    )


def _details(entry: LogEntry) -> Mapping[str, str]:
    return {
        "Event": entry.event,
        "Message": entry.message,
        "Fields": ", ".join(entry.fields),
        "Contact": entry.contact_id or "",
        "Patient": entry.patient_id or "",
        "Batch Sync ID": entry.run_id or "",
        "Incident": entry.incident or "",
        "Entry of our log": str(entry.id or ""),
    }
