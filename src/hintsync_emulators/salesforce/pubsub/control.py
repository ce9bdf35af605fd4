"""Routes of the control API that steer the change events of an org."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hintsync_emulators.control import ControlError, ControlRequest, ControlRoute
from hintsync_emulators.salesforce.pubsub.channels import STANDARD
from hintsync_emulators.salesforce.pubsub.errors import PROBLEMS

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Faults that are counted in events.
_COUNTED = ("drop", "double", "delay", "reorder", "gap")
_SETTINGS = {"keepalive": 1, "idle": 5, "retention": 3600, "daily": 100}
_FAULTS = {"drop": 1, "double": 2, "silence": False, "fail_next": ["service.unavailable"]}
_GAP = {"object": "Contact", "ids": ["003000000000001AAA"], "type": "GAP_UPDATE"}


class _Control:
    """Translates control requests into calls on the event bus."""

    def __init__(self, org: Org) -> None:
        self._org, self._bus = org, org.events

    def show(self, request: ControlRequest) -> object:
        with self._org.guard:
            bus = self._bus
            return {
                "objects": {name: bus.channels.members(name) for name in bus.channels.names()},
                "streams": bus.streams,
                "settings": dataclasses.asdict(bus.settings),
                "deliveries": {"daily": bus.allocation.daily, "used": bus.allocation.used(bus.now())},
                "faults": {
                    **{name: getattr(bus.faults, name) for name in _COUNTED},
                    "silence": bus.faults.silence,
                    "fail_next": bus.faults.fail_next,
                },
            }

    def objects(self, request: ControlRequest) -> object:
        """Select objects, or take them out again."""
        body = request.object()
        channel = body.pop("channel", STANDARD)
        if not isinstance(channel, str) or not all(isinstance(on, bool) for on in body.values()):
            raise ControlError(400, 'the body names objects, each true or false, and perhaps a "channel"')
        with self._org.guard:
            for name, on in body.items():
                self._select(name, channel, on is True)
            return {"channel": channel, "objects": self._bus.channels.members(channel)}

    def _select(self, name: str, channel: str, on: bool) -> None:
        try:
            if on:
                self._bus.channels.select(name, channel)
            else:
                self._bus.channels.deselect(name, channel)
        except (LookupError, ValueError) as error:
            raise ControlError(400, str(error)) from None

    def settings(self, request: ControlRequest) -> object:
        """Change settings of the bus and how many events may be delivered in a day."""
        body = request.object()
        daily = body.pop("daily", self._bus.allocation.daily)
        known = dataclasses.asdict(self._bus.settings)
        changed = {**known, **{name: _like(known, name, value) for name, value in body.items()}}
        if type(daily) is not int or daily < 0:
            raise ControlError(400, "daily must be a whole number that is not negative")
        with self._org.guard:
            for name, value in changed.items():
                setattr(self._bus.settings, name, value)
            self._bus.allocation.daily = daily
            self._bus.wake()
        return {**changed, "daily": daily}

    def faults(self, request: ControlRequest) -> object:
        """Spoil the next events, silence all streams, or fail the next calls."""
        body = request.object()
        unknown = set(body) - {*_COUNTED, "silence", "fail_next"}
        if unknown:
            raise ControlError(400, f"unknown fault {sorted(unknown)[0]!r}")
        counts = {name: body[name] for name in _COUNTED if name in body}
        failing, silence = body.get("fail_next"), body.get("silence", self._bus.faults.silence)
        if not all(type(count) is int and count >= 0 for count in counts.values()) or not isinstance(silence, bool):
            raise ControlError(400, f"{', '.join(_COUNTED)} are whole numbers, silence is true or false")
        if failing is not None and not (isinstance(failing, list) and all(code in PROBLEMS for code in failing)):
            raise ControlError(400, f"fail_next is a list of {', '.join(PROBLEMS)}")
        with self._org.guard:
            for name, count in counts.items():
                setattr(self._bus.faults, name, count)
            self._bus.faults.silence = silence
            if failing is not None:
                self._bus.faults.fail_next[:] = failing
            self._bus.wake()
        return self.show(request)

    def clear(self, request: ControlRequest) -> None:
        with self._org.guard:
            self._bus.clear_faults()

    def release(self, request: ControlRequest) -> object:
        with self._org.guard:
            return {"released": self._bus.release()}

    def gap(self, request: ControlRequest) -> None:
        body = request.object()
        ids = body.get("ids")
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise ControlError(400, "ids must be a list of record ids; a wildcard such as 003* is one too")
        with self._org.guard:
            try:
                self._bus.gap(str(body.get("object")), ids, str(body.get("type", "GAP_UPDATE")))
            except (LookupError, ValueError) as error:
                raise ControlError(400, str(error)) from None

    def overflow(self, request: ControlRequest) -> None:
        with self._org.guard:
            try:
                self._bus.overflow(str(request.object().get("object")))
            except LookupError as error:
                raise ControlError(400, str(error)) from None

    def expire(self, request: ControlRequest) -> None:
        with self._org.guard:
            self._bus.expire()

    def close(self, request: ControlRequest) -> object:
        code = request.object().get("error")
        if code is not None and code not in PROBLEMS:
            raise ControlError(400, f"error is null or one of {', '.join(PROBLEMS)}")
        with self._org.guard:
            streams = self._bus.streams
            self._bus.end_streams(None if code is None else str(code))
            return {"closed": streams}


def _like(known: Mapping[str, object], name: str, value: object) -> object:
    """Return a new value of a setting, which must be of the kind of the old one."""
    if name not in known:
        raise ControlError(400, f"unknown setting {name!r}; there are: daily, {', '.join(known)}")
    if isinstance(known[name], bool) != isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ControlError(400, f"{name} must be {'true or false' if isinstance(known[name], bool) else 'a number'}")
    return value if isinstance(known[name], (bool, float)) else int(value)


def pubsub_routes(org: Org) -> list[ControlRoute]:
    """Return the routes below ``/_control/pubsub``."""
    control, at = _Control(org), "/pubsub"
    return [
        ControlRoute("GET", at, control.show, "objects selected, open streams, settings and faults of change events"),
        ControlRoute("PUT", f"{at}/objects", control.objects, "whose changes are told", {"Contact": True}),
        ControlRoute("PUT", f"{at}/settings", control.settings, "how streams and retention behave", _SETTINGS),
        ControlRoute("PUT", f"{at}/faults", control.faults, "spoil the next events, or all streams", _FAULTS),
        ControlRoute("DELETE", f"{at}/faults", control.clear, "no faults of events; what is kept back stays"),
        ControlRoute("POST", f"{at}/release", control.release, "send what delay and reorder have kept back"),
        ControlRoute("POST", f"{at}/gap", control.gap, "send a gap event", _GAP),
        ControlRoute("POST", f"{at}/overflow", control.overflow, "send an overflow event", {"object": "Contact"}),
        ControlRoute("POST", f"{at}/expire", control.expire, "forget all events: every replay id is invalid"),
        ControlRoute("POST", f"{at}/close", control.close, "end all streams", {"error": "service.unavailable"}),
    ]
