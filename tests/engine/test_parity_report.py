"""T18: the signed report of a parity check, the audit trail under it, and the export that verifies by itself."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from hintsync import verify_audit
from hintsync.core.errors import StopRun
from hintsync.engine.audit.trail import export_trail, trail_name
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.parity.check import check_parity
from hintsync.engine.parity.report import LATEST, anchors_of, verify_report, verify_reports
from hintsync.engine.runs.life import start_run
from hintsync.state.chain import GENESIS, Chained, Head, entry_hash, extend, from_text
from hintsync.state.memory import MemoryStore
from hintsync.state.port import Json, Run, RunKind, RunStatus
from tests.engine.world import World

AT = "2026-03-02T09:00:00Z"


async def audited(count: int = 8) -> tuple[World, Engine, Run]:
    """Return a world with an audit trail and one report, the engine, and the report's run."""
    world = World()
    for number in range(count):
        world.both(f"Ann{number}", "Moor", "1980-05-06")
    engine = await world.engine()
    await batch_patients(engine)
    return world, engine, await check_parity(engine)


def memory(engine: Engine) -> MemoryStore:
    assert isinstance(engine.store, MemoryStore)
    return engine.store


async def rewrite(engine: Engine, run: Run, **changes: object) -> Run:
    """Change a run's row as somebody would who has the database."""
    changed = replace(run, **changes)  # type: ignore[arg-type]
    memory(engine)._runs[run.id] = changed
    return changed


def with_figure(run: Run, *path: str, value: Json) -> dict[str, Json]:
    """Return a run's details with one figure of the report changed."""
    details: dict[str, Json] = json.loads(json.dumps(run.details))
    place = details["report"]
    for name in path[:-1]:
        assert isinstance(place, dict)
        place = place[name]
    assert isinstance(place, dict)
    assert place[path[-1]] != value
    place[path[-1]] = value
    return details


async def test_t18_a_report_is_signed_and_verifies_later_in_another_process():
    world, engine, run = await audited()
    assert verify_report(engine, run)
    stored = await world.store.run(run.id)
    assert stored is not None
    assert verify_report(await world.engine(), stored)
    assert await verify_reports(world.store, "main") == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("pairs", "agreed"), 9),
        (("missed",), 1),
        (("records", "hint"), 7),
        (("unlinked", "salesforce"), 3),
        (("at",), "2026-03-03T09:00:00Z"),
        (("audit", "entries"), 1),
        (("audit", "digest"), GENESIS),
        (("previous",), GENESIS),
    ],
)
async def test_t18_a_figure_edited_afterwards_is_detected(path: tuple[str, ...], value: Json):
    world, engine, run = await audited()
    edited = await rewrite(engine, run, details=with_figure(run, *path, value=value))
    assert not verify_report(engine, edited)
    assert (await verify_reports(world.store, "main"))[0] == f"the report of {run.id} is not as it was signed"


@pytest.mark.parametrize(
    "changes",
    [{"seal": "0" * 64}, {"seal": None}, {"started_at": "2026-03-01T09:00:00Z"}, {"details": {}}],
    ids=lambda changes: next(iter(changes)),
)
async def test_t18_a_run_whose_seal_or_time_or_report_was_changed_is_detected(changes: dict[str, object]):
    world, engine, run = await audited()
    edited = await rewrite(engine, run, **changes)
    assert not verify_report(engine, edited)
    assert await verify_reports(world.store, "main") != []


async def test_t18_a_report_does_not_verify_under_another_run():
    _, engine, run = await audited()
    assert not verify_report(engine, replace(run, id="run-other"))
    assert not verify_report(engine, replace(run, connection_id="other"))


async def test_what_else_a_run_remembers_may_move_without_harm():
    _, engine, run = await audited()
    assert verify_report(engine, replace(run, details={**run.details, "calls": {}}, reason="seen", worker="w"))


async def test_t18_every_report_names_the_one_before_so_that_none_can_be_taken_away():
    world, engine, first = await audited()
    second, third = await check_parity(engine), await check_parity(engine)
    assert await verify_reports(world.store, "main") == []
    del memory(engine)._runs[second.id]
    assert await verify_reports(world.store, "main") == [f"the report before that of {third.id} is missing"]
    del memory(engine)._runs[first.id]
    assert await verify_reports(world.store, "main") == [f"the report before that of {third.id} is missing"]


