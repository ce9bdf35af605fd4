"""The audit event that a restored backup leaves: sealed, for it explains why anchors name entries that are not there any more.

    seal = HMAC-SHA256( key, canonical JSON of the event, of its sequence and of the moment of the backup ), in hex

Without the key, which does not lie in the database, nobody can write such an event, or move one to where it would explain more.
"""

from __future__ import annotations

import hmac
import json
import re
from typing import Final

from hintsync.state.port import AuditEvent, StoredAudit

#: Action of the event.
RESTORED: Final = "restored"
_PURPOSE: Final = b"hintsync restored backups"
_REASON: Final = re.compile(r"from the backup of (\S+); seal ([0-9a-f]{64})")


def restored_event(key: bytes, connection_id: str, *, sequence: int, at: str, backup_at: str, actor: str) -> AuditEvent:
    """Return the event that tells of a restore.

    Args:
        key: The connection's fingerprint key.
        connection_id: Whose trail.
        sequence: The event's own place in it: the trail of the backup ends right before.
        at: When the backup was put back; ISO 8601, UTC.
        backup_at: When it was taken.
        actor: Who put it back.
    """
    bound = {"connection": connection_id, "sequence": sequence, "at": at, "backup_at": backup_at, "actor": actor}
    text = json.dumps(bound, sort_keys=True, separators=(",", ":"))
    seal = hmac.new(hmac.digest(key, _PURPOSE, "sha256"), text.encode(), "sha256").hexdigest()
    reason = f"from the backup of {backup_at}; seal {seal}"
    return AuditEvent(connection_id, "connection", at, actor, RESTORED, reason=reason)


def tells_of_restore(key: bytes, connection_id: str, entry: StoredAudit) -> bool:
    """Say whether an entry of a connection's trail tells of a restore, as hintsync wrote and placed it."""
    event, said = entry.event, _REASON.fullmatch(entry.event.reason or "")
    if event.action != RESTORED or said is None:
        return False
    genuine = restored_event(
        key, connection_id, sequence=entry.sequence, at=event.at, backup_at=said[1], actor=event.actor
    )
    return hmac.compare_digest((genuine.reason or "").encode(), (event.reason or "").encode())
