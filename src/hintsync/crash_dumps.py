"""Keeps what a process holds in memory, people and credentials, out of the file that a crash would leave."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from typing import Final

#: Numbers of prctl(2), which has no module in Python.
_PR_SET_DUMPABLE: Final = 4


def forbid_crash_dumps() -> Sequence[str]:
    """Let neither this process nor its children write their memory down when they crash; to be called before any secret is read.

    The limit is inherited by every child. That the process may not be dumped at all, which on Linux also holds where crashes are
    piped to a program and keeps other processes of the same user out of its memory, is inherited by children that run no other
    program.

    Returns:
        What could not be done, in words for people; empty where all was.
    """
    return [*_no_core_files(), *_not_dumpable()]


def _no_core_files() -> Sequence[str]:
    try:
        import resource
    except ImportError:  # Windows, where nobody writes core files
        return []
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as error:
        return [f"core files could not be switched off: {error}"]
    return []


def _not_dumpable() -> Sequence[str]:
    if not sys.platform.startswith("linux"):
        return []
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0:
        return []
    return [f"the process could not be made undumpable: error {ctypes.get_errno()}"]
