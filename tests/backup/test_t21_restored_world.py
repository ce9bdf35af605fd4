"""A store that is older than what people did since, put back (T21): nothing that they typed is overwritten."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from hintsync.backup.key import BackupKey
from hintsync.backup.restoring import restore_backup
from hintsync.backup.taking import take_backup
from hintsync.core.link_by_hand import Warned
from hintsync.core.records import HoldKind, LinkStatus, RecordId
from hintsync.core.values import Side
from hintsync.engine.confirming import CONFIRM
from hintsync.engine.options import Options
from hintsync.engine.pairs.by_hand import link_by_hand, unlink_by_hand
from hintsync.engine.parity.check import check_parity
from hintsync.engine.reviews.deciding import keep_side
from hintsync.engine.schedule import ask_catch_up, run_due
from hintsync.replicas.memory_faults import Crash
from hintsync.state.keys import MasterKeys
from hintsync.state.port import ReviewKind, RunStatus
from hintsync.state.sql.store import SqlStore, open_sql_store
from tests.engine.living import LiveWorld

KEY = BackupKey("twelve words that nobody would guess")
#: Fields that travel both ways.
FIELDS = ("city", "zip", "email", "street")
Pair = tuple[RecordId, RecordId]


class Restorable(LiveWorld):
    """A world whose store can be lost and put back."""

    __slots__ = ("folder", "keys", "target")

    def keep_in(self, folder: Path, target: str, keys: MasterKeys) -> None:
        self.folder, self.target, self.keys = folder, target, keys

    async def back_up(self) -> Path:
        return (await take_backup(self.store, KEY, self.folder / "of-yesterday.backup", now=self.clock.now())).path

    async def lose_and_restore(self, path: Path) -> None:
        """Lose the store and every event that nobody heard, and put the backup back elsewhere."""
        self.clock.push(600)
        self.restart()
        self.events.clear()
        await restore_backup(path, KEY, self.target, self.keys, replace=True, actor="user-7", now=self.clock.now())
        self.store = await open_sql_store(self.target, self.keys)

    async def start_again(self) -> None:
        """Do what the service does when it starts, until nothing happens any more."""
        engine = await self.live()
        for side in Side:
            await ask_catch_up(engine, side)
        done = await run_due(engine)
        assert CONFIRM in done
        await self.quiet()

    def values(self, pair: Pair) -> dict[tuple[Side, str], object]:
        return {(side, name): self.shown(side, pair[side is Side.HINT], name) for side in Side for name in FIELDS}

    async def held(self, pair: Pair) -> dict[str, HoldKind]:
        state = await self.link_of(pair[0])
        return {name: hold.kind for name, hold in state.holds.items()} if state else {}


@pytest.fixture
def target(request: pytest.FixtureRequest, sql_store: SqlStore, tmp_path: Path) -> str:
    """URL of another empty place of the kind of the store."""
    if sql_store.database.is_sqlite:
        return f"sqlite:///{tmp_path / 'restored.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def world(sql_store: SqlStore, target: str, tmp_path: Path, master_keys: MasterKeys) -> AsyncIterator[Restorable]:
    """A world on each database in turn."""
    made = Restorable(store=sql_store, options=Options(guard_at_least=1000))
    made.keep_in(tmp_path, target, master_keys)
    yield made
    if made.store is not sql_store:
        await made.store.aclose()


async def people(world: Restorable, count: int) -> list[Pair]:
    pairs = [
        await world.linked(
            f"Ann{n}", "Moor", f"19{n + 10}-03-04", city="Lynn", email=f"ann{n}@example.org", zip="01901"
        )
        for n in range(count)
    ]
    await ask_and_settle(world)
    return pairs


async def ask_and_settle(world: Restorable) -> None:
    """Catch up once, so that positions are known; time goes on before anything else is edited."""
    for side in Side:
        await ask_catch_up(await world.live(), side)
    await run_due(await world.live())
    await world.quiet()
    world.clock.push(60)


async def test_t21_no_edit_since_the_backup_is_overwritten_and_what_differs_is_put_to_people(world: Restorable) -> None:
    synced, put_back, refilled, cleared, untouched, both = await people(world, 6)
    backup = await world.back_up()
    world.clock.push(60)
    world.org.edit(synced[0], {"city": "Reno"})
    world.practice.edit(put_back[1], {"city": "Elko"})
    world.org.edit(refilled[0], {"email": None})
    await world.quiet()
    # nobody works any more; people do
    world.clock.push(60)
    world.org.edit(put_back[0], {"city": "Lynn"})  # as the backup has it: a base would take it for the older one
    world.practice.edit(refilled[1], {"email": "ann2@example.org"})  # the same with a clear
    world.org.edit(cleared[0], {"email": None})
    world.org.edit(both[0], {"zip": "10001"})
    world.practice.edit(both[1], {"zip": "10002"})
    pairs = (synced, put_back, refilled, cleared, untouched, both)
    before = {pair: world.values(pair) for pair in pairs}
    await world.lose_and_restore(backup)
    await world.start_again()
    assert {pair: world.values(pair) for pair in pairs} == before
    assert [await world.held(pair) for pair in pairs] == [
        {},
        {"city": HoldKind.RECOVERED},
        {"email": HoldKind.RECOVERED},
        {"email": HoldKind.RECOVERED},
        {},
        {"zip": HoldKind.RECOVERED},
    ]
    reviews = await world.store.reviews("main", kind=ReviewKind.CONFLICT)
    assert {(review.record_id, review.field_name) for review in reviews} == {
        (put_back[0], "city"),
        (refilled[0], "email"),
        (cleared[0], "email"),
        (both[0], "zip"),
    }
    engine = await world.live()
    for review in reviews:
        await keep_side(engine, review.id, Side.SALESFORCE)
    world.practice.edit(untouched[1], {"city": "Mesa"})  # and life goes on with bases that are true
    await world.quiet()
    assert world.shown(Side.SALESFORCE, untouched[0], "city") == "Mesa"
    assert world.shown(Side.HINT, cleared[1], "email") is None
    await in_step(world)


async def in_step(world: Restorable) -> None:
    """Make sure that all pairs agree, by the check that shares nothing with the merge, and that the trail is whole."""
    run = await check_parity(await world.live(), grace=0.0)
    assert run.status is RunStatus.DONE
    report = run.details["report"]
    assert isinstance(report, dict)
    assert {name for name, count in report["pairs"].items() if count} == {"agreed"}  # type: ignore[union-attr]
    assert list(await world.store.verify_audit("main")) == []


async def test_t21_links_are_what_the_records_say_not_what_the_backup_says(world: Restorable) -> None:
    kept, parted, relinked, moved, deleted, merged = await people(world, 6)
    backup = await world.back_up()
    engine = await world.live()
    await unlink_by_hand(engine, parted[0])
    new = world.patient("Bea", "Hill", "1970-01-01")
    await confirmed_link(world, relinked[0], new)
    other = world.contact("Ann3", "Moor", "1913-03-04")
    await confirmed_link(world, other, moved[1])
    made = world.contact("Cid", "Vale", "1971-02-02"), world.patient("Cid", "Vale", "1971-02-02")
    await link_by_hand(engine, *made)
    await world.quiet()
    world.org.delete(deleted[0])
    survivor = world.contact("Ann5", "Moor", "1915-03-04")
    world.org.merge(merged[0], survivor)
    await world.quiet()
    records = shown(world)
    await world.lose_and_restore(backup)
    await world.start_again()
    links = {(link.contact_id, link.patient_id): link.status for link in await world.store.live_pairs("main")}
    assert links == {
        kept: LinkStatus.ACTIVE,
        (relinked[0], new): LinkStatus.ACTIVE,
        (other, moved[1]): LinkStatus.ACTIVE,
        made: LinkStatus.ACTIVE,
        (survivor, merged[1]): LinkStatus.ACTIVE,
        deleted: LinkStatus.SUSPENDED,
    }
    for pair in (parted, relinked, moved, merged):
        assert await world.store.declined("main", *pair)
    assert shown(world) == records
    ended = [entry for entry in await world.store.log("main") if entry.event == "ended-since-backup"]
    assert {(entry.contact_id, entry.patient_id) for entry in ended} == {parted, relinked, moved, merged}


def shown(world: Restorable) -> list[tuple[object, ...]]:
    """Return what every record shows."""
    replicas = (world.org, world.practice)
    seen = [replica.shown(record.id) for replica in replicas for record in replica.records()]
    return [(each.id, dict(each.values), each.peer_id, each.marked) for each in seen]


async def confirmed_link(world: Restorable, contact: RecordId, patient: RecordId) -> None:
    done = await link_by_hand(await world.live(), contact, patient, confirmed=frozenset(Warned))
    assert done.done
    await world.quiet()


async def test_t21_a_mark_that_only_one_side_lost_is_no_unlink(world: Restorable) -> None:
    ((contact, patient),) = await people(world, 1)
    backup = await world.back_up()
    world.org.edit(contact, {}, peer_id=None, marked=False)
    await world.lose_and_restore(backup)
    await world.start_again()
    (link,) = await world.store.live_pairs("main")
    assert link.status is LinkStatus.ACTIVE
    seen = world.org.shown(contact)
    assert (seen.peer_id, seen.marked) == (patient, True)


async def test_t21_a_side_that_shows_nobody_ends_no_link(world: Restorable) -> None:
    pairs = await people(world, 3)
    backup = await world.back_up()
    await world.lose_and_restore(backup)
    for contact, _ in pairs:
        world.org.delete(contact)
    engine = await world.live()
    assert CONFIRM not in await run_due(engine)
    statuses = {link.status for link in await world.store.live_pairs("main")}
    assert statuses == {LinkStatus.FROZEN}
    for contact, _ in pairs:
        world.org.undelete(contact)
    world.clock.push(120)
    await world.start_again()
    assert {link.status for link in await world.store.live_pairs("main")} == {LinkStatus.ACTIVE}


async def test_t21_confirming_that_is_cut_off_anywhere_comes_to_the_same_end(
    world: Restorable, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, parted = await people(world, 2)
    backup = await world.back_up()
    await unlink_by_hand(await world.live(), parted[0])
    await world.lose_and_restore(backup)
    calls, reached = 0, True
    while reached:
        calls += 1
        reached = await cut_off_at(world, calls, monkeypatch)
        world.restart()
        world.clock.push(120)
    assert calls > 3
    await world.quiet()
    assert {(link.contact_id, link.status) for link in await world.store.live_pairs("main")} == {
        (kept[0], LinkStatus.ACTIVE)
    }
    state = await world.link_of(kept[0])
    assert "city" in state.base
    await in_step(world)


async def cut_off_at(world: Restorable, wanted: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run what is due and die at the nth write to the store; say whether it came to that."""
    seen, store = [0], world.store

    def dying(method):  # type: ignore[no-untyped-def]
        async def call(*args, **kwargs):  # type: ignore[no-untyped-def]
            seen[0] += 1
            if seen[0] == wanted:
                raise Crash
            return await method(*args, **kwargs)

        return call

    engine = await world.live()
    with monkeypatch.context() as patch:
        for name in ("commit", "mark", "decline"):
            patch.setattr(store, name, dying(getattr(store, name)))
        try:
            await run_due(engine)
        except Crash:
            return True
    return False