async def test_t18_the_latest_report_taken_away_is_detected():
    world, engine, _ = await audited()
    last = await check_parity(engine)
    del memory(engine)._runs[last.id]
    assert await verify_reports(world.store, "main") == [f"the latest report, {last.id}, is missing"]


async def test_t18_a_signed_report_counts_whatever_the_run_says_of_its_status():
    world, engine, first = await audited()
    last = await check_parity(engine)
    await rewrite(engine, last, status=RunStatus.STOPPED)
    assert [told["run"] for told in await anchors_of(world.store, "main")] == [first.id, last.id]
    assert await verify_reports(world.store, "main") == []


async def test_t18_a_report_that_begins_anew_beside_others_is_detected():
    world, engine, first = await audited()
    await engine.store.drop_cursor("main", LATEST)
    await check_parity(engine)
    assert await verify_reports(world.store, "main") == ["2 reports name none as the one before"]
    await engine.store.put_cursor("main", LATEST, first.id)
    await check_parity(engine)
    await engine.store.put_cursor("main", LATEST, first.id)
    await check_parity(engine)
    faults = await verify_reports(world.store, "main")
    assert f"2 reports name that of {first.id} as the one before" in faults


async def test_t18_checks_that_overlap_leave_one_chain_in_whatever_order_they_end():
    world, engine, _ = await audited()
    slow = await start_run(engine, RunKind.PARITY, dry=False, details={"repair": True})
    others = [await world.engine() for _ in range(3)]
    runs = await asyncio.gather(*map(check_parity, [engine, *others]))
    runs.append(await check_parity(engine, resume=slow.id))
    assert [run.status for run in runs] == [RunStatus.DONE] * 5
    assert await verify_reports(world.store, "main") == []
    assert len(await anchors_of(world.store, "main")) == 6


async def test_t18_a_check_that_was_cut_off_behind_its_signature_keeps_it_when_it_is_resumed():
    world, engine, _ = await audited()
    cut = await rewrite(engine, await check_parity(engine), status=RunStatus.RUNNING, finished_at=None, worker=None)
    assert await verify_reports(world.store, "main") == []
    later = await check_parity(engine)
    resumed = await check_parity(engine, resume=cut.id)
    assert (resumed.status, resumed.seal) == (RunStatus.DONE, cut.seal)
    assert later.details["report"]["previous"] == cut.seal  # type: ignore[call-overload,index]
    assert await verify_reports(world.store, "main") == []


def rechained(entries: list[Chained], keep: Callable[[Chained], bool], edit: Callable[[str], str]) -> list[Chained]:
    """Write a trail anew without some entries and with others changed, every hash and sequence as it should be."""
    events = [from_text(edit(entry.text)) for entry in entries if keep(entry)]
    return list(extend(events, 0, {}))


@pytest.mark.parametrize(
    ("keep", "edit"),
    [
        (lambda entry: entry.sequence != 3, lambda text: text),
        (lambda entry: True, lambda text: text.replace("hintsync", "somebody", 1)),
    ],
    ids=["removed", "edited"],
)
async def test_t18_a_trail_rewritten_with_all_its_hashes_and_heads_is_told_by_the_report(
    keep: Callable[[Chained], bool], edit: Callable[[str], str]
):
    world, engine, run = await audited()
    store = memory(engine)
    entries = rechained(store._audit["main"], keep, edit)
    store._audit["main"], store._sequences["main"] = entries, entries[-1].sequence
    heads: dict[str, Head] = {}
    for entry in entries:
        before = heads.get(entry.chain, Head(0, GENESIS, 0))
        heads[entry.chain] = Head(entry.sequence, entry.hash, before.length + 1)
    store._heads["main"] = heads
    assert await world.store.verify_audit("main") == ()  # whole by itself
    (fault,) = await verify_reports(world.store, "main")
    assert fault.endswith(f"is not the one that {run.id} was signed over")


async def test_the_trail_carries_the_seal_and_the_log_the_digest():
    world, _, run = await audited()
    event = (await world.store.audit("main"))[-1].event
    assert (event.action, event.reason, event.chain) == ("checked", f"report {run.seal}", f"run:{run.id}")
    (entry, *_) = await world.store.log("main", run_id=run.id)
    report = run.details["report"]
    assert isinstance(report, dict)
    assert isinstance(report["audit"], dict)
    name = trail_name(world.store.fingerprint_key("main"))
    assert entry.message.endswith(f"audit trail {name}:{report['audit']['entries']}:{report['audit']['digest']}")


