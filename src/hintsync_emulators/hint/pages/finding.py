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
    words = text.casefold().split()
    fitting = [patient for patient in among if _fits(patient, words)] if words else among
    pages = max(1, -(-len(fitting) // PAGE))
    shown = min(max(page, 1), pages)
    return Found(fitting[(shown - 1) * PAGE : shown * PAGE], len(fitting), shown, pages)


def _fits(patient: Patient, words: Sequence[str]) -> bool:
    values = patient.values
    said = f"{patient.name}\n{values.get('email', '')}\n{values.get('dob', '')}\n{patient.id}".casefold()
    return all(word in said or _is_number_of(patient, word) for word in words)


def _is_number_of(patient: Patient, word: str) -> bool:
    digits = "".join(filter(str.isdigit, word))
    return len(digits) >= 3 and any(digits in number for number in phone_keys(patient))
