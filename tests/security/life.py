"""A clinic whose people carry a mark in every field, lived through with a service that is a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from hintsync.bootstrap import open_service
from hintsync.engine.options import Options
from hintsync.logins import CANVAS_APP, CanvasApp, pack_canvas_app
from hintsync.settings import load_settings
from hintsync.state.port import LogLevel
from hintsync.surfaces.web.access.roles import ADMINISTRATOR_SET
from hintsync_emulators.control import Failure
from tests.engine.test_canary import MARK, contact, patient
from tests.surfaces.test_serve import PATIENCE, set_up, until, waiting
from tests.surfaces.town import Town, built
from tests.surfaces.web.pages.desk import APP, new_user
from tests.surfaces.web.pages.robot import Filled, addresses

#: Marked everywhere, with no figure in it that another thing could have by chance.
ZIP = f"Q{MARK[:8]}"
CHOSEN = Options(create_contacts=True, hint_log_level=LogLevel.DEBUG, guard_at_least=100)


@dataclass(slots=True)
class Alerted:
    """What was sent to the people who are told."""

    bodies: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def told() -> Iterator[Alerted]:
    """Receive alerts, as a chat would."""
    alerted = Alerted()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            alerted.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    alerted.url = f"json://127.0.0.1:{server.server_port}"
    try:
        yield alerted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(slots=True)
class Life:
    """Who lives in the clinic, and what was said of them where no value was asked for."""

    town: Town
    folder: Path
    contacts: list[str] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)
    #: What commands and pages said that ask for no value, by where it was said.
    said: dict[str, str] = field(default_factory=dict)
    #: Pages that showed a person, as they must.
    shown: int = 0
    #: What every file held while the service ran.
    in_use: dict[str, bytes] = field(default_factory=dict)

    def run(self, *words: object) -> None:
        """Run a command that is asked for no value, once for people and once for programs, and keep what it says."""
        for more in ((), ("--json",)):
            result = self.town.run(*words, *more)
            self.said[f"hintsync {' '.join(map(str, (*words, *more)))}"] = result.stdout + result.stderr

    def populate(self) -> None:
        """Put people into both systems: alike, alone, ambiguous, refused."""
        org, practice = self.town.org, self.town.practice
        self.contacts = [org.insert("Contact", contact(f"A{n}", MailingPostalCode=ZIP)) for n in range(10)]
        self.patients = [practice.create_patient(**patient(f"A{n}", address_zip=ZIP)) for n in range(8)]
        twin = patient("A3", address_zip=ZIP)
        long = patient("TooLong", email=None, address_zip=ZIP, address_city=f"{MARK}" * 10)
        self.patients += [practice.create_patient(**each) for each in (twin, long)]

    def batch(self) -> None:
        """Look first, then link, both ways."""
        self.run("batch", "patients", "--dry-run")
        self.run("batch", "patients")
        self.run("batch", "contacts", self.town.report(*self.contacts))

    def edit(self) -> None:
        """Do to linked people what people do, and let both systems refuse some of it in words that quote values."""
        org, practice, (mine, theirs) = self.town.org, self.town.practice, (self.contacts, self.patients)
        org.update("Contact", mine[0], {"MailingCity": f"Edited{MARK}"})
        practice.edit(theirs[1], address_city=f"Hint{MARK}")
        org.update("Contact", mine[2], {"MailingCity": f"Here{MARK}"})
        practice.edit(theirs[2], address_city=f"There{MARK}")
        practice.edit(theirs[4], first_name=f"Another{MARK}", dob="1931-07-20")
        practice.destroy(theirs[5])
        practice.create_patient(**patient("New", address_zip=ZIP, last_name=f"Quill{MARK}"))
        refusal = {
            "message": f"{MARK}ville is no city",
            "errors": [{"field": "address_city", "message": f"not {MARK}"}],
        }
        self.town.hint_app.faults.fail_next.append(Failure(status=422, body=refusal, match="^PATCH", times=2))
        trouble = Failure(status=500, body=f"cannot save {MARK}", match="^PATCH", times=1)
        self.town.hint_app.faults.fail_next.append(trouble)

    def refuse(self) -> None:
        """Let the org refuse a write, quoting what it refuses."""
        rule = f"{MARK} Street is closed"
        self.town.org.add_validation_rule("Contact", lambda row: "Closed" in str(row["MailingStreet"]), rule, None)
        self.town.practice.edit(self.patients[6], address_line1=f"9 Closed {MARK} Lane")

    def walk(self, url: str) -> None:
        """Open every page as an administrator does inside Salesforce."""
        store = {"contact": self.contacts[:3], "patient": self.patients[:3]}
        filled = Filled(**store, **asyncio.run(_ids(self.town)))
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            token = _sign_in(self.town, http)
            for path, query in addresses(filled):
                headers = {"Authorization": f"Bearer {token}", "X-Hintsync-Fetch": "1"}
                answer = http.get(f"/c/clinic{path}", params=query, headers=headers)
                token = answer.headers.get("X-Hintsync-Token") or token
                self.shown += MARK in answer.text
            headers = {"Authorization": f"Bearer {token}", "X-Hintsync-Fetch": "1"}
            found = http.post(f"/c/clinic/contacts/{self.contacts[9]}/sync/results", data={"q": MARK}, headers=headers)
            assert MARK in found.text, "a search shows whom it finds"
            self.said["headers of a search"] = str(found.headers)
            self.said["a token of somebody"] = token
            for path in ("/metrics", "/readyz", "/healthz"):
                self.said[path] = http.get(path).text


async def _ids(town: Town) -> dict[str, list[str]]:
    """Return ids of what is remembered, by the part of an address that they fill."""
    async with open_service(load_settings(state=town.state)) as service:
        store = service.store
        return {
            "run": [run.id for run in await store.runs("clinic", limit=4)],
            "review": [review.id for review in await store.reviews("clinic", limit=4)],
            "entry": [str(entry.id) for entry in await store.log("clinic", limit=5)],
            "sequence": [str(entry.sequence) for entry in await store.audit("clinic", limit=5)],
        }


def _sign_in(town: Town, http: httpx.Client) -> str:
    """Come in with a signed request, as the frame of a page in Salesforce does; return the page's token."""
    with httpx.Client(base_url=town.org_url, trust_env=False) as org:
        told = {"url": "https://sync.example.org/canvas", "locations": ["Visualforce"], "label": "hintsync"}
        app = org.put(f"/_control/canvas/apps/{APP}", json=told).json()
        asyncio.run(_keep_app(town, CanvasApp(app["client_id"], app["client_secret"])))
        ada = new_user(town.org, "Ada", "Marlow", ADMINISTRATOR_SET)
        body = {"app": APP, "user": ada, "parameters": json.dumps({"view": "home"})}
        signed = org.post("/_control/canvas/request", json=body).json()["signed_request"]
    answer = http.post("/canvas", data={"signed_request": signed})
    assert answer.status_code == 200, answer.text
    return answer.text.partition('name="hintsync-token" content="')[2].partition('"')[0]


