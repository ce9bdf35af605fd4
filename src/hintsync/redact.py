"""Keeps a person's data out of everything that is written down: log lines, error texts, traces.

Only ids, field names, codes and numbers may pass. Exceptions are logged by class and place, never by text, unless they
are ours (`core.errors`), whose texts are made without values.
"""

from __future__ import annotations

import traceback

from hintsync.core.errors import HintsyncError


def safe_text(error: BaseException) -> str:
    """Say what went wrong without any value: our own text, or the class and the innermost place in our code."""
    if isinstance(error, HintsyncError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "hintsync" in frame.filename]
    place = f" at {_module(ours[-1].filename)}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{place}"


def _module(filename: str) -> str:
    return "hintsync" + filename.rpartition("hintsync")[2]
