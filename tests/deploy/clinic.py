"""People who edit on both sides while the service runs, and what both systems show in the end."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from hintsync.core.values import Side
from hintsync.demo.people import Systems
from tests.deploy.running import until

#: The field that is edited on each side: its name in Hint and in Salesforce. Nobody edits one field on both.
FIELDS: Mapping[Side, tuple[str, str]] = {
    Side.HINT: ("address_city", "MailingCity"),
    Side.SALESFORCE: ("address_zip", "MailingPostalCode"),
}
#: Seconds between two edits.
_PAUSE = 0.12
_API = "/services/data/v67.0"


@dataclass(slots=True)
class Clinic:
    """Both systems, as their own users see them."""

    systems: Systems
    _http: httpx.Client
    #: Contact and patient of everybody who is linked.
    pairs: list[tuple[str, str]] = field(default_factory=list)
    #: The latest value of each edited field, by patient and field in Hint.
    wanted: dict[tuple[str, str], str] = field(default_factory=dict)
    made: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _allowed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _trouble: list[BaseException] = field(default_factory=list)

    def find_pairs(self) -> None:
        """Ask the org who is linked."""
        shown = self._query("SELECT Id, Hint_Patient_Id__c FROM Contact WHERE Hint_Patient_Id__c != null ORDER BY Id")
        self.pairs = [(str(each["Id"]), str(each["Hint_Patient_Id__c"])) for each in shown]

    def edit(self, number: int) -> None:
        """Edit somebody, on the one side and the other in turn; everybody in turn."""
        contact, patient = self.pairs[number // 2 % len(self.pairs)]
        side = Side.HINT if number % 2 else Side.SALESFORCE
        value = f"zz{number:05}"
        if side is Side.HINT:
            url, body = f"{self.systems.hint.url}/_control/patients/{patient}", {FIELDS[side][0]: value}
        else:
            url, body = f"{self.systems.org.url}{_API}/sobjects/Contact/{contact}", {FIELDS[side][1]: value}
        self._http.patch(url, json=body, headers=self._signed_in).raise_for_status()
        self.wanted[patient, FIELDS[side][0]] = value
        self.made = number + 1

    def let_edit(self, edits: int) -> None:
        """Let people make some more edits: without a bound, a slow machine would let them edit the same people again and again."""
        for _ in range(edits):
            self._allowed.release()

    def work(self) -> None:
        """Edit what is let, until told to stop; to be run in a thread."""
        try:
            while not self._stop.wait(_PAUSE):
                if self._allowed.acquire(timeout=_PAUSE):
                    self.edit(self.made)
        except BaseException as error:  # for whoever waits for the thread
            self._trouble.append(error)

    def wait_for(self, edits: int) -> None:
        """Wait until so many edits were made in all."""
        until(lambda: self.made >= edits or bool(self._trouble), "people edit")

    def rest(self) -> None:
        """Edit no more.

        Raises:
            BaseException: what kept somebody from editing.
        """
        self._stop.set()
        for error in self._trouble:
            raise error

    def apart(self) -> dict[tuple[str, str], tuple[str, str, str]]:
        """Return what was edited and is not on both sides: what was entered, what Hint shows, what Salesforce shows.

        Both are asked by their own APIs.
        """
        org, hint = self._shown_by_org(), self._shown_by_hint()
        return {
            key: (value, hint[key], org[key]) for key, value in self.wanted.items() if {hint[key], org[key]} != {value}
        }

    def agrees_on(self, patient: Mapping[str, object]) -> bool:
        """Say whether the org shows of a patient what a webhook showed, or what was edited after that."""
        contact = next(contact for contact, its in self.pairs if its == patient["id"])
        shown = self._query(f"SELECT MailingCity FROM Contact WHERE Id = '{contact}'")[0]["MailingCity"]
        return str(shown) >= str(patient["address_city"])  # values count up

    def _shown_by_org(self) -> dict[tuple[str, str], str]:
        shown = self._query("SELECT Hint_Patient_Id__c, MailingCity, MailingPostalCode FROM Contact")
        found = {
            (str(each["Hint_Patient_Id__c"]), hint): str(each[org]) for each in shown for hint, org in FIELDS.values()
        }
        return {key: found[key] for key in self.wanted}

    def _shown_by_hint(self) -> dict[tuple[str, str], str]:
        shown = {patient: self._patient(patient) for patient in {patient for patient, _ in self.wanted}}
        return {(patient, name): str(shown[patient][name]) for patient, name in self.wanted}

    def _patient(self, patient_id: str) -> Mapping[str, object]:
        token = {"Authorization": f"Bearer {self.systems.hint.token}"}
        answer = self._http.get(f"{self.systems.hint.url}/api/provider/patients/{patient_id}", headers=token)
        read: Mapping[str, object] = answer.raise_for_status().json()
        return read

    def _query(self, soql: str) -> Sequence[Mapping[str, object]]:
        url = f"{self.systems.org.url}{_API}/query"
        answer = self._http.get(url, params={"q": soql}, headers=self._signed_in).raise_for_status().json()
        assert answer["done"], "few enough for one page"
        records: Sequence[Mapping[str, object]] = answer["records"]
        return records

    @property
    def _signed_in(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.systems.org.token}"}
