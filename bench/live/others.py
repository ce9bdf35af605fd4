"""What stands beside hintsync: the floor, a bare client told of each edit, and the script that a user would write instead."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial

import httpx

from bench.live.lag import Editors, Outcome, measured
from bench.live.office import Office
from hintsync.core.values import Side

_API = "/services/data/v66.0"
_FIELDS = "Id,MailingCity"


class _Wires:
    """The plain calls of both ways."""

    def __init__(self, hint: Office, org: Office) -> None:
        self.hint = httpx.Client(
            base_url=f"{hint.url}/api/provider", headers={"Authorization": f"Bearer {hint.facts['token']}"}, timeout=30
        )
        self.org = httpx.Client(
            base_url=f"{org.url}{_API}", headers={"Authorization": f"Bearer {org.facts['token']}"}, timeout=30
        )

    def patient(self, patient_id: str) -> None:
        self.hint.get(f"/patients/{patient_id}").raise_for_status()

    def contact(self, contact_id: str) -> None:
        self.org.get(f"/sobjects/Contact/{contact_id}", params={"fields": _FIELDS}).raise_for_status()

    def write(self, side: Side, record_id: str, city: str) -> None:
        if side is Side.HINT:
            self.hint.patch(f"/patients/{record_id}", json={"address_city": city}).raise_for_status()
        else:
            self.org.patch(f"/sobjects/Contact/{record_id}", json={"MailingCity": city}).raise_for_status()


def floor(hint: Office, org: Office, pairs: Iterator[tuple[str, str]], *, rate: float, seconds: float) -> Outcome:
    """Read both records and write one, as soon as the edit is made; nothing is decided and nothing remembered."""
    wires, mark = _Wires(hint, org), f"F{rate:g}-"
    editors = Editors(hint, org, pairs, mark)

    def carry(made: tuple[Side, str, str, str]) -> None:
        side, contact, patient, value = made
        other = concurrent.futures.ThreadPoolExecutor(1).submit(wires.patient, patient)
        wires.contact(contact)
        other.result()
        wires.write(side.other, contact if side is Side.HINT else patient, value)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:

        def hand_over(made: tuple[Side, str, str, str]) -> None:
            pool.submit(carry, made)

        run = partial(editors.edit_steadily, rate, int(rate * seconds), hand_over)
        return measured(hint, org, editors, mark, run)


def script(
    hint: Office,
    org: Office,
    pairs: Iterator[tuple[str, str]],
    everybody: Sequence[tuple[str, str]],
    *,
    rate: float,
    seconds: float,
) -> Outcome:
    """Ask both sides once a second what changed, and copy it; who edits last wins, and what a reader misses is lost."""
    wires, mark, stop = _Wires(hint, org), f"S{rate:g}-", threading.Event()
    editors = Editors(hint, org, pairs, mark)
    to_patient = dict(everybody)
    to_contact = {patient: contact for contact, patient in everybody}
    known: dict[str, str] = {}

    def copy_patients(since: str) -> None:
        params: dict[str, str | int] = {"updated_at": f'{{"gte":"{since}"}}', "limit": 100}
        for row in wires.hint.get("/patients", params=params).raise_for_status().json():
            city, contact = row["address_city"] or "", to_contact.get(row["id"])
            if contact and known.get(row["id"]) != city:
                wires.write(Side.SALESFORCE, contact, city)
                known[row["id"]] = known[contact] = city

    def copy_contacts(since: str) -> None:
        query = f"SELECT {_FIELDS} FROM Contact WHERE LastModifiedDate >= {since}"
        for row in wires.org.get("/query", params={"q": query}).raise_for_status().json()["records"]:
            city, patient = row["MailingCity"] or "", to_patient.get(row["Id"])
            if patient and known.get(row["Id"]) != city:
                wires.write(Side.HINT, patient, city)
                known[row["Id"]] = known[patient] = city

    def poll() -> None:
        while not stop.is_set():
            began = time.monotonic()
            since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 5))
            copy_patients(since)
            copy_contacts(since)
            stop.wait(max(began + 1 - time.monotonic(), 0))

    poller = threading.Thread(target=poll)
    poller.start()
    try:
        return measured(hint, org, editors, mark, lambda: editors.edit_steadily(rate, int(rate * seconds)))
    finally:
        stop.set()
        poller.join()
