"""What a transaction has changed, told to whoever listens once it is committed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Change:
    """One write of one record."""

    #: Name of the object.
    object: str
    #: ``CREATE``, ``UPDATE``, ``DELETE`` or ``UNDELETE``.
    kind: str
    record_id: str
    #: The row as it was; empty for a new record.
    before: Row
    #: The row as it is now.
    after: Row
    #: Empty for what the platform does by itself.
    user_id: str
    #: Where the write came from, as change events name it; empty for what the platform does by itself.
    origin: str
    #: The write sets LastModifiedDate, whether or not the second has changed.
    touches: bool = True


Listener = Callable[[Sequence[Change]], None]


@dataclass
class Journal:
    """Collects the changes of watched objects; while nothing is watched it costs a look into an empty set."""

    watched: frozenset[str] = frozenset()
    listeners: list[Listener] = field(default_factory=list)
    _changes: list[Change] = field(default_factory=list)

    def note(self, change: Change) -> None:
        """Add a change of the running transaction."""
        self._changes.append(change)

    def mark(self) -> int:
        """Return the place to cut back to when what follows is rolled back."""
        return len(self._changes)

    def cut(self, mark: int) -> None:
        """Forget changes that were rolled back."""
        del self._changes[mark:]

    def deliver(self) -> None:
        """Tell the listeners of a committed transaction's changes."""
        if not self._changes:
            return
        changes, self._changes = self._changes, []
        for listener in self.listeners:
            listener(changes)


def origin_of(api: str, version: str, client: str | None) -> str:
    """Write the origin of a change as change events carry it, e.g. ``com/salesforce/api/rest/64.0;client=hintsync``."""
    return f"com/salesforce/api/{api}/{version}{f';client={client}' if client else ''}"
