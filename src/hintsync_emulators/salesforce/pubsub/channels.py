"""Which objects' changes are told, and on which channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.pubsub.layout import event_name

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: The channel that Setup selects objects for; its topic is ``/data/ChangeEvents``.
STANDARD = "ChangeEvents"
#: Objects that an org may select over all channels, without an add-on.
MOST_OBJECTS = 5
_KIND = "event channel"
_TOPICS = "/data/"


class TooManyObjects(ValueError):
    """The org would select more objects than it may."""


class Channels:
    """The channels of an org and the objects selected for each."""

    def __init__(self, org: Org) -> None:
        self._org, self._storage = org, org.storage
        self.reload()

    def reload(self) -> None:
        """Read again what is kept in the database, e.g. after it was put back to an earlier state."""
        kept = self._storage.kept(_KIND)
        self._members = {name: list(map(str, body)) for name, body in kept.items() if isinstance(body, list)}
        self._members.setdefault(STANDARD, [])
        self._watch()

    def names(self) -> list[str]:
        """Return the names of all channels."""
        return list(self._members)

    def members(self, channel: str = STANDARD) -> list[str]:
        """Return the objects selected for a channel."""
        return list(self._members.get(channel, []))

    def open(self, channel: str) -> None:
        """Make a custom channel, ``Name__chn``, that carries nothing yet.

        Raises:
            ValueError: the name is no channel's.
        """
        _check_name(channel)
        if channel not in self._members:
            self._members[channel] = []
            self._keep(channel)

    def close(self, channel: str) -> None:
        """Take a custom channel away, with all that it selects."""
        self._members.pop(channel, None)
        self._storage.forget(_KIND, channel)
        self._watch()

    def select(self, object_name: str, channel: str = STANDARD) -> None:
        """Begin to tell an object's changes on a channel; a custom channel, ``Name__chn``, is made when it is new.

        Raises:
            LookupError: the org has no such object.
            ValueError: the name is no channel's.
            TooManyObjects: the org has used up its selections.
        """
        one = self._org.schema.get(object_name)
        if one is None:
            raise LookupError(f"the org has no object {object_name}")
        _check_name(channel)
        if one.name not in self.selected and len(self.selected) >= MOST_OBJECTS:
            raise TooManyObjects(f"an org can select {MOST_OBJECTS} objects")
        members = self._members.setdefault(channel, [])
        if one.name not in members:
            members.append(one.name)
            self._keep(channel)

    def deselect(self, object_name: str, channel: str = STANDARD) -> None:
        """Stop telling an object's changes on a channel."""
        one = self._org.schema.get(object_name)
        members = self._members.get(channel, [])
        if one is not None and one.name in members:
            members.remove(one.name)
            self._keep(channel)

    @property
    def selected(self) -> frozenset[str]:
        """Objects selected for any channel."""
        return frozenset(name for members in self._members.values() for name in members)

    def object_of(self, topic: str) -> str | None:
        """Return the object that a topic of one object is about, or None when it is none."""
        for one in self._org.schema.objects():
            if topic == _TOPICS + event_name(one.name):
                return one.name
        return None

    def objects_on(self, topic: str) -> frozenset[str] | None:
        """Return the objects whose events a topic carries at present, or None when there is no such topic.

        An object's own topic exists whether or not it is selected; until it is, nothing comes.
        """
        channel = topic.removeprefix(_TOPICS)
        if topic.startswith(_TOPICS) and channel in self._members:
            return frozenset(self._members[channel])
        name = self.object_of(topic)
        return None if name is None else frozenset({name} & set(self._members[STANDARD]))

    def _keep(self, channel: str) -> None:
        self._storage.keep(_KIND, channel, self._members[channel])
        self._watch()

    def _watch(self) -> None:
        self._storage.journal.watched = self.selected


def _check_name(channel: str) -> None:
    if channel != STANDARD and not channel.endswith("__chn"):
        raise ValueError(f"a channel is named {STANDARD} or ends in __chn")
