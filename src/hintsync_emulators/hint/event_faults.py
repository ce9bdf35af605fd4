"""What may happen to webhooks on their way: lost, doubled, late, in the wrong order.

PUT /_control/events/faults  {"faults": [{"do": "drop", "match": "^patient.updated", "times": 2}]}
"""

import re
from dataclasses import asdict, dataclass, fields

from hintsync_emulators.control import ControlError

KINDS = ("drop", "double", "delay", "reorder")


@dataclass(slots=True)
class EventFault:
    """One fault that waits for the events it matches."""

    #: ``drop``: never sent. ``double``: sent twice. ``delay``: sent `seconds` later. ``reorder``: sent only when
    #: `behind` later events of the same endpoint were sent before it, or when it is released.
    do: str
    #: Regular expression searched in ``TYPE OBJECT-ID``; empty matches every event.
    match: str = ""
    #: How many matching events it happens to.
    times: int = 1
    #: How many matching events pass untouched first.
    skip: int = 0
    seconds: float = 0.0
    behind: int = 1

    @classmethod
    def from_json(cls, raw: object) -> "EventFault":
        """Builds a fault from a control request.

        Raises:
            ControlError: a key is unknown or missing, or a value makes no sense.
        """
        names = {each.name for each in fields(cls)}
        if not isinstance(raw, dict) or "do" not in raw or not raw.keys() <= names:
            raise ControlError(400, f"events: each fault is an object of {', '.join(sorted(names))}; do is required")
        fault = cls(**raw)
        fault.check()
        return fault

    def check(self) -> None:
        """Refuses values that make no sense, so that a typing error does not become a fault that never happens."""
        if self.do not in KINDS:
            raise ControlError(400, f"events: do must be one of {', '.join(KINDS)}")
        if not all(type(number) is int and number >= 0 for number in (self.times, self.skip, self.behind)):
            raise ControlError(400, "events: times, skip and behind must be whole numbers that are not negative")
        if isinstance(self.seconds, bool) or not isinstance(self.seconds, (int, float)) or self.seconds < 0:
            raise ControlError(400, "events: seconds must be a number that is not negative")
        try:
            re.compile(self.match)
        except (re.error, TypeError) as error:
            raise ControlError(400, f"events: match is not a regular expression: {error}") from error

    def strikes(self, event: str) -> bool:
        """Tells whether it happens to an event (``TYPE OBJECT-ID``), and uses itself up once if so."""
        if self.times <= 0 or not re.search(self.match, event):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True

    def to_json(self) -> dict[str, object]:
        return asdict(self)
