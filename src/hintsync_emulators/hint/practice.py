"""A Hint practice in memory, with what its staff can do and what the API can do."""

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import orjson

from hintsync_emulators.clock import Clock
from hintsync_emulators.hint import connecting
from hintsync_emulators.hint.announcing import announce, outbox_of
from hintsync_emulators.hint.delivery import client_of, deliver
from hintsync_emulators.hint.errors import not_found, validation_failed
from hintsync_emulators.hint.forms import Form
from hintsync_emulators.hint.ids import Ids
from hintsync_emulators.hint.partner import Installation, Partner
from hintsync_emulators.hint.patients import Patient, Surroundings, render, with_consent_times
from hintsync_emulators.hint.phones import Phone, merge_phones
from hintsync_emulators.hint.practitioners import new_practitioner
from hintsync_emulators.hint.register import Register
from hintsync_emulators.hint.requests import WebhookRequest
from hintsync_emulators.hint.switches import Switches
from hintsync_emulators.hint.times import SHOWN_ZONE
from hintsync_emulators.hint.webhooks import WebhookEvent

if TYPE_CHECKING:  # a practice without webhooks starts without waiting for it
    import httpx

_TICK = timedelta(microseconds=1)


class Practice:
    """One practice: patients, practitioners, its connection to the partner, and the events waiting to be sent.

    The methods below are what the practice's own staff does in Hint; `api_create` and `api_update` are the API's way
    in, which differs only in the fields it may set and in muting its own webhooks. All are safe to call from another
    thread than the one that serves.

    Attributes:
        switches: which of the possible Hints this is; change it at any time.
        partner: the account we call as; practices served together share one.
        installation: the connection, with its tokens and codes.
        lock: held by every call.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        clock: Callable[[], datetime] | None = None,
        name: str = "Example Family Medicine",
        partner: Partner | None = None,
        token: str | None = None,
        status: str = "active",
        switches: Switches | None = None,
        sandbox: bool = False,
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        self.clock = clock or (partner.clock if partner else Clock())
        self.switches = switches or Switches()
        self.partner = partner or Partner(seed=seed, sandbox=sandbox, clock=self.clock, transport=transport)
        self.installation: Installation = self.partner.install(status, token)
        self.lock = threading.RLock()
        self._ids = Ids(seed + 1, sandbox=sandbox)
        self.id = self._ids.new("pra")
        self.profile: dict[str, object] = {"name": name, "email": "office@example.com"}
        self.register = Register()
        self.practitioners: dict[str, dict[str, object]] = {}
        self._locations = self._one("loc", "Main Street", address_city="Springfield", address_state="IL")
        self._lead_sources = self._one("lds", "Other")
        self._location_group: dict[str, object] = {"id": self._ids.new("prg"), "name": "All locations"}
        self._plan: dict[str, object] = {"id": self._ids.new("pln"), "name": "Individual", "plan_type": "individual"}
        self._foreign_records: dict[str, list[dict[str, object]]] = {}
        self._latest = datetime.min.replace(tzinfo=UTC)

    # The connection

    @property
    def token(self) -> str:
        """The practice access token.

        Raises:
            LookupError: every token was revoked.
        """
        key = self.installation.live_key
        if key is None:
            raise LookupError("every token of this practice was revoked")
        return key.token

    def new_code(self) -> str:
        """Makes an authorization code for one exchange."""
        with self.lock:
            return self.partner.new_code(self.installation)

    def revoke_token(self) -> None:
        """Revokes all tokens: from now on they answer 401, until a code is exchanged for a new one."""
        with self.lock:
            for key in self.installation.keys:
                key.deactivated_at = key.deactivated_at or self.clock()

    async def connect(self) -> connecting.Handover:
        """Lets the practice's administrator connect: pastes, redirects or posts a code, as the backend names."""
        return await connecting.connect(self)

    def finish_setup(self) -> None:
        """Lets the practice finish its part; under ``practice_activate`` the connection is active from then on."""
        connecting.finish_setup(self)

    def set_status(self, status: str, *, by_api: bool = False) -> None:
        """Makes the connection ``active`` or ``deactivated``, in Hint's settings unless the API asked for it."""
        with self.lock:
            connecting.set_status(self, status, by_api=by_api)

    # Webhooks

    @property
    def outbox(self) -> list[WebhookEvent]:
        """The events that some endpoint has not got yet, in the order they happened."""
        return outbox_of(self)

    async def deliver(self, transport: "httpx.AsyncBaseTransport | None" = None) -> list[WebhookRequest]:
        """Sends what is due now, retries included, and returns what was tried.

        A served emulator does this by itself; in process a test says when.

        Args:
            transport: what to send through; without it the partner's own, or else sockets.
        """
        async with client_of(self.partner, transport) as client:
            return await deliver(self.partner, client, self.id)

    def announce(self, kind: str, shown: Mapping[str, object]) -> None:
        """Lets any event happen, for instance ``invoice.paid``, about which this practice knows nothing else."""
        with self.lock:
            announce(self, kind, str(shown.get("id", "")), shown, by_api=False)

    # Patients, as the staff handles them

    def create_patient(self, **values: object) -> str:
        """Registers a patient and returns his id.

        Args:
            **values: fields as in the API, and beyond: ``membership_status``, ``archived=True``, a practitioner by
                name instead of by id, and the time stamps of the consents.

        Raises:
            HintError: the values are not valid.
        """
        return self._create(values, by_api=False).id

    def load(self, people: Iterable[Mapping[str, object]]) -> list[str]:
        """Registers many patients, each as for `create_patient`, and returns their ids in order."""
        return [self._create(person, by_api=False).id for person in people]

    def edit(self, patient_id: str, **values: object) -> None:
        """Changes fields of a patient; None clears.

        Raises:
            HintError: no such patient, or values that are not valid.
        """
        self._update(self.find(patient_id), values, by_api=False)

    def archive(self, patient_id: str) -> None:
        """Takes a patient out of the ordinary lists."""
        self._set_archived(self.find(patient_id), archived=True)

    def unarchive(self, patient_id: str) -> None:
        """Brings an archived patient back."""
        self._set_archived(self.find(patient_id), archived=False)

    def merge(self, loser_id: str, *, into: str) -> None:
        """Merges one patient into another: the loser is archived and points at the survivor, who stays as he is."""

        def become_part(patient: Patient) -> None:
            patient.archived, patient.merged_into = True, survivor

        with self.lock:
            loser, survivor = self.find(loser_id), self.find(into)
            if loser is survivor:
                raise validation_failed(["Patient cannot be merged into itself"])
            self.register.change(loser, become_part, self.tick())
            self._record(self.switches.merge_event, loser, by_api=False)

    def destroy(self, patient_id: str) -> None:
        """Deletes a patient for good."""
        self.remove(self.find(patient_id), by_api=False)

    def patient(self, patient_id: str) -> dict[str, object]:
        """Returns one patient as the API shows him, and his ``title`` too.

        Raises:
            HintError: there is no such patient.
        """
        with self.lock:
            patient = self.find(patient_id)
            shown = cast("dict[str, object]", orjson.loads(orjson.dumps(self.render([patient])[0])))
            return {**shown, "title": patient.get("title")}

    def patients(self) -> list[dict[str, object]]:
        """Returns all patients, archived ones included, each as `patient` does."""
        with self.lock:
            return [self.patient(patient.id) for patient in self.register]

    def __len__(self) -> int:
        return len(self.register)

    def empty(self) -> None:
        """Removes every patient and practitioner and the webhooks that wait; the connection stays as it is."""
        with self.lock:
            self.register.clear()
            self.practitioners.clear()
            self._foreign_records.clear()
            self.partner.requests.forget(self.id)
            self.tick()

    # The rest of the practice

    def add_practitioner(self, name: str, *, by_api: bool = False, **values: object) -> str:
        """Adds a practitioner (names need not be unique) and returns the id."""
        with self.lock:
            practitioner_id = self.new_id("pct")
            self.practitioners[practitioner_id] = new_practitioner(practitioner_id, name, values, self.tick())
            self._record_practitioner("created", practitioner_id, by_api=by_api)
            return practitioner_id

    def edit_practitioner(self, practitioner_id: str, *, by_api: bool = False, **values: object) -> None:
        """Changes fields of a practitioner.

        Raises:
            HintError: there is no such practitioner.
        """
        with self.lock:
            practitioner = self.practitioner(practitioner_id)
            if any(practitioner.get(name) != value for name, value in values.items()):
                practitioner.update(values, updated_at=self.tick())
                self._record_practitioner("updated", practitioner_id, by_api=by_api)

    def remove_practitioner(self, practitioner_id: str, *, by_api: bool = False) -> None:
        """Removes a practitioner; his patients have none from then on.

        Raises:
            HintError: there is no such practitioner.
        """
        with self.lock:
            self.practitioner(practitioner_id)
            self._record_practitioner("destroyed", practitioner_id, by_api=by_api)
            del self.practitioners[practitioner_id]
            self.tick()

    def practitioner(self, practitioner_id: str) -> dict[str, object]:
        """Returns a practitioner as the API shows him.

        Raises:
            HintError: there is no such practitioner.
        """
        found = self.practitioners.get(practitioner_id)
        if found is None:
            raise not_found("Practitioner")
        return found

    def edit_profile(self, *, by_api: bool = False, **values: object) -> None:
        """Changes what the practice says of itself."""
        with self.lock:
            if any(self.profile.get(name) != value for name, value in values.items()):
                self.profile |= values
                self.tick()
                announce(self, "practice.updated", self.id, {"id": self.id, **self.profile}, by_api=by_api)

    def add_foreign_record(self, patient_id: str, partner_name: str, record_id: str) -> None:
        """Lets another partner link the patient to a record of its own."""
        partner = {"id": self._ids.new("ptr"), "name": partner_name}
        row: dict[str, object] = {"integration_record_id": record_id, "partner": partner}
        self._foreign_records.setdefault(self.find(patient_id).id, []).append(row)
        self.tick()

    # Keeping (hint.keeping)

    @property
    def latest(self) -> datetime:
        """When anything changed last; moves at every change."""
        return self._latest

    def to_kept(self, write: Callable[[Patient], dict[str, object]]) -> dict[str, object]:
        """Returns what a file must hold for the practice to be there again; ``write`` turns a patient into JSON."""
        return {
            "practice": self.id,
            "token": self.installation.live_key.token if self.installation.live_key else None,
            "latest": self._latest,
            "ids": self._ids.state(),
            "serial": self.register.last_serial,
            "practitioners": self.practitioners,
            "foreign_records": self._foreign_records,
            "patients": [write(patient) for patient in self.register.by_change()],
        }

    def restore_kept(self, kept: Mapping[str, Any], read: Callable[[list[dict[str, Any]]], list[Patient]]) -> None:
        """Takes over what `to_kept` returned.

        Raises:
            ValueError: it is of a practice of another seed.
        """
        if kept["practice"] != self.id:
            raise ValueError("the file is of another practice")
        patients = read(kept["patients"])
        with self.lock:
            if kept["token"] is not None and not self.installation.accepts(kept["token"]):
                self.partner.add_key(self.installation, kept["token"])
            self._latest = kept["latest"]
            self._ids.restore(kept["ids"])
            self.practitioners.update(kept["practitioners"])
            self._foreign_records.update(kept["foreign_records"])
            self.register.restore(patients, kept["serial"])

    def choices(self) -> dict[str, dict[str, dict[str, object]]]:
        """Returns what a patient can be given of the practice's own: field to id to record."""
        return {
            "practitioner": self.practitioners,
            "location": self._locations,
            "lead_source": self._lead_sources,
        }

    # What the routes use

    def find(self, patient_id: str) -> Patient:
        """Finds a patient by id or by our own id for him.

        Raises:
            HintError: 404.
        """
        patient = self.register.get(patient_id) or self._owner(patient_id)
        if patient is None:
            raise not_found("Patient")
        return patient

    def find_by_api(self, patient_id: str) -> Patient:
        """Finds a patient as the API does, which the switches may keep from archived and merged ones."""
        patient = self.find(patient_id)
        if patient.merged_into is not None:
            reachable = self.switches.merged_by_id
        else:
            reachable = self.switches.archived_by_id or not patient.archived
        if not reachable:
            raise not_found("Patient")
        return patient

    def api_create(self, body: Mapping[str, object]) -> Patient:
        return self._create(body, by_api=True)

    def api_update(self, patient: Patient, body: Mapping[str, object]) -> None:
        self._update(patient, body, by_api=True)

    def remove(self, patient: Patient, *, by_api: bool) -> None:
        with self.lock:
            self.register.remove(patient)
            self.tick()
            self._foreign_records.pop(patient.id, None)
            self._record("patient.destroyed", patient, by_api=by_api)

    def render(self, patients: Iterable[Patient]) -> list[dict[str, object]]:
        """Returns patients as answers, ready for orjson."""
        around = Surroundings(
            today=self.clock().date(),
            practitioners=self.practitioners,
            locations=self._locations,
            lead_sources=self._lead_sources,
            location_group=self._location_group,
            plan=self._plan,
            title_echoed=self.switches.title_echoed,
        )
        return [render(patient, around) for patient in patients]

    def integration_records(self, patient: Patient) -> list[dict[str, object]]:
        """Returns every partner's id for a patient, ours first."""
        ours = patient.get("integration_record_id")
        partner = {"id": self.partner.id, "name": self.partner.name}
        own: list[dict[str, object]] = [{"integration_record_id": ours, "partner": partner}] if ours else []
        return own + self._foreign_records.get(patient.id, [])

    # Inside

    def _create(self, body: Mapping[str, object], *, by_api: bool) -> Patient:
        with self.lock:
            changes = self._read(body, creating=True, by_api=by_api)
            now = self.tick()
            patient = Patient(self._ids.new("pat"), self.register.next_serial(), now, now, {})
            patient.archived = not by_api and bool(body.get("archived"))
            patient.apply(with_consent_times(changes, now, terms_alias=self.switches.terms_alias))
            self.register.add(patient)
            self._record("patient.created", patient, by_api=by_api)
            return patient

    def _update(self, patient: Patient, body: Mapping[str, object], *, by_api: bool) -> None:
        with self.lock:
            changes = self._read(body, creating=False, by_api=by_api, patient=patient)
            if self.switches.phones_merge and "phones" in changes:
                changes["phones"] = merge_phones(patient.phones, cast("tuple[Phone, ...]", changes["phones"]))
            changes = {name: value for name, value in changes.items() if (patient.get(name) or None) != (value or None)}
            if not changes:
                return
            now = self.tick()
            full = with_consent_times(changes, now, terms_alias=self.switches.terms_alias)
            quiet = set(self.switches.quiet_fields.split())
            self.register.change(patient, lambda each: each.apply(full), None if changes.keys() <= quiet else now)
            self._record("patient.updated", patient, by_api=by_api)
            if changes.get("membership_status") == "inactive":
                self._record("patient.inactive", patient, by_api=by_api)

    def _read(
        self, body: Mapping[str, object], *, creating: bool, by_api: bool, patient: Patient | None = None
    ) -> dict[str, object]:
        if not by_api:
            body = self._as_staff(body)
        changes = Form(self.switches, self._exists).read(body, creating=creating, staff=not by_api)
        owner = self._owner(changes.get("integration_record_id"))
        if owner is not None and owner is not patient:
            raise validation_failed(["Integration record has already been taken"])
        return changes

    def _owner(self, record_id: object) -> Patient | None:
        """Returns the patient that carries this very integration_record_id (the index alone ignores case)."""
        if not record_id:
            return None
        same = self.register.find("integration_record_id", record_id)
        return next((each for each in same if each.get("integration_record_id") == record_id), None)

    def _as_staff(self, body: Mapping[str, object]) -> dict[str, object]:
        """Resolves what only the staff may write: a practitioner by name; the archive has its own way."""
        values = {name: value for name, value in body.items() if name != "archived"}
        name = values.get("practitioner")
        if isinstance(name, str):
            values["practitioner"] = {"id": self._practitioner_named(name)}
        return values

    def _practitioner_named(self, name: str) -> str:
        for practitioner_id, practitioner in self.practitioners.items():
            if name in (practitioner_id, practitioner["name"]):
                return practitioner_id
        return self.add_practitioner(name)

    def _exists(self, field: str, chosen: str) -> bool:
        return chosen in self.choices()[field]

    def _set_archived(self, patient: Patient, *, archived: bool) -> None:
        def alter(each: Patient) -> None:
            each.archived = archived

        with self.lock:
            if patient.archived != archived:
                self.register.change(patient, alter, self.tick())
                kind = self.switches.archive_event if archived else "patient.updated"
                self._record(kind, patient, by_api=False)

    def _record(self, kind: str, patient: Patient, *, by_api: bool) -> None:
        if kind == "none":
            return
        shown: dict[str, object] = {"id": patient.id}
        if kind != "patient.destroyed" or self.switches.destroyed_in_full:
            shown = self.render([patient])[0]
        announce(self, kind, patient.id, shown, by_api=by_api)

    def _record_practitioner(self, change: str, practitioner_id: str, *, by_api: bool) -> None:
        shown = self.practitioners[practitioner_id]
        announce(self, f"practitioner.{change}", practitioner_id, shown, by_api=by_api)

    def new_id(self, prefix: str) -> str:
        """Draws an identifier."""
        return self._ids.new(prefix)

    def tick(self) -> datetime:
        """Returns the time, a little later than any time handed out before."""
        moment = max(self.clock(), self._latest + _TICK)
        self._latest = moment.astimezone(UTC if self.switches.utc_timestamps else SHOWN_ZONE)
        return self._latest

    def _one(self, prefix: str, name: str, **values: object) -> dict[str, dict[str, object]]:
        """Makes a little table of one named row."""
        row_id, now = self._ids.new(prefix), self.clock().astimezone(SHOWN_ZONE)
        return {row_id: {"id": row_id, "name": name, **values, "created_at": now, "updated_at": now}}
