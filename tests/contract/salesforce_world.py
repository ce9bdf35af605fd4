"""The Salesforce replica on the Salesforce emulator, in process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hintsync.core.records import FieldName, RecordId
from hintsync.core.values import Canonical
from hintsync.ports import Replica
from hintsync_emulators.salesforce import DuplicateRule
from tests.contract.replica_world import World
from tests.replicas.salesforce.office import Office

_NAMES = {
    "first_name": "FirstName",
    "middle_name": "MiddleName",
    "last_name": "LastName",
    "birth_date": "Birthdate",
    "email": "Email",
    "city": "MailingCity",
    "mobile_phone": "MobilePhone",
}
#: Long enough for whatever a replica tries.
_MANY = 10_000


def raw_of(values: Mapping[FieldName, Canonical], peer_id: str | None = None) -> dict[str, object]:
    """Write canonical values as an org holds them; a number as a person types it."""
    raw: dict[str, object] = {_NAMES[name]: value for name, value in values.items()}
    number = values.get("mobile_phone")
    if number:
        digits = str(number)[2:]
        raw["MobilePhone"] = f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"
    return {**raw, "Hint_Patient_Id__c": peer_id} if peer_id else raw


class SalesforceWorld(World):
    """An org with our package deployed."""

    replica: Replica
    shows_deleted = True

    def __init__(self, office: Office) -> None:
        self.office = office
        self.clock = office.clock
        self.replica = office.replica

    @classmethod
    async def open(cls) -> SalesforceWorld:
        office = Office(features=("MiddleName",))
        await office.deploy()
        return cls(office)

    def seed(self, values: Mapping[FieldName, Canonical], peer_id: str | None = None) -> RecordId:
        return self.office.org.insert("Contact", raw_of(values, peer_id))

    def seed_many(self, people: Sequence[Mapping[FieldName, Canonical]]) -> list[RecordId]:
        return self.office.org.insert_many("Contact", map(raw_of, people))

    def edit(self, record_id: RecordId, values: Mapping[FieldName, Canonical]) -> None:
        self.clock.elapsed += 60
        self.office.org.update("Contact", record_id, raw_of(values))

    def delete(self, record_id: RecordId) -> None:
        self.clock.elapsed += 60
        self.office.org.delete("Contact", record_id)

    def merge(self, loser: RecordId, winner: RecordId) -> None:
        self.office.org.merge("Contact", winner, [loser])

    def look(self, record_id: RecordId) -> dict[str, object]:
        raw = self.office.org.get("Contact", record_id)
        shown = {name: raw[key] for name, key in _NAMES.items()}
        digits = "".join(filter(str.isdigit, str(shown["mobile_phone"] or "")))
        return {**shown, "mobile_phone": f"+1{digits}" if digits else None, "peer_id": raw["Hint_Patient_Id__c"]}

    def count(self) -> int:
        return self.office.org.count("Contact")

    def lose_write(self, *, carried_out: bool) -> None:
        self.office.lose(match="^(PATCH|POST) .*/(composite|sobjects)", carried_out=carried_out, times=50)

    def fail_for_long(self) -> None:
        self.office.fail(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "busy"}], times=_MANY)

    def fail_once(self) -> None:
        self.office.fail(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "busy"}])

    def lose_reads_once(self) -> None:
        self.office.lose(match="^GET ", carried_out=False)

    def revoke(self) -> None:
        self.office.org.expire_tokens()

    def spend_budget(self) -> None:
        self.office.org.set_daily_limit(1000, used=1000)

    def misconfigure(self) -> None:
        """As if the API had been switched off for the org."""
        self.office.fail(403, [{"errorCode": "API_DISABLED_FOR_ORG", "message": "off"}], times=_MANY)

    def keep_moving(self) -> None:
        """A cursor is dropped by the org before its second page is asked for."""
        lost = [{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]
        self.office.fail(400, lost, match="/query/01g", times=_MANY)

    def refuse_record(self, record_id: RecordId) -> None:
        self.office.org.add_validation_rule("Contact", lambda row: row["Id"] == record_id, "The chart is closed")

    def lock(self, record_id: RecordId) -> None:
        self.office.org.lock(record_id)

    def name_duplicate(self, record_id: RecordId, last_name: str) -> None:
        self.office.org.add_duplicate_rule(DuplicateRule("Contact"))

    async def aclose(self) -> None:
        await self.office.aclose()
