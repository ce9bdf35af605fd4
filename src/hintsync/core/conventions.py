"""How a connection's two systems like their values written; what is detected or set once and then holds for every record."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import phonenumbers

from hintsync.core.errors import BadInput
from hintsync.core.gender import GenderTable


class PlaceForm(StrEnum):
    """How a side wants a state or a country."""

    #: The name, in a text field.
    LABEL = "label"
    #: The code, in a text field.
    CODE = "code"
    #: Salesforce only: state and country picklists are on, so the code goes to the field's `…Code` twin.
    PICKLIST = "picklist"


@dataclass(frozen=True, slots=True)
class Conventions:
    """The conventions of one connection. Any two give the same canonical values but for phones of another region."""

    #: ISO code of the country whose phone numbers come without a country code.
    phone_region: str = "US"
    salesforce_state: PlaceForm = PlaceForm.CODE
    salesforce_country: PlaceForm = PlaceForm.LABEL
    #: Hint turns state names into codes by itself.
    hint_state: PlaceForm = PlaceForm.CODE
    #: Hint's own answers carry the full name.
    hint_country: PlaceForm = PlaceForm.LABEL
    #: (code, label) pairs of the org's own picklists, as its describe lists them; they add to ISO's.
    listed_states: tuple[tuple[str, str], ...] = ()
    listed_countries: tuple[tuple[str, str], ...] = ()
    gender: GenderTable = field(default_factory=GenderTable)
    #: `IsPersonAccount` or `Account.IsPersonAccount` in an org with person accounts, as its describe shows; else None.
    person_account_field: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no side can mean.

        Raises:
            BadInput: a phone region that is no country, or picklists on Hint's side.
        """
        if self.phone_region not in phonenumbers.SUPPORTED_REGIONS:
            raise BadInput(f"phone region {self.phone_region!r}: expected a two-letter country code, such as US")
        if PlaceForm.PICKLIST in (self.hint_state, self.hint_country):
            raise BadInput("state and country on Hint's side: expected label or code, for Hint has no picklists")
