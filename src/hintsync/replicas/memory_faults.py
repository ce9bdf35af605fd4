"""The trouble that the in-memory replica can be told to make, as a plan of what happens at which call.

Everything is off at first. Calls are counted as they would go over the wire: a page, a group of reads, a chunk of writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hintsync.core.errors import BudgetSpent, FixConfiguration, HintsyncError, ReconnectNeeded, RetryLater
from hintsync.core.limits import DayBudget
from hintsync.core.records import FieldName, RecordId
from hintsync.core.values import Canonical, Side


class Crash(BaseException):
    """The process dies here. Not an `Exception`, so that no handler can take it for something to recover from."""


@dataclass(slots=True)
class Faults:
    """What goes wrong, and when; set by methods, all off again by `clear`.

    `n` counts remote calls from the moment the method is called: 1 is the next one.
    """

    side: Side
    #: Remote calls so far.
    calls: int = 0
    #: Stamps stand still although records change (half of a flaky Version).
    frozen_stamps: bool = False
    #: Stamps move at every read although nothing changed (the other half).
    restless_stamps: bool = False
    #: Scans in a row that fail because the list moves.
    moving_scans: int = 0
    #: Fields that answers do not carry (no permission).
    hidden: set[FieldName] = field(default_factory=set)
    #: Fields whose writes are acknowledged and not kept.
    dropped: set[FieldName] = field(default_factory=set)
    #: Field to vendor code: any write naming the field is refused with it.
    refused_fields: dict[FieldName, str] = field(default_factory=dict)
    #: Record to vendor code: any write to the record is refused, without naming a field.
    refused_records: dict[RecordId, str] = field(default_factory=dict)
    #: Field to the longest text it takes.
    max_length: dict[FieldName, int] = field(default_factory=dict)
    #: Field to the only values it takes.
    choices: dict[FieldName, frozenset[str]] = field(default_factory=dict)
    #: Create key to the records a duplicate rule names for it.
    duplicates: dict[str, tuple[RecordId, ...]] = field(default_factory=dict)
    _locks: dict[RecordId, int] = field(default_factory=dict)
    _crash_before: set[int] = field(default_factory=set)
    _crash_after: set[int] = field(default_factory=set)
    _lost: set[int] = field(default_factory=set)
    _unsent: set[int] = field(default_factory=set)
    _failing: int = 0
    _standing: HintsyncError | None = None
    _day: DayBudget | None = None

    def clear(self) -> None:
        """Let everything go well again; the count of calls stays."""
        fresh = Faults(self.side)
        for name in self.__slots__:
            if name not in ("side", "calls"):
                setattr(self, name, getattr(fresh, name))

    def crash_before(self, n: int = 1) -> None:
        """Die at the n-th call, before it does anything."""
        self._crash_before.add(self.calls + n)

    def crash_after(self, n: int = 1) -> None:
        """Die at the n-th call, once it was carried out and before its answer is seen."""
        self._crash_after.add(self.calls + n)

    def lose_reply(self, n: int = 1) -> None:
        """Carry out the n-th call and lose its answer: a write's outcome is unknown, a read must be made again."""
        self._lost.add(self.calls + n)

    def lose_request(self, n: int = 1) -> None:
        """Lose the n-th call on its way: to the caller it looks like a lost reply, and nothing was carried out."""
        self._unsent.add(self.calls + n)

    def fail(self, times: int = 1) -> None:
        """Let that many calls fail in passing (rate limit, server trouble), as after all retries."""
        self._failing = times

    def lock(self, record_id: RecordId, times: int = 1) -> None:
        """Let that many writes to a record meet a lock."""
        self._locks[record_id] = times

    def refuse(self, name: FieldName, code: str) -> None:
        """Refuse every write that names a field."""
        self.refused_fields[name] = code

    def refuse_record(self, record_id: RecordId, code: str) -> None:
        """Refuse every write to a record, without naming a field."""
        self.refused_records[record_id] = code

    def revoke(self) -> None:
        """Refuse the credential from now on."""
        self._standing = ReconnectNeeded(self.side, "credential refused")

    def spend_budget(self, after: float = 3600.0) -> None:
        """Let the day's calls be used up from now on."""
        self._standing = BudgetSpent(self.side, "the day's calls are used up", after=after)

    def limit_day(self, calls: int, reserve_share: float = 0.2) -> None:
        """Let only so many calls be made in all from the first on, as if they were a day's allowance."""
        self._day = DayBudget(calls, 0, reserve_share)

    @property
    def budget(self) -> DayBudget | None:
        """The day's allowance that `spend_budget` or `limit_day` set."""
        if isinstance(self._standing, BudgetSpent):
            return DayBudget(1, 1, resets_in=self._standing.after)
        return None if self._day is None else replace(self._day, used=self.calls)

    def misconfigure(self, reason: str) -> None:
        """Refuse everything for a reason that an administrator must remove."""
        self._standing = FixConfiguration(f"{self.side}: {reason}")

    def restore(self) -> None:
        """Take back `revoke`, `spend_budget` or `misconfigure`."""
        self._standing = None

    def begin(self) -> None:
        """Count a call and let happen what is due before it is carried out."""
        self.calls += 1
        if self.calls in self._crash_before:
            raise Crash
        if self._standing is not None:
            raise self._standing
        if self._day is not None and self.calls > self._day.limit:
            self.calls -= 1  # the real side would not have got it
            raise BudgetSpent(self.side, "the day's calls are used up", after=3600.0)
        if self._failing:
            self._failing -= 1
            raise RetryLater(self.side, "told to fail")

    @property
    def arrives(self) -> bool:
        """Whether the call that was begun reaches the system."""
        return self.calls not in self._unsent

    def end(self) -> bool:
        """Let happen what is due after a call was carried out; return whether its answer is lost."""
        if self.calls in self._crash_after:
            raise Crash
        return self.calls in self._lost or not self.arrives

    def locked(self, record_id: RecordId) -> bool:
        """Say whether a write meets a lock now, and use the lock up by one."""
        left = self._locks.get(record_id, 0)
        self._locks[record_id] = max(left - 1, 0)
        return left > 0

    def refusal(
        self, record_id: RecordId | None, values: Mapping[FieldName, Canonical]
    ) -> tuple[str, frozenset[str]] | None:
        """Return the vendor code and the fields named if a write must be refused, else `None`."""
        named = {name: code for name, code in self.refused_fields.items() if name in values}
        named |= {name: "STRING_TOO_LONG" for name in values if self._too_long(name, values[name])}
        named |= {
            name: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" for name in values if self._not_a_choice(name, values[name])
        }
        if named:
            return next(iter(named.values())), frozenset(named)
        code = self.refused_records.get(record_id) if record_id else None
        return (code, frozenset()) if code else None

    def _too_long(self, name: FieldName, value: Canonical) -> bool:
        return isinstance(value, str) and len(value) > self.max_length.get(name, len(value))

    def _not_a_choice(self, name: FieldName, value: Canonical) -> bool:
        return name in self.choices and value is not None and value not in self.choices[name]
