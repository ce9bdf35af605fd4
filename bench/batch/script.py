"""The third way: a script as an administrator would write it, with simple-salesforce and requests, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce, SFType
from simple_salesforce.format import format_soql

from bench.batch.way import Result, Stopwatch, Task, begin, tell

_COPIED = {
    "email": "Email",
    "address_city": "MailingCity",
    "address_zip": "MailingPostalCode",
    "address_state": "MailingState",
    "address_country": "MailingCountry",
}


class PlainAdapter(HTTPAdapter):
    """Speaks HTTP where simple-salesforce insists on HTTPS: the emulator has no certificate."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        assert request.url is not None
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


def main(task: Task) -> Result:
    """Go through a sample of the patients."""
    session = requests.Session()
    session.mount("https://127.0.0.1", PlainAdapter())
    org = Salesforce(
        instance=task.salesforce_url.removeprefix("http://"), session_id=task.salesforce_token, session=session
    )
    contacts = cast("SFType", org.Contact)
    hint = requests.Session()
    hint.headers["Authorization"] = f"Bearer {task.hint_token}"
    begin(task.hint_url, task.salesforce_url)
    watch = Stopwatch()
    done = linked = 0
    for patient in islice(patients(hint, task.hint_url), task.sample):
        done += 1
        contact_id = find_contact(org, patient)
        if contact_id is None:
            continue
        linked += 1
        contacts.update(contact_id, contact_fields(patient))
        if task.write_back:
            body = {"integration_record_id": contact_id}
            hint.patch(f"{task.hint_url}/api/provider/patients/{patient['id']}", json=body).raise_for_status()
    return watch.result(done, linked=linked)


def patients(hint: requests.Session, url: str) -> Iterator[dict[str, Any]]:
    """Yield all patients, page by page."""
    offset = 0
    while True:
        answer = hint.get(f"{url}/api/provider/patients", params={"limit": 100, "offset": offset})
        answer.raise_for_status()
        page = answer.json()
        yield from page
        if len(page) < 100:
            return
        offset += 100


def find_contact(org: Salesforce, patient: dict[str, Any]) -> str | None:
    """Ask for the contacts of that name and compare the birth date here."""
    soql = format_soql(
        "SELECT Id, Birthdate FROM Contact WHERE LastName = {} AND FirstName = {}",
        patient["last_name"],
        patient["first_name"],
    )
    found = [row["Id"] for row in org.query(soql)["records"] if row["Birthdate"] == patient["dob"]]
    return found[0] if len(found) == 1 else None


def contact_fields(patient: dict[str, Any]) -> dict[str, Any]:
    """Copy a patient onto a contact."""
    fields = {api: patient.get(key) for key, api in _COPIED.items()}
    phones = {entry["type"]: entry["number"] for entry in patient.get("phones") or ()}
    return {
        **fields,
        "MobilePhone": phones.get("mobile"),
        "MailingStreet": "\n".join(filter(None, (patient.get("address_line1"), patient.get("address_line2")))),
        "Hint_Patient_Id__c": patient["id"],
        "Synced_to_Hint__c": True,
    }


if __name__ == "__main__":
    tell(main(Task.from_argv()))
