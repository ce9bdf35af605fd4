"""A world whose store can be lost and put back from a backup, and what one asks of it afterwards."""

from __future__ import annotations

from pathlib import Path

from hintsync.backup.key import BackupKey
from hintsync.backup.restoring import restore_backup
from hintsync.backup.taking import take_backup
from hintsync.core.link_by_hand import Warned
from hintsync.core.records import HoldKind, LinkStatus, RecordId
from hintsync.core.values import Side
from hintsync.engine.confirming import CONFIRM
from hintsync.engine.pairs.by_hand import link_by_hand
from hintsync.engine.parity.check import check_parity
from hintsync.engine.schedule import ask_catch_up, run_due
from hintsync.state.keys import MasterKeys
from hintsync.state.port import RunStatus
from hintsync.state.sql.store import open_sql_store
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


async def in_step(world: Restorable) -> None:
    """Make sure that all pairs agree, by the check that shares nothing with the merge, and that the trail is whole."""
    run = await check_parity(await world.live(), grace=0.0)
    assert run.status is RunStatus.DONE
    report = run.details["report"]
    assert isinstance(report, dict)
    assert {name for name, count in report["pairs"].items() if count} == {"agreed"}  # type: ignore[union-attr]
    assert list(await world.store.verify_audit("main")) == []


def shown(world: Restorable) -> list[tuple[object, ...]]:
    """Return what every record shows."""
    replicas = (world.org, world.practice)
    seen = [replica.shown(record.id) for replica in replicas for record in replica.records()]
    return [(each.id, dict(each.values), each.peer_id, each.marked) for each in seen]


async def confirmed_link(world: Restorable, contact: RecordId, patient: RecordId) -> None:
    done = await link_by_hand(await world.live(), contact, patient, confirmed=frozenset(Warned))
    assert done.done
    await world.quiet()


async def statuses(world: Restorable) -> dict[Pair, LinkStatus]:
    """Return how every live link stands, by its pair."""
    links = await world.store.live_pairs("main")
    return {(link.contact_id or "", link.patient_id or ""): link.status for link in links}
