"""Between a patient and the form that shows him: what stands in the inputs, and what somebody changed there.

Only what was changed is written. So a form that was open for a while takes nothing back that came meanwhile.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hintsync_emulators.hint.pages.fields import FIELDS, PHONE_TYPES
from hintsync_emulators.site.problem import PageProblem

#: Names of inputs with what stands in them; a flag is ``yes`` or empty.
Filled = dict[str, str]
#: Type and number of each phone.
Phones = list[tuple[str, str]]
#: Empty rows below the phones that are there.
_SPARE_ROWS = 2
_MOST_PHONES = 50


def filled(patient: Mapping[str, Any]) -> Filled:
    """Returns what stands in the inputs for a patient as the API shows him (and ``title``)."""
    return {name: _text(patient, name) for name in FIELDS}


def _text(patient: Mapping[str, Any], name: str) -> str:
    whole, _, part = name.partition(".")
    value = patient.get(whole)
    if FIELDS[name].kind == "flag":
        return "yes" if value else ""
    if FIELDS[name].kind == "record":
        part = "id"
    if part:
        value = (value or {}).get(part)
    return "" if value is None else str(value)


def phones_of(patient: Mapping[str, Any]) -> Phones:
    """Returns a patient's phones."""
    return [(each["type"], each["number"]) for each in patient["phones"]]


def phone_rows(phones: Phones) -> Phones:
    """Returns the rows of the form: the phones, the usual types that are missing, and spare rows."""
    present = {kind for kind, _ in phones}
    missing = [(kind, "") for kind in PHONE_TYPES if kind not in present]
    return [*phones, *missing, *[("", "")] * _SPARE_ROWS]


def read(form: Mapping[str, str]) -> tuple[Filled, Phones]:
    """Reads what was sent; a row without a number is no phone."""
    sent = {name: form.get(name, "").strip() for name in FIELDS}
    rows = [
        (form.get(f"phone_type_{row}", "").strip(), form.get(f"phone_number_{row}", "").strip())
        for row in range(_MOST_PHONES)
    ]
    return sent, [(kind, number) for kind, number in rows if number]


def to_remember(now: Filled, phones: Phones) -> str:
    """Returns what a form carries along, to tell later what was changed in it."""
    return json.dumps({**{name: text for name, text in now.items() if text}, "phones": phones})


def changes(form: Mapping[str, str], patient: Mapping[str, Any] | None) -> dict[str, object]:
    """Returns what somebody changed in a form, ready for `Practice.edit` or `Practice.create_patient`.

    Args:
        patient: as he is now; None for one who is to be created.

    Raises:
        PageProblem: what the form carried along is not what was put there.
    """
    sent, phones = read(form)
    before = _remembered(form.get("shown", ""))
    changed = {name: text for name, text in sent.items() if _as_sent(before.get(name, "")) != text}
    wanted = {name: _value(name, text) for name, text in changed.items() if "." not in name}
    if any(name.startswith("emergency_contact.") for name in changed):
        wanted["emergency_contact"] = _contact(changed, patient)
    if phones != _phones_as_sent(before.get("phones", [])):
        wanted["phones"] = _phones(phones, patient)
    return wanted


def _as_sent(text: object) -> str:
    """Returns a text as an input sends it back when nobody touches it: in one line, and here without blanks around."""
    return str(text).replace("\r", "").replace("\n", "").strip()


def _remembered(text: str) -> dict[str, Any]:
    try:
        before = json.loads(text or "{}")
    except (ValueError, RecursionError):
        before = None
    if not isinstance(before, dict):
        raise PageProblem(400, "The form is not whole. Go back, load the page again and send it once more.")
    return before


def _phones_as_sent(phones: object) -> Phones:
    rows = phones if isinstance(phones, list) else []
    return [(_as_sent(row[0]), _as_sent(row[1])) for row in rows if isinstance(row, list) and len(row) == 2]


def _value(name: str, text: str) -> object:
    kind = FIELDS[name].kind
    if kind == "flag":
        return text == "yes"
    if kind == "record":
        return {"id": text} if text else None
    return text or None


def _contact(changed: Filled, patient: Mapping[str, Any] | None) -> dict[str, object] | None:
    """Returns the contact with the changed parts; parts that the form does not show stay."""
    old = dict((patient or {}).get("emergency_contact") or {})
    new = {name.partition(".")[2]: text or None for name, text in changed.items() if "." in name}
    return {part: value for part, value in {**old, **new}.items() if value is not None} or None


def _phones(phones: Phones, patient: Mapping[str, Any] | None) -> list[dict[str, object]]:
    """Returns the phones; whether one is written the American way is kept where nobody changed it."""
    known: Sequence[Mapping[str, Any]] = (patient or {}).get("phones", [])
    kept = {(each["type"], each["number"]): each["us_formattable"] for each in known}
    return [{"type": kind, "number": number, "us_formattable": kept.get((kind, number))} for kind, number in phones]
