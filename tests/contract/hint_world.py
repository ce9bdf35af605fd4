"""The Hint replica on the Hint emulator, in process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx
import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from hintsync.core.codec import Codec
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.records import FieldName, RecordId
from hintsync.core.values import Canonical
from hintsync.replicas.hint.budget import DailyBudget
from hintsync.replicas.hint.client import HintClient, Pace
from hintsync.replicas.hint.facts import HintFacts
from hintsync.replicas.hint.replica import HintReplica
from hintsync_emulators.control import Failure
from hintsync_emulators.hint import Practice, Switches, create_app
from tests.contract.replica_world import World
from tests.replicas.clock import HeldClock

_KEYS = {
    "first_name": "first_name",
    "middle_name": "middle_name",
    "last_name": "last_name",
    "birth_date": "dob",
    "email": "email",
    "city": "address_city",
}
#: What a probe finds at the emulator as it comes.
USUAL = HintFacts(
    updated_at_filter="brackets", dob_filter=True, filter_all=True, sort_created_at=True, title_echoed=False
)
#: Hint as its documents leave open that it might be.
GRUDGING = Switches(
    updated_at_filter=False, dob_filter=False, filter_all=False, names_required_on_patch=True, merged_by_id=True
)


def raw_of(values: Mapping[FieldName, Canonical]) -> dict[str, object]:
    """Write canonical values as Hint takes them."""
    raw: dict[str, object] = {_KEYS[name]: value for name, value in values.items() if name in _KEYS}
    if "mobile_phone" in values:
        number = values["mobile_phone"]
        raw["phones"] = [{"type": "mobile", "number": str(number).removeprefix("+1")}] if number else []
    return raw


def values_of(raw: Mapping[str, object]) -> dict[str, object]:
    """Read Hint's values as canonical ones."""
    phones = raw["phones"]
    assert isinstance(phones, list)
    mobile = [phone["number"] for phone in phones if phone["type"] == "mobile"]
    shown = {name: raw[key] for name, key in _KEYS.items()}
    return {**shown, "mobile_phone": f"+1{mobile[0]}" if mobile else None, "peer_id": raw["integration_record_id"]}


class HintWorld(World):
    """A practice without a limit per second; everything else as the emulator comes."""

    replica: HintReplica
    archives = True

    def __init__(self, switches: Switches | None = None, facts: HintFacts = USUAL) -> None:
        self.clock = HeldClock()
        self.practice = Practice(clock=self.clock.now, switches=switches)
        self.app = create_app(self.practice, monotonic=self.clock.monotonic)
        self.app.faults.limits["per_second"] = None
        self.pace = Pace.of(self.clock, per_second=None)
        self.transport = self.make_transport()
        self.client = HintClient(self.transport, self.practice.token, self.pace, base_url=self.base_url)
        self.replica = HintReplica(self.client, Codec(facts.adapt(DEFAULT_MAPPING)), facts)

    base_url = "http://hint.test"

    def make_transport(self) -> httpx.AsyncBaseTransport:
        return httpx.ASGITransport(self.app)

    def seed(self, values: Mapping[FieldName, Canonical], peer_id: str | None = None) -> RecordId:
        return self.practice.create_patient(**raw_of(values), integration_record_id=peer_id)

    def edit(self, record_id: RecordId, values: Mapping[FieldName, Canonical]) -> None:
        self.clock.elapsed += 60
        now = self.practice.patient(record_id)
        names = {name: now[name] for name in ("first_name", "last_name")}  # required under one of the switches
        self.practice.edit(record_id, **{**names, **raw_of(values)})

    def delete(self, record_id: RecordId) -> None:
        self.practice.destroy(record_id)

    def archive(self, record_id: RecordId) -> None:
        self.practice.archive(record_id)

    def merge(self, loser: RecordId, winner: RecordId) -> None:
        self.practice.merge(loser, into=winner)

    def look(self, record_id: RecordId) -> dict[str, object]:
        return values_of(self.practice.patient(record_id))

    def count(self) -> int:
        return len(self.practice)

    def fail(self, *failures: Failure) -> None:
        self.app.faults.fail_next.extend(failures)

    def lose_write(self, *, carried_out: bool) -> None:
        self.fail(Failure(match="^(PATCH|POST) ", drop=True, after_commit=carried_out, times=50))

    def fail_for_long(self) -> None:
        self.fail(Failure(status=429, body={"status": 429, "message": "Enhance your calm"}, times=10_000))

    def fail_once(self) -> None:
        self.fail(Failure(status=503))

    def lose_reads_once(self) -> None:
        self.fail(Failure(match="^GET ", drop=True))

    def revoke(self) -> None:
        self.practice.revoke_token()

    def spend_budget(self) -> None:
        self.pace.budget = DailyBudget(self.clock, per_day=0)

    def misconfigure(self) -> None:
        """As if the partner key had been entered for the practice's token."""
        body = {"status": 428, "message": "This action requires a Practice"}
        self.fail(Failure(status=428, body=body, times=10_000))

    def keep_moving(self) -> None:
        """Between any two answers somebody is registered and somebody at the front destroyed, so every total misleads."""
        self.transport = httpx.ASGITransport(_Restless(self.app, self.practice))
        self.client._transport = self.transport

    def refuse_record(self, record_id: RecordId) -> None:
        body = {"status": 422, "message": "Validation failed: The chart is closed"}
        self.fail(Failure(status=422, body=body, match=f"^PATCH .*{record_id}", times=50))


class _Restless:
    """Destroys the first patient after each page, so that whoever stood at a page's edge is passed over."""

    def __init__(self, app: ASGIApp, practice: Practice) -> None:
        self._app = app
        self._practice = practice

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
        self._practice.destroy(str(self._practice.patients()[0]["id"]))


def people_of(practice: Practice) -> Sequence[bytes]:
    """Return every patient as JSON, for comparing before with after."""
    return [orjson.dumps(patient) for patient in practice.patients()]
