"""The demo's own way to the two APIs: plain httpx, sharing nothing with the replicas that it is there to check."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx

from hintsync.demo.people import HintFacts, OrgFacts, Systems

#: A record as its system sends it.
Raw: TypeAlias = dict[str, Any]

_PAGE = 100
_API = "/services/data/v67.0"
#: Fields of a contact that the check looks at; stamps of batches are left out, since every run moves them.
CONTACT_FIELDS = (
    "Id",
    "Salutation",
    "FirstName",
    "MiddleName",
    "LastName",
    "Birthdate",
    "Hint_Gender__c",
    "Email",
    "MobilePhone",
    "HomePhone",
    "Phone",
    "MailingStreet",
    "MailingCity",
    "MailingState",
    "MailingPostalCode",
    "MailingCountry",
    "Hint_Practitioner_Name__c",
    "Hint_Insurance_Payer__c",
    "Hint_Insurance_Group_Id__c",
    "Hint_Insurance_Member_Id__c",
    "Hint_Member_Contract_Accepted__c",
    "Hint_Member_Contract_Accepted_At__c",
    "Hint_HIPAA_Authorization_Accepted__c",
    "Hint_HIPAA_Authorization_Accepted_At__c",
    "Hint_Membership_Status__c",
    "Hint_Patient_Id__c",
    "Synced_to_Hint__c",
)


@dataclass(frozen=True, slots=True)
class HintWire:
    """The practice, read by its API and edited as its staff would."""

    http: httpx.AsyncClient

    async def patients(self) -> list[Raw]:
        """Return every patient, archived ones included."""
        found: list[Raw] = []
        while True:
            query = {"filter": "all", "limit": str(_PAGE), "offset": str(len(found))}
            answer = (await self.http.get("/api/provider/patients", params=query)).raise_for_status()
            page = answer.json()
            found += page
            if not page or len(found) >= int(answer.headers["X-Total-Count"]):
                return found

    async def patient(self, patient_id: str) -> Raw:
        """Return one patient."""
        found: Raw = (await self.http.get(f"/api/provider/patients/{patient_id}")).raise_for_status().json()
        return found

    async def edit(self, patient_id: str, values: Mapping[str, object]) -> None:
        """Change fields of a patient as the practice's staff does in Hint's own pages."""
        (await self.http.patch(f"/_control/patients/{patient_id}", json=dict(values))).raise_for_status()

    async def calls(self) -> int:
        """Return the calls that the emulator counted, whoever made them."""
        return await _calls(self.http)


@dataclass(frozen=True, slots=True)
class OrgWire:
    """The org, read and edited by its REST API."""

    http: httpx.AsyncClient

    async def contacts(self) -> list[Raw]:
        """Return every contact with the fields of `CONTACT_FIELDS`."""
        return await self.query(f"SELECT {','.join(CONTACT_FIELDS)} FROM Contact ORDER BY Id")

    async def query(self, soql: str) -> list[Raw]:
        """Return every row that a statement finds."""
        answer = (await self.http.get(f"{_API}/query", params={"q": soql})).raise_for_status().json()
        found: list[Raw] = answer["records"]
        while not answer["done"]:
            answer = (await self.http.get(answer["nextRecordsUrl"])).raise_for_status().json()
            found += answer["records"]
        return found

    async def create(self, kind: str, values: Mapping[str, object]) -> None:
        """Create a record as the org's administrator would."""
        (await self.http.post(f"{_API}/sobjects/{kind}", json=dict(values))).raise_for_status()

    async def contact(self, contact_id: str) -> Raw:
        """Return one contact with the fields of `CONTACT_FIELDS`."""
        fields = {"fields": ",".join(CONTACT_FIELDS)}
        answer = await self.http.get(f"{_API}/sobjects/Contact/{contact_id}", params=fields)
        found: Raw = answer.raise_for_status().json()
        return found

    async def edit(self, contact_id: str, values: Mapping[str, object]) -> None:
        """Change fields of a contact as any user would."""
        (await self.http.patch(f"{_API}/sobjects/Contact/{contact_id}", json=dict(values))).raise_for_status()

    async def calls(self) -> int:
        """Return the calls that the emulator counted, whoever made them."""
        return await _calls(self.http)


@dataclass(frozen=True, slots=True)
class Seen:
    """Everybody in both systems at one moment, by id."""

    contacts: Mapping[str, Raw]
    patients: Mapping[str, Raw]

    def pairs(self) -> list[tuple[Raw, Raw]]:
        """Return each contact that names an existing patient, with that patient."""
        named = (
            (contact, self.patients.get(contact["Hint_Patient_Id__c"] or "")) for contact in self.contacts.values()
        )
        return [(contact, patient) for contact, patient in named if patient is not None]


@dataclass(frozen=True, slots=True)
class Wires:
    """Both ways."""

    hint: HintWire
    org: OrgWire

    async def look(self) -> Seen:
        """Read everybody on both sides."""
        contacts, patients = await asyncio.gather(self.org.contacts(), self.hint.patients())
        return Seen({each["Id"]: each for each in contacts}, {each["id"]: each for each in patients})

    async def calls(self) -> tuple[int, int]:
        """Return the calls counted so far by the org and by the practice."""
        return await self.org.calls(), await self.hint.calls()


@asynccontextmanager
async def open_wires(systems: Systems) -> AsyncIterator[Wires]:
    """Open both ways."""
    async with _client(systems.hint) as hint, _client(systems.org) as org:
        yield Wires(HintWire(hint), OrgWire(org))


def _client(facts: HintFacts | OrgFacts) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {facts.token}"}
    return httpx.AsyncClient(base_url=facts.url, headers=headers, timeout=60.0)


async def _calls(http: httpx.AsyncClient) -> int:
    counted = (await http.get("/_control/counts")).raise_for_status().json()
    return int(counted["total"])
