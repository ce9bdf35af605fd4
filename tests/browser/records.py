"""What both systems hold, read past every page: to choose people by, and to see that something really happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.browser.clinic import Clinic

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Records:
    """Both systems through their APIs."""

    clinic: Clinic

    def contacts(self, where: str = "") -> list[Row]:
        """Return contacts with what matters here."""
        fields = "Id, Name, FirstName, LastName, Birthdate, Synced_to_Hint__c, Hint_Patient_Id__c, Hint_Last_Batch_Sync_Id__c"
        soql = f"SELECT {fields} FROM Contact {where}"
        org = self.clinic.systems.org
        headers = {"Authorization": f"Bearer {org.token}"}
        answer = httpx.get(f"{org.url}/services/data/v67.0/query?{urlencode({'q': soql})}", headers=headers)
        return list(answer.raise_for_status().json()["records"])

    def patients(self) -> list[Row]:
        """Return all patients."""
        hint, found = self.clinic.systems.hint, list[Row]()
        while True:
            url = f"{hint.url}/api/provider/patients?limit=100&offset={len(found)}"
            page = httpx.get(url, headers={"Authorization": f"Bearer {hint.token}"}).raise_for_status().json()
            found += page
            if len(page) < 100:
                return found

    def pairs(self) -> list[tuple[Row, Row]]:
        """Return contacts and patients that share name and birth date with each other and nobody else."""
        contacts, patients = _by_key(self.contacts(), _of_contact), _by_key(self.patients(), _of_patient)
        both = [key for key in contacts if len(contacts[key]) == 1 and len(patients.get(key, ())) == 1]
        return [(contacts[key][0], patients[key][0]) for key in both]

    def only_in_salesforce(self) -> list[Row]:
        """Return contacts whose name and birth date no patient has."""
        patients = _by_key(self.patients(), _of_patient)
        return [each for each in self.contacts() if _of_contact(each) not in patients]

    def only_in_hint(self) -> list[Row]:
        """Return patients whose name and birth date no contact has."""
        contacts = _by_key(self.contacts(), _of_contact)
        return [each for each in self.patients() if _of_patient(each) not in contacts]


def until(arrived: Callable[[], bool], what: str, seconds: float = 45.0) -> None:
    """Wait for something that happens elsewhere."""
    end = time.monotonic() + seconds
    while not arrived():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.2)


def _of_contact(row: Row) -> tuple[str, str, str]:
    return str(row["FirstName"]).lower(), str(row["LastName"]).lower(), str(row["Birthdate"])


def _of_patient(row: Row) -> tuple[str, str, str]:
    return str(row["first_name"]).lower(), str(row["last_name"]).lower(), str(row["dob"])


def _by_key(rows: list[Row], key: Callable[[Row], tuple[str, str, str]]) -> dict[tuple[str, str, str], list[Row]]:
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found
