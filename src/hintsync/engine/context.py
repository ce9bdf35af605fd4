"""The Engine: one connection with everything that is needed to work it, handed to every function of this package."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime

from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.match import MatchKey, match_key
from hintsync.core.policy import Constraints
from hintsync.core.records import HoldKind, Snapshot
from hintsync.core.values import Side
from hintsync.engine.guards.watch import Watch
from hintsync.engine.options import Options
from hintsync.ports import Clock, Described, Replica
from hintsync.state.port import Connection, StateStore


def new_id(prefix: str) -> str:
    """Return an id that sorts by time and cannot be guessed: `run-20261122T153012-9f2c4a1b`."""
    return f"{prefix}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"


@dataclass(slots=True)
class Engine:
    """A connection at work. Built by `bootstrap`; the functions of this package take it first."""

    connection: Connection
    options: Options
    store: StateStore
    replicas: Mapping[Side, Replica]
    described: Mapping[Side, Described]
    table: FieldTable
    #: 32 bytes, derived from the master key for this connection.
    fingerprint_key: bytes
    clock: Clock
    #: Who is acting: a user id, or "hintsync".
    actor: str = "hintsync"
    new_id: Callable[[str], str] = new_id
    #: Calls a second that each side's limits allow us; prices plans.
    calls_per_second: Mapping[Side, float] = field(default_factory=lambda: {Side.HINT: 8.0, Side.SALESFORCE: 10.0})
    #: Held while a kind of write is tried for the first time (`first_writes`).
    first_write: asyncio.Lock = field(default_factory=asyncio.Lock)
    #: What this process knows of the connection's guards (`stops`, `window`).
    watch: Watch = field(default_factory=Watch)
    #: What `constraints` found for a connection; the connection is replaced when its facts move.
    _constraints: tuple[Connection, Constraints] | None = None
    #: What `now` said last: the second, since 1970, and its text.
    _told: tuple[int, str] = (-1, "")

    def fingerprinter(self, salt: bytes) -> Fingerprinter:
        """Return the fingerprinter of a link."""
        return Fingerprinter(self.fingerprint_key, salt)

    def now(self) -> str:
        """Return the time as the store writes it: ISO 8601, UTC, seconds."""
        moment = self.clock.now()
        second = int(moment.timestamp())
        if self._told[0] != second:
            self._told = (second, moment.astimezone(UTC).isoformat()[:19] + "Z")
        return self._told[1]

    def key_of(self, snapshot: Snapshot) -> MatchKey | None:
        """Return a snapshot's exact demographics key."""
        shown = snapshot.values
        first, last, born = shown.get("first_name"), shown.get("last_name"), shown.get("birth_date")
        if isinstance(first, str) and isinstance(last, str) and isinstance(born, str):
            return match_key(first, last, born, self.options.placeholder_dates)
        return None

    def constraints(self) -> Constraints:
        """Return what stands in the way of writes for the connection as a whole, as known now."""
        if self._constraints is not None and self._constraints[0] is self.connection:
            return self._constraints[1]
        stored = self.connection.facts.get("paused", [])
        paused = [item for item in stored if isinstance(item, str)] if isinstance(stored, list) else []
        clears = frozenset(item.rpartition(":")[2] for item in paused if item.startswith("clear:"))
        reopened = frozenset({HoldKind.REFUSED} if self.clock.monotonic() < self.watch.reopened_until else ())
        found = Constraints(self.described, paused_clears=clears, paused_phones="phones" in paused, reopened=reopened)
        self._constraints = (self.connection, found)
        return found

    def take_over(
        self, connection: Connection | None = None, described: Mapping[Side, Described] | None = None
    ) -> None:
        """Go on with settings that were edited, or with fields that a system describes anew (guard G5).

        What was chosen for this process alone, such as to create contacts in one run, stays chosen.
        """
        self._constraints = None
        if connection is not None:
            before, after = Options.from_json(self.connection.settings), Options.from_json(connection.settings)
            chosen = {each.name: getattr(self.options, each.name) for each in fields(Options)}
            kept = {name: value for name, value in chosen.items() if value != getattr(before, name)}
            self.connection, self.options = connection, replace(after, **kept)
            self.table = self.options.table(self.table)
        if described is not None:
            self.described = described

    @property
    def salesforce(self) -> Replica:
        """The org."""
        return self.replicas[Side.SALESFORCE]

    @property
    def hint(self) -> Replica:
        """The practice."""
        return self.replicas[Side.HINT]
