"""What live work is made of: pieces (a link with the marks of its records, or a patient without one), and how each ends."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hintsync.core.records import FieldName, Fingerprint, LinkState, RecordId
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.notices import TOLD_GONE
from hintsync.engine.live.one_pass import Pass
from hintsync.engine.pairs.outcomes import Records
from hintsync.state.live import CROSSED, Dirty, Lane

#: Seconds for which a reservation is left to whoever made it: a batch, a person, another worker.
_YOUNG = 60.0


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing to be worked, with all claimed marks that ask for it."""

    marks: tuple[Dirty, ...]
    #: The link; None: the one mark names a patient without a link.
    state: LinkState | None = None

    @property
    def attempts(self) -> int:
        """Passes that failed since the latest mark."""
        return max(mark.attempts for mark in self.marks)

    @property
    def interactive(self) -> bool:
        """Whether a person waits for it."""
        return any(mark.lane is Lane.INTERACTIVE for mark in self.marks)

    @property
    def is_newcomer(self) -> bool:
        """Whether it is a patient without a link, or a reservation whose contact was never seen to exist."""
        return self.state is None or self.state.link.contact_id is None

    def told_gone(self, side: Side) -> bool:
        """Say whether the latest event of a side said that its record is deleted."""
        causes = (mark.cause.partition(CROSSED)[0] for mark in self.marks if mark.side is side)
        return any(cause.endswith(TOLD_GONE) for cause in causes)

    @property
    def crossed(self) -> dict[FieldName, Fingerprint]:
        """Edits of the patient, as fingerprints by field, that events showed since it was looked at; of each field the latest."""
        named = (names for mark in self.marks for names in reversed(mark.cause.split(CROSSED)[1:]))
        pairs = (each.partition("=") for names in named for each in names.split(","))
        return {name: bytes.fromhex(print_) for name, _, print_ in pairs}

    def id_of(self, side: Side) -> RecordId | None:
        """Return the record of one side, as far as there is one."""
        if self.state is None:
            return self.marks[0].record_id if side is Side.HINT else None
        link = self.state.link
        return link.contact_id if side is Side.SALESFORCE else link.patient_id


def is_young(engine: Engine, piece: Piece) -> bool:
    """Say whether a reservation is so new that whoever made it is probably still at it."""
    if piece.state is None:
        return False
    made = datetime.fromisoformat(piece.state.link.created_at)
    return (engine.clock.now() - made).total_seconds() < _YOUNG


@dataclass(slots=True)
class Ended:
    """How a piece ended, with all that is to be remembered of it."""

    piece: Piece
    records: Records = field(default_factory=Records)
    #: Records written, by side.
    written: Counter[Side] = field(default_factory=Counter)
    #: Fields of it wait for a person, or the link as a whole does.
    held: bool = False
    #: Seconds until it is tried again; None: it is done.
    again: float | None = None
    #: The pass counts as failed; enough of these, and it waits for a person.
    failed: bool = False
    #: Why it is tried again; code and field names only.
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sorted:
    """Claimed marks as pieces of work."""

    links: tuple[Piece, ...] = ()
    patients: tuple[Piece, ...] = ()
    #: Marks of contacts without a link: nothing follows (row L9).
    nothing: tuple[Dirty, ...] = ()
    #: Marks whose link another worker holds.
    taken: tuple[Dirty, ...] = ()


async def sort_marks(at: Pass, claimed: Sequence[Dirty]) -> Sorted:
    """Resolve marks to links, both marks of one link to one piece, and lease the links.

    Links are read again once they are leased: what a worker before us remembered of them counts.
    """
    engine = at.engine
    links = await _links_of(engine, claimed)
    ours = await at.lease({state.link.id for state in links.values()})
    again = await _links_of(engine, [mark for mark in claimed if _key(mark) in links]) if ours else {}
    by_link: dict[str, list[Dirty]] = defaultdict(list)
    patients, nothing, taken = [], [], []
    for mark in claimed:
        before, state = links.get(_key(mark)), again.get(_key(mark))
        if before is None and mark.side is Side.HINT:
            patients.append(Piece((mark,)))
        elif before is None:
            nothing.append(mark)
        elif state is None or state.link.id != before.link.id or state.link.id not in ours:
            taken.append(mark)
        else:
            by_link[state.link.id].append(mark)
    states = {state.link.id: state for state in again.values()}
    pieces = tuple(Piece(tuple(marks), states[link_id]) for link_id, marks in by_link.items())
    return Sorted(pieces, tuple(patients), tuple(nothing), tuple(taken))


def _key(mark: Dirty) -> tuple[Side, RecordId]:
    return (mark.side, mark.record_id)


async def _links_of(engine: Engine, marks: Sequence[Dirty]) -> dict[tuple[Side, RecordId], LinkState]:
    found: dict[tuple[Side, RecordId], LinkState] = {}
    for side in Side:
        ids = [mark.record_id for mark in marks if mark.side is side]
        if ids:
            states = await engine.store.live_links(engine.connection.id, side, ids)
            found.update({(side, record_id): state for record_id, state in states.items()})
    return found
