"""Components that the org holds, kept in its database."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from hintsync_emulators.salesforce.storage import Storage

_KEPT = "component"


@dataclass(frozen=True, slots=True)
class Component:
    """One component as it stands in the org."""

    kind: str
    name: str
    id: str
    #: The metadata file as it was deployed; for a child of an object its element alone.
    xml: bytes
    #: The content file beside it.
    body: bytes | None
    #: Epoch seconds and user ids.
    created: int
    created_by: str
    modified: int
    modified_by: str

    def same(self, xml: bytes, body: bytes | None) -> bool:
        """Say whether this content is what it holds already."""
        return (self.xml, self.body) == (xml, body)


class Components:
    """All components of an org, by type and full name."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.reload()

    def reload(self) -> None:
        """Read again what the database holds, e.g. after a transaction was rolled back."""
        kept = self._storage.kept(_KEPT).values()
        found = [_read(body) for body in kept if isinstance(body, dict)]
        self._found = {(one.kind, one.name): one for one in found}

    def get(self, kind: str, name: str) -> Component | None:
        """Return a component."""
        return self._found.get((kind, name))

    def names(self, kind: str) -> list[str]:
        """Return the full names of all components of a type, sorted."""
        return sorted(name for each, name in self._found if each == kind)

    def everything(self) -> list[Component]:
        """Return every component, by type and name."""
        return [self._found[key] for key in sorted(self._found)]

    def all(self, kind: str) -> Iterator[Component]:
        """Return all components of a type, by name."""
        return (self._found[kind, name] for name in self.names(kind))

    def put(self, one: Component) -> None:
        """Hold a component, in the place of one with the same name."""
        self._found[one.kind, one.name] = one
        self._storage.keep(_KEPT, f"{one.kind} {one.name}", _written(one))

    def drop(self, kind: str, name: str) -> None:
        """Hold a component no longer."""
        self._found.pop((kind, name), None)
        self._storage.forget(_KEPT, f"{kind} {name}")


def _written(one: Component) -> dict[str, object]:
    found: dict[str, object] = {name: getattr(one, name) for name in Component.__slots__}
    found["xml"] = base64.b64encode(one.xml).decode()
    found["body"] = None if one.body is None else base64.b64encode(one.body).decode()
    return found


def _read(body: dict[str, object]) -> Component:
    raw = body["body"]
    given = {**body, "xml": base64.b64decode(str(body["xml"]))}
    given["body"] = None if raw is None else base64.b64decode(str(raw))
    return Component(**given)  # type: ignore[arg-type]
