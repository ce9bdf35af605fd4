"""Hint's webhooks (M2): checked, stored before the 2xx, and answered; T7 as far as one request goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from hintsync.core.errors import RetryLater
from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.detect.intake import TakenIn, take_in
from hintsync.engine.detect.notices import Notice
from hintsync.engine.detect.webhooks import webhook_state
from hintsync.engine.live.work import work_once
from hintsync.engine.pairs.by_hand import unlink_by_hand
from hintsync.logins import CREDENTIALS_FACT, HINT_TOKEN, SALESFORCE_LOGIN, ended_mark
from hintsync.state.live import Lane
from hintsync.surfaces.web.app import create_app
from hintsync.surfaces.web.engines import Engines
from hintsync_emulators.hint import SIGNATURE_HEADER, signature
from hintsync_emulators.hint.event_faults import EventFault
from tests.surfaces.web.house import KEY, MAX_BYTES, OLD_KEY, PATH, House, opened


class Faulty:
    """The way into the dirty set, with a store that fails on demand."""

    def __init__(self) -> None:
        self.failing = 0
        self.sizes: list[int] = []

    async def __call__(
        self, engine: Engine, notices: Sequence[Notice], *, cursors: Mapping[str, str] | None = None
    ) -> TakenIn:
        if self.failing:
            self.failing -= 1
            raise RetryLater(None, "the database does not answer")
        self.sizes.append(len(notices))
        return await take_in(engine, notices, cursors=cursors)


async def test_an_event_is_in_the_dirty_set_when_it_is_answered(house: House) -> None:
    patient_id = house.patient()
    answer = await house.tell("patient.created", house.shown(patient_id))
    assert (answer.status_code, answer.json()) == (200, {"status": "taken"})
    [dirty] = await house.dirty()
    assert (dirty.side, dirty.record_id, dirty.cause, dirty.lane) == (Side.HINT, patient_id, "webhook", Lane.LIVE)
    assert house.metrics.total("webhook-taken") == house.metrics.total("marked", "demo", Side.HINT) == 1


async def test_t7_a_forged_webhook_is_refused_and_counted(house: House) -> None:
    body = house.envelope("patient.updated", {"id": "pat-forged"})
    assert (await house.post(body, key="guessed")).status_code == 401
    assert (await house.http.post(PATH, content=body)).status_code == 401
    right = signature(KEY, body)
    for claimed in ("", "sha256=", right[7:], right.upper(), right[:-1], f"{right}, {right}", f"sha1={right[7:]}"):
        answer = await house.http.post(PATH, content=body, headers={SIGNATURE_HEADER: claimed})
        assert answer.status_code == 401, claimed
    assert house.metrics.total("webhook-bad-signature") == 9
    assert await house.dirty() == []


async def test_t7_who_posts_forged_ones_without_end_fills_no_log(house: House, caplog) -> None:
    body = house.envelope("patient.updated", {"id": "pat-1"})
    for _ in range(200):
        assert (await house.post(body, key="guessed")).status_code == 401
    assert len([record for record in caplog.records if "refused" in record.getMessage()]) == 1
    assert house.metrics.total("webhook-bad-signature") == 200


async def test_t7_of_two_signatures_none_is_believed(house: House) -> None:
    body = house.envelope("patient.updated", {"id": "pat-1"})
    headers = [(SIGNATURE_HEADER, signature("guessed", body)), (SIGNATURE_HEADER, signature(KEY, body))]
    assert (await house.http.post(PATH, content=body, headers=headers)).status_code == 401


async def test_t7_a_truncated_or_altered_body_is_refused(house: House) -> None:
    body = house.envelope("patient.updated", {"id": "pat-1"})
    signed = {SIGNATURE_HEADER: signature(KEY, body)}
    for altered in (body[:-1], body + b" ", body.replace(b"pat-1", b"pat-2"), b""):
        assert (await house.http.post(PATH, content=altered, headers=signed)).status_code == 401
    assert await house.dirty() == []


async def test_during_a_rotation_both_keys_sign(house: House) -> None:
    for number, key in enumerate((KEY, OLD_KEY)):
        body = house.envelope("patient.updated", {"id": f"pat-{number}"})
        assert (await house.post(body, key=key)).status_code == 200
    assert await house.dirty_ids() == ["pat-0", "pat-1"]


async def test_without_any_key_nothing_is_believed(tmp_path: Path, caplog) -> None:
    async with opened(tmp_path, keys="") as house:
        body = house.envelope("patient.updated", {"id": "pat-1"})
        assert (await house.post(body, key="")).status_code == 401
        assert await house.dirty() == []
    assert "no signature key is set" in caplog.text


async def test_a_body_that_is_too_large_is_refused_unread(house: House) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 4096
            yield b"x" * 4096

    answer = await house.http.post(PATH, content=b"x" * (MAX_BYTES + 1))
    assert (answer.status_code, answer.json()) == (413, {"error": "too-large"})
    assert answer.headers["connection"] == "close"
    answer = await house.http.post(PATH, content=endless())
    assert answer.status_code == 413
    assert MAX_BYTES < read <= MAX_BYTES + 2 * 4096
    assert house.metrics.total("webhook-too-large") == 2
    assert house.metrics.total("webhook-bad-signature") == 0, "the size is looked at first"


@pytest.mark.parametrize("length", ["9" * 400, "-5", "1e9", "٣"])
async def test_a_length_that_is_none_does_no_harm(house: House, length: str) -> None:
    body = house.envelope("patient.updated", {"id": "pat-1"})
    headers = [(b"content-length", length.encode()), (SIGNATURE_HEADER.encode(), signature(KEY, body).encode())]
    request = house.http.build_request("POST", PATH, content=body)
    request.headers = type(request.headers)([*headers, (b"host", b"x")])
    answer = await house.http.send(request)
    assert answer.status_code == (413 if length.startswith("9") else 200)


async def test_what_type_a_signed_body_claims_to_be_is_no_matter(house: House) -> None:
    for number, kind in enumerate(("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "")):
        body = house.envelope("patient.updated", {"id": f"pat-{number}"})
        assert (await house.post(body, headers={"content-type": kind})).status_code == 200
    assert await house.dirty_ids() == ["pat-0", "pat-1", "pat-2", "pat-3"]


BODIES = [
    (b"", "not-json"),
    (b"\xff\xfe", "not-json"),
    (b"\x1f\x8b\x08\x00", "not-json"),
    (b"[" * 100_00, "not-json"),
    (b'{"type": "patient.updated", "practice_id": "pra-1", "object": NaN}', "not-json"),
    (b"[]", "not-an-object"),
    (b'"patient.updated"', "not-an-object"),
    (b"{}", "no-type"),
    (b'{"type": 7, "practice_id": "pra-1"}', "no-type"),
    (b'{"type": "patient.updated"}', "no-practice"),
    (b'{"type": "patient.updated", "practice_id": {"id": "pra-1"}}', "no-practice"),
    (b'{"type": "patient.updated", "practice_id": "pra-1\\nlevel=fatal"}', "no-practice"),
    (b'{"type": "patient.updated", "practice_id": "pra-1"}', "no-record-id"),
    (b'{"type": "patient.updated", "practice_id": "pra-1", "object": ["pat-1"]}', "no-record-id"),
    (b'{"type": "patient.updated", "practice_id": "pra-1", "object": {"id": 7}}', "no-record-id"),
    (b'{"type": "patient.updated", "practice_id": "pra-1", "object": {"id": ""}}', "no-record-id"),
    (b'{"type": "patient.updated", "practice_id": "pra-1", "object": {"id": "pat-\\u0000"}}', "no-record-id"),
    (b'{"type": "patient.updated", "practice_id": "pra-1", "object": {"id": "%s"}}' % (b"x" * 129), "no-record-id"),
]


async def test_a_signed_body_that_is_no_webhook_gets_a_code_and_no_more(house: House) -> None:
    for body, code in BODIES:
        answer = await house.post(body)
        assert (answer.status_code, answer.json()) == (400, {"error": code}), body[:80]
    assert house.metrics.total("webhook-unreadable") == len(BODIES)
    assert await house.dirty() == []


async def test_t7_the_same_event_again_marks_nothing(house: House) -> None:
    body = house.envelope("patient.updated", {"id": "pat-1"})
    for _ in range(3):
        assert (await house.post(body)).status_code == 200
    [dirty] = await house.dirty()
    assert dirty.revision == 1
    assert house.metrics.total("ignored", "demo", Side.HINT) == 2


async def test_t7_events_in_any_order_end_in_one_row_a_patient(house: House) -> None:
    patient_id = house.patient()
    shown = house.shown(patient_id)
    for type_ in ("patient.updated", "patient.inactive", "patient.created"):
        assert (await house.tell(type_, shown)).status_code == 200
    assert await house.dirty_ids() == [patient_id]


@pytest.mark.parametrize("created_at", ["2016-01-01T00:00:00Z", "2999-01-01T00:00:00+14:00", "yesterday", None, {}])
async def test_t7_a_webhook_of_any_age_is_taken(house: House, created_at: object) -> None:
    answer = await house.tell("patient.updated", {"id": "pat-1"}, created_at=created_at)
    assert answer.status_code == 200
    assert await house.dirty_ids() == ["pat-1"]


async def linked_pair(house: House) -> tuple[str, str]:
    """Link one patient with a contact of the same values, and return both ids."""
    patient_id = house.patient(email="ada@example.org")
    contact_id = house.wire.org.insert(
        "Contact", {"FirstName": "Ada", "LastName": "Moor", "Birthdate": "1980-02-29", "Email": "ada@example.org"}
    )
    async with house.wire.engine() as engine:
        await batch_patients(engine)
        links = await engine.store.live_links("demo", Side.HINT, [patient_id])
    assert links[patient_id].link.status is LinkStatus.ACTIVE
    return str(contact_id), patient_id


async def test_t7_a_webhook_replayed_after_an_unlink_links_nothing_and_costs_one_look(house: House) -> None:
    contact_id, patient_id = await linked_pair(house)
    before = house.envelope("patient.updated", {**house.shown(patient_id), "first_name": "Eda"})
    assert (await house.post(before)).status_code == 200
    async with house.wire.engine() as engine:
        await unlink_by_hand(engine, contact_id)
        assert (await house.post(before)).status_code == 200
        assert await engine.store.live_links("demo", Side.HINT, [patient_id]) == {}
    assert await house.dirty_ids() == [patient_id]


async def test_an_echo_costs_nothing(house: House) -> None:
    _, patient_id = await linked_pair(house)
    assert (await house.tell("patient.updated", house.shown(patient_id))).status_code == 200
    assert await house.dirty_ids() == []
    assert house.metrics.echo_share("demo", Side.HINT) == 1.0


@pytest.mark.parametrize("name", ["email", "address_zip", "membership_status", "integration_record_id"])
async def test_an_edit_of_any_field_is_no_echo(house: House, name: str) -> None:
    _, patient_id = await linked_pair(house)
    await house.tell("patient.updated", {**house.shown(patient_id), name: "pending"})
    assert await house.dirty_ids() == [patient_id]


async def test_d7_a_merge_is_no_echo_though_no_value_changed(house: House) -> None:
    _, patient_id = await linked_pair(house)
    merged = {**house.shown(patient_id), "merged_into": {"id": "pat-survivor", "name": "Ada Moor"}}
    await house.tell("patient.updated", merged)
    assert await house.dirty_ids() == [patient_id]


async def test_an_object_that_does_not_show_everything_is_no_echo(house: House) -> None:
    _, patient_id = await linked_pair(house)
    cut = {name: value for name, value in house.shown(patient_id).items() if name != "address_city"}
    await house.tell("patient.updated", cut)
    assert await house.dirty_ids() == [patient_id]


async def test_a_value_that_cannot_be_read_is_looked_at(house: House) -> None:
    _, patient_id = await linked_pair(house)
    await house.tell("patient.updated", {**house.shown(patient_id), "dob": {"year": 1980}, "phones": "none"})
    assert await house.dirty_ids() == [patient_id]


async def test_d2_a_destroyed_patient_is_marked_by_its_id_alone(house: House) -> None:
    _, patient_id = await linked_pair(house)
    await house.tell("patient.destroyed", {"id": patient_id})
    assert await house.dirty_ids() == [patient_id]


async def test_a_membership_marks_its_patients_once_each(house: House) -> None:
    members = [{"patient": {"id": "pat-1"}}, {"patient": {"id": "pat-2"}}, {"patient": {"id": "pat-1"}}, {}, 7, None]
    event = house.envelope("membership.updated", {"id": "mem-1", "membership_patients": members})
    for _ in range(2):
        assert (await house.post(event)).status_code == 200
    assert await house.dirty_ids() == ["pat-1", "pat-2"]
    assert [each.revision for each in await house.dirty()] == [1, 1]


async def test_a_type_that_is_none_of_ours_is_no_error(house: House) -> None:
    for type_ in ("practitioner.updated", "invoice.paid", "galaxy.collapsed", "membership.created", "x"):
        for shown in ({}, None, [], "text", {"patient": None}, {"membership_patients": "none"}):
            answer = await house.tell(type_, shown)
            assert (answer.status_code, answer.json()) == (200, {"status": "ignored"}), (type_, shown)
    assert await house.dirty() == []


async def test_an_unknown_practice_gets_a_2xx_so_that_hint_does_not_mute_us(house: House, caplog) -> None:
    answer = await house.tell("patient.updated", {"id": "pat-1"}, practice_id="pra-elsewhere")
    assert (answer.status_code, answer.json()) == (200, {"status": "unknown-practice"})
    assert await house.dirty() == []
    assert "practice pra-elsewhere" in caplog.text
    assert house.metrics.total("webhook-unknown-practice") == 1


async def test_a_connection_that_was_added_just_now_is_no_unknown_practice(house: House) -> None:
    store = house.wire.service.store
    made = replace(await house.wire.service.connection(), id="second", name="second", practice_id="pra-second")
    await store.put_connection(made)
    await house.engines.aclose()
    answer = await house.tell("patient.updated", {"id": "pat-1"}, practice_id="pra-second")
    assert (answer.status_code, answer.json()) == (200, {"status": "taken"})
    assert await house.dirty_ids("second") == ["pat-1"]


async def test_while_nobody_can_say_whose_practice_it_is_nothing_is_acknowledged(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down() -> None:
        raise RetryLater(None, "the database does not answer")

    await house.engines.aclose()
    monkeypatch.setattr(house.wire.service.store, "connections", down)
    answer = await house.tell("patient.updated", {"id": "pat-1"})
    assert (answer.status_code, answer.json()) == (503, {"error": "retry-later"})


async def test_the_other_spelling_of_a_practice_is_the_same_practice(house: House) -> None:
    spelled = house.practice_id.replace("pra-", "prc-")
    assert (await house.tell("patient.updated", {"id": "pat-1"}, practice_id=spelled)).json() == {"status": "taken"}


async def test_an_address_of_one_connection_takes_its_practice_only(house: House) -> None:
    ours = house.envelope("patient.updated", {"id": "pat-1"})
    theirs = house.envelope("patient.updated", {"id": "pat-2"}, practice_id="pra-elsewhere")
    assert (await house.post(ours, path=f"{PATH}/demo")).json() == {"status": "taken"}
    assert (await house.post(theirs, path=f"{PATH}/demo")).json() == {"status": "unknown-practice"}
    assert (await house.post(ours, path=f"{PATH}/other")).json() == {"status": "unknown-practice"}
    assert await house.dirty_ids() == ["pat-1"]


async def test_every_connection_of_a_practice_hears_of_its_patients(house: House) -> None:
    first = await house.wire.service.connection()
    store = house.wire.service.store
    await store.put_connection(replace(first, id="second", name="second"))
    await house.engines.refresh()
    answer = await house.tell("patient.updated", {"id": "pat-1"})
    assert (answer.status_code, answer.json()) == (200, {"status": "taken"})
    assert await house.dirty_ids("second") == ["pat-1"], "no credentials yet, and nothing is lost"
    for name in (HINT_TOKEN, SALESFORCE_LOGIN):
        await store.put_secret("second", name, await store.secret("demo", name) or b"")
    await house.engines.refresh(at_once=True)
    assert (await house.tell("patient.updated", {"id": "pat-2"})).status_code == 200
    assert await house.dirty_ids("second") == await house.dirty_ids() == ["pat-1", "pat-2"]


async def test_while_renewed_credentials_reopen_an_engine_its_webhooks_are_stored(house: House) -> None:
    """The old engine takes its time to close: what is answered meanwhile with 503 would come again after an hour only."""
    closing, go_on = asyncio.Event(), asyncio.Event()

    async def attend(engine: Engine, leaving: asyncio.Event) -> None:
        await leaving.wait()
        closing.set()
        await go_on.wait()

    woken: list[str] = []

    async def wake(connection_id: str) -> None:
        woken.append(connection_id)

    service = house.wire.service
    engines = Engines(service, attendant=attend)
    await engines.refresh()
    app = create_app(service, engines=engines, wake=wake)
    known = await service.connection("demo")
    await service.store.put_connection(replace(known, facts={**known.facts, CREDENTIALS_FACT: "renewed"}))
    reopening = asyncio.create_task(engines.refresh())
    await closing.wait()
    body = house.envelope("patient.updated", house.shown(house.patient()))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9") as http:
        for status in ("taken", "taken"):  # Hint may send it twice, and it is one row all the same
            answer = await http.post(PATH, content=body, headers={SIGNATURE_HEADER: signature(KEY, body)})
            assert (answer.status_code, answer.json()) == (200, {"status": status})
    assert engines.engine("demo") is None
    assert len(await house.dirty_ids()) == 1
    assert woken == ["demo", "demo"]
    assert (await webhook_state(service.store, "demo")).seen_at is not None
    go_on.set()
    await reopening
    await engines.aclose()


async def test_a_patient_that_was_there_at_connect_and_was_marked_unread_is_left_for_the_batch(house: House) -> None:
    """Row L8 holds although nobody could look whether the patient was known when its event came."""
    patient = house.patient()
    async with house.wire.engine() as engine:
        await house.wire.service.store.take_known("demo", [patient])
        await house.engines.aclose()
        await house.engines.recognise()
        assert (await house.tell("patient.updated", house.shown(patient))).json() == {"status": "taken"}
        assert await house.dirty_ids() == [patient]
        await work_once(engine, "worker", limit=10)
    assert await house.dirty() == []
    assert house.wire.org.count("Contact") == 0


async def test_a_connection_that_was_uninstalled_is_an_unknown_practice(house: House) -> None:
    store = house.wire.service.store
    known = await house.wire.service.connection("demo")
    await store.put_connection(replace(known, facts={**known.facts, CREDENTIALS_FACT: ended_mark()}))
    await house.engines.refresh()
    answer = await house.tell("patient.updated", {"id": "pat-1"})
    assert (answer.status_code, answer.json()) == (200, {"status": "unknown-practice"})
    assert await house.dirty() == []


async def test_while_the_store_is_down_hint_is_asked_to_come_again(tmp_path: Path) -> None:
    faulty = Faulty()
    async with opened(tmp_path, take_in=faulty) as house:
        body = house.envelope("patient.updated", {"id": "pat-1"})
        faulty.failing = 1
        answer = await house.post(body)
        assert (answer.status_code, answer.json()) == (503, {"error": "retry-later"})
        assert await house.dirty() == []
        assert (await house.post(body)).status_code == 200
        assert await house.dirty_ids() == ["pat-1"]
        assert house.metrics.total("webhook-not-stored") == 1


async def test_t7_a_thousand_at_once_are_all_stored_in_few_transactions(tmp_path: Path) -> None:
    faulty = Faulty()
    async with opened(tmp_path, take_in=faulty) as house:
        bodies = [house.envelope("patient.updated", {"id": f"pat-{number:04d}"}) for number in range(1000)]
        answers = await asyncio.gather(*(house.post(body) for body in bodies))
        assert {answer.status_code for answer in answers} == {200}
        stored = {each.record_id for each in await house.wire.service.store.dirty("demo", limit=2000)}
        assert stored == {f"pat-{number:04d}" for number in range(1000)}
        assert sum(faulty.sizes) == 1000
        assert len(faulty.sizes) < 100


async def test_workers_are_told_of_what_was_stored_and_a_lost_wake_is_no_matter(tmp_path: Path) -> None:
    woken: list[str] = []

    async def wake(connection_id: str) -> None:
        woken.append(connection_id)
        raise OSError("nobody listens")

    async with opened(tmp_path, wake=wake) as house:
        assert (await house.tell("patient.updated", {"id": "pat-1"})).status_code == 200
        assert (await house.tell("invoice.paid", {"id": "inv-1"})).status_code == 200
    assert woken == ["demo"]


async def test_t7_the_emulator_delivers_for_real_doubled_and_out_of_order(house: House) -> None:
    practice = house.wire.practice
    practice.partner.endpoints.append(practice.partner.new_endpoint(f"https://sync.example.org{PATH}"))
    practice.partner.backend.signature_key = practice.partner.add_partner_key("Webhooks Signature Key", KEY)
    practice.partner.requests.faults = [
        EventFault("double", match="patient.created", times=2),
        EventFault("reorder", match="patient.updated", times=1, behind=1),
    ]
    ids = [house.patient(f"Ann{number}") for number in range(5)]
    practice.edit(ids[0], address_city="Springfield")
    practice.edit(ids[1], address_city="Shelbyville")
    transport = httpx.ASGITransport(house.app)
    while tried := await practice.deliver(transport):
        assert {each.last_status_code for each in tried} == {200}
    assert await house.dirty_ids() == sorted(ids)
    assert practice.outbox == []


MARK = "Kanarienvogel"


async def test_nothing_of_what_comes_in_is_logged_or_answered(house: House, caplog, capfd) -> None:
    caplog.set_level("DEBUG")
    contents = {"id": "pat-1", "first_name": MARK, "email": f"{MARK}@example.org", "phones": [{"number": MARK}]}
    odd = {"id": f"{MARK}\nlevel=fatal", "first_name": MARK}
    said = [
        await house.tell("patient.updated", contents),
        await house.tell("patient.updated", odd),
        await house.tell(f"patient.{MARK}\r\nX: y", contents),
        await house.tell("patient.updated", contents, practice_id=f"{MARK} {MARK}"),
        await house.post(house.envelope("patient.updated", contents), key=MARK),
        await house.post(MARK.encode()),
        await house.post(b'{"%s' % MARK.encode()),
        await house.post(house.envelope("patient.updated", contents), headers={"x-request-id": f"{MARK} fatal"}),
        await house.post(house.envelope("patient.updated", contents), path=f"{PATH}/{MARK}%0d%0aX:y"),
    ]
    assert [answer.status_code for answer in said] == [200, 400, 200, 400, 401, 400, 400, 200, 200]
    everything = [answer.text + str(answer.headers) for answer in said] + [caplog.text, *capfd.readouterr()]
    ours = [record for record in caplog.records if not record.name.startswith("httpcore")]
    assert not [text for text in everything if MARK in text]
    assert all("\n" not in record.getMessage() for record in ours)


async def test_only_posts_are_webhooks(house: House) -> None:
    body = house.envelope("patient.updated", {"id": "pat-1"})
    for method in ("PUT", "PATCH", "DELETE"):
        answer = await house.http.request(method, PATH, content=body, headers={SIGNATURE_HEADER: signature(KEY, body)})
        assert answer.status_code == 405
    assert await house.dirty() == []
