"""Compares the two records of a link by a way of its own, for the parity check; shares no decision with the merge. Pure.

A record's form is eight bytes a mapped field, cut from the fingerprints that the base is kept in: small enough to hold a whole
population, and one measure for both sides and the base. Written from the tables of docs/semantics.md and from nothing else
of the engine, so that it does not agree with the engine's mistakes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from hintsync.core.fields import FieldMapping, Kind
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.first_sync import noted_name
from hintsync.core.phone_list import mapped_phone
from hintsync.core.policy import record_print
from hintsync.core.records import Base, FieldName, Fingerprint, Hold, LinkState, Snapshot
from hintsync.core.values import ABSENT, Canonical, Seen, Side

#: Bytes of a fingerprint that a form keeps: two different values look alike once in 2^64.
WIDTH: Final = 8
#: In place of a field that the answer did not carry.
UNSEEN: Final = bytes(WIDTH)

#: In place of a field: the marks of a contact that is refused as a whole, so that they wait like its fields (row F9).
MARKS: Final = "marks"

#: A side to the fields that it does not have.
Missing = Mapping[Side, frozenset[FieldName]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a linked pair stands; field names only."""

    #: The two sides differ, or one was edited and the other cannot show it; nothing waits for it.
    differing: tuple[FieldName, ...] = ()
    #: They differ, and the field waits for a person or for an edit, with exactly these values.
    held: tuple[FieldName, ...] = ()
    #: They agree, and what is remembered is something else: a former value, or a hold.
    stale: tuple[FieldName, ...] = ()
    #: They agree, and nothing is remembered yet.
    unbased: tuple[FieldName, ...] = ()
    #: One side shows nothing, so that nobody can say (rows F6 and F6a).
    not_verifiable: tuple[FieldName, ...] = ()
    #: Sides whose marks are not the link's (row U2).
    unfit: tuple[Side, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether there is nothing to be done about the pair."""
        return not (self.differing or self.held or self.stale or self.unbased or self.unfit)

    @property
    def missed(self) -> bool:
        """Whether an edit was made that nobody took in; a missing base, or Hint not showing our id, is none."""
        return bool(self.differing or self.stale) or Side.SALESFORCE in self.unfit

    @property
    def waits_only(self) -> bool:
        """Whether all that differs waits already."""
        return bool(self.held) and replace(self, held=()).agrees


#: A pair in which everything agrees.
AGREES: Final = Verdict()


class FormMaker:
    """Makes and compares the forms of one connection's records.

    A form is: a byte that says whether the marks fit, the print of the record as a whole, one print a field.
    """

    def __init__(self, table: FieldTable, missing: Missing, *, write_back: bool) -> None:
        """Take the mapping, the fields that a side does not have, and whether Hint shows our id."""
        shown = [row for row in table.rows if not row.write_only]
        # Fields that both sides show come first: of a pair in step they are compared in one go.
        self._rows = (*shown, *(row for row in table.rows if row.write_only))
        self._names = tuple([row.name for row in self._rows])
        self._shown = len(shown)
        self._phones = tuple([row for row in shown if row.kind is Kind.PHONE])
        self._missing = missing
        self._write_back = write_back

    def contact_form(self, contact: Snapshot, patient_id: str | None, fp: Fingerprinter) -> bytes:
        """Return what must be kept of a contact until its patient comes."""
        fits = contact.marked and contact.peer_id == patient_id
        prints = self._prints(Side.SALESFORCE, contact.values, fp)
        return (b"\x01" if fits else b"\x00") + record_print(contact, fp)[:WIDTH] + prints

    def compare(self, state: LinkState, patient: Snapshot, contact_form: bytes, fp: Fingerprinter) -> Verdict:
        """Compare a patient with the form of its contact, and both with what is remembered."""
        hint = self._prints(Side.HINT, self._hint_values(patient, state.base, fp), fp)
        contact = contact_form[1 + WIDTH :]
        records = _Records(patient, contact_form, fp)
        found: dict[str, list[FieldName]] = {}
        for number in range(self._shown if self._in_step(state, hint, contact) else 0, len(self._rows)):
            row, place = self._rows[number], slice(number * WIDTH, (number + 1) * WIDTH)
            for kind in _judge(row, {Side.HINT: hint[place], Side.SALESFORCE: contact[place]}, state, records):
                found.setdefault(kind, []).append(row.name)
        unfit = self._unfit(state, patient, contact_form)
        if Side.SALESFORCE in unfit and _is_refused(state, Side.SALESFORCE, records):
            found.setdefault("held", []).append(MARKS)
            unfit = tuple(side for side in unfit if side is not Side.SALESFORCE)
        return Verdict(**{kind: tuple(names) for kind, names in found.items()}, unfit=unfit)

    def _in_step(self, state: LinkState, hint: bytes, contact: bytes) -> bool:
        """Say whether the fields that both sides show are all seen, and all as both sides last agreed."""
        shown = hint[: self._shown * WIDTH]
        if state.holds or shown != contact[: self._shown * WIDTH] or UNSEEN in shown:
            return False
        base = state.base
        return shown == b"".join(
            [base[name][:WIDTH] if name in base else UNSEEN for name in self._names[: self._shown]]
        )

    def _prints(self, side: Side, values: Mapping[FieldName, Seen], fp: Fingerprinter) -> bytes:
        missing = self._missing.get(side, ())
        seen: dict[FieldName, Canonical] = {
            name: value
            for name in self._names
            if (value := values.get(name, ABSENT)) is not ABSENT and name not in missing
        }
        prints = fp.of_each(seen)
        return b"".join([prints[name][:WIDTH] if name in prints else UNSEEN for name in self._names])

    def _hint_values(self, patient: Snapshot, base: Base, fp: Fingerprinter) -> Mapping[FieldName, Seen]:
        """Return a patient's values with, for each phone, the entry of the list that the link agreed on."""
        if not patient.phones or not base:
            return patient.values
        listed = [row for row in self._phones if patient.values.get(row.name, ABSENT) is not ABSENT]
        return {**patient.values, **{row.name: mapped_phone(row, patient, base, fp) for row in listed}}

    def _unfit(self, state: LinkState, patient: Snapshot, contact_form: bytes) -> tuple[Side, ...]:
        named = (patient.peer_id or "").partition(".")[0]  # behind the point: the reservation it was created under
        unfit = [Side.SALESFORCE] if contact_form[:1] != b"\x01" else []
        if self._write_back and named != state.link.contact_id:
            unfit.append(Side.HINT)
        return tuple(unfit)


@dataclass(frozen=True, slots=True)
class _Records:
    """Both records as wholes: only a refusal of the record as such (row F9) is judged by them."""

    patient: Snapshot
    contact_form: bytes
    fp: Fingerprinter

    def print_of(self, side: Side) -> bytes:
        if side is Side.HINT:
            return record_print(self.patient, self.fp)[:WIDTH]
        return self.contact_form[1 : 1 + WIDTH]


def _judge(row: FieldMapping, seen: Mapping[Side, bytes], state: LinkState, records: _Records) -> list[str]:
    """Return the kinds of `Verdict` that a field belongs to."""
    base, hold = state.base.get(row.name), state.holds.get(row.name)
    if UNSEEN in seen.values():
        return ["not_verifiable", *_judge_unseen(row, seen, state, records)]
    if seen[Side.HINT] != seen[Side.SALESFORCE]:
        return ["held" if _waits(hold, seen, records) else "differing"]
    if base is None:
        return ["unbased"]
    return ["stale"] if hold is not None or _cut(base) != seen[Side.HINT] else []


def _judge_unseen(row: FieldMapping, seen: Mapping[Side, bytes], state: LinkState, records: _Records) -> list[str]:
    """Judge a field that one side does not show: an edit of the other side is owed to it if it takes the field unseen."""
    hidden = next(side for side in Side if seen[side] == UNSEEN)
    shown = seen[hidden.other]
    known = state.base.get(row.name, state.base.get(noted_name(row.name)))
    if shown == UNSEEN or hidden not in row.write_only or known is None or _cut(known) == shown:
        return []
    return ["held" if _waits(state.holds.get(row.name), seen, records) else "differing"]


def _waits(hold: Hold | None, seen: Mapping[Side, bytes], records: _Records) -> bool:
    """Say whether a hold was set on what both sides show now."""
    return hold is not None and all(_as_held(hold, side, seen[side], records) for side in Side)


def _as_held(hold: Hold, side: Side, now: bytes, records: _Records) -> bool:
    then = hold.seen.get(side)
    kept = None if then is None else _cut(then)
    if hold.row == "F9" and kept == records.print_of(side):
        return True
    return now in (UNSEEN, kept)


def _is_refused(state: LinkState, side: Side, records: _Records) -> bool:
    """Say whether a side refused this very record, whatever was to be written to it."""
    refused = [hold.seen.get(side) for hold in state.holds.values() if hold.row == "F9"]
    return any(then is not None and _cut(then) == records.print_of(side) for then in refused)


def _cut(print_: Fingerprint) -> bytes:
    return print_[:WIDTH]
