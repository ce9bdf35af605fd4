"""What the three ways share: the task as it is handed to each one's process, the emulators' control, the result."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from bench.batch.nursery import RECORDED, Emulator

#: Milliseconds that each call takes longer, as over a network to the real systems.
HINT_LATENCY, SALESFORCE_LATENCY = 20, 60


@dataclass(frozen=True, slots=True)
class Task:
    """What one way is asked to do."""

    hint_url: str
    hint_token: str
    salesforce_url: str
    salesforce_token: str
    write_back: bool
    #: Requests under way at once to each side.
    hint_concurrency: int
    salesforce_concurrency: int
    #: File of requests to send again (the floor), or folder of the state (hintsync).
    path: str = ""
    #: Patients that are done (the script): it is slow enough to be timed on a sample.
    sample: int = 0

    @classmethod
    def from_argv(cls) -> Task:
        """Read the task that `measure` handed over."""
        return cls(**json.loads(sys.argv[1]))


@dataclass(frozen=True, slots=True)
class Result:
    """What one way took, measured from within its process."""

    seconds: float
    #: Processor seconds, user and system.
    cpu: float
    #: Megabytes that were resident at most.
    peak_mb: float
    #: Patients that were done.
    done: int
    notes: Mapping[str, Any] = field(default_factory=dict)


class Stopwatch:
    """Takes the time of a way; `result` ends it."""

    def __init__(self) -> None:
        """Start."""
        self._wall, self._cpu = time.perf_counter(), _cpu()

    def result(self, done: int, **notes: object) -> Result:
        """Stop."""
        seconds, cpu = time.perf_counter() - self._wall, _cpu() - self._cpu
        return Result(seconds, cpu, _peak_mb(), done, notes)


def _peak_mb() -> float:
    """Return what was resident at most; getrusage would also count the process that started this one."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def _cpu() -> float:
    used = os.times()
    return used.user + used.system


def tell(result: Result) -> None:
    """Hand a result to the process that asked for it."""
    print(json.dumps(asdict(result)), flush=True)


def measure(module: str, task: Task) -> Result:
    """Run a way in a process of its own.

    Raises:
        RuntimeError: it failed; its own message is on standard error.
    """
    command = [sys.executable, "-m", f"bench.batch.{module}", json.dumps(asdict(task))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} ended with exit code {done.returncode}")
    return Result(**json.loads(done.stdout.splitlines()[-1]))


def begin(hint_url: str, salesforce_url: str) -> None:
    """Lift the limits, add the latency, and count from zero: what comes now is measured."""
    faults = {
        hint_url: {"latency_ms": HINT_LATENCY, "limits": {"per_second": None, "per_day": None}},
        salesforce_url: {"latency_ms": SALESFORCE_LATENCY},
    }
    for url, body in faults.items():
        httpx.put(f"{url}/_control/faults", json=body).raise_for_status()
        httpx.delete(f"{url}/_control/counts").raise_for_status()


def calls(emulator: Emulator) -> dict[str, int]:
    """Return the calls that an emulator got since `begin`, by kind."""
    counts: dict[str, int] = httpx.get(f"{emulator.url}/_control/counts").json()["by_kind"]
    return counts


def recorded(emulator: Emulator) -> list[tuple[str, str, str]]:
    """Return all requests that an emulator got: method, path with query, body."""
    requests: list[tuple[str, str, str]] = orjson.loads(httpx.get(f"{emulator.url}{RECORDED}", timeout=120).content)
    return requests
