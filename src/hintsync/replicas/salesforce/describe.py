"""What the org says of its contacts: which of our fields there are, what they take, how addresses are written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from hintsync.core.canonical import Unreadable
from hintsync.core.conventions import Conventions, PlaceForm
from hintsync.core.converters import Reader, converters
from hintsync.core.fields import FieldMapping, Kind
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.values import Side
from hintsync.ports import Described
from hintsync.replicas.salesforce.client import Row, SalesforceClient
from hintsync.replicas.salesforce.package_fields import BOOKKEEPING

#: Present only where the org has state and country picklists on.
STATE_CODE = "MailingStateCode"
COUNTRY_CODE = "MailingCountryCode"
PERSON_ACCOUNT = "IsPersonAccount"

_TEXTS = frozenset({"string", "textarea", "email", "phone", "url"})


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What the describe says of one field, as far as we depend on it."""

    name: str
    type: str
    #: Characters a text takes; 0 where it has no length.
    length: int
    createable: bool
    updateable: bool
    #: A create needs a value.
    required: bool
    #: A picklist that takes no other values.
    restricted: bool
    #: (value, label) of the active picklist entries.
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ContactFields:
    """The fields of the contact that our user may see."""

    facts: Mapping[str, FieldFacts]

    def has(self, name: str) -> bool:
        """Say whether there is a field of this API name that we may read."""
        return name in self.facts

    def existing(self, names: Iterable[str]) -> tuple[str, ...]:
        """Keep the API names that can be selected."""
        return tuple(name for name in names if name in self.facts)

    def unwritable(self, names: Iterable[str], *, create: bool) -> tuple[str, ...]:
        """Keep the API names that a write may not carry."""
        return tuple(name for name in names if not self._writable(name, create))

    def conventions(self, given: Conventions) -> Conventions:
        """Complete the connection's conventions with what the describe shows."""
        person_account = PERSON_ACCOUNT if self.has(PERSON_ACCOUNT) else None
        if not (self.has(STATE_CODE) and self.has(COUNTRY_CODE)):
            return replace(given, person_account_field=person_account)
        return replace(
            given,
            person_account_field=person_account,
            salesforce_state=PlaceForm.PICKLIST,
            salesforce_country=PlaceForm.PICKLIST,
            listed_states=self.facts[STATE_CODE].choices,
            listed_countries=self.facts[COUNTRY_CODE].choices,
        )

    def described(self, table: FieldTable, conventions: Conventions) -> Described:
        """Say what it means for the mapped fields."""
        present = {row.name: self._written(row) for row in table if self.has(row.salesforce)}
        readers = converters(Side.SALESFORCE, conventions)
        return Described(
            digest=self._digest(table),
            missing=frozenset(table.names) - present.keys(),
            read_only=frozenset(name for name, facts in present.items() if not facts.updateable),
            max_length={name: facts.length for name, facts in present.items() if facts.type in _TEXTS and facts.length},
            choices={
                row.name: _canonical_choices(present[row.name], readers[row.kind].read)
                for row in table
                if row.name in present and present[row.name].restricted
            },
        )

    def _written(self, row: FieldMapping) -> FieldFacts:
        """Return the facts of the field that a write goes to: for state and country the picklist, where there is one."""
        if row.kind in (Kind.STATE, Kind.COUNTRY):
            return self.facts.get(f"{row.salesforce}Code", self.facts[row.salesforce])
        return self.facts[row.salesforce]

    def _writable(self, name: str, create: bool) -> bool:
        facts = self.facts.get(name)
        return facts is not None and (facts.createable if create else facts.updateable)

    def _digest(self, table: FieldTable) -> str:
        """Hash every fact that may change what is planned or refused (guard G5, row F9)."""
        ours = {*(row.salesforce for row in table), *BOOKKEEPING, STATE_CODE, COUNTRY_CODE, PERSON_ACCOUNT}
        relevant = sorted(
            (facts for facts in self.facts.values() if facts.name in ours or facts.required),
            key=lambda facts: facts.name,
        )
        return hashlib.sha256(orjson.dumps(relevant)).hexdigest()[:16]


async def read_contact_fields(client: SalesforceClient) -> ContactFields:
    """Ask the org for the describe of Contact. One call."""
    reply = await client.get("sobjects/Contact/describe", "describe contacts")
    facts = (_read_field(raw) for raw in reply.data["fields"])
    return ContactFields({each.name: each for each in facts})


def _read_field(raw: Row) -> FieldFacts:
    entries: list[dict[str, Any]] = raw.get("picklistValues") or []
    createable = bool(raw.get("createable"))
    return FieldFacts(
        name=raw["name"],
        type=raw["type"],
        length=raw.get("length") or 0,
        createable=createable,
        updateable=bool(raw.get("updateable")),
        required=createable and not raw.get("nillable", True) and not raw.get("defaultedOnCreate", False),
        restricted=bool(raw.get("restrictedPicklist")),
        choices=tuple((entry["value"], entry.get("label") or entry["value"]) for entry in entries if entry["active"]),
    )


def _canonical_choices(facts: FieldFacts, read: Reader) -> frozenset[str]:
    """Return the canonical values of a restricted picklist; entries without a counterpart cannot be written by us."""
    found = set()
    for value, _ in facts.choices:
        try:
            canonical = read(value)
        except Unreadable:
            continue
        if isinstance(canonical, str):
            found.add(canonical)
    return frozenset(found)
