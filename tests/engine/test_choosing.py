"""Changing what an administrator chose: merged with what others changed, never over their heads, and written down."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hintsync.clock import SystemClock
from hintsync.core.errors import BadInput
from hintsync.core.fields import DEFAULT_MAPPING, ConflictPolicy
from hintsync.engine.choosing import Chosen, choices_of, choose, options_of
from hintsync.engine.guards.stops import Desk
from hintsync.engine.options import Options
from hintsync.state.keys import MasterKeys
from hintsync.state.memory import MemoryStore
from hintsync.state.port import Connection, Json

ADA = "user:005000000000001AAA"


@pytest.fixture
async def desk() -> Desk:
    store = MemoryStore(MasterKeys.parse(MasterKeys.generate()))
    connection = Connection("clinic", "clinic", "org", False, "pra-1", Options().to_json(), {"verified": ["phones"]})
    await store.put_connection(connection)
    return Desk(connection, store, SystemClock(), ADA)


async def stored(desk: Desk) -> Connection:
    found = await desk.store.connection("clinic")
    assert found is not None
    return found


async def change(desk: Desk, was: Mapping[str, Json], **wanted: Json) -> Chosen:
    return await choose(desk, was, {**was, **{name.replace("__", "."): value for name, value in wanted.items()}})


def test_choices_and_options_say_the_same() -> None:
    options = Options(create_contacts=True, policies={"city": ConflictPolicy.HINT}, contact_defaults={"Level__c": "1"})
    assert options_of(choices_of(options)) == options
    two_way = {f"policies.{row.name}" for row in DEFAULT_MAPPING if not row.one_way}
    assert {name for name in choices_of(options) if name.startswith("policies.")} == two_way


async def test_a_change_is_stored_and_written_down_with_who_made_it(desk: Desk) -> None:
    was = choices_of(Options())
    done = await change(desk, was, guard_at_least=50, policies__city="hint")
    assert set(done.changed) == {"guard_at_least", "policies.city"}
    options = Options.from_json((await stored(desk)).settings)
    assert (options.guard_at_least, options.policies) == (50, {"city": ConflictPolicy.HINT})
    assert (await stored(desk)).facts == {"verified": ["phones"]}
    (kept,) = await desk.store.audit("clinic")
    assert (kept.event.actor, kept.event.action, kept.event.fields) == (ADA, "set", ("city",))
    assert kept.event.reason == "guard_at_least: 20 became 50; policies.city: hold became hint"
    (entry,) = await desk.store.log("clinic")
    assert (entry.event, ADA in entry.message) == ("settings-changed", True)


async def test_what_is_written_into_a_list_of_ones_own_is_not_repeated_in_the_trail(desk: Desk) -> None:
    await change(desk, choices_of(Options()), contact_defaults={"Description": "Call after six"})
    (kept,) = await desk.store.audit("clinic")
    assert kept.event.reason == "contact_defaults"


async def test_what_another_person_changed_meanwhile_stays(desk: Desk) -> None:
    was = choices_of(Options())
    await change(desk, was, poll_seconds=60.0)
    done = await change(desk, was, guard_at_least=50)
    assert done.changed == ("guard_at_least",)
    options = Options.from_json((await stored(desk)).settings)
    assert (options.poll_seconds, options.guard_at_least) == (60.0, 50)


async def test_the_same_choice_changed_by_two_people_is_asked_about_and_nothing_is_stored(desk: Desk) -> None:
    was = choices_of(Options())
    await change(desk, was, guard_at_least=50)
    before = await stored(desk)
    done = await change(desk, was, guard_at_least=80, poll_seconds=60.0)
    assert (done.changed, done.overtaken) == ((), {"guard_at_least": 50})
    assert await stored(desk) == before


async def test_the_same_change_twice_is_agreement_and_is_written_down_once(desk: Desk) -> None:
    was = choices_of(Options())
    await change(desk, was, guard_at_least=50)
    done = await change(desk, was, guard_at_least=50)
    assert (done.changed, done.overtaken) == ((), {})
    assert len(await desk.store.audit("clinic")) == 1


async def test_a_choice_that_cannot_be_is_refused_by_name_and_nothing_is_stored(desk: Desk) -> None:
    was, before = choices_of(Options()), await stored(desk)
    with pytest.raises(BadInput, match="guard_share: expected a share"):
        await change(desk, was, guard_share=2.0, poll_seconds=60.0)
    with pytest.raises(BadInput, match="no such setting: colour"):
        await change(desk, was, colour="red")
    assert await stored(desk) == before


async def test_settings_that_are_stored_between_look_and_write_are_looked_at_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, was = desk.store, choices_of(Options())
    swap = store.swap_settings

    async def overtaken(connection_id: str, was: Mapping[str, Json], settings: Mapping[str, Json]) -> bool:
        monkeypatch.setattr(store, "swap_settings", swap)
        await choose(desk, choices_of(Options()), {"poll_seconds": 60.0})
        return await swap(connection_id, was, settings)

    monkeypatch.setattr(store, "swap_settings", overtaken)
    done = await change(desk, was, guard_at_least=50)
    assert done.changed == ("guard_at_least",)
    options = Options.from_json((await stored(desk)).settings)
    assert (options.poll_seconds, options.guard_at_least) == (60.0, 50)
