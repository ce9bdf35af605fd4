"""Where the ways are run: for each one fresh emulators, limits lifted, and all figures gathered at the end."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.batch.nursery import Emulator, Nursery
from bench.batch.ours import login_of, settings_of
from bench.batch.replay import Floor, floor_of
from bench.batch.way import Result, Task, calls, measure, recorded
from hintsync.bootstrap import open_service
from hintsync.setup.installation import prepare_org


@dataclass(frozen=True, slots=True)
class Measured:
    """One way's figures, the emulators' included."""

    result: Result
    #: Calls by kind.
    hint: Mapping[str, int]
    salesforce: Mapping[str, int]
    #: Processor seconds of the emulators, set-up included.
    hint_cpu: float
    salesforce_cpu: float

    @property
    def calls(self) -> int:
        """Calls to both sides."""
        return sum(self.hint.values()) + sum(self.salesforce.values())

    def seconds_for(self, patients: int) -> float:
        """Return the time for so many patients, reckoned from those that were done."""
        return self.result.seconds / self.result.done * patients

    def row(self, title: str) -> str:
        """Format one line of the table."""
        result = self.result
        return (
            f"  {title:<26}{result.seconds:>9.1f}{result.cpu:>8.1f}{result.peak_mb:>7.0f}{self.calls:>8,}"
            f"{sum(self.hint.values()):>8,}{sum(self.salesforce.values()):>7,}"
            f"{self.hint_cpu:>10.1f}{self.salesforce_cpu:>8.1f}"
        )


class Stage:
    """Runs ways on one population."""

    def __init__(
        self, hint: Nursery, salesforce: Nursery, folder: Path, *, write_back: bool, at_once: tuple[int, int]
    ) -> None:
        """Take the filled emulators, a folder for files, and the requests under way at once to Hint and to Salesforce."""
        self._hint = hint
        self._salesforce = salesforce
        self._folder = folder
        self._write_back = write_back
        self._at_once = at_once

    def hintsync(self) -> tuple[Measured, Floor]:
        """Run hintsync; return what the floor is to send, too."""
        kept: list[Floor] = []

        def keep(hint: Emulator, org: Emulator) -> None:
            kept.append(floor_of(recorded(hint), recorded(org)))

        with tempfile.TemporaryDirectory(dir=self._folder) as state:
            measured = self._run("ours", path=state, before_end=keep)
        return measured, kept[0]

    def floor(self, floor: Floor) -> Measured:
        """Send the floor's requests."""
        path = self._folder / "floor.json"
        floor.save(path)
        return self._run("floor", path=str(path))

    def script(self, sample: int) -> Measured:
        """Run the script on some patients."""
        return self._run("script", sample=sample)

    def _run(
        self,
        module: str,
        *,
        path: str = "",
        sample: int = 0,
        before_end: Callable[[Emulator, Emulator], None] = lambda hint, org: None,
    ) -> Measured:
        hint, org = self._hint.start(), self._salesforce.start()
        try:
            task = replace(self._task(hint, org), path=path, sample=sample)
            asyncio.run(_prepare(task, self._folder))
            result = measure(module, task)
            counted = calls(hint), calls(org)
            before_end(hint, org)
        finally:
            used = self._hint.stop(), self._salesforce.stop()
        return Measured(result, *counted, *used)

    def _task(self, hint: Emulator, org: Emulator) -> Task:
        return Task(
            hint_url=hint.url,
            hint_token=hint.facts["token"],
            salesforce_url=org.url,
            salesforce_token=org.facts["token"],
            write_back=self._write_back,
            hint_concurrency=self._at_once[0],
            salesforce_concurrency=self._at_once[1],
        )


async def _prepare(task: Task, folder: Path) -> None:
    """Deploy hintsync's fields, as an administrator does once."""
    async with open_service(settings_of(replace(task, path=str(folder / "set-up")))) as service:
        await prepare_org(service, login_of(task))
