"""How this process runs its coroutines: on uvloop where there is one, with the garbage collector tuned for many small records."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Coroutine
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

T = TypeVar("T")

#: Objects made before the collector looks at the young ones (Python's own figure is 700). A batch holds some ten thousand
#: records at a time and makes no cycles, so looking more often is a fifth of its time for nothing.
_YOUNG_OBJECTS = 50_000
#: Seconds after which a thread that computes lets another have the interpreter (Python's own figure is 0.005). The threads
#: of the store ask for it between any two statements.
_TURN = 0.0005


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a program's work to its end and return what it gives; for the outermost call of a process."""
    os.environ.setdefault(
        "GRPC_VERBOSITY", "NONE"
    )  # its C library writes lines of its own; errors come to us as exceptions
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)
    sys.setswitchinterval(_TURN)
    if find_spec("uvloop") is None:  # not made for Windows
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=import_module("uvloop").new_event_loop) as runner:
        return runner.run(work)
