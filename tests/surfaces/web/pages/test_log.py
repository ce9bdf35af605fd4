"""View Log and the audit trail: filters, pages, details, check and export."""

from __future__ import annotations

from dataclasses import replace

from hintsync import verify_audit
from hintsync.engine.audit.anchors import cast_anchor
from hintsync.engine.hint_log.copying import copy_log
from hintsync.engine.options import Options
from hintsync.state.port import AuditEvent, Commit, LogEntry, LogLevel
from hintsync.surfaces.web.views.log import asked
from tests.surfaces.web.pages.desk import Desk
from tests.surfaces.web.pages.pairs import linked
from tests.surfaces.web.pages.test_reviews import seen


async def write(desk: Desk, *entries: LogEntry) -> None:
    await desk.house.wire.service.store.commit(Commit(logs=entries))


def line(number: int = 1, **members: object) -> LogEntry:
    entry = LogEntry("demo", f"2026-03-{number:02}T12:00:00Z", LogLevel.ERROR, "parked", f"line {number:02}")
    return replace(entry, **members)  # type: ignore[arg-type]  # members of the entry


async def test_m18_the_log_is_shown_newest_first_and_filtered_by_level_record_and_day(desk: Desk) -> None:
    await write(
        desk,
        line(1, level=LogLevel.DEBUG, contact_id="003-1"),
        line(2, fields=("email", "city")),
        line(3, level=LogLevel.EXCEPTION, incident="0badcafe", run_id="run-3"),
    )
    await desk.administrator.open()
    text = seen((await desk.administrator.get("/log")).text)
    assert text.index("line 03") < text.index("line 02") < text.index("line 01")
    assert "Email, City" in text
    for query, expected in (
        ({"level": "exception"}, "line 03"),
        ({"naming": "003-1"}, "line 01"),
        ({"naming": "0badcafe"}, "line 03"),
        ({"naming": "run-3"}, "line 03"),
        ({"from": "2026-03-02", "to": "2026-03-02"}, "line 02"),
    ):
        shown = (await desk.administrator.get("/log", **query)).text
        assert [f"line 0{n}" for n in (1, 2, 3) if f"line 0{n}" in shown] == [expected]


async def test_the_log_goes_on_page_by_page_with_its_filters(desk: Desk) -> None:
    await write(desk, *(line(1, message=f"line {number:03}") for number in range(120)))
    await desk.administrator.open()
    first = (await desk.administrator.get("/log", level="error")).text
    assert "line 119" in first
    assert "line 069" not in first
    oldest = (await desk.house.wire.service.store.log("demo", limit=50))[-1].id
    assert f"before={oldest}" in first
    assert "level=error" in first
    second = (await desk.administrator.get("/log", level="error", before=str(oldest))).text
    assert "line 069" in second
    assert "line 119" not in second


async def test_m18_an_entry_opens_to_its_details(desk: Desk) -> None:
    mine, theirs = await linked(desk)
    await write(desk, line(1, contact_id=mine, patient_id=theirs, fields=("city",), incident="0badcafe"))
    (entry, *_) = await desk.house.wire.service.store.log("demo")
    await desk.administrator.open()
    text = seen((await desk.administrator.get(f"/log/{entry.id}")).text)
    for words in ("Error", "line 01", "parked", "Ann Moor", theirs, "City", "0badcafe", "What to do"):
        assert words in text


async def test_an_entry_that_is_none_is_said_to_be_none(desk: Desk) -> None:
    await write(desk, line())
    await desk.administrator.open()
    for entry_id in ("999", "0", "x", "-1", "1e3", "9" * 30):
        assert (await desk.administrator.get(f"/log/{entry_id}")).status_code == 422
        assert (await desk.administrator.get(f"/audit/{entry_id}")).status_code == 422


async def test_a_level_or_a_day_that_is_none_is_refused(desk: Desk) -> None:
    await desk.administrator.open()
    for query in ({"level": "loud"}, {"from": "yesterday"}):
        assert (await desk.administrator.get("/log", **query)).status_code == 422


def test_a_day_is_one_of_the_clinics_calendar() -> None:
    wanted = asked({"from": "2026-03-08", "to": "2026-03-08"})
    assert wanted.since("America/Chicago") == "2026-03-08T06:00:00Z"
    assert wanted.until("America/Chicago") == "2026-03-09T05:00:00Z"  # clocks went forward that day


async def test_b8_the_trail_tells_who_did_what_by_which_rule(desk: Desk) -> None:
    mine, theirs = await linked(desk, MailingCity="Boston")
    await desk.administrator.open()
    text = seen((await desk.administrator.get("/audit", naming=mine)).text)
    assert "Linked" in text
    assert "Wrote, Hint" in text
    assert theirs in text
    assert "Boston" not in text
    trail = await desk.house.wire.service.store.audit_latest("demo", naming=mine)
    wrote = next(each for each in trail if each.event.action == "wrote" and "city" in each.event.fields)
    entry = seen((await desk.administrator.get(f"/audit/{wrote.sequence}")).text)
    assert "the patient’s was blank when they were linked" in entry
    assert wrote.hash in entry
    assert wrote.previous in entry
    assert f"link:{wrote.event.link_id}" in entry
    assert "as it was written" in entry


