"""All that a Hint emulator holds, taken together: loaded, emptied, copied and put back."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from hintsync_emulators.hint.practice import Practice

if TYPE_CHECKING:
    from hintsync_emulators.people import Population

#: What a snapshot does not hold: who asks the time, who sends, and who else is there.
_OUTSIDE = frozenset(("clock", "lock", "partner", "transport"))


class HintSteering:
    """Steers the practices of one emulator and their partner account."""

    def __init__(self, practices: Sequence[Practice]) -> None:
        self._practices = practices

    @property
    def clock(self) -> Callable[[], datetime]:
        return self._practices[0].clock

    def load(self, population: "Population") -> dict[str, object]:
        """Adds the population's patients to the first practice."""
        first = self._practices[0]
        with self._all_locked():
            first.load(population.patients)
        return {"patients": len(first)}

    def empty(self) -> None:
        with self._all_locked():
            for practice in self._practices:
                practice.empty()

    def snapshot(self) -> object:
        with self._all_locked():
            # One pickle for all, so that what they share is shared again when it is put back.
            return pickle.dumps([_inside(each) for each in self._objects()])

    def restore(self, snapshot: object) -> None:
        assert isinstance(snapshot, bytes)
        with self._all_locked():
            # The bytes are our own, made by `snapshot` in this process.
            for each, state in zip(self._objects(), pickle.loads(snapshot), strict=True):
                each.__dict__.update(state)

    def _objects(self) -> list[object]:
        return [self._practices[0].partner, *self._practices]

    @contextmanager
    def _all_locked(self) -> Iterator[None]:
        with ExitStack() as locks:
            for practice in self._practices:
                locks.enter_context(practice.lock)
            yield


def _inside(each: object) -> dict[str, object]:
    return {name: value for name, value in each.__dict__.items() if name not in _OUTSIDE}
