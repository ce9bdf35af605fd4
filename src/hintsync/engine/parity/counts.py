"""What a parity check counts, and the report that is made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from hintsync.core.records import FieldName, LinkStatus
from hintsync.core.values import Side
from hintsync.engine.parity.forms import Verdict
from hintsync.state.port import Json


@dataclass(slots=True)
class Counts:
    """The figures of one check; field names and numbers only."""

    #: Records that each side showed.
    records: Counter[Side] = field(default_factory=Counter)
    #: Records without a link, deleted and merged ones left out.
    unlinked: Counter[Side] = field(default_factory=Counter)
    #: Contacts without a link that show our marks all the same.
    marked_unlinked: int = 0
    #: Pairs in which all that can be verified agrees.
    agreed: int = 0
    #: Pairs that differ and wait already: for a person, or in the dirty set.
    queued: int = 0
    #: Pairs that differ, or of which a record is gone, and nobody knew.
    differing: int = 0
    missing: int = 0
    #: Pairs that only want something written down: a base, or our id on the patient.
    unrecorded: int = 0
    #: Links that are not active: being made, suspended, frozen, or ended while the check ran.
    statuses: Counter[str] = field(default_factory=Counter)
    #: Links of which one record is still to be created.
    unfinished: int = 0
    #: Fields in which pairs differ, by whether they wait.
    differing_fields: Counter[FieldName] = field(default_factory=Counter)
    held_fields: Counter[FieldName] = field(default_factory=Counter)
    stale_fields: Counter[FieldName] = field(default_factory=Counter)
    #: Fields that one side does not show, with the number of pairs.
    not_verifiable: Counter[FieldName] = field(default_factory=Counter)
    #: Pairs whose marks do not fit, by the side that shows them.
    unfit: Counter[Side] = field(default_factory=Counter)
    #: Unlinked patients that are new and were taken in.
    newcomers: int = 0
    #: Records marked dirty.
    marked: int = 0

    def note_pair(self, verdict: Verdict, *, dirty: bool = False) -> None:
        """Count a pair that nothing needs to be done about, or of which a record is dirty."""
        self._note_fields(verdict)
        if verdict.agrees:
            self.agreed += 1
        elif verdict.waits_only or dirty:
            self.queued += 1
        else:
            raise ValueError("the pair is a find")

    def note_find(self, verdict: Verdict) -> None:
        """Count a pair that differs, or that lacks what must be remembered, while nothing waits for it."""
        self._note_fields(verdict)
        if verdict.missed:
            self.differing += 1
        else:
            self.unrecorded += 1

    def note_status(self, status: LinkStatus | str) -> None:
        """Count a link that is not compared."""
        self.statuses[str(status)] += 1

    def _note_fields(self, verdict: Verdict) -> None:
        self.differing_fields.update(verdict.differing)
        self.held_fields.update(verdict.held)
        self.stale_fields.update(verdict.stale)
        self.not_verifiable.update(verdict.not_verifiable)
        self.unfit.update(verdict.unfit)

    def to_json(self) -> dict[str, Json]:
        """Return the figures as the report holds them."""
        return {
            "records": _sides(self.records),
            "pairs": {
                "agreed": self.agreed,
                "queued": self.queued,
                "differing": self.differing,
                "missing": self.missing,
                "unrecorded": self.unrecorded,
            },
            "not_compared": {**_names(self.statuses), "unfinished": self.unfinished},
            "unlinked": _sides(self.unlinked),
            "marked_unlinked": self.marked_unlinked,
            "fields": {
                "differing": _names(self.differing_fields),
                "waiting": _names(self.held_fields),
                "base_behind": _names(self.stale_fields),
                "not_verifiable": _names(self.not_verifiable),
            },
            "marks_unfit": _sides(self.unfit),
            "newcomers": self.newcomers,
            "marked": self.marked,
        }


def _sides(counter: Mapping[Side, int]) -> dict[str, Json]:
    return {str(side): counter.get(side, 0) for side in Side}


def _names(counter: Mapping[str, int]) -> dict[str, Json]:
    return {name: counter[name] for name in sorted(counter)}
