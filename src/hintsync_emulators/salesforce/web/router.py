"""From a path to its handler, tolerant of case and of a slash at the end, as Salesforce is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from hintsync_emulators.salesforce.web.call import Answer, Call

Handler = Callable[[Call], Answer]
_RESPONSES = "hintsync_emulators.salesforce.responses"


@dataclass(frozen=True, slots=True)
class Late:
    """A handler whose module is imported when it is first called, so that an org starts without waiting for it."""

    module: str
    name: str

    def __call__(self, call: Call) -> Answer:
        return self.found()(call)

    def found(self) -> Handler:
        """Return the handler itself."""
        handler: Handler = getattr(import_module(self.module), self.name)
        return handler


def late(path: str) -> Late:
    """Return a handler by its module among the responses and its name: ``query.more``."""
    module, _, name = path.partition(".")
    return Late(f"{_RESPONSES}.{module}", name)


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one resource."""

    method: str
    #: Segments; ``{name}`` takes one of them, ``{name...}`` all that are left, ``vXX.X`` an API version.
    path: str
    handler: Late
    #: Under what the call is counted, e.g. ``collections.update``.
    kind: str
    #: Needs a session.
    guarded: bool = True
    #: Sends Sforce-Limit-Info and counts against the day.
    counted: bool = True

    def pattern(self) -> re.Pattern[str]:
        """Return the expression that whole paths are held against."""
        return _pattern(self.path)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    text = re.escape(path).replace(r"vXX\.X", r"v(?P<version>\d{1,3}\.\d)")
    text = re.sub(r"\\\{(\w+)\\\.\\\.\\\.\\\}", r"(?P<\1>.+)", text)
    text = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", text)
    return re.compile(text, re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A route with the values of its placeholders, or the methods that would have been right."""

    route: Route | None
    names: dict[str, str]
    allowed: tuple[str, ...] = ()


class Router:
    """All routes, grouped by how many segments they have."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_size: dict[int, list[Route]] = {}
        self._open: list[Route] = []
        for route in routes:
            if "...}" in route.path:
                self._open.append(route)
            else:
                self._by_size.setdefault(route.path.count("/"), []).append(route)

    def find(self, method: str, path: str) -> Found:
        """Return the route for a path without a slash at the end."""
        allowed = []
        for route in (*self._by_size.get(path.count("/"), ()), *self._open):
            match = route.pattern().fullmatch(path)
            if match is None:
                continue
            if route.method == method:
                return Found(route, match.groupdict())
            allowed.append(route.method)
        return Found(None, {}, tuple(allowed))
