"""What people wanted, kept outside the engine: every edit, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from hintsync.core.records import FieldName, RecordId
from hintsync.core.values import Seen, Side

#: Returns what a side shows of a field of a record.
Show = Callable[[Side, RecordId, FieldName], Seen]


@dataclass(slots=True)
class Edit:
    """One human edit that has to end somewhere."""

    number: int
    side: Side
    record_id: RecordId
    field: FieldName
    value: Seen
    #: Why it need not be followed any further; empty: it must.
    ended: str = ""
    #: It was made in the middle of a pass that is not over yet.
    in_pass: bool = False


@dataclass(slots=True)
class Oracle:
    """All edits of a history. T2: each ends on both sides, or in the queue, or was superseded on its own side."""

    edits: list[Edit] = field(default_factory=list)
    #: Those in Hint that a write of ours took away, as far as nobody has edited or decided the field since.
    taken_away: list[Edit] = field(default_factory=list)

    def edited(
        self, side: Side, record_id: RecordId, name: FieldName, value: Seen, no_edit: str = "", *, in_pass: bool = False
    ) -> None:
        """Note an edit; an earlier one of the same field on the same side is superseded.

        Args:
            side: Where it was made.
            record_id: Of what.
            name: Of which field.
            value: The new value.
            in_pass: It is made in the middle of a pass.
            no_edit: Why semantics does not take it for an edit; it need not be followed then.
        """
        for edit in self.open():
            if (edit.side, edit.record_id, edit.field) == (side, record_id, name):
                edit.ended = "superseded"
        self._settle(record_id, name)
        self.edits.append(Edit(len(self.edits), side, record_id, name, value, no_edit, in_pass))

    def open(self) -> Iterator[Edit]:
        """Yield the edits that are still on their way."""
        return (edit for edit in self.edits if not edit.ended)

    def look(self, show: Show, peer_of: Callable[[Side, RecordId], RecordId | None]) -> None:
        """Look at both sides: an edit that both show has arrived."""
        for edit in self.open():
            peer = peer_of(edit.side, edit.record_id)
            if peer is None:
                continue
            here, there = show(edit.side, edit.record_id, edit.field), show(edit.side.other, peer, edit.field)
            if here == there == edit.value:
                edit.ended = "arrived"

    def no_pass(self, *, died: bool = False) -> None:
        """A pass is over, or its process died: then nobody knows what it wrote, and what that took away may stay unknown."""
        if died:
            self.taken_away = [edit for edit in self.taken_away if not edit.in_pass]
        for edit in self.edits:
            edit.in_pass = False

    def overwrote(
        self, side: Side, record_id: RecordId, names: Collection[FieldName], beside: Collection[FieldName], show: Show
    ) -> None:
        """We wrote to Hint: an edit made since the pass read the record is gone, which section 10 allows and nothing else.

        So is one to the very value that we write: nobody can tell it from our write. Fields that are written `beside`, as
        the other numbers of a phone list are, went back as they had been read: an edit that is still there was none of these.
        """
        for edit in self.open():
            if edit.in_pass and (edit.side, edit.record_id) == (side, record_id):
                gone = show(side, record_id, edit.field) != edit.value
                if edit.field in names or (edit.field in beside and gone):
                    edit.ended = "in the window"
                    self.taken_away += [edit] if gone else []

    def release(self, side: Side, record_id: RecordId, why: str) -> None:
        """Follow the edits of a record no further: it is gone, unlinked, or a person has decided otherwise."""
        for edit in self.open():
            if (edit.side, edit.record_id) == (side, record_id):
                edit.ended = why
        self._settle(record_id)

    def decided(self, side: Side, record_id: RecordId, name: FieldName) -> None:
        """A person let the other side's value stay."""
        for edit in self.open():
            if (edit.side, edit.record_id, edit.field) == (side, record_id, name):
                edit.ended = "decided"
        self._settle(record_id, name)

    def _settle(self, record_id: RecordId, name: FieldName | None = None) -> None:
        self.taken_away = [e for e in self.taken_away if e.record_id != record_id or name not in (None, e.field)]
