"""Key files: whole or not there, whoever is killed and however many start at once."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from hintsync.backup.key import load_backup_key
from hintsync.master_key_file import MasterKeyFile
from hintsync.private_file import make_private
from hintsync.settings import Settings


class Killed(BaseException):
    """Stands for the end of the process."""


def at_first_file(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Do something at the moment when a file was opened that is to be written, and is empty still."""
    fdopen, calls = os.fdopen, iter([act])

    def opened(descriptor: int, mode: str, encoding: str) -> IO[str]:
        file = fdopen(descriptor, mode, encoding=encoding)
        try:
            for call in calls:
                call()
        except Killed:
            file.close()
            raise
        return file

    monkeypatch.setattr(os, "fdopen", opened)


def die() -> None:
    raise Killed


def test_a_process_killed_while_it_makes_the_master_key_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = MasterKeyFile(Settings(state=tmp_path))
    at_first_file(monkeypatch, die)
    with pytest.raises(Killed):
        file.load()
    assert not file.path.exists()
    names = file.load().names
    assert file.load().names == names
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_of_two_processes_that_start_at_once_both_have_the_same_master_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (MasterKeyFile(Settings(state=tmp_path)) for _ in range(2))
    seen: list[tuple[str, ...]] = []
    at_first_file(monkeypatch, lambda: seen.append(second.load().names))
    assert [first.load().names] == seen


def test_of_two_processes_that_take_the_first_backup_both_have_the_same_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, seen = Settings(state=tmp_path), list[bytes]()
    at_first_file(monkeypatch, lambda: seen.append(load_backup_key(settings, make=True).file_key(bytes(32))))
    assert [load_backup_key(settings, make=True).file_key(bytes(32))] == seen


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    def link(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if not links:
        monkeypatch.setattr(os, "link", link)
    make_private(tmp_path / "a.key", "first")
    with pytest.raises(FileExistsError):
        make_private(tmp_path / "a.key", "second")
    assert (tmp_path / "a.key").read_text() == "first\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.key"]
