"""The guards G1 to G3 and G5 to G8 as rules: they are told what was seen, and say whether they trip and why.

Pure. What a guard stops, and how a person lets it go on, is `engine.guards.stops`; an overlay (G4) is recognised by the merge, and
the arithmetic of budgets (G6) is `core.limits`. Reasons hold ids, counts and field names only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from hintsync.core.records import FieldName, Fingerprint
from hintsync.core.values import Side

#: Length of the window of G3 and G7, in seconds.
WINDOW_SECONDS: Final = 3600.0

#: Writes of one field of one link within the window after which it is left alone (G7).
WRITES_OF_A_LOOP: Final = 3


class Trip(NamedTuple):
    """A guard that tripped, and why."""

    guard: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pin:
    """Which systems a connection belongs to."""

    org_id: str
    org_sandbox: bool
    practice_id: str


def check_identity(pinned: Pin, seen: Pin) -> Trip | None:
    """Guard G1: the org, its kind and the practice are those that an administrator pinned.

    A refreshed sandbox keeps settings and secrets of production, so the flag is pinned as well as the id.
    """
    if seen.org_id[:15] != pinned.org_id[:15]:  # 15 and 18 characters name the same org
        return Trip("G1", f"this is org {seen.org_id}, pinned is {pinned.org_id}")
    if seen.org_sandbox != pinned.org_sandbox:
        now, then = ("a sandbox", "production") if seen.org_sandbox else ("production", "a sandbox")
        return Trip("G1", f"org {seen.org_id} is {now}, pinned as {then}")
    if seen.practice_id != pinned.practice_id:
        return Trip("G1", f"this is practice {seen.practice_id}, pinned is {pinned.practice_id}")
    return None


def check_population(links: int, seen: Mapping[Side, int]) -> Trip | None:
    """Guard G2: no side answers with nobody at all while links exist; such a side is an outage until proven otherwise."""
    if links == 0:
        return None
    empty = [side for side, count in seen.items() if count == 0]
    return Trip("G2", f"{empty[0]} shows nobody, and there are links") if empty else None


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much one side may change within the window (guard G3)."""

    #: Part of the existing links.
    share: float = 0.05
    #: However few links there are.
    at_least: int = 20

    def allowed(self, links: int) -> int:
        """Return how many links may be touched."""
        return max(int(links * self.share), self.at_least)


class Touch(NamedTuple):
    """What the change of one side did, or would do, to the other side of an existing link."""

    link_id: str
    #: Fields that are changed or cleared; none: the link is suspended.
    fields: Collection[FieldName] = ()


def check_changes(touches: Iterable[Touch], links: int, tolerance: Tolerance = Tolerance()) -> Trip | None:
    """Guard G3: the changes of one side touch no more links than is tolerated.

    Args:
        touches: What was done within the window, and what is about to be done, all because of the same side. A link
            counts once however often it comes. Pairs that a batch links for the first time do not belong in here.
        links: Links that exist.
        tolerance: What is allowed.
    """
    touches = list(touches)
    allowed = tolerance.allowed(links)
    touched = {touch.link_id for touch in touches}
    if len(touched) <= allowed:
        return None
    counts = Counter(name for _, name in {(touch.link_id, name) for touch in touches for name in touch.fields})
    most = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if count > allowed)
    reason = f"{len(touched)} of {links} links within an hour, {allowed} are allowed"
    return Trip("G3", f"{reason} (by field: {most})" if most else reason)


def check_made_with(then: Sequence[object], now: Sequence[object]) -> Trip | None:
    """Guard G5: a plan is carried out with the mapping and the systems' fields that it was made with.

    Args:
        then: Digest of the mapping and of each side's fields when the plan was made.
        now: The same as they are.
    """
    if list(then) == list(now):
        return None
    return Trip("G5", "the mapping or a system's fields changed since the plan was made")


class FieldWrite(NamedTuple):
    """That we wrote one field of one link, or are about to."""

    side: Side
    value: Fingerprint


def is_loop(writes: Sequence[FieldWrite], *, one_way: bool = False) -> bool:
    """Guard G7: say whether one more write of a field goes in circles.

    It does after three writes within the window, and when it sets the field back to what it was before the last write:
    to and fro between two values. A write that repeats the last one is the same write made again (its reply was lost, its
    worker died) and counts once, except for a one-way field: there it reverts one more edit.

    Args:
        writes: The writes of one field of one link within the window, to either side, oldest first; the last one is
            about to be made.
        one_way: The field only travels from Hint to Salesforce.
    """
    made = list(writes) if one_way else _without_repeats(writes)
    if len(made) > WRITES_OF_A_LOOP:
        return True
    return len(made) >= 3 and made[-1].value == made[-3].value != made[-2].value


def _without_repeats(writes: Sequence[FieldWrite]) -> list[FieldWrite]:
    return [write for number, write in enumerate(writes) if number == 0 or write != writes[number - 1]]


class LinkWrites(NamedTuple):
    """What was written to one side of a link at a time, or is about to be."""

    link_id: str
    side: Side
    prints: Mapping[FieldName, Fingerprint]


def find_loops(
    made: Iterable[LinkWrites], planned: Sequence[LinkWrites], one_way: Collection[FieldName] = ()
) -> Mapping[str, frozenset[FieldName]]:
    """Return the fields that planned writes would write in circles (guard G7), by link.

    Args:
        made: Writes within the window, oldest first; those of other links do no harm.
        planned: What is about to be written.
        one_way: Fields that only travel from Hint to Salesforce.
    """
    wanted = {(write.link_id, name) for write in planned for name in write.prints}
    history: dict[tuple[str, FieldName], list[FieldWrite]] = defaultdict(list)
    for write in (*made, *planned):
        for name, value in write.prints.items():
            if (write.link_id, name) in wanted:
                history[write.link_id, name].append(FieldWrite(write.side, value))
    found: dict[str, set[FieldName]] = defaultdict(set)
    for (link_id, name), writes in history.items():
        if is_loop(writes, one_way=name in one_way):
            found[link_id].add(name)
    return {link_id: frozenset(names) for link_id, names in found.items()}


@dataclass(frozen=True, slots=True)
class Deliveries:
    """How many events the org has delivered within its rolling day, and how many it may (guard G8)."""

    used: int
    limit: int
    #: Part of the limit at which polling takes over.
    share: float = 0.8
    #: Part of the limit below which the stream is taken up again: lower, so that the two do not alternate.
    clear: float = 0.6

    @property
    def are_clear(self) -> bool:
        """Whether the stream may be taken up again after polling took over."""
        return self.used < self.limit * self.clear


def check_deliveries(deliveries: Deliveries, expected: int = 0) -> Trip | None:
    """Guard G8: the org's event deliveries stay away from their daily limit, which its other subscribers need too.

    Args:
        deliveries: The org's own figures.
        expected: Events about to come beside those of people: the echoes of what we are going to write, one a contact.
    """
    due = deliveries.used + expected
    if due < deliveries.limit * deliveries.share:
        return None
    echoes = f", {expected} of them our own echoes to come" if expected else ""
    return Trip("G8", f"{due} of {deliveries.limit} event deliveries of the day{echoes}; polling takes over")
