"""The values that two sides are compared by: canonical values, blank, and ABSENT.

A canonical value is a non-blank `str`, a `bool` (checkboxes only) or `None` for blank. Dates are `YYYY-MM-DD`,
timestamps `YYYY-MM-DDTHH:MM:SSZ`; text is Unicode NFC with white space trimmed and folded. `core.converters` makes them.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final, TypeAlias


class Side(StrEnum):
    """One of the two systems; every per-side value is keyed by it."""

    SALESFORCE = "salesforce"
    HINT = "hint"

    @property
    def other(self) -> Side:
        """The system on the far end of a link."""
        return Side.HINT if self is Side.SALESFORCE else Side.SALESFORCE


class Absent(Enum):
    """The type of ABSENT: the answer did not carry the field at all (no permission, or never returned there).

    Neither null nor blank. A side whose value is ABSENT has no say about the field and is not written (row F6), save for
    a field known to be write-only on that side (row F6a).
    """

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT

#: The one form in which values are compared; `None` is blank. Never an empty or untrimmed string.
Canonical: TypeAlias = str | bool | None

#: What one side showed for a field.
Seen: TypeAlias = Canonical | Absent
