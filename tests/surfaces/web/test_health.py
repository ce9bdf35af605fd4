"""Alive, ready, figures: what a supervisor and a monitor are told, and never a person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hintsync.core.errors import RetryLater
from hintsync.core.values import Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.detect.webhooks import SEEN, webhook_state
from hintsync.metrics import COUNTED, HELP, Metrics
from hintsync.state.live import Lane, Mark, Stop
from hintsync.surfaces.web.exposition import exposition
from tests.surfaces.web.house import House, opened

Sample = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Sample:
    """Return every sample by name and labels, read by the client library's own parser."""
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(each.name, tuple(sorted(each.labels.items()))): each.value for each in found}


def labelled(**labels: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


async def figures(house: House) -> Sample:
    answer = await house.http.get("/metrics")
    assert answer.status_code == 200
    return samples(answer.text)


async def test_a_service_with_everything_open_is_alive_and_ready(house: House) -> None:
    assert (await house.http.get("/healthz")).json() == {"status": "alive"}
    answer = await house.http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "problems": {}, "connections": 1})


async def test_a_connection_that_cannot_be_opened_is_not_ready_and_the_code_says_why(house: House) -> None:
    store = house.wire.service.store
    await store.put_connection(replace(await house.wire.service.connection(), id="second", name="second"))
    await house.engines.refresh()
    answer = await house.http.get("/readyz")
    problems = {"connection:fix-configuration": 1}
    assert (answer.status_code, answer.json()["problems"]) == (503, problems)
    assert "second" not in answer.text, "whoever may ask is not told who is hosted here"
    assert (await figures(house))["hintsync_connection_open", labelled(connection="second")] == 0


async def test_a_store_that_does_not_answer_is_not_ready_but_alive(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(connection_id: str) -> None:
        raise RetryLater(None, "the database does not answer")

    monkeypatch.setattr(house.wire.service.store, "backlog", down)
    answer = await house.http.get("/readyz")
    assert (answer.status_code, answer.json()["problems"]) == (503, {"store:retry-later": 1})
    assert (await house.http.get("/healthz")).status_code == 200
    assert (await figures(house))["hintsync_store_answers", ()] == 0


async def test_the_figures_show_what_waits_what_stands_still_and_what_went_well(house: House) -> None:
    store, now = house.wire.service.store, house.wire.service.clock.now().timestamp()
    await store.mark("demo", [Mark(Side.HINT, "pat-1", "webhook", now - 100)])
    await store.mark("demo", [Mark(Side.SALESFORCE, "003000000000001AAA", "parity", now, Lane.PARITY)])
    await store.put_stop(Stop("demo", "G3", Side.HINT, "too much at once", "2026-11-22T10:00:00Z"))
    async with house.wire.engine() as engine:
        await batch_patients(engine)
    house.metrics.observe_lag("demo", Side.HINT, 0.6)
    house.metrics.observe_lag("demo", Side.HINT, 9999)
    found = await figures(house)
    assert found["hintsync_queue_age_seconds", labelled(connection="demo", side="hint")] >= 100
    assert found["hintsync_backlog_records", labelled(connection="demo", lane="live")] == 1
    assert found["hintsync_backlog_records", labelled(connection="demo", lane="parity")] == 1
    assert found["hintsync_parked_records", labelled(connection="demo")] == 0
    assert found["hintsync_stops", labelled(connection="demo", guard="G3", side="hint")] == 1
    assert found["hintsync_open_reviews", labelled(connection="demo", kind="conflict")] == 0
    kind = labelled(connection="demo", kind="batch-patients")
    assert abs(found["hintsync_last_success_timestamp_seconds", kind] - now) < 60
    lag = {"connection": "demo", "side": "hint"}
    assert found["hintsync_lag_seconds_bucket", labelled(**lag, le="0.5")] == 0
    assert found["hintsync_lag_seconds_bucket", labelled(**lag, le="0.75")] == 1
    assert found["hintsync_lag_seconds_bucket", labelled(**lag, le="3600.0")] == 1
    assert found["hintsync_lag_seconds_count", labelled(**lag)] == 2
    async with house.wire.engine() as engine:
        used = engine.hint.budget
        assert used is not None
        assert found["hintsync_budget_left_calls", labelled(connection="demo", side="hint")] == used.left
    assert 0 < found["hintsync_budget_left_calls", labelled(connection="demo", side="salesforce")] <= 100_000


async def test_webhooks_are_counted_by_how_they_were_answered_and_no_person_is_named(house: House) -> None:
    patient_id = house.patient()
    await house.tell("patient.updated", house.shown(patient_id))
    await house.tell("patient.updated", {"id": patient_id}, practice_id="pra-elsewhere")
    await house.post(b"{}", key="guessed")
    await house.post(b"{}")
    text = (await house.http.get("/metrics")).text
    found = samples(text)
    results = ("taken", "unknown-practice", "bad-signature", "unreadable")
    assert [found["hintsync_webhooks_total", labelled(connection="", side="", result=each)] for each in results] == [
        1
    ] * 4
    assert found["hintsync_echo_share", labelled(connection="demo", side="hint")] == 0
    assert patient_id not in text
    assert "pra-elsewhere" not in text


def test_every_word_that_can_be_counted_has_a_metric_of_its_own_and_is_shown() -> None:
    metrics = Metrics()
    for number, word in enumerate(COUNTED, start=1):
        metrics.count(word, "demo", Side.HINT, number)
    found = samples(exposition(metrics, [], {}).decode())
    shown = [value for (name, labels), value in found.items() if name.removesuffix("_total") in HELP]
    assert sorted(shown) == [float(number) for number in range(1, len(COUNTED) + 1)]
    with pytest.raises(KeyError):
        metrics.count("marked-by-hand")


def test_a_label_cannot_break_out_of_its_line() -> None:
    metrics = Metrics()
    metrics.count("marked", 'a"} 1\nfaked_total{x="', Side.HINT)
    found = samples(exposition(metrics, [], {}).decode())
    assert not [name for name, _ in found if name.startswith("faked")]


async def test_m5_hint_has_reached_it_at_the_first_signed_event(house: House) -> None:
    store = house.wire.service.store
    assert (await webhook_state(store, "demo")).seen_at is None
    await house.post(house.envelope("patient.updated", {"id": "pat-1"}), key="guessed")
    assert (await webhook_state(store, "demo")).seen_at is None, "a forged one proves nothing"
    await house.tell("invoice.paid", {"id": "inv-1"})
    first = (await webhook_state(store, "demo")).seen_at
    assert first is not None
    await house.tell("patient.updated", {"id": "pat-1"})
    assert (await webhook_state(store, "demo")).seen_at == first


async def test_m5_after_a_new_address_the_next_event_is_the_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        store = house.wire.service.store
        await store.put_cursor("demo", SEEN, "")
        await house.tell("patient.updated", {"id": "pat-1"})
        assert (await webhook_state(store, "demo")).seen_at is not None
