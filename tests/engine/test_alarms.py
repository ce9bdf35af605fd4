"""People are told when something comes up and when it is over, once each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.way import WAY, Way
from hintsync.engine.health.alarms import Limits, Pulse, conditions, tell_changes
from hintsync.ports import Urgency
from hintsync.state.live import Mark, Stop
from tests.engine.world import World


@dataclass
class Board:
    """Alerts that are noted."""

    told: list[tuple[str, str, Urgency]] = field(default_factory=list)

    async def send(self, title: str, text: str, urgency: Urgency) -> None:
        self.told.append((title, text, urgency))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def engine(world: World) -> Engine:
    return await world.engine()


async def test_a_connection_in_order_has_nothing_to_tell(engine: Engine) -> None:
    board = Board()
    assert await tell_changes(engine, board) == {}
    assert board.told == []


async def test_a_stop_is_told_once_and_its_end_once(engine: Engine) -> None:
    board = Board()
    await engine.store.put_stop(Stop("main", "G3", Side.HINT, "40 of 300 links within an hour", engine.now()))
    await tell_changes(engine, board)
    await tell_changes(await World(store=engine.store).engine(), board)  # another process, or after a restart
    assert [(title, urgency) for title, _, urgency in board.told] == [("hintsync main: stop:G3:hint", Urgency.TROUBLE)]
    await engine.store.clear_stop("main", "G3", Side.HINT)
    assert await tell_changes(engine, board) == {"stop:G3:hint": Urgency.RECOVERED}
    assert await tell_changes(engine, board) == {}
    assert len(board.told) == 2


async def test_a_queue_that_does_not_move_is_told_by_side(world: World, engine: Engine) -> None:
    now = world.clock.now().timestamp()
    await engine.store.mark("main", [Mark(Side.SALESFORCE, "003000000000001AAA", "change-event", now)])
    assert await conditions(engine) == {}
    world.clock.push(1801)
    assert list(await conditions(engine)) == ["queue:salesforce"]


async def test_parked_records_are_told(world: World, engine: Engine) -> None:
    now = world.clock.now().timestamp()
    await engine.store.mark("main", [Mark(Side.HINT, "pat-1", "webhook", now)])
    claimed = await engine.store.claim("main", "me", now, now + 15, limit=1)
    await engine.store.put_off(claimed, now, parked="FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert list(await conditions(engine)) == ["parked"]


async def test_silence_is_told_after_hours_without_a_success_and_over_with_the_next(
    world: World, engine: Engine
) -> None:
    board, limits, pulse = Board(), Limits(silence=3600), Pulse(engine)
    assert await tell_changes(engine, board, limits) == {}  # nothing has begun yet
    await pulse.beat()
    world.clock.push(3601)
    assert await tell_changes(engine, board, limits) == {"silence": Urgency.TROUBLE}
    await pulse.beat()
    assert await tell_changes(engine, board, limits) == {"silence": Urgency.RECOVERED}


async def test_a_pulse_writes_at_most_once_a_minute(world: World, engine: Engine) -> None:
    pulse = Pulse(engine)
    await pulse.beat()
    first = await engine.store.get_cursor("main", "last-success")
    world.clock.push(59)
    await pulse.beat()
    assert await engine.store.get_cursor("main", "last-success") == first
    world.clock.push(1)
    await pulse.beat()
    assert await engine.store.get_cursor("main", "last-success") != first


async def test_polling_in_place_of_change_events_is_told_where_there_were_some(engine: Engine) -> None:
    await engine.store.put_cursor("main", WAY, Way("", "the day's deliveries are used up").pack())
    assert await conditions(engine) == {}  # this org never had any
    chosen = replace(
        engine, connection=replace(engine.connection, facts={"changes": {"topic": "/data/Hint_Sync__chn"}})
    )
    assert list(await conditions(chosen)) == ["polling"]
    await engine.store.put_cursor("main", WAY, Way("/data/Hint_Sync__chn").pack())
    assert await conditions(chosen) == {}


async def test_writes_that_were_not_kept_are_told(engine: Engine) -> None:
    paused = replace(engine, connection=replace(engine.connection, facts={"paused": ["phones"]}))
    assert list(await conditions(paused)) == ["paused:phones"]
