"""Finding patients by what somebody types: every word must occur in a name, an address, a date, a number or an id."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hintsync_emulators.hint.patients import Patient
from hintsync_emulators.hint.query import Query
from hintsync_emulators.hint.register import phone_keys

if TYPE_CHECKING:
    from hintsync_emulators.hint.practice import Practice

PAGE = 25
_FEWEST_DIGITS = 3
SCOPES = {"active": "Active", "archived": "Archived", "all": "All"}
#: Sorted by, with what that is called.
ORDERS = {"last_name": "Last name", "-updated_at": "Latest change"}


@dataclass(frozen=True, slots=True)
class Found:
    """One page of patients."""

    patients: Sequence[Patient]
    #: How many fit in all.
    total: int
    #: From 1.
    page: int
    pages: int


def find(practice: "Practice", text: str, scope: str, order: str, page: int) -> Found:
    """Returns a page of the patients that fit; call it while holding the practice's lock."""
    everybody = Query(len(practice), 0, scope, order.removeprefix("-"), order.startswith("-"), ())
    among, _ = practice.register.select(everybody)
    words = [(word, _number(word)) for word in text.casefold().split()]
    fitting = [patient for patient in among if _fits(patient, words)] if words else among
    pages = max(1, -(-len(fitting) // PAGE))
    shown = min(max(page, 1), pages)
    return Found(fitting[(shown - 1) * PAGE : shown * PAGE], len(fitting), shown, pages)


def _number(word: str) -> str:
    """Returns the digits that a word looks for in phone numbers; empty for too few."""
    digits = "".join(filter(str.isdigit, word))
    return digits if len(digits) >= _FEWEST_DIGITS else ""


def _fits(patient: Patient, words: Sequence[tuple[str, str]]) -> bool:
    values = patient.values
    said = f"{patient.name}\n{values.get('email', '')}\n{values.get('dob', '')}\n{patient.id}".casefold()
    return all(word in said or (number and _is_called(patient, number)) for word, number in words)


def _is_called(patient: Patient, number: str) -> bool:
    return any(number in known for known in phone_keys(patient))