async def test_b8_people_of_the_org_are_named_in_the_trail(desk: Desk) -> None:
    await desk.administrator.open()
    await desk.administrator.act("/stops/pause", {"reason": "inventory"})
    assert "Ada Marlow" in seen((await desk.administrator.get("/audit")).text)


async def test_b8_the_whole_trail_is_checked_on_request(desk: Desk) -> None:
    await linked(desk)
    await desk.administrator.open()
    text = seen((await desk.administrator.act("/audit/check", {})).text)
    assert "The audit trail and the signed reports are whole" in text


async def test_b8_the_trail_downloads_as_what_the_command_exports_and_verifies_by_itself(desk: Desk, tmp_path) -> None:  # type: ignore[no-untyped-def]
    await linked(desk)
    await desk.administrator.open()
    answer = await desk.administrator.get("/audit/export")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    file = tmp_path / "audit.jsonl"
    file.write_bytes(answer.content)
    assert verify_audit.main([str(file)]) == 0


async def test_the_trail_of_many_entries_goes_on_page_by_page(desk: Desk) -> None:
    store = desk.house.wire.service.store
    events = [
        AuditEvent("demo", "connection", "2026-03-01T09:00:00Z", "hintsync", "held", reason=str(n)) for n in range(70)
    ]
    await store.commit(Commit(audits=events))
    await desk.administrator.open()
    first = await desk.administrator.get("/audit")
    last = (await store.audit_latest("demo", limit=50))[-1].sequence
    assert f"before={last}" in first.text
    second = await desk.administrator.get("/audit", before=str(last))
    assert f"/audit/{last - 1}" in second.text


async def test_the_front_desk_reads_neither(desk: Desk) -> None:
    await desk.front_desk.open()
    for path in ("/log", "/log/1", "/audit", "/audit/1", "/audit/export"):
        assert (await desk.front_desk.get(path)).status_code == 403


async def test_the_page_says_what_is_kept(desk: Desk) -> None:
    store = desk.house.wire.service.store
    connection = await store.connection("demo")
    assert connection is not None
    settings = Options(log_level=LogLevel.ERROR, log_days=30).to_json()
    await store.put_connection(replace(connection, settings=settings))
    await desk.administrator.open()
    assert "from the level Error on are kept for 30 days" in seen((await desk.administrator.get("/log")).text)


async def test_m18_who_did_something_is_named_and_not_numbered(desk: Desk) -> None:
    store, actor = desk.house.wire.service.store, f"user:{desk.administrator.user_id}"
    gone = "user:005000000000009AAA"
    entry = LogEntry("demo", "2026-11-23T06:00:00Z", LogLevel.DEBUG, "hint-connected", f"{actor} connected Hint")
    await store.commit(Commit(logs=[entry, replace(entry, message=f"{gone} paused everything")]))
    await desk.administrator.open()
    listed = (await desk.administrator.get("/log")).text
    assert "Ada Marlow connected Hint" in listed
    assert f"{gone} paused everything" in listed, "somebody whom the org does not know is still told apart"
    found = await store.log("demo", limit=10)
    entry_id = next(each.id for each in found if actor in each.message)
    assert "Ada Marlow connected Hint" in (await desk.administrator.get(f"/log/{entry_id}")).text
    assert all(actor in each.message or gone in each.message for each in found if each.event == "hint-connected")


async def test_m18_the_page_tells_how_the_copy_in_salesforce_stands(desk: Desk) -> None:
    await desk.administrator.open()
    text = seen((await desk.administrator.get("/log")).text)
    assert "Error and Exception entries are copied and kept for 30 days, 5,000 at most." in text
    assert "the first anchor is still to come" in text
    assert "Salesforce holds" not in text
    async with desk.house.wire.engine() as engine:
        await write(desk, line(1, at=engine.now()))
        for _ in range(3):
            await copy_log(engine)
        await engine.store.commit(Commit(audits=[AuditEvent("demo", "connection", engine.now(), "user-7", "set")]))
        await cast_anchor(engine)
    text = seen((await desk.administrator.get("/log")).text)
    assert "The latest were copied" in text
    assert "Salesforce holds 1." in text
    assert "The audit trail was last anchored there" in text
    assert "/lightning/o/Hint_Log__c/list" in (await desk.administrator.get("/log")).text
    assert "Compared with 1 anchor in the Hint Log" in seen((await desk.administrator.act("/audit/check", {})).text)


async def test_m18_trouble_with_the_copy_stands_on_the_page_until_it_is_over(desk: Desk) -> None:
    await desk.administrator.open()
    desk.house.wire.org.schema.remove("Hint_Log__c")
    async with desk.house.wire.engine() as engine:
        for _ in range(2):
            await copy_log(engine)
    text = seen((await desk.administrator.get("/log")).text)
    assert "Nothing is copied: salesforce: the org has no Hint Log" in text
    (entry, *_) = await desk.house.wire.service.store.log("demo")
    assert entry.event == "hint-log-stopped"
    assert "it is tried again every hour" in seen((await desk.administrator.get(f"/log/{entry.id}")).text)
    assert "could not be read" in seen((await desk.administrator.act("/audit/check", {})).text)
