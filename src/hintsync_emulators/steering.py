"""Control routes about an emulator's whole content, the same for both: seed, empty, snapshot, restore."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from hintsync_emulators.clock import clock_routes
from hintsync_emulators.control import ControlError, ControlRequest, ControlRoute

if TYPE_CHECKING:
    from hintsync_emulators.people import Population

_DEFAULT_COUNT = 100
_LARGEST_COUNT = 1_000_000


class Steered(Protocol):
    """What an emulator lets be done to all it holds."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """The clock it runs on."""

    def load(self, population: "Population") -> dict[str, object]:
        """Adds its half of a population and says how many records it holds then."""

    def empty(self) -> None:
        """Removes every record; connections, sessions and settings stay."""

    def snapshot(self) -> object:
        """Returns a copy of everything, which later changes leave alone."""

    def restore(self, snapshot: object) -> None:
        """Goes back to a snapshot, which may be used again."""


def steering_routes(steered: Steered) -> list[ControlRoute]:
    """Builds the control routes that handle everything an emulator holds, and its clock."""
    kept = _Snapshots(steered)
    return [
        ControlRoute(
            "POST",
            "/seed",
            lambda request: _seed(steered, request),
            "add invented people; the same seed and count give the two emulators halves of one population",
            {"count": 100, "seed": 1},
        ),
        ControlRoute("POST", "/empty", lambda _: steered.empty(), "remove every record; connections and sessions stay"),
        ControlRoute("GET", "/snapshots", lambda _: sorted(kept.by_name), "names of the snapshots"),
        ControlRoute("POST", "/snapshots", kept.take, "take one of all there is, in memory", {"name": "before"}),
        ControlRoute(
            "POST", "/snapshots/{name}/restore", kept.restore, "go back to one; faults, counts and the clock stay"
        ),
        ControlRoute("DELETE", "/snapshots/{name}", kept.forget, "forget one"),
        *clock_routes(steered.clock),
    ]


def _seed(steered: Steered, request: ControlRequest) -> object:
    # Imported late: the people know Hint's states, and so import it.
    from hintsync_emulators.people import invent, spread

    body = request.object()
    count, seed = body.get("count", _DEFAULT_COUNT), body.get("seed", 1)
    if type(count) is not int or type(seed) is not int or not 0 < count <= _LARGEST_COUNT:
        raise ControlError(400, f"count must be a whole number from 1 to {_LARGEST_COUNT:,}, seed a whole number")
    population = spread(invent(count, seed), seed)
    return {**steered.load(population), "people": population.describe()}


class _Snapshots:
    """Named snapshots of one emulator."""

    def __init__(self, steered: Steered) -> None:
        self._steered = steered
        self.by_name: dict[str, object] = {}

    def take(self, request: ControlRequest) -> object:
        name = request.object().get("name")
        if not isinstance(name, str) or not name or "/" in name:
            raise ControlError(400, "name must be a text without a slash")
        self.by_name[name] = self._steered.snapshot()
        return {"name": name}

    def restore(self, request: ControlRequest) -> None:
        self._steered.restore(self._named(request))

    def forget(self, request: ControlRequest) -> None:
        self._named(request)
        del self.by_name[request.path["name"]]

    def _named(self, request: ControlRequest) -> object:
        if request.path["name"] not in self.by_name:
            raise ControlError(404, f"no snapshot {request.path['name']!r}; GET /_control/snapshots lists them")
        return self.by_name[request.path["name"]]
