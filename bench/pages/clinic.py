"""A clinic to open pages of: both emulators, people linked, `hintsync serve` on a socket, an administrator let in."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.live.office import Office, office
from bench.live.service import NAME, PATIENCE, Site, served_pages
from hintsync.bootstrap import open_engine, open_service
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.live.known_patients import take_known_patients
from hintsync.engine.options import Options
from hintsync.logins import WithToken
from hintsync.replicas.salesforce.page_names import ADMIN_SET
from hintsync.setup.connecting import connect
from hintsync.setup.installation import prepare_org
from hintsync.state.port import StateStore
from hintsync.surfaces.web.access.tokens import Entry, Purpose, Tokens, Visitor

_API = "/services/data/v67.0"
#: Conflicts that wait for a person.
_CONFLICTS = 5
_PART = re.compile(r"\{([a-z]+)\}")


@dataclass(frozen=True, slots=True)
class Clinic:
    """One that is open."""

    url: str
    #: Sends the administrator's token.
    http: httpx.Client
    #: What fills a part of an address.
    ids: dict[str, str]
    #: A patient that the contact could be linked with.
    patient: str

    def address(self, path: str) -> str | None:
        """Return where a place is; None if nothing there fills it."""
        if set(_PART.findall(path)) - self.ids.keys():
            return None
        asked = f"?patient={self.patient}" if path.endswith("/preview") else ""
        asked = f"?review={self.ids['review']}&decision=keep-hint" if path == "/reviews/alike" else asked
        return f"{self.url}/c/{NAME}{path.format_map(self.ids)}{asked}"


@contextmanager
def open_clinic(patients: int, contacts: int) -> Iterator[Clinic]:
    """Fill both systems, link whom there is to link, and serve; all is ended at the end of the block.

    Args:
        patients: in Hint.
        contacts: in Salesforce; with as many as patients they are the same people.
    """
    with ExitStack() as stack:
        hint = stack.enter_context(office("hint", patients))
        org = stack.enter_context(office("salesforce", contacts))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hintsync-bench-")))
        site = Site(folder, hint, org)
        site.limit(None)
        site.configure(hint_requests_per_second=1000)
        token, ids, patient = asyncio.run(_filled(site, is_linked=patients == contacts))
        _let_time_pass(hint, patient)
        url = stack.enter_context(served_pages(site))
        headers = {"Authorization": f"Bearer {token}", "X-Hintsync-Fetch": "1"}
        http = stack.enter_context(httpx.Client(headers=headers, timeout=PATIENCE, trust_env=False))
        yield Clinic(url, http, ids, patient)


async def _filled(site: Site, *, is_linked: bool) -> tuple[str, dict[str, str], str]:
    """Connect, link and quarrel a little; return a token, ids, and a patient that nobody is linked with."""
    async with open_service(site.settings()) as service:
        login = WithToken(site.org.url, site.org.facts["token"])
        await prepare_org(service, login)
        user_id = _administrator(site.org)
        made = await connect(service, NAME, hint_token=site.hint.facts["token"], login=login, options=Options())
        async with open_engine(service, made) as engine:
            if is_linked:
                await take_known_patients(engine)
                await batch_patients(engine)
                for link in list(await service.store.live_pairs(NAME))[:_CONFLICTS]:
                    _quarrel(site, str(link.contact_id), str(link.patient_id))
                await sync_all(engine)
        now = int(service.clock.now().timestamp())
        visitor = Visitor(NAME, user_id, "Ada Marlow", Entry.FRAME, now, site.org.url)
        token = Tokens(service.store, service.clock).make(visitor, Purpose.PAGE)
        return token, await _ids(service.store, site.org), _some_patient(site.hint)


def _administrator(org: Office) -> str:
    """Give the user whose token we have the administrator's permission set; return the user's id."""
    with _at(org) as http:
        (user,) = _rows(http, f"SELECT Id FROM User WHERE Username = '{org.facts['username']}'")
        sets = _rows(http, f"SELECT Id FROM PermissionSet WHERE Name = '{ADMIN_SET}'")
        set_id = sets[0]["Id"] if sets else _create(http, "PermissionSet", {"Name": ADMIN_SET, "Label": ADMIN_SET})
        _create(http, "PermissionSetAssignment", {"AssigneeId": user["Id"], "PermissionSetId": set_id})
        return str(user["Id"])


def _quarrel(site: Site, contact_id: str, patient_id: str) -> None:
    with _at(site.org) as http:
        http.patch(f"{_API}/sobjects/Contact/{contact_id}", json={"MailingCity": "Salem"}).raise_for_status()
    with _at(site.hint) as http:
        http.patch(f"/api/provider/patients/{patient_id}", json={"address_city": "Lynn"}).raise_for_status()


def _let_time_pass(hint: Office, patient_id: str) -> None:
    """Make everybody an hour old but one: in a practice that works, few patients changed in the last minutes."""
    hint.control("PUT", "/clock", {"advance_seconds": 3600})
    with _at(hint) as http:
        http.patch(f"/api/provider/patients/{patient_id}", json={"address_line2": "Rear house"}).raise_for_status()


def _some_patient(hint: Office) -> str:
    with _at(hint) as http:
        return str(http.get("/api/provider/patients", params={"limit": 10}).raise_for_status().json()[-1]["id"])


async def _ids(store: StateStore, org: Office) -> dict[str, str]:
    """Return one id of everything that pages are about."""
    with _at(org) as http:
        contact = _rows(http, "SELECT Id FROM Contact ORDER BY Id DESC LIMIT 1")[0]["Id"]
    log, audit = await store.log(NAME, limit=1), await store.audit(NAME, after=0, limit=1)
    runs, reviews = await store.runs(NAME, limit=50), await store.reviews(NAME, limit=1)
    largest = max(runs, key=lambda run: run.done, default=None)
    found = {
        "contact": contact,
        "run": largest.id if largest else None,
        "review": reviews[0].id if reviews else None,
        "entry": str(log[0].id) if log else None,
        "sequence": str(audit[0].sequence) if audit else None,
    }
    return {name: each for name, each in found.items() if each is not None}


def _at(office: Office) -> httpx.Client:
    headers = {"Authorization": f"Bearer {office.facts['token']}"}
    return httpx.Client(base_url=office.url, headers=headers, trust_env=False)


def _rows(http: httpx.Client, soql: str) -> list[dict[str, Any]]:
    return list(http.get(f"{_API}/query", params={"q": soql}).raise_for_status().json()["records"])


def _create(http: httpx.Client, name: str, record: dict[str, str]) -> str:
    return str(http.post(f"{_API}/sobjects/{name}", json=record).raise_for_status().json()["id"])
