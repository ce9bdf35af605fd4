"""Who works a run: names that say where a process lives, so that one of the same place can tell whether it still does.

The lease of a run protects it from a second worker, and runs out by itself. Waiting for that is needless where the holder
can be seen to be dead: it lived under the same kernel and in the same process namespace. Everywhere else only time tells.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
#: Fields of /proc/PID/stat behind the command's name, counted from 0 (proc_pid_stat(5)): state and start time.
_STATE, _START = 0, 19
_DEAD_STATES = frozenset("ZXx")
_SEPARATOR = "/"


class Life(NamedTuple):
    """A process as the kernel shows it."""

    #: One letter; Z and X are dead.
    state: str
    #: Clock ticks since boot: tells a process from a later one of the same number.
    started: str


def worker_name() -> str:
    """Return this process's name: host, place, process number, start; no other process ever has the same.

    The place is the kernel's boot and its process namespace, empty where the system does not tell.
    """
    return _name_of(os.getpid())


@lru_cache(maxsize=8)
def _name_of(pid: int) -> str:
    life = _life(pid)
    parts = (socket.gethostname().replace(_SEPARATOR, "-"), _place(), str(pid), life.started if life else "")
    return _SEPARATOR.join(parts)


def is_dead(worker: str) -> bool:
    """Say whether a worker is known to be dead: it lived here, and there is no such process any more.

    Nothing is known of workers of another host, boot or process namespace, nor where the system has no /proc.
    """
    _, place, pid, started = _parts(worker)
    if not place or place != _place() or not pid.isascii() or not pid.isdigit():
        return False
    life = _life(int(pid))
    if life is None:
        return not _is_there(int(pid))
    return life.state in _DEAD_STATES or life.started != started


def _parts(worker: str) -> tuple[str, str, str, str]:
    parts = worker.split(_SEPARATOR)
    return (parts[0], parts[1], parts[2], parts[3]) if len(parts) == 4 else (worker, "", "", "")


def _place() -> str:
    """Return what two processes share exactly if each can see the other: boot and process namespace."""
    with suppress(OSError):
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = os.readlink(_PROC / "self/ns/pid")
        return f"{boot}:{namespace}"
    return ""


def _is_there(pid: int) -> bool:
    """Say whether a process of that number lives. Where /proc hides processes, those that may not be dumped are not in it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _life(pid: int) -> Life | None:
    """Return what the kernel shows of a process; None if there is none."""
    try:
        shown = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The command's name stands in parentheses and may hold anything, a closing one included.
    fields = shown.rpartition(")")[2].split()
    return Life(fields[_STATE], fields[_START])
