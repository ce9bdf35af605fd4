"""The health page: every part in words, the queue, lag and volume as charts and as a table, the day's calls."""

from __future__ import annotations

import re

from hintsync.core.guards import Deliveries
from hintsync.core.limits import DayBudget, Purpose
from hintsync.core.values import Side
from hintsync.engine.detect.deliveries import note_deliveries
from hintsync.engine.guards.forecast import forecast_day
from hintsync.engine.health.traffic import LAG_WORDS, TrafficNotes
from hintsync.engine.parity.check import check_parity
from hintsync.metrics import Metrics
from hintsync.state.live import Mark
from hintsync.state.traffic import ProcessSeen
from hintsync.surfaces.vital_signs import VitalSigns
from hintsync.surfaces.web.views.charts import Series, bar_chart, line_chart
from hintsync.surfaces.web.views.durations import ago, seconds
from tests.surfaces.web.pages.desk import Desk
from tests.surfaces.web.pages.pairs import linked
from tests.surfaces.web.pages.test_reviews import seen


async def health(desk: Desk) -> str:
    await desk.administrator.open()
    return (await desk.administrator.get("/health")).text


async def test_each_part_says_how_it_is(desk: Desk) -> None:
    text = seen(await health(desk))
    for words in (
        "Connection open",
        "Salesforce answers",
        "Hint answers",
        "Queue empty",
        "Database",
        "None has come yet",
    ):
        assert words in text
    assert "No worker gives signs of life" in text


async def test_a_process_is_alive_until_it_has_given_no_sign_for_a_while(desk: Desk) -> None:
    service = desk.house.wire.service
    await VitalSigns(service, desk.house.engines, ["worker", "web"], metrics=Metrics()).give()
    now = service.clock.now().timestamp()
    await service.store.put_process(ProcessSeen("elsewhere/boot/77/1", ("worker",), "1.0", now - 500, now - 100))
    text = seen(await health(desk))
    assert "pages and webhooks, worker" in text or "worker, pages and webhooks" in text
    assert "Process 77 on elsewhere silent" in text
    assert "No worker gives signs of life" not in text


async def test_lag_and_volume_of_the_day_are_drawn_and_told(desk: Desk) -> None:
    service = desk.house.wire.service
    metrics = Metrics()
    notes = TrafficNotes(service.store, metrics)
    for number in range(100):
        metrics.observe_lag("demo", Side.HINT, 0.3 if number < 90 else 4.0)
    metrics.count("written", "demo", Side.SALESFORCE, 1234)
    await notes.add_up(service.clock.now().timestamp())
    text = await health(desk)
    assert "1,234 records written" in seen(text)
    assert "Of 100 edits, half were on the other side within 0.4 s, 95 of 100 within 4.0 s" in seen(text)
    assert re.search(r"<title>\d\d:00: to Salesforce 1,234 records</title>", text)
    assert 'role="img" aria-label="Lag from Hint to Salesforce' in text
    assert "The same figures as a table" in text
    assert "style=" not in text


async def test_what_waits_shows_by_lane_with_the_age_of_the_oldest(desk: Desk) -> None:
    service = desk.house.wire.service
    since = service.clock.now().timestamp() - 3700
    await service.store.mark("demo", [Mark(Side.HINT, f"pat-{n}", "webhook", since) for n in range(3)])
    text = seen(await health(desk))
    assert "Live changes 3" in text
    assert "3 records wait, the oldest for 1 hour" in text


async def test_the_nightly_comparison_shows_its_figures_and_whether_they_are_as_signed(desk: Desk) -> None:
    await linked(desk)
    engine = desk.house.engines.engine("demo")
    assert engine is not None
    run = await check_parity(engine)
    text = seen(await health(desk))
    assert "pairs agree 1" in text
    assert "as it was signed" in text
    assert run.seal is not None
    assert run.seal in text


async def test_g6_the_days_calls_show_with_what_stops_first(desk: Desk) -> None:
    text = seen(await health(desk))
    assert "What stops first as calls run out" in text
    order = [
        text.rindex(words) for words in ("The nightly comparison", "Batches", "Live changes", "What a person waits")
    ]
    assert order == sorted(order)
    engine = desk.house.engines.engine("demo")
    assert engine is not None
    await note_deliveries(engine, Deliveries(1200, 10_000))
    assert "1,200 of 10,000 in its rolling day" in seen(await health(desk))


def test_g6_a_forecast_goes_on_at_the_pace_of_the_last_hour() -> None:
    hint = DayBudget(limit=10_000, used=4_000, reserve_share=0.2, resets_in=7200.0)
    assert forecast_day(hint, last_hour=500, last_day=4_000).expected == 5_000
    assert forecast_day(hint, last_hour=500, last_day=4_000).stopping == ()
    fast = forecast_day(hint, last_hour=2_500, last_day=4_000)
    assert fast.expected == 9_000
    assert fast.stopping == (Purpose.PARITY, Purpose.BATCH, Purpose.CATCH_UP)


def test_g6_of_a_rolling_day_what_others_use_stays_and_ours_follows_the_pace() -> None:
    org = DayBudget(limit=100_000, used=30_000, reserve_share=0.2, resets_in=None)
    told = forecast_day(org, last_hour=100, last_day=20_000)
    assert (told.expected, told.rolling) == (10_000 + 2_400, True)


def test_bars_stand_on_the_ground_and_none_is_higher_than_the_drawing() -> None:
    chart = bar_chart("told", [Series("one", [0, 5, 7]), Series("other", [1, None, 3])], ["a", "b", "c"])
    assert all(bar.y + bar.height == chart.bottom for series in chart.bars for bar in series)
    assert all(bar.y >= 0 for series in chart.bars for bar in series)
    assert chart.rows[-1].text == "8"


def test_a_line_is_interrupted_where_there_is_no_figure() -> None:
    chart = line_chart("told", [Series("one", [1, 2, None, 4], " s")], list("abcd"))
    assert [len(piece) for piece in chart.lines[0]] == [2, 1]
    assert chart.lines[0][1][0].told == "d: one 4 s"


def test_a_chart_of_nothing_is_drawn_all_the_same() -> None:
    assert bar_chart("told", [Series("one", [0, 0])], ["a", "b"]).rows[-1].text == "1"
    assert line_chart("told", [Series("one", [None])], ["a"]).lines == ((),)


def test_durations_are_told_in_words() -> None:
    assert [ago(each) for each in (0.2, 1, 61, 7200, 200_000)] == [
        "0 seconds",
        "1 second",
        "1 minute",
        "2 hours",
        "2 days",
    ]
    assert [seconds(each) for each in (None, 0.44, 12.0, 400.0)] == ["–", "0.4 s", "12.0 s", "6 minutes"]
    assert len(LAG_WORDS) > 5
