"""What was found out about one practice's API where Hint's documents leave it open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

from hintsync.core.errors import BadInput
from hintsync.core.fields import FieldMapping
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.values import Side

#: How a range on `updated_at` is spelt; Hint documents two spellings.
BRACKETS = "brackets"
JSON = "json"
#: Facts that may be unknown still.
_MAY_BE_OPEN = frozenset({"title_echoed", "names_required", "archived_by_id"})


@dataclass(frozen=True, slots=True)
class HintFacts:
    """The probed facts, kept by the engine with the connection; the defaults are the careful assumption for each."""

    #: Spelling under which a list honours a range on `updated_at`; `None`: ignored, so every scan is a full one.
    updated_at_filter: str | None = None
    #: `dob=` is honoured, so candidates can be asked for by birth date.
    dob_filter: bool = False
    #: `filter=all` was seen to bring active and archived patients; else the two lists are read one after the other.
    filter_all: bool = False
    #: `sort=created_at` was seen to be honoured, so that new patients come last and do not shift pages.
    sort_created_at: bool = False
    #: An answer showed the key `title`; `None`: no patient has been seen yet.
    title_echoed: bool | None = None
    #: Lists tell how many there are in all; else they are read to the first short page.
    totals_told: bool = False
    #: A read by id shows archived patients; `None`: there was none to ask for.
    archived_by_id: bool | None = None
    #: A PATCH must carry first and last name; `None`: no PATCH was made yet.
    names_required: bool | None = None
    #: When this was probed, ISO 8601, UTC; empty: never.
    probed_at: str = ""

    def to_json(self) -> dict[str, object]:
        """Return the facts as plain values, for the store."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> HintFacts:
        """Take back what `to_json` gave; keys of other versions are ignored, missing ones get the careful assumption.

        Raises:
            BadInput: a value has a type that `to_json` never gives.
        """
        known = {each.name: raw[each.name] for each in fields(cls) if each.name in raw}
        for name, value in known.items():
            _check_type(name, value)
        return replace(cls(), **known)  # type: ignore[arg-type]

    def adapt(self, table: FieldTable) -> FieldTable:
        """Return the mapping table with the name prefix marked as write-only on Hint, or not, as was seen."""
        return FieldTable(tuple(self._adapted(row) for row in table))

    def _adapted(self, row: FieldMapping) -> FieldMapping:
        if row.hint != ("title",):
            return row
        shown = frozenset({Side.HINT}) if self.title_echoed else frozenset()
        return replace(row, write_only=(row.write_only | {Side.HINT}) - shown)


def _check_type(name: str, value: object) -> None:
    if name == "updated_at_filter":
        good = value in (None, BRACKETS, JSON)
    elif name == "probed_at":
        good = isinstance(value, str)
    else:
        good = isinstance(value, bool) or (value is None and name in _MAY_BE_OPEN)
    if not good:
        raise BadInput(f"facts of a Hint connection: {name} has a value that cannot be; probe the connection again")