async def exported(world: World) -> list[str]:
    out = StringIO()
    await export_trail(world.store, "main", out, at=AT, reports=await anchors_of(world.store, "main"))
    return out.getvalue().removesuffix("\n").split("\n")


def checked_alone(lines: list[str], folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Copy the script away from everything of ours and run it, isolated, on an export."""
    script, file = folder / "verify_audit.py", folder / "trail.jsonl"
    shutil.copy(verify_audit.__file__, script)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [sys.executable, "-I", "-S", str(script), str(file), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=60)


async def test_t18_an_export_verifies_with_the_script_alone(tmp_path: Path):
    world, _, run = await audited()
    lines = await exported(world)
    result = checked_alone(lines, tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "the trail is whole\n", "")
    assert json.loads(lines[-2]) == {"kind": "report", **(await anchors_of(world.store, "main"))[0]}
    assert json.loads(lines[-2])["seal"] == run.seal


def _edited(lines: list[str]) -> list[str]:
    return [lines[0], lines[1].replace("hintsync", "somebody"), *lines[2:]]


def _hash_too(lines: list[str]) -> list[str]:
    """Edit an entry and give it the hash that it should have."""
    line = json.loads(lines[1])
    line["event"] = line["event"].replace("hintsync", "somebody")
    line["hash"] = entry_hash(line["previous"], line["sequence"], line["event"])
    return [lines[0], json.dumps(line), *lines[2:]]


def _renamed(lines: list[str]) -> list[str]:
    """Move an entry to another chain."""
    line = json.loads(lines[1])
    line["chain"] = "link:other"
    return [lines[0], json.dumps(line), *lines[2:]]


def _no_end(lines: list[str]) -> list[str]:
    return lines[:-1]


def _swapped(lines: list[str]) -> list[str]:
    return [lines[0], lines[2], lines[1], *lines[3:]]


def righted(lines: list[str]) -> list[str]:
    """Put the end's figures right, and leave out what reports say: as somebody would who rewrites a whole export."""
    entries = [json.loads(line) for line in lines if '"entry"' in line]
    digest = GENESIS
    for entry in entries:
        digest = hashlib.sha256(f"{digest}\n{entry['hash']}".encode()).hexdigest()
    end = {
        "kind": "end",
        "entries": entries[-1]["sequence"],
        "chains": len({e["chain"] for e in entries}),
        "digest": digest,
    }
    return [lines[0], *map(json.dumps, entries), json.dumps(end)]


def _cut_with_figures(lines: list[str]) -> list[str]:
    """Cut the last entry off and put the end's figures right."""
    last = max(number for number, line in enumerate(lines) if '"entry"' in line)
    return righted([*lines[:last], *lines[last + 1 :]])


def _other_chain(lines: list[str]) -> list[str]:
    """Take an entry out of its chain into one of its own, with the hash that it should have there."""
    line = json.loads(lines[2])
    line["chain"], line["previous"] = "link:other", GENESIS
    line["hash"] = entry_hash(GENESIS, line["sequence"], line["event"])
    return [*lines[:2], json.dumps(line), *lines[3:]]


def _loose(lines: list[str]) -> list[str]:
    """Let an entry follow nothing, with the hash that it should have then."""
    line = json.loads(lines[2])
    line["previous"] = GENESIS
    line["hash"] = entry_hash(GENESIS, line["sequence"], line["event"])
    return [*lines[:2], json.dumps(line), *lines[3:]]


def _last_loose(lines: list[str]) -> list[str]:
    """Do so with the last entry, behind which nothing comes that could tell."""
    last = max(number for number, line in enumerate(lines) if '"entry"' in line)
    line = json.loads(lines[last])
    line["previous"] = "f" * 64
    line["hash"] = entry_hash(line["previous"], line["sequence"], line["event"])
    return [*lines[:last], json.dumps(line), *lines[last + 1 :]]


def _all_renamed(lines: list[str]) -> list[str]:
    """Give a whole chain another name, which no hash covers but the events' own."""
    return [line.replace('"chain":"run:run-000000"', '"chain":"link:other"') for line in lines]


TAMPERINGS = {
    "edited": _edited,
    "edited with its hash": _hash_too,
    "moved to another chain": _renamed,
    "removed": lambda lines: [*lines[:2], *lines[3:]],
    "first removed": lambda lines: [lines[0], *lines[2:]],
    "reordered": _swapped,
    "doubled": lambda lines: [*lines[:2], *lines[1:]],
    "cut": _no_end,
    "cut in the middle": lambda lines: lines[:4],
    "more behind the end": lambda lines: [*lines, lines[1]],
    "odd line": lambda lines: [*lines[:-1], '{"kind":"odd"}', lines[-1]],
    "report edited": lambda lines: [*lines[:-2], lines[-2].replace('"entries":8', '"entries":7'), lines[-1]],
}


@pytest.mark.parametrize("tampering", TAMPERINGS.values(), ids=TAMPERINGS.keys())
async def test_t18_an_export_that_was_tampered_with_is_told_by_the_script_alone(
    tampering: Callable[[list[str]], list[str]], tmp_path: Path
):
    world, _, _ = await audited()
    lines = await exported(world)
    changed = tampering(lines)
    assert changed != lines
    result = checked_alone(changed, tmp_path)
    assert result.returncode == 1, result.stderr
    assert result.stdout.endswith("the trail is NOT whole\n")


RIGHTED = {
    "edited": _edited,
    "removed": TAMPERINGS["removed"],
    "first removed": TAMPERINGS["first removed"],
    "reordered": _swapped,
    "doubled": TAMPERINGS["doubled"],
    "into another chain": _other_chain,
    "following nothing": _loose,
    "the last, following something else": _last_loose,
    "a whole chain renamed": _all_renamed,
    "a whole chain removed": lambda lines: [line for line in lines if '"chain":"run:run-000000"' not in line],
}


@pytest.mark.parametrize("tampering", RIGHTED.values(), ids=RIGHTED.keys())
async def test_t18_the_chains_tell_even_if_the_figures_at_the_end_are_put_right(
    tampering: Callable[[list[str]], list[str]], tmp_path: Path
):
    world, _, _ = await audited()
    lines = await exported(world)
    assert checked_alone(righted(lines), tmp_path).returncode == 0
    assert checked_alone(righted(tampering(lines)), tmp_path).returncode == 1


async def test_t18_a_cut_with_its_figures_put_right_is_told_by_a_digest_kept_elsewhere(tmp_path: Path):
    world, _, _ = await audited()
    lines = await exported(world)
    end = json.loads(lines[-1])
    anchor = f"{end['entries']}:{end['digest']}"
    cut = _cut_with_figures(lines)
    assert checked_alone(lines, tmp_path, "--anchor", anchor).returncode == 0
    assert checked_alone(cut, tmp_path).returncode == 0  # nothing in the file can tell
    assert checked_alone(cut, tmp_path, "--anchor", anchor).returncode == 1


@pytest.mark.parametrize("missing", ["entries", "digest", "both", "a list"])
async def test_t18_a_report_that_does_not_say_what_the_trail_came_to_is_a_fault(missing: str, tmp_path: Path):
    world, _, _ = await audited()
    lines = await exported(world)
    report = json.loads(lines[-2])
    gone = {"entries": ("entries",), "digest": ("digest",), "both": ("entries", "digest"), "a list": ()}[missing]
    told = {name: value for name, value in report.items() if name not in gone}
    if not gone:
        told["entries"] = [report["entries"]]
    result = checked_alone([*lines[:-2], json.dumps(told), lines[-1]], tmp_path)
    assert (result.returncode, result.stderr) == (1, "")
    assert "does not say what the trail came to" in result.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: not JSON"),
        ("[]", "line 1: not a JSON object"),
        ('{"kind":"entry"}', "line 1: not the head of an audit export"),
        ('{"kind":"audit-export","version":9}', "line 1: not the head of an audit export"),
        ('{"kind":"audit-export","version":1}\n{"kind":', "line 2: not JSON"),
    ],
)
def test_a_file_that_is_no_export_is_refused_by_line(text: str, says: str, tmp_path: Path):
    result = checked_alone([text], tmp_path)
    assert (result.returncode, says in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["a", "--anchor", "7"], ["a", "--anchor", "x:" + GENESIS]])
def test_arguments_that_are_none_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert verify_audit.main(arguments) == 2
    assert "verify_audit: " in capsys.readouterr().err


async def test_an_entry_that_is_no_event_any_more_ends_the_export_with_its_place():
    world, engine, _ = await audited()
    entries = memory(engine)._audit["main"]
    entries[2] = replace(entries[2], text="not json")
    with pytest.raises(StopRun, match="an entry behind 0 cannot be read"):
        await exported(world)
