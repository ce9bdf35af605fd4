"""A process of ours that crashes leaves nothing of its memory behind (T17)."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hintsync.crash_dumps import forbid_crash_dumps

#: Held by the processes; written so that no file but a dump of memory holds it as one word.
SECRET = "Zyxwvut" + "canary" + "0123456789"

#: Crashes with the secret in memory; `%s` is what it does before.
_CRASHES = "import os, sys; held = sys.argv[1][::-1]; %s; os.abort()"


#: Lets a command write core files as far as the system allows it. A shell does it, not a function between fork and exec: there
#: libraries with threads of their own (gRPC) may abort the child before it is our command.
_ALLOWING_CORE_FILES = ("/bin/sh", "-c", 'ulimit -S -c "$(ulimit -H -c)"; exec "$@"', "sh")


@contextlib.contextmanager
def started(command: Sequence[str], folder: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process in a folder of its own, which may write core files as far as the system lets it."""
    process = subprocess.Popen(
        [*_ALLOWING_CORE_FILES, *command],
        cwd=folder,
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr:
        yield process


def crashed(process: subprocess.Popen[str]) -> bool:
    """Wait for a process to crash; return whether the kernel dumped its memory, to a file or to a program."""
    _, status = os.waitpid(process.pid, 0)
    process.returncode = 0  # it was waited for
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)


def dumps_in(folder: Path) -> list[Path]:
    """Return the files that hold the secret."""
    return [path for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


@pytest.fixture
def dumping(tmp_path: Path) -> Path:
    """A folder in which a process that forbids nothing was seen to leave its memory."""
    folder = tmp_path / "plain"
    folder.mkdir()
    with started([sys.executable, "-c", _CRASHES % "pass", SECRET[::-1]], folder) as process:
        if not crashed(process):
            pytest.skip("this system dumps no process, so nothing can be shown")
    pattern = Path("/proc/sys/kernel/core_pattern").read_text(encoding="ascii")
    assert dumps_in(folder) or pattern.startswith(("|", "/")), "what is looked for would be found"
    empty = tmp_path / "ours"
    empty.mkdir()
    return empty


def test_t17_a_service_that_is_aborted_leaves_none_of_its_secrets(dumping: Path) -> None:
    command = [sys.executable, "-m", "hintsync", "serve", "--state", "state", "--port", "0"]
    with started(command, dumping, HINTSYNC_HINT_PARTNER_KEY=SECRET) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "listening" in line:
                break
        process.send_signal(signal.SIGABRT)
        assert not crashed(process)
    assert dumps_in(dumping) == []
    assert [path.name for path in dumping.iterdir()] == ["state"]


@pytest.mark.parametrize(
    "before",
    [
        "from hintsync.crash_dumps import forbid_crash_dumps; forbid_crash_dumps()",
        "from hintsync.crash_dumps import forbid_crash_dumps; forbid_crash_dumps(); os.fork() and os.wait()",
    ],
    ids=["itself", "a child"],
)
def test_t17_whoever_forbade_it_crashes_without_a_trace_and_so_do_children(dumping: Path, before: str) -> None:
    with started([sys.executable, "-c", _CRASHES % before, SECRET[::-1]], dumping) as process:
        assert not crashed(process)
    assert list(dumping.iterdir()) == []


def test_t17_a_child_that_runs_another_program_writes_no_core_file_either(dumping: Path) -> None:
    child = f"{_CRASHES % 'pass'}"
    before = (
        "from hintsync.crash_dumps import forbid_crash_dumps; forbid_crash_dumps(); import subprocess; "
        f"subprocess.run([sys.executable, '-c', {child!r}, sys.argv[1]])"
    )
    with started([sys.executable, "-c", _CRASHES % before, SECRET[::-1]], dumping) as process:
        assert not crashed(process)
    assert list(dumping.iterdir()) == []


def test_all_of_it_can_be_done_here_and_is_in_force_afterwards(tmp_path: Path) -> None:
    code = (
        "import ctypes, resource; from hintsync.crash_dumps import forbid_crash_dumps; print(list(forbid_crash_dumps()), "
        "resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "[] (0, 0) 0\n"


def test_a_system_that_does_not_let_us_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    monkeypatch.setattr(sys, "platform", "somethingelse")
    assert forbid_crash_dumps() == ["core files could not be switched off: [Errno 1] Operation not permitted"]
