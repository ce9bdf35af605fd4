"""Makes restored rows say that they are older than reality, so that nothing is overwritten because of them (decision 0099).

Links wait until their records were asked (`engine.confirming`), what both sides agreed on becomes a hint instead of a base, runs
that were under way stop, and nobody holds anything. Positions go back with the rows: what changed since is read again.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.first_sync import stale_name
from hintsync.core.records import FieldName, Fingerprint, LinkStatus
from hintsync.core.restored import RESTORED, restored_reason
from hintsync.engine.audit.restores import restored_event
from hintsync.engine.confirming import ASKED
from hintsync.logins import CREDENTIALS_FACT, has_ended
from hintsync.state.keys import Keyring
from hintsync.state.packing import pack, unpack
from hintsync.state.port import LogEntry, LogLevel, RunKind, RunStatus
from hintsync.state.sql import tables
from hintsync.state.sql.audit import write_audit
from hintsync.state.sql.codec import Found
from hintsync.state.sql.database import Database
from hintsync.state.sql.journal import write_log

#: Links read at once.
_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Restoring:
    """What is to be told of a restore."""

    #: When the backup was taken, and when it was put back; ISO 8601, UTC.
    backup_at: str
    at: str
    actor: str


async def age_rows(sql: AsyncConnection, database: Database, told: Restoring, keyring: Keyring) -> None:
    """Change restored rows as above, and note the restore, sealed by the keyring, in every connection's audit trail and log."""
    await _age_links(sql, database)
    await _stop_runs(sql)
    await sql.execute(update(tables.dirty).values(worker=None, leased_until=0.0))
    for row in (await sql.execute(select(tables.connections))).all():
        await _tell(sql, database, row, told)
        await _seal(sql, database, keyring, row.id, told)


async def _age_links(sql: AsyncConnection, database: Database) -> None:
    table, after = tables.links, ""
    columns = (table.c.id, table.c.status, table.c.reason, table.c.base)
    while True:
        wanted = select(*columns).where(tables.LIVE, table.c.id > after).order_by(table.c.id).limit(_PAGE)
        found = (await sql.execute(wanted)).all()
        if not found:
            return
        await database.bulk.replace(sql, table, [_aged(*row) for row in found])
        after = found[-1].id


def _aged(link_id: str, stored: str, reason: str | None, base: bytes) -> dict[str, object]:
    """Return what a live link's row becomes; whatever it waited for, that may have been decided since."""
    status = LinkStatus(stored)
    if status is LinkStatus.RESERVED:  # what was to be created exists by now, and is found again, or is not
        status, reason = LinkStatus.ENDED, RESTORED
    else:
        status, reason = LinkStatus.FROZEN, restored_reason(status, reason)
    return {"id": link_id, "status": str(status), "reason": reason, "base": pack(_stale(unpack(base)))}


def _stale(base: dict[FieldName, Fingerprint]) -> dict[FieldName, Fingerprint]:
    """Return a base as what it was; what stands beside fields (`#rest`, `#noted`) stays as it is."""
    beside = {name: print_ for name, print_ in base.items() if "#" in name}
    return beside | {stale_name(name): print_ for name, print_ in base.items() if "#" not in name}


async def _stop_runs(sql: AsyncConnection) -> None:
    table, under_way = tables.runs, [str(RunStatus.RUNNING), str(RunStatus.ABORTING)]
    stopped = {"status": str(RunStatus.STOPPED), "reason": "stop-run: it was under way when the backup was taken"}
    ours = table.c.status.in_(under_way) & (table.c.kind != str(RunKind.HELD))  # what was held back waits for a person
    await sql.execute(update(table).where(ours).values(**stopped))
    await sql.execute(update(table).values(worker=None, leased_until=0.0))


async def _tell(sql: AsyncConnection, database: Database, row: Found, told: Restoring) -> None:
    """Have a connection's links confirmed and its engines opened anew; write down what happened."""
    facts = orjson.loads(row.facts)
    if not has_ended(facts):
        facts[CREDENTIALS_FACT] = secrets.token_hex(8)
    own = update(tables.connections).filter_by(id=row.id)
    await sql.execute(own.values(facts=orjson.dumps(facts).decode()))
    asked = {"connection_id": row.id, "name": ASKED, "value": f"{told.at} {secrets.token_hex(4)}"}
    await database.bulk.upsert(sql, tables.cursors, [asked])
    await write_log(sql, database, _log(row.id, told))


async def _seal(sql: AsyncConnection, database: Database, keyring: Keyring, own: str, told: Restoring) -> None:
    """Note the restore in the audit trail, so that nobody without the key can note one."""
    ends = select(tables.audit_sequences.c.last).filter_by(connection_id=own)
    event = restored_event(
        keyring.fingerprint_key(own),
        own,
        sequence=((await sql.execute(ends)).scalar_one_or_none() or 0) + 1,
        at=told.at,
        backup_at=told.backup_at,
        actor=told.actor,
    )
    await write_audit(sql, database, [event])


def _log(connection_id: str, told: Restoring) -> Sequence[LogEntry]:
    text = f"everything was put back as it was at {told.backup_at}; links wait until their records were asked"
    return [LogEntry(connection_id, told.at, LogLevel.ERROR, "restored", text)]
