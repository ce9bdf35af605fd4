"""Hint's list of phones: which entry is mapped, and how the list looks with that entry changed and all others as they were.

The mapped entry of a type is the one whose fingerprint is the base, else the first. When a clear removes it, the numbers
that remain of its type are remembered as one more fingerprint, under the pseudo-field `<field>#rest`: as long as the list
shows exactly these, the field reads as blank; a single number that comes to them is the new value. The engine may move
`#rest` before the write that clears, and should: a crash in between then reads as the clear it is, not as an edit in Hint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from hintsync.core.canonical import Unreadable
from hintsync.core.fields import FieldMapping
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.first_sync import stale_name
from hintsync.core.phones import PhoneFormat
from hintsync.core.records import Base, FieldName, Fingerprint, PhoneEntry, Snapshot, Values
from hintsync.core.values import ABSENT, Seen

#: In place of a replaced number: no entry is, the new number goes to the end of the list.
APPEND: Final = ""

#: Hint's own types that are mapped; any other word is a type too, and left alone.
TYPES: Final = frozenset({"home", "mobile", "office"})

#: Spellings that Hint itself turns into these (its page on phone types).
_SPELLINGS: Final = {
    **dict.fromkeys(("h", "home phone"), "home"),
    **dict.fromkeys(("m", "mobile phone", "cell", "cellphone", "cell phone", "cellular"), "mobile"),
    **dict.fromkeys(("w", "work phone", "business", "business phone", "company", "company phone"), "office"),
}


class PhoneEdit(NamedTuple):
    """One change to the list: the new number of a type (None removes), and which of its entries it replaces."""

    type: str
    value: str | None
    #: Canonical number of the entry, `APPEND`, or None for the first of the type.
    replaced: str | None = None


def phone_type(raw: object) -> str:
    """Return the type of an entry as Hint would show it: `mobile`, `home`, `office`, or its own word in lower case."""
    if not isinstance(raw, str):
        return ""
    if raw in TYPES:
        return raw
    lowered = raw.strip().lower()
    return _SPELLINGS.get(lowered, lowered)


def read_entries(raw: object, read: Callable[[object], str | None]) -> tuple[tuple[PhoneEntry, ...], dict[str, Seen]]:
    """Read a phone list.

    Args:
        raw: the list as the answer holds it; null is an empty list.
        read: makes a number canonical.

    Returns:
        The entries in order; and by type the first number that is not blank, or ABSENT where the type holds a number
        nobody can read. A type without numbers is missing.

    Raises:
        Unreadable: not a list of objects; then it must not be rewritten either.
    """
    if not raw:
        return (), {}
    if not isinstance(raw, list):
        raise Unreadable
    entries: list[PhoneEntry] = []
    firsts: dict[str, Seen] = {}
    for item in raw:
        if not isinstance(item, dict):
            raise Unreadable
        kind = phone_type(item.get("type"))
        try:
            number = read(item.get("number"))
        except Unreadable:
            number = None
            firsts[kind] = ABSENT
        entries.append(PhoneEntry(kind, number, item))
        if number is not None and kind not in firsts:
            firsts[kind] = number
    return tuple(entries), firsts


def numbers_of(entries: Sequence[PhoneEntry], type_: str) -> tuple[str, ...]:
    """Return the canonical numbers of a type, in list order, blank entries left out."""
    return tuple([entry.canonical for entry in entries if entry.type == type_ and entry.canonical is not None])


def rest_field(name: FieldName) -> FieldName:
    """Return the pseudo-field under which a base remembers the numbers that a clear left behind."""
    return f"{name}#rest"


def mapped_phone(row: FieldMapping, snapshot: Snapshot, base: Base, printer: Fingerprinter) -> Seen:
    """Return what Hint shows for a phone field, given the base of the link.

    Args:
        row: the field; its `hint` is the entry's type.
        snapshot: Hint's.
        base: the link's, with `#rest` where a clear left numbers behind.
        printer: the link's.

    Returns:
        ABSENT where the answer did not carry the list, else the mapped number or None.
    """
    if snapshot.values[row.name] is ABSENT:
        return ABSENT
    numbers = numbers_of(snapshot.phones, row.hint[0])
    if not numbers:
        return None
    rest = base.get(rest_field(row.name))
    if rest is not None and rest == printer.of(rest_field(row.name), "\n".join(numbers)):
        return None
    if len(numbers) == 1:
        return numbers[0]
    known = base.get(row.name, base.get(stale_name(row.name)))
    mapped = next((number for number in numbers if printer.of(row.name, number) == known), None)
    if mapped is None and rest is not None:
        mapped = _beside_rest(row.name, numbers, rest, printer)
    return numbers[0] if mapped is None else mapped


def _beside_rest(name: FieldName, numbers: Sequence[str], rest: Fingerprint, printer: Fingerprinter) -> str | None:
    """Return the one number that came to the rest of a clear: the new one, written by us or by a person, at any place."""
    for index, number in enumerate(numbers):
        others = "\n".join([*numbers[:index], *numbers[index + 1 :]])
        if printer.of(rest_field(name), others) == rest:
            return number
    return None


def replaced_phone(row: FieldMapping, snapshot: Snapshot, base: Base, printer: Fingerprinter) -> str:
    """Return the number of the entry that a write of this field replaces or removes, or `APPEND` where none is mapped."""
    seen = mapped_phone(row, snapshot, base, printer)
    return seen if isinstance(seen, str) else APPEND


def rest_after(row: FieldMapping, snapshot: Snapshot, value: str | None, base: Base, printer: Fingerprinter) -> Values:
    """Return what becomes of `#rest` when the field's base moves to `value`: a value to fingerprint, or nothing to do.

    Args:
        row: the field.
        snapshot: Hint's, as it was before the write, if there is one.
        value: what both sides agree on then.
        base: the link's, before it moves.
        printer: the link's.

    Returns:
        `{"<field>#rest": numbers}` to be moved with the base (None where nothing is left behind), or an empty mapping.
    """
    name = rest_field(row.name)
    if value is not None or snapshot.values[row.name] is ABSENT:
        return {name: None} if name in base else {}
    left = list(numbers_of(snapshot.phones, row.hint[0]))
    mapped = mapped_phone(row, snapshot, base, printer)
    if isinstance(mapped, str):
        left.remove(mapped)
    if left:
        return {name: "\n".join(left)}
    return {name: None} if name in base else {}


def rewritten(entries: Sequence[PhoneEntry], edits: Sequence[PhoneEdit], form: PhoneFormat) -> list[dict[str, object]]:
    """Return the list to send: edited entries changed, removed or added at the end, all others as Hint sent them."""
    slots: list[dict[str, object] | None] = [dict(entry.raw) for entry in entries]
    added: list[dict[str, object]] = []
    for edit in edits:
        place = _place(entries, edit)
        if edit.value is None:
            if place is not None:
                slots[place] = None
            continue
        number, us_formattable = form.for_hint(edit.value)
        written: Mapping[str, object] = {"number": number, "us_formattable": us_formattable}
        if place is not None:
            slots[place] = {**entries[place].raw, **written}
        elif edit.value not in numbers_of(
            entries, edit.type
        ):  # somebody added it meanwhile: twice would be once too often
            added.append({"type": edit.type, **written})
    return [slot for slot in slots if slot is not None] + added


def _place(entries: Sequence[PhoneEntry], edit: PhoneEdit) -> int | None:
    """Return the index of the entry an edit is about; a named one that is gone is nowhere, never its neighbour."""
    if edit.replaced == APPEND:
        return None
    places = [index for index, entry in enumerate(entries) if entry.type == edit.type]
    if edit.replaced is not None:
        return next((index for index in places if entries[index].canonical == edit.replaced), None)
    filled = (index for index in places if entries[index].canonical is not None)
    return next(filled, places[0] if places else None)
