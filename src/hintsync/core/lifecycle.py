"""What becomes of a link when one of its records is gone, merged, archived or back again: rows D1 to D9.

Facts go in, as both sides show them after merges were followed to their survivor, and a fate comes out. Pure. Whether a
frozen link is let go on, and how a reservation ends, is for others: fates are for links that are ACTIVE or SUSPENDED.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from hintsync.core.records import FieldName, Fingerprint, Link, LinkState, LinkStatus, RecordId, RecordState, Snapshot
from hintsync.core.values import Side


class Fate(StrEnum):
    """What is done with a link."""

    #: Both records are there: the ordinary sync.
    SYNC = "sync"
    #: Both are back, or turned up: the link is active again, then the ordinary sync.
    RESUME = "resume"
    #: The link goes to the record that a merge left, base kept, then the first pass (rows D4, D7).
    MOVE = "move"
    #: It waits until its records are back.
    SUSPEND = "suspend"
    #: It and the survivor's own link wait for a person (rows D6, D8).
    FREEZE = "freeze"
    #: It is suspended already, and nothing is known that was not known then.
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """How one record of a link stands in its own system."""

    #: None: the system does not know it.
    state: RecordState | None
    #: The record that took its place, merges followed to the end; None if it was not merged, or nobody says into which.
    survivor: RecordId | None = None
    #: The survivor's own live link, if it has one.
    survivor_link: str | None = None
    #: An event said that it was deleted, so that its absence needs no other explanation.
    told_gone: bool = False

    @property
    def is_there(self) -> bool:
        """Whether it can be read and written; an archived patient can."""
        return self.state in (RecordState.LIVE, RecordState.ARCHIVED)

    @property
    def is_destroyed(self) -> bool:
        """Whether it is known to be deleted, not just missing."""
        return self.state is RecordState.DELETED or (self.state is None and self.told_gone)


@dataclass(frozen=True, slots=True)
class PairFacts:
    """What must be known of a link to decide its fate."""

    status: LinkStatus
    contact: RecordFacts
    patient: RecordFacts
    #: Other patients with the demographics that the contact shows; only looked for where the patient is gone.
    namesakes: tuple[RecordId, ...] = ()

    def of(self, side: Side) -> RecordFacts:
        """Return the facts of one side's record."""
        return self.contact if side is Side.SALESFORCE else self.patient


@dataclass(frozen=True, slots=True)
class Decision:
    """The fate of a link, and by which row."""

    fate: Fate
    row: str
    #: The side whose record is gone or merged.
    side: Side | None = None
    #: MOVE and FREEZE: the record that took its place.
    survivor: RecordId | None = None
    #: FREEZE: the survivor's own link, which is frozen too.
    other_link: str | None = None
    #: SUSPEND: Synced to Hint is switched off on the contact that stays (row D2).
    untick: bool = False
    #: A person must look; with the records that may have taken its place.
    review: bool = False
    candidates: tuple[RecordId, ...] = ()


_MOVED: Final = {Side.SALESFORCE: "D4", Side.HINT: "D7"}
_CLASH: Final = {Side.SALESFORCE: "D6", Side.HINT: "D8"}

#: `Link.reason` of a link that was moved or resumed, until its first pass has ended.
MOVED: Final = "moved"
RESUMED: Final = "resumed"


def needs_namesakes(contact: RecordFacts, patient: RecordFacts) -> bool:
    """Say whether patients with the same demographics must be looked for before the fate is decided (row D2)."""
    return contact.is_there and patient.is_destroyed


def decide_fate(facts: PairFacts) -> Decision:
    """Decide what becomes of a link; a merge is looked for before anything else."""
    for side in Side:
        if facts.of(side).state is RecordState.MERGED and facts.of(side).survivor is not None:
            return _merged(facts.of(side), side)
    if facts.contact.is_there and facts.patient.is_there:
        return _both_there(facts)
    if facts.status is LinkStatus.SUSPENDED:
        return Decision(Fate.WAIT, "D1" if facts.patient.is_there else "D2")
    if not facts.contact.is_there:
        return _contact_gone(facts.contact)
    return _patient_gone(facts)


def _both_there(facts: PairFacts) -> Decision:
    row = "D3" if facts.patient.state is RecordState.ARCHIVED else "D5"
    return Decision(Fate.RESUME if facts.status is LinkStatus.SUSPENDED else Fate.SYNC, row)


def _merged(record: RecordFacts, side: Side) -> Decision:
    """Rows D4 and D7, D6 and D8."""
    if record.survivor_link is None:
        return Decision(Fate.MOVE, _MOVED[side], side, record.survivor)
    return Decision(Fate.FREEZE, _CLASH[side], side, record.survivor, record.survivor_link, review=True)


def _contact_gone(contact: RecordFacts) -> Decision:
    """Rows D1 and D9: the recycle bin explains a contact that is gone; a merge into nobody knows whom, or a gap, does not."""
    if contact.is_destroyed:
        return Decision(Fate.SUSPEND, "D1", Side.SALESFORCE)
    return Decision(Fate.SUSPEND, "D9", Side.SALESFORCE, review=True)


def _patient_gone(facts: PairFacts) -> Decision:
    """Rows D2 and D9: Hint shows destroyed and merged patients alike as not found, so namesakes keep a merge possible."""
    if not facts.patient.is_destroyed:
        return Decision(Fate.SUSPEND, "D9", Side.HINT, review=True)
    return Decision(
        Fate.SUSPEND, "D2", Side.HINT, untick=True, review=bool(facts.namesakes), candidates=facts.namesakes
    )


def moved_link(link: Link, side: Side, survivor: RecordId, *, reason: str = MOVED) -> Link:
    """Return a link as it goes to the record that a merge left; its salt stays, since the base carries it."""
    if side is Side.SALESFORCE:
        return replace(link, contact_id=survivor, status=LinkStatus.ACTIVE, reason=reason)
    return replace(link, patient_id=survivor, status=LinkStatus.ACTIVE, reason=reason)


def base_after_move(state: LinkState, survivor: Snapshot, other: Snapshot) -> dict[FieldName, Fingerprint]:
    """Return the base that a moved link keeps: all of it but for fields that are blank on the survivor alone.

    A blank that a merge left is no clear by a person. Without a base such a field is filled by rows I3 and I4 in the first
    pass, and in any later one if that is cut off; every other field goes on three-way (rows D4, D7).
    """
    filled = {
        name
        for name, value in survivor.values.items()
        if value is None and isinstance(other.values.get(name), str) and name in state.base
    }
    return {name: print_ for name, print_ in state.base.items() if name not in filled}
