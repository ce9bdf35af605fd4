"""T17 over a whole process: marks in every field of everybody, and no file, message, metric or alert that holds one of them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from hintsync.bootstrap import open_engine, open_service
from hintsync.engine.audit.anchors import cast_anchor
from hintsync.engine.hint_log.copying import copy_log, standing_of
from hintsync.settings import load_settings
from tests.engine.test_canary import BORN, DIGITS, MARK
from tests.security.life import ZIP, Life, lived, told
from tests.surfaces.town import Town

pytestmark = pytest.mark.slow

#: What is looked for, in the ways that it may be written.
MARKS = (MARK, MARK.lower(), ZIP, BORN, BORN.replace("-", ""), DIGITS, f"{DIGITS[:3]}) {DIGITS[3:6]}-{DIGITS[6:]}")


def forms(mark: str) -> Iterator[bytes]:
    """Yield a mark in the encodings in which something could keep it."""
    yield mark.encode()
    yield mark.encode("utf-16-le")
    yield mark.encode().hex().encode()


LOOKED_FOR = {form: mark for mark in MARKS for form in forms(mark)}


def found_in(content: bytes) -> set[str]:
    """Return the marks that some bytes hold."""
    return {mark for form, mark in LOOKED_FOR.items() if form in content}


async def copy_and_anchor(town: Town) -> list[Mapping[str, object]]:
    """Let the log be copied to the org, and the trail be anchored there; return what the org holds of both."""
    async with open_service(load_settings(state=town.state)) as service:
        async with open_engine(service, await service.connection()) as engine:
            for _ in range(4):
                assert await copy_log(engine)
            assert await cast_anchor(engine)
        standing = await standing_of(service.store, "clinic")
        assert standing is not None
        assert standing.trouble == ""
    return town.org.rows("Hint_Log__c")


def look_afterwards(life: Life) -> None:
    """Ask everything that asks for no value of a person, by command, and write what can be written to files."""
    for words in ("status", "runs", "review", "parked", "log --limit 1000", "settings", "verify", "doctor", "webhook"):
        life.run(*words.split())
    for run in json.loads(life.said["hintsync runs --json"])["runs"]:
        life.run("run", run["id"], "--rows")
    for review in json.loads(life.said["hintsync review --json"])["reviews"]:
        life.run("review", review["id"])
    life.run("verify", "--export", life.folder / "trail.jsonl")
    (life.folder / "backups").mkdir()
    life.run("backup", life.folder / "backups")


def test_t17_a_service_that_lived_through_everything_kept_no_value_of_a_person(tmp_path: Path) -> None:
    with told() as alerted, lived(tmp_path, alerted) as life:
        rows = asyncio.run(copy_and_anchor(life.town))
        look_afterwards(life)
        said = life.said | {f"alert {number}": body for number, body in enumerate(alerted.bodies)}
        said |= {f"Hint Log {row['Name']}": json.dumps(row, default=str) for row in rows}
        said |= {f"patient {each}": str(_noted(life, each)) for each in life.patients}
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "report.csv"}
    assert_lived(life, rows, files)
    assert {where: found for where, text in said.items() if (found := found_in(text.encode()))} == {}
    contents = [*files.items(), *life.in_use.items()]
    assert [(str(path), found) for path, content in contents if (found := found_in(content))] == []


def _noted(life: Life, patient_id: str) -> object:
    """Return what we wrote about a patient beside the fields that are kept in step."""
    practice = life.town.practice
    if patient_id not in {each["id"] for each in practice.patients()}:
        return None
    shown = practice.patient(patient_id)
    return {name: value for name, value in shown.items() if name.startswith("integration_")}


def assert_lived(life: Life, rows: list[Mapping[str, object]], files: Mapping[Path, bytes]) -> None:
    """Make sure that there was something to write down, and that what should exist was looked at."""
    said = life.said
    kinds = {review["kind"] for review in json.loads(said["hintsync review --json"])["reviews"]}
    assert kinds >= {"ambiguous", "conflict", "overlay"}
    events = {entry["event"] for entry in json.loads(said["hintsync log --limit 1000 --json"])["entries"]}
    assert events >= {"write-refused", "link-suspended", "automatic-work-paused"}
    assert life.shown > 10, "pages do show people"
    copied = " ".join(str(row["Details__c"]) for row in rows)
    assert "Event: write-refused" in copied
    assert "digest: " in copied, "the anchor is there, too"
    names = [path.name for path in files]
    for expected in ("hintsync.sqlite3", "serve.log", "trail.jsonl", "master.key"):
        assert expected in names
    assert any(path.parent.name == "backups" for path in files)
    assert any(path.endswith("-wal") for path in life.in_use), "what is written first was looked at, too"


def test_t17_marks_would_be_found_however_they_are_kept(tmp_path: Path) -> None:
    text = f"write refused: {MARK}ville, {BORN}"
    for written in (text.encode(), text.encode("utf-16-le"), text.encode().hex().encode()):
        assert found_in(b"\x00" + written) == {MARK, BORN}
    code = f"import tempfile; tempfile.NamedTemporaryFile(delete=False).write({MARK!r}.encode())"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert [found_in(path.read_bytes()) for path in tmp_path.iterdir()] == [{MARK}]
