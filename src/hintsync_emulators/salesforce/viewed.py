"""What users have looked at: queries FOR VIEW and FOR REFERENCE note it, and lists of recent records show it."""

from __future__ import annotations

from collections.abc import Sequence

from hintsync_emulators.salesforce.clock import Clock
from hintsync_emulators.salesforce.schema.model import SObject
from hintsync_emulators.salesforce.storage import Storage

#: Records of one object that are remembered for one user (Object Reference, RecentlyViewed).
MOST = 200
_KIND = "viewed"
#: Fields that a purpose sets. They stand for the latest look of anybody; the real ones are each user's own.
_STAMPS = {"VIEW": ("LastViewedDate", "LastReferencedDate"), "REFERENCE": ("LastReferencedDate",)}


class Viewed:
    """The records that each user has looked at last, kept in the org's database."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage, self._clock = storage, clock

    def note(self, user_id: str, one: SObject, record_ids: Sequence[str], purposes: Sequence[str]) -> None:
        """Remember that a user has just looked at records, the first of them last."""
        stamp = int(self._clock().timestamp())
        fields = {name: stamp for each in purposes for name in _STAMPS[each] if name.lower() in one.fields}
        with self._storage.transaction():
            known = [each for each in self._of(user_id, one.name) if each not in set(record_ids)]
            self._keep(user_id, one.name, [*record_ids, *known][:MOST])
            for record_id in record_ids if fields else ():
                self._storage.update(one.name, record_id, fields)

    def _keep(self, user_id: str, name: str, record_ids: Sequence[str]) -> None:
        # Written anew, an entry is the youngest of its kind: that is the order of what several objects have.
        self._storage.forget(_KIND, f"{user_id} {name}")
        self._storage.keep(_KIND, f"{user_id} {name}", list(record_ids))

    def _of(self, user_id: str, name: str) -> list[str]:
        found = self._storage.kept(_KIND).get(f"{user_id} {name}")
        return list(map(str, found)) if isinstance(found, list) else []

    def of(self, user_id: str, name: str | None = None) -> list[tuple[str, str]]:
        """Return object and id of what a user looked at, the latest first; of one object, if it is named."""
        mine = [
            (key.partition(" ")[2], found)
            for key, found in reversed(self._storage.kept(_KIND).items())
            if key.startswith(f"{user_id} ") and isinstance(found, list)
        ]
        return [(each, str(record_id)) for each, found in mine if name in (None, each) for record_id in found]
