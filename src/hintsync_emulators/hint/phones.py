"""Phone entries of a patient.

Source: https://developers.hint.com/docs/phone-types.
"""

from dataclasses import dataclass

from hintsync_emulators.hint.errors import validation_failed

_TYPES = {
    "home": ("h", "home phone"),
    "mobile": ("m", "mobile phone", "cell", "cellphone", "cell phone", "cellular"),
    "office": ("w", "work phone", "business", "business phone", "company", "company phone"),
}
_BY_ALIAS = {alias: kind for kind, aliases in _TYPES.items() for alias in aliases}


@dataclass(frozen=True, slots=True)
class Phone:
    """One entry; serialised as it stands."""

    number: str
    type: str
    #: True for exactly ten digits, which Hint shows in the American way.
    us_formattable: bool


def phone_type(raw: str) -> str:
    """Returns the type as Hint keeps it: lower case, known aliases brought to home, mobile or office."""
    folded = raw.strip().lower()
    return _BY_ALIAS.get(folded, folded)


def read_phones(raw: object) -> tuple[Phone, ...]:
    """Reads the ``phones`` of a request body.

    Raises:
        HintError: 422 for an entry without a number or type, or a wrong claim of being formattable.
    """
    if not isinstance(raw, list):
        raise validation_failed(["Phones is invalid"])
    return tuple(_read_phone(entry) for entry in raw)


def _read_phone(entry: object) -> Phone:
    if not isinstance(entry, dict):
        raise validation_failed(["Phones is invalid"])
    if any(isinstance(entry.get(name), (dict, list)) for name in ("number", "type")):
        raise validation_failed(["Phones is invalid"])
    number, kind = str(entry.get("number") or "").strip(), str(entry.get("type") or "").strip()
    if not number:
        raise validation_failed(["Phones number can't be blank"])
    if not kind:
        raise validation_failed(["Phones type can't be blank"])
    ten_digits = len(number) == 10 and number.isascii() and number.isdigit()
    claimed = entry.get("us_formattable")
    if claimed is True and not ten_digits:
        raise validation_failed(["Phones number is invalid"])
    return Phone(number, phone_type(kind), ten_digits if claimed is None else bool(claimed))


def merge_phones(old: tuple[Phone, ...], new: tuple[Phone, ...]) -> tuple[Phone, ...]:
    """Replaces only the entries of the types that ``new`` names, and keeps the others in front."""
    named = {phone.type for phone in new}
    return tuple(phone for phone in old if phone.type not in named) + new