async def _keep_app(town: Town, app: CanvasApp) -> None:
    async with open_service(load_settings(state=town.state)) as service:
        await service.store.put_secret("clinic", CANVAS_APP, pack_canvas_app(app))


@contextmanager
def serving(life: Life) -> Iterator[str]:
    """Run the service as a process whose every file lies in the life's folder; yields its address."""
    log, scratch = life.folder / "serve.log", life.folder / "tmp"
    scratch.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "hintsync", "serve", "--port", "0", "--state", str(life.town.state)]
    with log.open("a", encoding="utf-8") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, cwd=life.folder, env={**os.environ, "TMPDIR": str(scratch)}
        )
    try:
        began = log.read_text(encoding="utf-8").count("listening on")
        until(lambda: log.read_text(encoding="utf-8").count("listening on") > began or process.poll() is not None)
        url = log.read_text(encoding="utf-8").rpartition("listening on ")[2].split()[0]
        until(lambda: httpx.get(f"{url}/readyz", trust_env=False).status_code == 200)
        yield url
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()


@contextmanager
def lived(folder: Path, alerted: Alerted) -> Iterator[Life]:
    """Live through everything that could write something down; hand out what there is to be searched."""
    with built(folder, options=CHOSEN) as town:
        life = Life(town, folder)
        partner = town.practice.partner.key
        set_up(town, log_level="debug", alerts=alerted.url, hint_partner_key=partner, hint_webhook_keys=partner)
        life.populate()
        life.batch()
        life.run("pause", "--reason", "inventory")
        with serving(life) as url:
            until(lambda: bool(alerted.bodies))
            life.run("webhook", "--url", f"{url}/webhooks/hint")
            life.edit()
            life.run("resume")
            until(lambda: waiting(town) == 0 or town.json("parked")["parked"])
            life.refuse()
            until(lambda: town.practice.patient(life.patients[6])["integration_error_message"] is not None)
            life.walk(url)
            found = [path for path in folder.rglob("*") if path.is_file() and path.name != "report.csv"]
            life.in_use = {str(path): path.read_bytes() for path in found}
        yield life
