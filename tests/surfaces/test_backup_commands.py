"""`hintsync backup`, `restore`, `keys` and `rotate-keys`: what an administrator types, sees and is told to do next."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from hintsync.state.keys import MasterKeys
from tests.surfaces.town import Town


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backups"
    made.mkdir()
    return made


def test_a_backup_is_taken_and_says_what_must_be_kept_elsewhere(town: Town, folder: Path) -> None:
    town.both("Ada", "Moss", "1990-01-02")
    town.link_everybody()
    told = town.run("backup", folder)
    assert told.exit_code == 0, told.stderr
    (name,) = os.listdir(folder)
    assert re.fullmatch(r"hintsync-\d{8}T\d{6}Z\.backup", name)
    assert f"{folder / name}: " in told.stdout
    assert "read back; connections: clinic" in told.stdout
    assert f"keep a copy of {town.state / 'backup.key'} on another machine" in told.stderr
    assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    data = (folder / name).read_bytes()
    assert b"Moss" not in data
    checked = town.json("backup", folder / name, "--check")
    assert checked["rows"]["links"] == 1
    assert checked["connections"] == ["clinic"]


def test_only_so_many_are_kept(town: Town, folder: Path) -> None:
    older = folder / "hintsync-20200101T000000Z.backup"
    older.write_text("old")
    assert town.json("backup", folder, "--keep", 1)["pruned"] == [older.name]
    assert len(os.listdir(folder)) == 1


def test_what_was_backed_up_comes_back_and_the_store_before_it_is_set_aside(town: Town, folder: Path) -> None:
    contact, _ = town.both("Ada", "Moss", "1990-01-02")
    town.link_everybody()
    path = town.json("backup", folder)["file"]
    town.both("Bea", "Hill", "1991-01-02")
    town.link_everybody()
    asked = town.json("restore", path, code=3)
    assert "--replace" in asked["error"]["message"]
    done = town.json("restore", path, "--replace")
    assert done["connections"] == ["clinic"]
    assert Path(done["aside"]).exists()
    assert "frozen (restored)" in town.run("sync", contact).stderr
    assert "links wait until their records were asked" in done_again(town, path)
    assert town.json("verify")["report"]["pairs"]["queued"] == 1  # its base is noted when it is worked
    assert town.run("sync", contact).exit_code == 0


def done_again(town: Town, path: str) -> str:
    return town.run("restore", path, "--replace").stdout


def test_another_key_and_a_damaged_file_are_told_apart_and_touch_nothing(town: Town, folder: Path) -> None:
    path = Path(town.json("backup", folder)["file"])
    kept = (town.state / "backup.key").read_text()
    (town.state / "backup.key").write_text("words that never were the key\n")
    assert "backup key is another one" in town.run("restore", path, "--replace").stderr
    (town.state / "backup.key").write_text(kept)
    path.write_bytes(path.read_bytes()[:-1])
    told = town.run("restore", path, "--replace")
    assert (told.exit_code, "cut off or damaged" in told.stderr) == (2, True)
    assert not list(town.state.glob("*.before-*"))
    assert town.run("status").exit_code == 0


def test_a_master_key_is_changed_in_three_steps(town: Town) -> None:
    file = town.state / "master.key"
    old = file.read_text().strip()
    before = town.json("keys")
    assert before["settled"]
    assert before["master_keys"] == [MasterKeys.parse(old).names[0]]
    told = town.run("rotate-keys")
    assert told.exit_code == 0, told.stderr
    assert "everything lies under master key" in told.stdout
    assert "start every process of the service anew, then call `hintsync rotate-keys --drop-old`" in told.stderr
    new, kept = file.read_text().split()
    assert kept == old
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = town.json("rotate-keys")
    assert again["master_keys"] == [*MasterKeys.parse(new).names, *MasterKeys.parse(old).names]
    assert again["removable"] == [MasterKeys.parse(old).names[0]]
    assert file.read_text().split() == [new, old]
    assert town.json("rotate-keys", "--drop-old")["dropped"] == [MasterKeys.parse(old).names[0]]
    assert file.read_text().split() == [new]
    assert "there is no old key" in town.run("rotate-keys", "--drop-old").stdout
    assert town.run("status").exit_code == 0
    assert old not in told.output + town.run("keys").output


def test_an_old_key_is_not_dropped_while_something_lies_under_it(town: Town) -> None:
    file = town.state / "master.key"
    file.write_text(f"{MasterKeys.generate()}\n{file.read_text()}")
    told = town.run("rotate-keys", "--drop-old")
    assert (told.exit_code, "still lies under an old key" in told.stderr) == (3, True)
    assert len(file.read_text().split()) == 2
    assert "not everything lies under the first key" in town.run("keys").stderr
    assert town.json("rotate-keys")["settled"]


def test_keys_that_the_settings_give_are_changed_there(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (town.state / "master.key").read_text().strip(), MasterKeys.generate()
    (town.state / "master.key").unlink()
    monkeypatch.setenv("HINTSYNC_MASTER_KEYS", old)
    told = town.run("rotate-keys")
    assert (told.exit_code, "set the new one before it" in told.stderr) == (3, True)
    monkeypatch.setenv("HINTSYNC_MASTER_KEYS", f"{new},{old}")
    assert "then remove" in town.run("rotate-keys").stderr
    assert town.run("rotate-keys", "--drop-old").exit_code == 2
    monkeypatch.setenv("HINTSYNC_MASTER_KEYS", new)
    assert town.json("keys")["settled"]
    assert not (town.state / "master.key").exists()


def test_data_keys_are_changed_too(town: Town) -> None:
    assert town.json("rotate-keys", "--data-keys")["secrets"] == {"clinic": 2}
    assert town.run("status").exit_code == 0
    assert "data key of" in town.run("keys").stdout
