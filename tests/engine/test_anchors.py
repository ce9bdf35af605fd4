"""T18: the audit trail is anchored in the Hint Log of the org, and whatever is done to it or to the anchors shows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import text

from hintsync.backup.key import BackupKey
from hintsync.backup.restoring import restore_backup
from hintsync.backup.taking import take_backup
from hintsync.core.errors import FixConfiguration, RetryLater
from hintsync.engine.audit.anchors import Compared, anchor_job, cast_anchor, compare_anchors, latest_anchor
from hintsync.engine.audit.restores import restored_event
from hintsync.engine.audit.trail import export_trail, trail_name
from hintsync.engine.context import Engine
from hintsync.engine.guards.stops import repin
from hintsync.engine.schedule import run_due
from hintsync.hint_log import OrgEntry
from hintsync.replicas.memory_faults import Crash
from hintsync.state.chain import GENESIS, Chained, Head, extend, from_text
from hintsync.state.keys import MasterKeys
from hintsync.state.open import open_store
from hintsync.state.port import AuditEvent, Commit
from hintsync.state.sql.store import SqlStore
from hintsync.verify_audit import main, verify
from tests.engine.wire import wired
from tests.engine.world import World

DAY = 86_400


@dataclass(slots=True)
class Town:
    """A connection whose trail is anchored, on one of the databases."""

    world: World
    engine: Engine
    store: SqlStore
    keys: MasterKeys

    @property
    def anchors(self) -> list[OrgEntry]:
        return sorted(self.world.org.hint_log.rows.values(), key=lambda entry: entry.key)

    async def happen(self, count: int = 3) -> None:
        """Let that much come into the trail, in two chains."""
        at = self.engine.now()
        events = [
            AuditEvent("main", ("link:link-1", "run:run-1")[n % 2], at, "user-7", "linked", "link-1", "003-1", "pat-1")
            for n in range(count)
        ]
        await self.store.commit(Commit(audits=events))

    async def night(self) -> None:
        """Let a day pass, and the anchor of its night be cast."""
        self.world.clock.push(DAY)
        await run_due(self.engine, [anchor_job(3)])

    async def compare(self) -> Compared:
        return await compare_anchors(self.engine)

    async def faults(self) -> Sequence[str]:
        return (await self.compare()).faults

    async def entries(self) -> list[Chained]:
        async with self.store._database.reading() as sql:
            found = await sql.execute(
                text("SELECT sequence, chain, event, previous, hash FROM audit ORDER BY sequence")
            )
            return [Chained(*row) for row in found]

    async def sql(self, *statements: str, **values: object) -> None:
        async with self.store._database.writing() as sql:
            for statement in statements:
                await sql.execute(text(statement), values)

    def told_of_restore(self, sequence: int) -> AuditEvent:
        """Return what a restore now would leave at that place of the trail."""
        at, key = self.engine.now(), self.store.fingerprint_key("main")
        return restored_event(
            key, "main", sequence=sequence, at=at, backup_at="2026-03-02T00:00:00Z", actor="command line"
        )

    async def restored(self) -> None:
        await self.store.commit(Commit(audits=[self.told_of_restore(len(await self.entries()) + 1)]))

    async def rewrite(
        self, keep: Callable[[Chained], bool] = lambda entry: True, edit: Callable[[str], str] = lambda event: event
    ) -> None:
        """Write the trail anew without some entries and with others changed, with hashes, heads and count as they should be."""
        events = [from_text(edit(entry.text)) for entry in await self.entries() if keep(entry)]
        heads: dict[str, Head] = {}
        chained = list(extend(events, 0, heads))
        await self.sql("DELETE FROM audit", "DELETE FROM audit_heads")
        for entry in chained:
            await self.sql(
                "INSERT INTO audit (connection_id, sequence, chain, event, previous, hash) "
                "VALUES ('main', :sequence, :chain, :event, :previous, :hash)",
                sequence=entry.sequence,
                chain=entry.chain,
                event=entry.text,
                previous=entry.previous,
                hash=entry.hash,
            )
        for chain, head in heads.items():
            await self.sql(
                "INSERT INTO audit_heads (connection_id, chain, sequence, hash, length) "
                "VALUES ('main', :chain, :sequence, :hash, :length)",
                chain=chain,
                sequence=head.sequence,
                hash=head.hash,
                length=head.length,
            )
        await self.sql("UPDATE audit_sequences SET last = :last", last=len(chained))


@pytest.fixture
async def town(database_url: str) -> AsyncIterator[Town]:
    """A trail of eight entries, anchored at the sixth; on each database in turn."""
    keys = MasterKeys.parse(MasterKeys.generate())
    store = await open_store(database_url, keys)
    assert isinstance(store, SqlStore)
    world = World(store=store)
    made = Town(world, await world.engine(), store, keys)
    await run_due(made.engine, [anchor_job(3)])  # a start
    await made.happen(6)
    await made.night()
    await made.happen(2)
    yield made
    await store.aclose()


async def test_t18_an_anchor_comes_every_night_that_something_was_done_before(town: Town) -> None:
    await town.night()
    await town.night()
    name = trail_name(town.store.fingerprint_key("main"))
    told = [entry.message.rpartition(":")[0] for entry in town.anchors]
    assert told == [f"audit trail {name}:6", f"audit trail {name}:8"]
    assert await town.compare() == Compared(2)
    latest = await latest_anchor(town.store, "main")
    assert latest is not None
    assert (latest.number, latest.entries) == (2, 8)


TAMPERINGS = {
    "edited": ("edit", 3),
    "removed": ("remove", 3),
    "the tail cut": ("remove", 6),
    "reordered": ("swap", 3),
    "a whole chain removed": ("chain", 0),
    "everything removed": ("all", 0),
}


@pytest.mark.parametrize("how", TAMPERINGS)
async def test_t18_a_trail_that_was_rewritten_whole_is_told_by_the_anchor_alone(town: Town, how: str) -> None:
    kind, number = TAMPERINGS[how]
    if kind == "edit":
        await town.rewrite(edit=lambda event: event.replace("user-7", "user-8"))
    elif kind == "remove":
        await town.rewrite(lambda entry: entry.sequence < number or (number == 3 and entry.sequence > number))
    elif kind == "chain":
        await town.rewrite(lambda entry: entry.chain != "run:run-1")
    elif kind == "all":
        await town.rewrite(lambda entry: False)
    else:
        await town.sql(
            "UPDATE audit SET sequence = 99 WHERE sequence = 3", "UPDATE audit SET sequence = 3 WHERE sequence = 4"
        )
        await town.sql("UPDATE audit SET sequence = 4 WHERE sequence = 99")
        await town.rewrite()
    assert list(await town.store.verify_audit("main")) == [], "it is whole by itself"
    (fault,) = await town.faults()
    assert "anchor 1, cast 2026-03-03T09:00:00Z" in fault
    assert ("cut off" in fault) == (how in ("the tail cut", "a whole chain removed", "everything removed"))
    await town.happen(20)
    await town.night()
    (fault, *_) = await town.faults()
    assert "is not the one that anchor 1" in fault, "later entries and anchors cover nothing up"


async def test_t18_the_tail_behind_the_last_anchor_is_covered_from_the_next_night_on(town: Town) -> None:
    await town.night()
    await town.rewrite(lambda entry: entry.sequence <= 7)
    assert await town.faults() == (
        "the audit trail ends at entry 7; anchor 2, cast 2026-03-04T09:00:00Z, names entry 8: what came behind was cut off",
    )


async def test_t18_an_entry_that_is_no_event_any_more_is_a_fault_and_not_a_crash(town: Town) -> None:
    await town.sql("UPDATE audit SET event = 'nothing' WHERE sequence = 2")
    (fault,) = await town.faults()
    assert "cannot be read; it was changed" in fault


async def test_t18_an_anchor_that_is_taken_away_or_changed_in_the_org_shows(town: Town) -> None:
    await town.night()
    rows = town.world.org.hint_log.rows
    first, second = sorted(rows, key=lambda row: rows[row].key)
    kept = dict(rows)
    del rows[second]
    assert await town.faults() == ("anchor 2 is missing in Salesforce",)
    del rows[first]
    assert await town.faults() == ("anchor 1 is missing in Salesforce", "anchor 2 is missing in Salesforce")
    for change in (
        {"details": kept[first].details.replace("entries: 6", "entries: 5")},
        {"details": ""},
        {"details": kept[first].details.replace("first: 1", "first: 2")},
        {"message": kept[first].message.replace(":6:", ":5:")},
    ):
        rows.update({first: replace(kept[first], **change), second: kept[second]})
        (fault, *_) = await town.faults()
        assert fault == f"the anchor {kept[first].key} in Salesforce is not as it was cast"


async def test_t18_an_anchor_that_is_cast_while_they_are_compared_is_no_fault(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = town.world.org.hint_log
    ask = log.entries

    async def ask_and_cast(prefix: str) -> Sequence[OrgEntry]:
        shown = await ask(prefix)
        await town.night()
        return shown

    monkeypatch.setattr(log, "entries", ask_and_cast)
    assert await town.faults() == ()
    monkeypatch.undo()
    compared = await town.compare()
    assert (compared.anchors, compared.faults) == (2, ())


async def test_t18_nobody_in_the_org_can_make_an_anchor_for_a_trail_that_was_rewritten(town: Town) -> None:
    await town.rewrite(edit=lambda event: event.replace("user-7", "user-8"))
    forged = World()
    other = await forged.engine()
    await forged.store.commit(Commit(audits=[from_text(entry.text) for entry in (await town.entries())[:6]]))
    forged.clock = town.world.clock
    await cast_anchor(other)
    (entry,) = forged.org.hint_log.rows.values()
    (own,) = town.anchors
    town.world.org.hint_log.rows = {"a0": replace(entry, key=own.key)}
    assert f"the anchor {own.key} in Salesforce is not as it was cast" in await town.faults()


async def test_t18_what_was_rewritten_before_an_anchor_never_finds_its_way_into_the_next(town: Town) -> None:
    honest = (await latest_anchor(town.store, "main")).digest  # type: ignore[union-attr]
    await town.sql("UPDATE audit SET hash = :other WHERE sequence = 2", other=GENESIS)
    await town.night()
    assert len(town.anchors) == 2
    assert len(await town.faults()) == 2
    assert honest in town.anchors[0].message


@pytest.mark.parametrize("nth", [1, 2, 3])  # it asks for the org's fields, who it is, and puts the anchor there
async def test_a_process_that_dies_while_it_casts_leaves_the_trail_anchored_and_whole(town: Town, nth: int) -> None:
    town.world.org.faults.crash_after(nth)
    town.world.clock.push(DAY)
    with pytest.raises(Crash):
        await run_due(town.engine, [anchor_job(3)])
    cast = len(town.anchors)
    assert cast == (2 if nth == 3 else 1)
    await town.happen(1)
    town.world.clock.push(60)
    assert await run_due(town.engine, [anchor_job(3)]) == ["anchor"]
    assert await town.compare() == Compared(cast + 1)
    assert [entry.key.split("-")[3] for entry in town.anchors] == ["000001", *["000002"] * cast]


def _other_org(town: Town) -> None:
    town.world.org.identity = replace(town.world.org.identity, id="00D000000000009AAA")
    town.world.org.hint_log.rows = {}


def _copied_org(town: Town) -> None:
    """Answer as a sandbox that took records along."""
    town.world.org.identity = replace(town.world.org.identity, id="00D000000000009AAA", sandbox=True)


def _other_practice(town: Town) -> None:
    town.world.practice.identity = replace(town.world.practice.identity, id="prac-9")


@pytest.mark.parametrize("change", [_other_org, _copied_org, _other_practice])
async def test_g1_where_others_were_pinned_on_purpose_anchors_go_on_and_none_is_missed(
    town: Town, change: Callable[[Town], None]
) -> None:
    await town.night()
    change(town)
    await repin(town.engine)
    kept = 2 if change is _copied_org else 0
    assert await town.compare() == Compared(kept), "before the first anchor there"
    await town.night()
    await town.happen()
    await town.night()
    latest = await latest_anchor(town.store, "main")
    assert latest is not None
    assert (latest.number, latest.first) == (4, 3)
    assert await town.compare() == Compared(kept + 2)
    rows = town.world.org.hint_log.rows
    del rows[next(row for row in rows if "-000003-" in rows[row].key)]
    assert await town.faults() == ("anchor 3 is missing in Salesforce",)


async def test_g1_whoever_pins_the_former_org_again_finds_its_anchors_whole(town: Town) -> None:
    former, rows = town.world.org.identity, town.world.org.hint_log.rows
    _other_org(town)
    await repin(town.engine)
    await town.night()
    town.world.org.identity, town.world.org.hint_log.rows = former, rows
    await repin(town.engine)
    assert await town.compare() == Compared(1)
    await town.night()
    assert await town.compare() == Compared(2)
    await town.rewrite(edit=lambda event: event.replace("user-7", "user-8"))
    assert len(await town.faults()) == 2, "the first one still tells"


@pytest.mark.parametrize("forged", [{"pin": "00D000000000009 prac-1"}, {"first": 2}, {"number": 7, "first": 8}])
async def test_t18_who_has_the_database_cannot_have_anchors_forgotten_as_of_another_org(
    town: Town, forged: dict[str, object]
) -> None:
    cursor = json.loads(await town.store.get_cursor("main", "anchor") or "")
    await town.store.put_cursor("main", "anchor", json.dumps(cursor | forged))
    town.world.org.hint_log.rows = {}
    assert "anchor 1 is missing in Salesforce" in await town.faults()
    await town.night()
    assert "anchor 1 is missing in Salesforce" in await town.faults()


async def test_a_night_without_the_org_is_made_good_later(town: Town) -> None:
    town.world.org.faults.fail(times=1)
    await town.night()
    assert len(town.anchors) == 1
    town.world.clock.push(1_800)
    assert await run_due(town.engine, [anchor_job(3)]) == ["anchor"]
    assert len(town.anchors) == 2


async def test_an_org_without_a_hint_log_is_told_of_each_night_and_verify_says_it_could_not_ask(town: Town) -> None:
    town.world.org.hint_log.missing = True
    await town.night()
    (entry,) = await town.store.log("main")
    assert entry.event == "hint-log-no-anchor"
    with pytest.raises(FixConfiguration, match="Hint Log"):
        await town.compare()


async def test_a_restored_backup_is_told_apart_from_a_trail_that_was_cut(town: Town) -> None:
    await town.night()
    await town.happen(4)
    await town.night()
    backup = await town.entries()
    cursor = await town.store.get_cursor("main", "anchor")
    assert cursor is not None
    await town.happen(3)
    await town.night()
    await town.rewrite(lambda entry: entry.sequence <= backup[-1].sequence)
    await town.store.put_cursor("main", "anchor", cursor)
    assert len(await town.faults()) == 1
    town.world.clock.push(600)
    await town.restored()
    assert await town.compare() == Compared(
        4, remarks=("a restored backup ends before anchor 4, cast 2026-03-06T09:00:00Z over 15 entries",)
    )
    await town.happen(9)
    await town.night()
    assert len(town.anchors) == 5
    assert (await town.compare()).faults == ()
    await town.rewrite(edit=lambda event: event.replace("user-7", "user-8"))
    assert len(await town.faults()) == 4, "a restore excuses nothing of before it and nothing since"


def _plain(event: AuditEvent) -> AuditEvent:
    return replace(event, reason="from the backup of 2026-03-02T00:00:00Z")


FORGERIES: dict[str, Callable[[AuditEvent], AuditEvent]] = {
    "none at all": lambda event: replace(event, reason=None),
    "without a seal": _plain,
    "a seal of somebody else": lambda event: replace(
        event, reason=restored_event(bytes(32), "main", sequence=7, at=event.at, backup_at="x", actor="y").reason
    ),
    "another moment": lambda event: replace(event, at="2027-01-01T00:00:00Z"),
    "another backup": lambda event: replace(event, reason=(event.reason or "").replace("of 2026", "of 2025")),
    "another actor": lambda event: replace(event, actor="user-7"),
}


@pytest.mark.parametrize("how", FORGERIES)
async def test_t18_a_restore_that_was_never_made_explains_nothing(town: Town, how: str) -> None:
    town.world.clock.push(600)
    await town.rewrite(lambda entry: entry.sequence < 3)
    genuine = town.told_of_restore(3)
    await town.store.commit(Commit(audits=[FORGERIES[how](genuine)]))
    compared = await town.compare()
    assert (len(compared.faults), compared.remarks) == (1, ())
    await town.rewrite(lambda entry: entry.sequence < 3)
    await town.store.commit(Commit(audits=[genuine]))
    compared = await town.compare()
    assert (compared.faults, len(compared.remarks)) == ((), 1), "what was altered was all that was wrong with it"


async def test_t18_the_event_of_a_true_restore_explains_nothing_in_another_place(town: Town) -> None:
    town.world.clock.push(600)
    await town.restored()
    assert (await town.compare()) == Compared(1)
    await town.rewrite(lambda entry: entry.sequence < 3 or entry.chain == "connection")
    assert [entry.chain for entry in await town.entries()][-1] == "connection"
    compared = await town.compare()
    assert (len(compared.faults), compared.remarks) == (1, ())


async def test_t21_a_backup_that_was_restored_goes_on_under_its_old_anchors(town: Town, tmp_path: Path) -> None:
    key = BackupKey("twelve words that nobody would guess")
    taken = await take_backup(town.store, key, tmp_path / "of-yesterday.backup", now=town.world.clock.now())
    await town.happen(4)
    await town.night()
    assert (await town.compare()) == Compared(2)
    town.world.clock.push(600)
    url = f"sqlite:///{tmp_path / 'restored.db'}"
    await restore_backup(taken.path, key, url, town.keys, replace=False, actor="user-7", now=town.world.clock.now())
    store = await open_store(url, town.keys)
    assert isinstance(store, SqlStore)
    world = World(store=store, clock=town.world.clock)
    world.org = town.world.org
    again = Town(world, await world.engine(), store, town.keys)
    (remark,) = (await again.compare()).remarks
    assert remark.startswith("a restored backup ends before anchor 2")
    await again.night()
    compared = await again.compare()
    assert (compared.anchors, compared.faults) == (3, ())
    await store.aclose()


async def test_a_store_that_was_set_up_anew_begins_anew_and_leaves_the_old_anchors_alone(town: Town) -> None:
    fresh = World()
    fresh.org = town.world.org
    fresh.clock = town.world.clock
    engine = await fresh.engine()
    await fresh.store.commit(Commit(audits=[AuditEvent("main", "connection", engine.now(), "user-7", "connected")]))
    await cast_anchor(engine)
    assert await compare_anchors(engine) == Compared(1)
    assert await town.compare() == Compared(1)


async def test_t18_an_export_is_held_against_the_anchors_by_the_script_alone(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "report.csv"
    quoted = "".join(f'"HL-{n}","{entry.message}"\n' for n, entry in enumerate(town.anchors))
    listed.write_text(f'"Hint Log Entry","Message"\n{quoted}"HL-9","parity check: 9 pairs agree"\n', encoding="utf-8")
    trail = tmp_path / "trail.jsonl"

    async def export() -> list[str]:
        out = StringIO()
        await export_trail(town.store, "main", out, at="2026-03-05T00:00:00Z")
        trail.write_text(out.getvalue(), encoding="utf-8")
        return out.getvalue().removesuffix("\n").split("\n")

    assert verify(await export()) == []
    assert main([str(trail), "--anchors", str(listed)]) == 0
    await town.rewrite(edit=lambda event: event.replace("user-7", "user-8"))
    assert verify(await export()) == [], "whole by itself"
    assert main([str(trail), "--anchors", str(listed)]) == 1
    assert "an anchor names another digest at entry 6" in capsys.readouterr().out
    listed.write_text("no anchor at all", encoding="utf-8")
    assert main([str(trail), "--anchors", str(listed)]) == 2


async def anchored_elsewhere(town: Town) -> str:
    """Return what an anchor of another connection in the same org says: of as many entries, with another digest."""
    other = World(clock=town.world.clock)
    engine = await other.engine()
    events = [AuditEvent("main", "connection", engine.now(), "user-9", "set")] * 6
    await other.store.commit(Commit(audits=events))
    await cast_anchor(engine)
    (entry,) = other.org.hint_log.rows.values()
    return entry.message


async def test_two_practices_in_one_org_do_not_accuse_each_others_trails(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trail, listed = await _exported(town, tmp_path), tmp_path / "report.csv"
    own, other = town.anchors[0].message, await anchored_elsewhere(town)
    for lines in ([own, other], [other, own]):
        listed.write_text("\n".join(lines), encoding="utf-8")
        assert main([str(trail), "--anchors", str(listed)]) == 0
        assert "anchors compared: 1; of other trails, left out: 1\n" in capsys.readouterr().out
    listed.write_text(other, encoding="utf-8")
    assert main([str(trail), "--anchors", str(listed)]) == 2, "nothing was compared, which is no success"
    assert "none of the anchors is one of this trail" in capsys.readouterr().err


async def test_t18_every_anchor_of_a_number_is_compared_and_not_the_last_one_alone(town: Town, tmp_path: Path) -> None:
    trail, listed = await _exported(town, tmp_path), tmp_path / "report.csv"
    own = town.anchors[0].message
    unlike = own[:-64] + "0" * 64
    for lines in ([own, unlike], [unlike, own]):
        listed.write_text("\n".join(lines), encoding="utf-8")
        assert main([str(trail), "--anchors", str(listed)]) == 1
    assert (
        main([str(trail), "--anchor", unlike.split()[-1], "--anchors", str(listed), "--anchor", own.split()[-1]]) == 1
    )
    assert main([str(trail), "--anchor", own.split()[-1].partition(":")[2]]) == 0, "one that names no trail"


async def test_t21_the_script_says_where_a_restored_backup_may_explain_a_fault(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await town.rewrite(lambda entry: entry.sequence < 3)
    trail, anchor = await _exported(town, tmp_path), town.anchors[0].message.split()[-1]
    assert main([str(trail), "--anchor", anchor]) == 1
    assert "an anchor names entry 6, and there is none\n" in capsys.readouterr().out
    await town.restored()
    trail = await _exported(town, tmp_path)
    assert main([str(trail), "--anchor", anchor]) == 1, "the script has no key, and must not believe it"
    assert "entry 3 tells of a restored backup" in capsys.readouterr().out


async def _exported(town: Town, folder: Path) -> Path:
    trail, out = folder / "exported.jsonl", StringIO()
    await export_trail(town.store, "main", out, at="2026-03-05T00:00:00Z")
    trail.write_text(out.getvalue(), encoding="utf-8")
    return trail


async def test_in_an_emulated_org_the_anchor_stands_in_the_hint_log_and_is_compared(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire, wire.engine() as engine:
        event = AuditEvent(engine.connection.id, "connection", engine.now(), "user-7", "set")
        await engine.store.commit(Commit(audits=[event, event]))
        assert await cast_anchor(engine)
        (row,) = wire.org.rows("Hint_Log__c")
        trail = await engine.store.audit(engine.connection.id)
        name = trail_name(engine.store.fingerprint_key(engine.connection.id))
        assert str(row["Message__c"]).startswith(f"audit trail {name}:{trail[-1].sequence}:")
        assert await compare_anchors(engine) == Compared(1)
        wire.org.update("Hint_Log__c", str(row["Id"]), {"Message__c": "audit trail 1:" + "0" * 64})
        assert len((await compare_anchors(engine)).faults) == 2, "changed, hence missing"


async def test_it_casts_none_while_the_days_calls_are_short() -> None:
    world = World()
    engine = await world.engine()
    await world.store.commit(Commit(audits=[AuditEvent("main", "connection", engine.now(), "user-7", "connected")]))
    world.org.faults.limit_day(world.org.calls + 9)
    assert not await cast_anchor(engine)
    assert world.org.hint_log.rows == {}


async def test_an_org_that_does_not_answer_is_a_matter_of_the_schedule() -> None:
    world = World()
    engine = await world.engine()
    await world.store.commit(Commit(audits=[AuditEvent("main", "connection", engine.now(), "user-7", "connected")]))
    world.org.faults.fail(times=2)
    with pytest.raises(RetryLater):
        await cast_anchor(engine)
    assert json.loads(await world.store.get_cursor("main", "anchor") or "null") is None
