"""A person as matching sees one: the few values that tell people apart, whichever system they came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """What one record says about who somebody is; every part may be missing.

    Holds a person's data: for memory only, never for a log, an error text or the store.
    """

    first: str | None = None
    last: str | None = None
    middle: str | None = None
    #: Jr, Sr, II …; also understood at the end of the last name.
    suffix: str | None = None
    #: The name a person goes by, where a system keeps one beside the legal name (Hint's chosen names).
    chosen_first: str | None = None
    chosen_last: str | None = None
    #: `YYYY-MM-DD`; any other form counts as missing.
    birth_date: str | None = None
    email: str | None = None
    #: Phone numbers in any writing; compared by their last ten digits.
    phones: tuple[str, ...] = ()
    #: House number and street in one line or several.
    street: str | None = None
    city: str | None = None
    zip: str | None = None
