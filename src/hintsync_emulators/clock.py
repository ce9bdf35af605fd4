"""The clock of an emulator: the machine's own, until a test holds it still, sets it or moves it on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache

from hintsync_emulators.control import ControlError, ControlRequest, ControlRoute


class Clock:
    """Says what time it is; callable, as emulators want their clocks.

    Args:
        start: where to begin; None begins at the machine's time.
        running: whether time passes by itself.
    """

    def __init__(self, start: datetime | None = None, *, running: bool = True) -> None:
        self._offset = timedelta()
        self._held: datetime | None = None
        self.set(start or _machine(), running=running)
        if start is None and running:
            self.follow_machine()

    def __call__(self) -> datetime:
        return self._held or _machine() + self._offset

    @property
    def running(self) -> bool:
        """Whether time passes by itself."""
        return self._held is None

    def set(self, moment: datetime, *, running: bool | None = None) -> None:
        """Goes to a moment, which may lie in the past, and goes on or stands still there."""
        runs = self.running if running is None else running
        self._offset = moment - _machine()
        self._held = None if runs else moment.astimezone(UTC)

    def advance(self, seconds: float) -> None:
        """Moves on."""
        self.set(self() + timedelta(seconds=seconds))

    def follow_machine(self) -> None:
        """Goes back to the machine's own time."""
        self._offset, self._held = timedelta(), None

    def to_json(self) -> dict[str, object]:
        return {"now": self().isoformat(), "running": self.running}


@lru_cache(maxsize=64)
def http_date(second: int) -> bytes:
    """Writes an epoch second as the header `Date` does; many answers of one second share it."""
    return format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True).encode("ascii")


def _machine() -> datetime:
    return datetime.now(UTC)


def clock_routes(clock: Callable[[], datetime]) -> list[ControlRoute]:
    """Builds the control routes that move an emulator's clock, if it is one that can be moved."""

    def movable() -> Clock:
        if not isinstance(clock, Clock):
            raise ControlError(409, "this emulator was given a clock of its own, which only its owner can move")
        return clock

    def show(_: ControlRequest) -> object:
        return movable().to_json()

    def change(request: ControlRequest) -> object:
        _change(movable(), request.object())
        return movable().to_json()

    def follow(_: ControlRequest) -> object:
        movable().follow_machine()
        return movable().to_json()

    return [
        ControlRoute("GET", "/clock", show, "what time it is here"),
        ControlRoute("PUT", "/clock", change, "move on, or go to a moment and stand still", {"advance_seconds": 3600}),
        ControlRoute("DELETE", "/clock", follow, "back to the machine's time"),
    ]


def _change(clock: Clock, body: dict[str, object]) -> None:
    unknown = body.keys() - {"now", "running", "advance_seconds"}
    if unknown:
        raise ControlError(400, f"clock: unknown key {sorted(unknown)[0]!r}")
    running, seconds = body.get("running", clock.running), body.get("advance_seconds", 0)
    if not isinstance(running, bool) or isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise ControlError(400, "clock: running must be true or false, advance_seconds a number")
    try:
        moment = datetime.fromisoformat(str(body["now"])) if "now" in body else clock()
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        clock.set(aware + timedelta(seconds=seconds), running=running)
    except (ValueError, OverflowError) as error:
        raise ControlError(400, "clock: now must be a time such as 2026-03-01T12:00:00Z") from error
