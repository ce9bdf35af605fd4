"""All that an org holds, taken together: loaded, emptied, copied and put back."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hintsync_emulators.loading import load_contacts
from hintsync_emulators.salesforce.org import Org

if TYPE_CHECKING:
    from hintsync_emulators.people import Population

#: Objects that belong to the org itself and stay when it is emptied.
_OF_THE_ORG = frozenset(
    """
    ApexPage FieldPermissions ObjectPermissions Organization PermissionSet PermissionSetAssignment
    PermissionSetTabSetting Profile SetupEntityAccess User
    """.split()  # noqa: SIM905 - a list of words is easier to read than a list of strings
)
#: What a snapshot does not hold: the lock, the clock, who is logged in, and the database, which is copied in its own way.
_OUTSIDE = frozenset(("guard", "clock", "visitors", "storage"))


@dataclass(frozen=True, slots=True)
class _Snapshot:
    database: sqlite3.Connection
    state: dict[str, object]


class OrgSteering:
    """Steers one org."""

    def __init__(self, org: Org) -> None:
        self._org = org

    @property
    def clock(self) -> Callable[[], datetime]:
        return self._org.clock

    def load(self, population: Population) -> dict[str, object]:
        """Adds the population's contacts, each in its account, without fields that the org does not have."""
        with self._org.guard:
            known = {*(each.name for each in self._org.definition("Contact").fields.values()), "AccountName"}
            contacts = population.contacts
            load_contacts(self._org, [{name: each[name] for name in each if name in known} for each in contacts])
            return {"contacts": self._org.count("Contact")}

    def empty(self) -> None:
        """Remove every record for good, recycle bin and all."""
        with self._org.guard, self._org.storage.transaction():
            self._org.late.clear()
            for one in self._org.schema.definitions.values():
                if one.name not in _OF_THE_ORG:
                    self._org.storage.erase_all(one.name)

    def snapshot(self) -> object:
        with self._org.guard:
            database = sqlite3.connect(":memory:", check_same_thread=False)
            self._org.storage.copy_to(database)
            return _Snapshot(database, self._copied(self._inside()))

    def restore(self, snapshot: object) -> None:
        assert isinstance(snapshot, _Snapshot)
        with self._org.guard:
            self._org.storage.copy_from(snapshot.database)
            for name in self._inside():
                del self._org.__dict__[name]
            self._org.__dict__.update(self._copied(snapshot.state))
            self._org.events.restored()

    def _inside(self) -> dict[str, object]:
        return {name: value for name, value in self._org.__dict__.items() if name not in _OUTSIDE}

    def _copied(self, state: dict[str, object]) -> dict[str, object]:
        """Copies what is known of the org beside its rows; what lies outside is shared, not copied."""
        outside = [self._org, *(self._org.__dict__[name] for name in _OUTSIDE)]
        return copy.deepcopy(state, {id(each): each for each in outside})
