"""Rows of tables to the port's records and back."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Row

from hintsync.core.plan import Outcome
from hintsync.core.records import FieldName, Fingerprint, Hold, HoldKind, Link, LinkState, LinkStatus
from hintsync.core.values import Side
from hintsync.state.packing import pack, unpack
from hintsync.state.port import (
    Connection,
    LogEntry,
    LogLevel,
    Review,
    ReviewKind,
    ReviewStatus,
    Run,
    RunKind,
    RunRow,
    RunStatus,
)

#: A row on its way to a table: column name to what the driver takes.
Stored: TypeAlias = dict[str, object]

#: A row as a table gave it.
Found: TypeAlias = Row[Any]

_LINK = (
    "id",
    "connection_id",
    "contact_id",
    "patient_id",
    "origin",
    "decided_by",
    "salt",
    "created_at",
    "reason",
    "revision",
)
LINK_COLUMNS = (*_LINK, "status", "base", "holds")
_LOG = ("connection_id", "at", "level", "event", "message", "contact_id", "patient_id", "run_id", "incident")
RESULT_COLUMNS = (
    "run_id",
    "position",
    "side",
    "record_id",
    "outcome",
    "rule",
    "peers",
    "reason",
    "written",
    "held",
    "prints",
    "versions",
)
_link_values = attrgetter(*_LINK)
_log_values = attrgetter(*_LOG)


def dump(value: object) -> str:
    """Return JSON text; sides and other words of ours may be keys."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _dump_or_none(value: Mapping[Side, object] | Sequence[str]) -> str | None:
    if not value:
        return None
    return dump(dict(value) if isinstance(value, Mapping) else value)


def _members(record: Connection | Run | Review) -> Stored:
    return {member.name: getattr(record, member.name) for member in fields(record)}


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(orjson.loads(text)) if text else ()


def connection_row(connection: Connection) -> Stored:
    """Return the row of a connection."""
    return _members(connection) | {"settings": dump(dict(connection.settings)), "facts": dump(dict(connection.facts))}


def connection_of(row: Found) -> Connection:
    """Return the connection of a row."""
    members = dict(row._mapping)
    return Connection(**members | {"settings": orjson.loads(row.settings), "facts": orjson.loads(row.facts)})


def link_values(state: LinkState) -> tuple[object, ...]:
    """Return the row of a link with its memory, in the order of `LINK_COLUMNS`."""
    holds = dump({name: _hold_json(hold) for name, hold in state.holds.items()}) if state.holds else "{}"
    return (*_link_values(state.link), state.link.status.value, pack(state.base), holds)


def link_of(row: Found) -> Link:
    """Return the link of a row."""
    return Link(**dict(zip(_LINK, _link_values(row), strict=True)), status=LinkStatus(row.status))


def link_state_of(row: Found) -> LinkState:
    """Return the link of a row with its memory."""
    holds = {name: _hold_of(members) for name, members in orjson.loads(row.holds).items()}
    return LinkState(link_of(row), unpack(row.base), holds)


def _packed_text(prints: Mapping[FieldName, Fingerprint]) -> str:
    return b64encode(pack(prints)).decode()


def _hold_json(hold: Hold) -> Stored:
    seen = {side: None if value is None else value.hex() for side, value in hold.seen.items()}
    return {"kind": hold.kind, "row": hold.row, "reason": hold.reason, "seen": seen}


def _hold_of(members: dict[str, Any]) -> Hold:
    seen = {Side(side): None if value is None else bytes.fromhex(value) for side, value in members["seen"].items()}
    return Hold(HoldKind(members["kind"]), members["row"], members["reason"], seen)


def run_row(run: Run) -> Stored:
    """Return the row of a run."""
    return _members(run) | {"kind": str(run.kind), "status": str(run.status), "details": dump(dict(run.details))}


def run_of(row: Found) -> Run:
    """Return the run of a row."""
    members = dict(row._mapping)
    del members["number"]
    members["kind"], members["status"] = RunKind(row.kind), RunStatus(row.status)
    return Run(**members | {"details": orjson.loads(row.details)})


def result_values(row: RunRow) -> tuple[object, ...]:
    """Return the row of one record's result, in the order of `RESULT_COLUMNS`."""
    return (
        row.run_id,
        row.position,
        row.side.value,
        row.record_id,
        row.outcome.value,
        row.rule,
        _dump_or_none(row.peers),
        row.reason,
        _dump_or_none(row.written),
        _dump_or_none(row.held),
        _dump_or_none({side: _packed_text(prints) for side, prints in row.prints.items()}) if row.prints else None,
        _dump_or_none(row.versions),
    )


def result_of(row: Found) -> RunRow:
    """Return one record's result."""
    return RunRow(
        run_id=row.run_id,
        position=row.position,
        side=Side(row.side),
        record_id=row.record_id,
        outcome=Outcome(row.outcome),
        rule=row.rule,
        peers=_names(row.peers),
        reason=row.reason,
        written={side: tuple(names) for side, names in _by_side(row.written).items()},
        held=_names(row.held),
        prints={side: unpack(b64decode(prints)) for side, prints in _by_side(row.prints).items()},
        versions=_by_side(row.versions),
    )


def _by_side(text: str | None) -> dict[Side, Any]:
    return {Side(side): value for side, value in orjson.loads(text).items()} if text else {}


def review_row(review: Review) -> Stored:
    """Return the row of a review."""
    members = _members(review) | {"candidates": dump(review.candidates), "details": dump(dict(review.details))}
    return members | {"kind": str(review.kind), "side": str(review.side), "status": str(review.status)}


def review_of(row: Found) -> Review:
    """Return the review of a row."""
    members = dict(row._mapping)
    members["kind"], members["side"] = ReviewKind(row.kind), Side(row.side)
    members["status"], members["candidates"] = ReviewStatus(row.status), _names(row.candidates)
    return Review(**members | {"details": orjson.loads(row.details)})


def log_row(entry: LogEntry) -> Stored:
    """Return the row of a log entry; the database gives the id."""
    row: Stored = dict(zip(_LOG, _log_values(entry), strict=True))
    return row | {"level": str(entry.level), "fields": _dump_or_none(entry.fields)}


def log_of(row: Found) -> LogEntry:
    """Return the log entry of a row."""
    members = dict(row._mapping)
    return LogEntry(**members | {"level": LogLevel(row.level), "fields": _names(row.fields)})