@pytest.mark.parametrize("seed", range(4))
async def test_t21_random_lives_around_a_backup(world: Restorable, seed: int) -> None:
    dice = random.Random(seed)
    pairs = await people(world, 4)
    await live_on(world, dice, pairs, synced=True)
    backup = await world.back_up()
    await live_on(world, dice, pairs, synced=True)
    await live_on(world, dice, pairs, synced=False)
    before = {pair: world.values(pair) for pair in pairs}
    await world.lose_and_restore(backup)
    await world.start_again()
    assert {pair: world.values(pair) for pair in pairs} == before
    for pair in pairs:
        differing = {name for name in FIELDS if before[pair][Side.HINT, name] != before[pair][Side.SALESFORCE, name]}
        assert set(await world.held(pair)) == differing


async def live_on(world: Restorable, dice: random.Random, pairs: list[Pair], *, synced: bool) -> None:
    """Let people edit some fields; with `synced`, while the service works."""
    for _ in range(6):
        side, pair, name = dice.choice(list(Side)), dice.choice(pairs), dice.choice(FIELDS)
        replica = world.org if side is Side.SALESFORCE else world.practice
        value: Mapping[str, str | None] = {
            name: dice.choice([None, "Lynn", "Reno", f"{dice.randrange(3)}@example.org"])
        }
        replica.edit(pair[side is Side.HINT], value)
        world.clock.push(30)
        if synced:
            await world.quiet()
