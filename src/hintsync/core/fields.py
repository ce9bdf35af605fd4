"""The mapping table: every field that is kept in step (M7), with its direction, kind, names on both sides and policies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from hintsync.core.records import FieldName
from hintsync.core.values import Side


class Direction(StrEnum):
    """Which way a field travels."""

    BOTH = "both"
    HINT_TO_SALESFORCE = "hint-to-salesforce"


class Kind(StrEnum):
    """How a field's values are made canonical; each kind has one pair of converters."""

    TEXT = "text"
    EMAIL = "email"
    DATE = "date"
    TIMESTAMP = "timestamp"
    CHECKBOX = "checkbox"
    PHONE = "phone"
    STREET = "street"
    STATE = "state"
    COUNTRY = "country"
    GENDER = "gender"


class ConflictPolicy(StrEnum):
    """What happens when both sides left the base for different values (row F5). No policy compares clocks."""

    HOLD = "hold"
    HINT = "hint"
    SALESFORCE = "salesforce"


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """One row of the mapping table."""

    name: FieldName
    #: What a person reads; the article's words.
    label: str
    kind: Kind
    #: Hint's keys. For street: both lines. For others: the key, then fallbacks used only when the first is missing from
    #: the answer. For a phone: the entry's type. For practitioner: a dotted path.
    hint: tuple[str, ...]
    #: Salesforce API name. State and country are written to their *Code twin where the org has picklists.
    salesforce: str
    direction: Direction = Direction.BOTH
    #: Whether a clear on one side clears the other (row F7).
    clearable: bool = True
    policy: ConflictPolicy = ConflictPolicy.HOLD
    #: Sides that take the field and never show it, as detected for the connection (row F6a).
    write_only: frozenset[Side] = frozenset()

    @property
    def one_way(self) -> bool:
        """Whether the field only travels from Hint to Salesforce."""
        return self.direction is Direction.HINT_TO_SALESFORCE


@dataclass(frozen=True)
class Mapping:
    """The table in force for a connection; order is the order of the article."""

    rows: tuple[FieldMapping, ...]

    @cached_property
    def by_name(self) -> dict[FieldName, FieldMapping]:
        """The rows by field name."""
        return {row.name: row for row in self.rows}

    @cached_property
    def phones(self) -> tuple[FieldMapping, ...]:
        """The rows of phone numbers, which lie in one list on Hint."""
        return tuple(row for row in self.rows if row.kind is Kind.PHONE)

    def __iter__(self) -> Iterator[FieldMapping]:
        return iter(self.rows)

    def __getitem__(self, name: FieldName) -> FieldMapping:
        return self.by_name[name]

    @property
    def names(self) -> tuple[FieldName, ...]:
        """The field names in table order."""
        return tuple(row.name for row in self.rows)

    def without(self, names: Iterable[FieldName]) -> Mapping:
        """Return the table without some fields (paused, or not in this org)."""
        dropped = frozenset(names)
        return Mapping(tuple(row for row in self.rows if row.name not in dropped))

    def digest(self) -> str:
        """Return a short hash that moves when anything in the table does; a plan carries it (guard G5)."""
        text = repr(
            [
                (r.name, r.kind, r.hint, r.salesforce, r.direction, r.clearable, r.policy, sorted(r.write_only))
                for r in self.rows
            ]
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _two_way(
    name: str, label: str, kind: Kind, hint: str | tuple[str, ...], salesforce: str, *, clearable: bool = True
) -> FieldMapping:
    keys = (hint,) if isinstance(hint, str) else hint
    return FieldMapping(name, label, kind, keys, salesforce, clearable=clearable)


def _one_way(name: str, label: str, kind: Kind, hint: str | tuple[str, ...], salesforce: str) -> FieldMapping:
    keys = (hint,) if isinstance(hint, str) else hint
    return FieldMapping(name, label, kind, keys, salesforce, direction=Direction.HINT_TO_SALESFORCE)


#: The table as shipped. `title` is write-only on Hint until an answer shows it.
DEFAULT_MAPPING = Mapping(
    (
        FieldMapping(
            "name_prefix", "Name Prefix", Kind.TEXT, ("title",), "Salutation", write_only=frozenset({Side.HINT})
        ),
        _two_way("first_name", "First Name", Kind.TEXT, "first_name", "FirstName", clearable=False),
        _two_way("middle_name", "Middle Name", Kind.TEXT, "middle_name", "MiddleName"),
        _two_way("last_name", "Last Name", Kind.TEXT, "last_name", "LastName", clearable=False),
        _two_way("birth_date", "Date of Birth", Kind.DATE, "dob", "Birthdate", clearable=False),
        _two_way("gender", "Gender", Kind.GENDER, ("sex", "gender"), "Hint_Gender__c", clearable=False),
        _two_way("email", "Email", Kind.EMAIL, "email", "Email"),
        _two_way("mobile_phone", "Mobile Phone", Kind.PHONE, "mobile", "MobilePhone"),
        _two_way("home_phone", "Home Phone", Kind.PHONE, "home", "HomePhone"),
        _two_way("office_phone", "Office Phone", Kind.PHONE, "office", "Phone"),
        _two_way("street", "Address Line 1 and 2", Kind.STREET, ("address_line1", "address_line2"), "MailingStreet"),
        _two_way("city", "City", Kind.TEXT, "address_city", "MailingCity"),
        _two_way("state", "State", Kind.STATE, "address_state", "MailingState"),
        _two_way("zip", "Zip Code", Kind.TEXT, "address_zip", "MailingPostalCode"),
        _two_way("country", "Country", Kind.COUNTRY, "address_country", "MailingCountry"),
        _one_way("practitioner_name", "Practitioner Name", Kind.TEXT, "practitioner.name", "Hint_Practitioner_Name__c"),
        _one_way(
            "insurance_payer", "Insurance Payer", Kind.TEXT, "health_insurance_payer_name", "Hint_Insurance_Payer__c"
        ),
        _one_way(
            "insurance_group_id",
            "Insurance Group ID",
            Kind.TEXT,
            "health_insurance_group_id",
            "Hint_Insurance_Group_Id__c",
        ),
        _one_way(
            "insurance_member_id",
            "Insurance Member ID",
            Kind.TEXT,
            "health_insurance_member_id",
            "Hint_Insurance_Member_Id__c",
        ),
        _one_way(
            "member_contract_accepted",
            "Member Contract Accepted",
            Kind.CHECKBOX,
            ("patient_agreement_accepted", "terms_accepted"),
            "Hint_Member_Contract_Accepted__c",
        ),
        _one_way(
            "member_contract_accepted_at",
            "Member Contract Accepted At",
            Kind.TIMESTAMP,
            ("patient_agreement_accepted_at", "terms_accepted_at"),
            "Hint_Member_Contract_Accepted_At__c",
        ),
        _one_way(
            "hipaa_authorization_accepted",
            "HIPAA Authorization Accepted",
            Kind.CHECKBOX,
            "hipaa_authorization_accepted",
            "Hint_HIPAA_Authorization_Accepted__c",
        ),
        _one_way(
            "hipaa_authorization_accepted_at",
            "HIPAA Authorization Accepted At",
            Kind.TIMESTAMP,
            "hipaa_authorization_accepted_at",
            "Hint_HIPAA_Authorization_Accepted_At__c",
        ),
        _one_way(
            "membership_status", "Hint Membership Status", Kind.TEXT, "membership_status", "Hint_Membership_Status__c"
        ),
    )
)

#: Fields that make the exact demographics key (semantics section 4).
KEY_FIELDS = ("first_name", "last_name", "birth_date")
