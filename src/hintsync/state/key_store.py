"""Which keys a store lies under, and how they are changed; the part of a store on a database that `hintsync keys` works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class KeysInUse:
    """What each master key still closes; keys by the names of `MasterKeys.names`."""

    #: Names of the keys that are set, the first one is to be in force.
    master: tuple[str, ...]
    #: Key that closes the root of all fingerprint keys.
    root: str
    #: Data keys closed, by master key.
    data_keys: Mapping[str, int] = field(default_factory=dict)
    #: Secrets that a master key seals itself, from before there were data keys.
    old_secrets: Mapping[str, int] = field(default_factory=dict)
    #: When each connection's data key was made; ISO 8601, UTC.
    made_at: Mapping[str, str] = field(default_factory=dict)

    @property
    def needed(self) -> frozenset[str]:
        """Names of the keys without which something would not open."""
        return frozenset({self.root, *self.data_keys, *self.old_secrets})

    @property
    def settled(self) -> bool:
        """Whether everything lies under the first key, and every secret under a data key."""
        return self.needed == {self.master[0]} and not self.old_secrets

    @property
    def idle(self) -> tuple[str, ...]:
        """Names of the keys that close nothing any more and may be removed."""
        return tuple(name for name in self.master if name not in self.needed)


@runtime_checkable
class KeyStore(Protocol):
    """A store whose keys can be changed while processes work on it."""

    async def keys_in_use(self) -> KeysInUse:
        """Say what each master key closes.

        Raises:
            FixConfiguration: something is closed by a key that is not set.
        """
        ...

    async def rewrap(self, actor: str, at: str) -> KeysInUse:
        """Wrap root and data keys under the first master key, in one transaction; return what became of it.

        Secrets from before there were data keys are sealed anew, too. Processes that know the key go on meanwhile.

        Args:
            actor: Who asked for it, for the audit trail.
            at: When; ISO 8601, UTC.
        """
        ...

    async def renew_data_key(self, connection_id: str, actor: str, at: str) -> int:
        """Seal a connection's secrets under a new data key and destroy the old ones; return how many secrets there are.

        Cut off anywhere, secrets open, and doing it again ends what was begun.

        Raises:
            BadInput: the store does not know the connection.
        """
        ...
