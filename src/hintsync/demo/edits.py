"""Edits that people make in both systems while nobody syncs: here, there, on both, alike, and against each other."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from hintsync.demo.compare import differences
from hintsync.demo.wire import Raw, Seen, Wires

#: People of each kind of edit. Together well under the share of changes at which a pass may stop by itself.
EACH = 4

_CITIES = ("Alton", "Brookfield", "Cedar Falls", "Dover", "Eastham", "Fairview", "Granby", "Holliston")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that was edited differently on both sides; both values must stay where they are."""

    contact_id: str
    patient_id: str
    field: str
    #: The key of the field in each system, and what was written there.
    contact_key: str
    contact_value: str
    patient_key: str
    patient_value: str

    def stands(self, seen: Seen) -> bool:
        """Say whether both sides still show what was written there."""
        contact, patient = seen.contacts.get(self.contact_id), seen.patients.get(self.patient_id)
        if contact is None or patient is None:
            return False
        return (contact[self.contact_key], patient[self.patient_key]) == (self.contact_value, self.patient_value)


@dataclass(slots=True)
class Edits:
    """What was edited, for the check afterwards."""

    #: Kind of edit to the number of people.
    counts: dict[str, int] = field(default_factory=dict)
    #: Values that must be found on the other side after the sync: (contact id, contact key) and (patient id, patient key).
    arrive_in_salesforce: dict[tuple[str, str], str] = field(default_factory=dict)
    arrive_in_hint: dict[tuple[str, str], str] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)

    def missing(self, seen: Seen) -> list[str]:
        """Return edits that did not arrive, by record id and key."""
        org = [f"{i} {k}" for (i, k), value in self.arrive_in_salesforce.items() if seen.contacts[i][k] != value]
        hint = [f"{i} {k}" for (i, k), value in self.arrive_in_hint.items() if seen.patients[i][k] != value]
        return org + hint


@dataclass(slots=True)
class Editor:
    """Edits pairs that agree now, each pair in one way."""

    wires: Wires
    #: Told apart from earlier rounds on a kept state.
    mark: str
    random: random.Random
    done: Edits = field(default_factory=Edits)

    async def edit(self, seen: Seen, known: Collection[Conflict] = ()) -> Edits:
        """Edit some pairs of each kind and return what was done."""
        kinds = {
            "in Hint": self._in_hint,
            "in Salesforce": self._in_salesforce,
            "on both sides, different fields": self._different_fields,
            "on both sides, the same edit": self._same_edit,
            "on both sides, against each other": self._against,
        }
        chosen = iter(self._candidates(seen, known))
        for kind, edit in kinds.items():
            people = [pair for _, pair in zip(range(EACH), chosen, strict=False)]
            for contact, patient in people:
                await edit(contact, patient)
            self.done.counts[kind] = len(people)
        return self.done

    def _candidates(self, seen: Seen, known: Collection[Conflict]) -> list[tuple[Raw, Raw]]:
        waiting = {conflict.contact_id for conflict in known}
        pairs = [pair for pair in seen.pairs() if pair[0]["Id"] not in waiting and not any(differences(*pair))]
        self.random.shuffle(pairs)
        return pairs

    async def _in_hint(self, contact: Raw, patient: Raw) -> None:
        await self._hint(contact, patient, {"address_city": self._city(patient)}, {"address_city": "MailingCity"})

    async def _in_salesforce(self, contact: Raw, patient: Raw) -> None:
        values = {"MailingPostalCode": f"{self.random.randrange(10_000, 99_999)}"}
        await self._org(contact, patient, values, {"MailingPostalCode": "address_zip"})

    async def _different_fields(self, contact: Raw, patient: Raw) -> None:
        await self._hint(contact, patient, {"email": self._mail("hint", patient["id"])}, {"email": "Email"})
        values = {"MailingCity": self._city(patient)}
        await self._org(contact, patient, values, {"MailingCity": "address_city"})

    async def _same_edit(self, contact: Raw, patient: Raw) -> None:
        mail = self._mail("both", patient["id"])
        await self._hint(contact, patient, {"email": mail}, {"email": "Email"})
        await self._org(contact, patient, {"Email": mail}, {"Email": "email"})

    async def _against(self, contact: Raw, patient: Raw) -> None:
        here, there = self._mail("salesforce", patient["id"]), self._mail("hint", patient["id"])
        await self.wires.org.edit(contact["Id"], {"Email": here})
        await self.wires.hint.edit(patient["id"], {"email": there})
        self.done.conflicts.append(Conflict(contact["Id"], patient["id"], "email", "Email", here, "email", there))

    async def _hint(self, contact: Raw, patient: Raw, values: Mapping[str, str], keys: Mapping[str, str]) -> None:
        await self.wires.hint.edit(patient["id"], values)
        self.done.arrive_in_salesforce.update({(contact["Id"], keys[name]): value for name, value in values.items()})

    async def _org(self, contact: Raw, patient: Raw, values: Mapping[str, str], keys: Mapping[str, str]) -> None:
        await self.wires.org.edit(contact["Id"], values)
        self.done.arrive_in_hint.update({(patient["id"], keys[name]): value for name, value in values.items()})

    def _city(self, patient: Raw) -> str:
        return self.random.choice([city for city in _CITIES if city != patient["address_city"]])

    def _mail(self, where: str, patient_id: str) -> str:
        return f"{where}.{self.mark}.{patient_id.rpartition('-')[2].lower()}@example.org"
