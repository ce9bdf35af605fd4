"""What can go wrong between a commit and its subscribers, on purpose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from hintsync_emulators.salesforce.pubsub.drafts import Draft
from hintsync_emulators.salesforce.pubsub.errors import Problem
from hintsync_emulators.salesforce.pubsub.log import Event


@dataclass
class EventFaults:
    """Faults that wait for the events they spoil; each number counts events still to be spoilt."""

    #: Events that nobody ever gets.
    drop: int = 0
    #: Events that are delivered twice, under one replay id.
    double: int = 0
    #: Events that are kept back until `release`.
    delay: int = 0
    #: Events that are collected and then sent, the last one first.
    reorder: int = 0
    #: Events that are replaced by the gap event of their change.
    gap: int = 0
    #: Nothing is sent to anybody, and no stream ends.
    silence: bool = False
    #: Errors that the next calls fail with, the first one first.
    fail_next: list[str] = field(default_factory=list)
    _delayed: list[Event] = field(default_factory=list)
    _collected: list[Event] = field(default_factory=list)

    def spoil_draft(self, draft: Draft) -> Draft:
        """Turn a change event into a gap event, if that is wanted."""
        if not self.gap or draft.kind.startswith("GAP_"):
            return draft
        self.gap -= 1
        return draft.as_gap()

    def spoil(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yield what of the events is sent now."""
        for event in events:
            if self.drop:
                self.drop -= 1
            elif self.delay:
                self.delay -= 1
                self._delayed.append(event)
            elif self.reorder:
                yield from self._collect(event)
            elif self.double:
                self.double -= 1
                yield replace(event, times=2)
            else:
                yield event

    def _collect(self, event: Event) -> Iterator[Event]:
        self._collected.append(event)
        self.reorder -= 1
        if not self.reorder:
            yield from self._take(self._collected, last_first=True)

    def release(self) -> list[Event]:
        """Return what was kept back."""
        return [*self._take(self._delayed), *self._take(self._collected, last_first=True)]

    @staticmethod
    def _take(events: list[Event], last_first: bool = False) -> list[Event]:
        taken = events[::-1] if last_first else events[:]
        events.clear()
        return taken

    def check_call(self) -> None:
        """Fail a call that is to fail.

        Raises:
            Problem: as asked for.
        """
        if self.fail_next:
            raise Problem(self.fail_next.pop(0))

    def clear(self) -> None:
        """Forget every fault; events that were kept back stay so until `release`."""
        self.drop = self.double = self.delay = self.reorder = self.gap = 0
        self.silence = False
        self.fail_next.clear()
