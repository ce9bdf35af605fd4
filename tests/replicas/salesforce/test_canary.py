"""A person's values stay out of logs, exceptions and reprs, whatever goes wrong."""

from __future__ import annotations

import logging

import pytest

from hintsync.core.errors import HintsyncError
from hintsync.ports import Demographics, Draft, Update, WriteMode
from tests.replicas.salesforce.office import Office

CANARY = "Xqcanaryqx"
BORN = "1931-07-19"


async def _everything(office: Office) -> list[object]:
    """Read, find, write and create with the canary in every value, and keep what is answered or raised."""
    record_id = office.contact(LastName=CANARY, Birthdate=BORN, Hint_Patient_Id__c="pat-1")
    replica = office.replica
    values = {"last_name": CANARY, "city": CANARY, "birth_date": BORN, "email": CANARY}
    update, draft = Update(record_id, values, None), Draft("pat-2", {**values, "last_name": CANARY * 9})
    calls = [
        replica.find([Demographics(CANARY, CANARY, BORN)]),
        replica.find_by_key(["pat-1"]),
        replica.update([update], WriteMode.LIVE),
        replica.update([update], WriteMode.BATCH),
    ]
    shown: list[object] = []
    for call in calls:
        try:
            answers = await call
        except HintsyncError as failure:
            shown += [str(failure), repr(failure), failure.__cause__]
        else:
            shown += [repr(each) for each in answers if not hasattr(each, "values")]
    (refused,) = await replica.create([draft])
    return [*shown, repr(refused)]


@pytest.mark.parametrize("trouble", ["none", "down", "refused", "lost", "nonsense"])
async def test_values_stay_out_of_logs_answers_and_exceptions(
    office: Office, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    caplog.set_level(logging.DEBUG)
    await office.replica.prepare()
    text = [{"message": f"bad value {CANARY} {BORN}", "errorCode": "MALFORMED_QUERY", "fields": []}]
    match trouble:
        case "down":
            office.fail(503, text, match="/(query|composite)", times=99)
        case "refused":
            office.fail(400, text, match="/(query|composite)", times=99)
        case "lost":
            office.lose(match="/(query|composite)", carried_out=False, times=99)
        case "nonsense":
            office.fail(200, f"<html>{CANARY}</html>", match="/(query|composite)", times=99)
    told = [str(each) for each in await _everything(office)]
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("hintsync_emulators")]
    assert told
    assert not [line for line in told + logged if CANARY in line or BORN in line]
