"""Worlds of emulators in processes of their own, workers that are killed in them, and the same world left in peace."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from hintsync.bootstrap import Service, Transports, open_engine, open_service
from hintsync.core.fields import Kind
from hintsync.core.records import Snapshot
from hintsync.engine.options import Options
from hintsync.logins import WithToken
from hintsync.setup.connecting import connect
from hintsync.setup.installation import prepare_org
from hintsync.state.port import RunKind, RunStatus
from hintsync_emulators.__main__ import populate, start_hint, start_salesforce
from hintsync_emulators.serve import emulator_process
from tests.crash.worker import STEP, Job, settings_of, work_on

#: People of a world, records of a chunk.
PEOPLE, CHUNK = 50, 8
#: A kill comes at the latest at this step of an attempt; the two batches together take several times as many.
LATEST = 50
#: In this order, again and again: the batch over patients creates the contacts that are missing.
KINDS = (RunKind.BATCH_CONTACTS, RunKind.BATCH_PATIENTS)
OPTIONS = Options(create_contacts=True)
TIMES = tuple(row.name for row in OPTIONS.table() if row.kind is Kind.TIMESTAMP)


@dataclass(slots=True)
class Scene:
    """Both systems of one seed, connected."""

    service: Service
    job: Job
    #: Contacts that were there before any run.
    contacts: list[str] = field(default_factory=list)

    async def systems(self) -> dict[str, Any]:
        """Return what both systems show through their APIs, created contacts named by their patient."""
        async with open_engine(self.service, await self.service.connection()) as engine:
            contacts = [record async for page in engine.salesforce.scan() for record in page.records]
            patients = [record async for page in engine.hint.scan() for record in page.records]
        if not self.contacts:
            self.contacts.extend(record.id for record in contacts)
        born = {c.id: f"created for {c.peer_id}" for c in contacts if c.id not in self.contacts}
        found = {born.get(c.id, c.id): _shown(c, born) for c in contacts}
        assert len(found) == len(contacts), "somebody was created twice"
        times = {p.id: _times(p) for p in patients}
        apart = [c.id for c in contacts if c.marked and c.peer_id in times and times[c.peer_id] != _times(c)]
        return {"contacts": found, "patients": {p.id: _shown(p, born) for p in patients}, "times apart": apart}

    async def memory(self) -> dict[str, Any]:
        """Return the rows of the first run of each kind, the links, and broken audit chains."""
        store, connection = self.service.store, await self.service.connection()
        runs = {run.kind: run.id for run in await store.runs(connection.id)}  # newest first: the first one stays
        rows = {
            str(kind): {row.record_id: (row.outcome, row.rule) async for row in store.rows(runs[kind])}
            for kind in KINDS
        }
        links = await store.links(connection.id)
        alive = sorted(
            (s.link.patient_id or "", str(s.link.status), s.link.origin) for s in links if s.link.status != "ended"
        )
        return {"rows": rows, "links": alive, "broken": list(await store.verify_audit(connection.id))}


def _times(record: Snapshot) -> list[object]:
    return [record.values[name] for name in TIMES]


def _shown(record: Snapshot, born: dict[str, str]) -> dict[str, Any]:
    peer = born.get(record.peer_id or "", record.peer_id)
    phones = [(entry.type, entry.canonical) for entry in record.phones]
    # A world's people signed when it began: two worlds of one seed differ in nothing else.
    values = {**record.values, **{name: bool(record.values[name]) for name in TIMES}}
    return {"values": values, "peer": peer, "marked": record.marked, "phones": phones}


@asynccontextmanager
async def in_processes(folder: Path, seed: int, database_url: str) -> AsyncIterator[Scene]:
    """Start both emulators as processes and connect a service over real sockets."""
    arguments = ["--seed", str(seed), "--count", str(PEOPLE)]
    with emulator_process(["hint", *arguments]) as hint, emulator_process(["salesforce", *arguments]) as org:
        async with httpx.AsyncClient() as http:
            await http.put(f"{hint['control']}/faults", json={"limits": {"per_second": None}})
        login = WithToken(str(org["url"]), str(org["token"]))
        job = Job("", str(folder), database_url, str(hint["url"]), str(folder / "contacts.csv"), CHUNK)
        async with open_service(settings_of(job)) as service:
            yield await _connected(service, job, str(hint["token"]), login)


@asynccontextmanager
async def in_peace(folder: Path, seed: int) -> AsyncIterator[Scene]:
    """Hold the same world in this process, without a socket, for the run that nobody interrupts."""
    population = populate(None, seed, PEOPLE)
    hint, org = start_hint(population, seed, None), start_salesforce(population, seed, None)
    hint.app.faults.limits["per_second"] = None  # type: ignore[attr-defined]  # `Controlled`
    url = "http://127.0.0.1:9"
    job = Job("", str(folder), "", url, str(folder / "contacts.csv"), CHUNK)
    transports = Transports(httpx.ASGITransport(app=hint.app), httpx.ASGITransport(app=org.app))  # type: ignore[arg-type]
    async with open_service(settings_of(job), transports) as service:
        yield await _connected(service, job, str(hint.facts["token"]), WithToken(url, str(org.facts["token"])))


async def _connected(service: Service, job: Job, token: str, login: WithToken) -> Scene:
    await prepare_org(service, login)
    await connect(service, "killed", hint_token=token, login=login, options=OPTIONS)
    scene = Scene(service, job)
    await scene.systems()
    _write_csv(Path(job.csv), scene.contacts)
    return scene


def _write_csv(path: Path, ids: list[str]) -> None:
    path.write_text("Contact ID\n" + "\n".join(ids) + "\n", encoding="utf-8")


class Workers:
    """Starts workers, watches their steps, kills them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Take the process that forks workers."""
        self._process = process

    def work(self, job: Job, kill_at: int | None) -> bool:
        """Let one worker run or resume the batch; kill it at a step, if one is given; return whether it was killed.

        Raises:
            AssertionError: it ended in any other way than by our hand or with the batch done.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(job)) + "\n")
        self._process.stdin.flush()
        pid, steps, done = int(self._read()["pid"]), 0, False
        while (line := self._line()) == STEP or "ended" not in json.loads(line):
            steps += line == STEP
            if line == STEP and steps == kill_at:
                os.kill(pid, signal.SIGKILL)
            elif line != STEP:
                ended = json.loads(line)
                assert ended["status"] == RunStatus.DONE, ended["reason"]
                done = True
        code = json.loads(line)["ended"]
        assert code == -signal.SIGKILL or (code == 0 and done), f"the worker ended with {code}"
        return code == -signal.SIGKILL

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._line())
        return found

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process that forks workers is gone"
        return line.strip()


@contextmanager
def workers() -> Iterator[Workers]:
    """Start the process that forks workers; it ends when its standard input closes."""
    command = [sys.executable, "-m", "tests.crash.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Workers(process)
        assert process.stdin is not None
        process.stdin.close()


@dataclass(slots=True)
class Tally:
    """What happened in one world."""

    kills: int = 0
    runs: int = 0


async def kill_and_resume(scene: Scene, forks: Workers, dice: random.Random, kills: int) -> Tally:
    """Run both batches, and again, killing workers at steps until that many are dead; at last let both be done in peace."""
    tally = Tally()
    while tally.kills < kills or tally.runs % len(KINDS) or not tally.runs:
        job = Job(**{**asdict(scene.job), "kind": str(KINDS[tally.runs % len(KINDS)])})
        if forks.work(job, dice.randint(1, LATEST) if tally.kills < kills else None):
            tally.kills += 1
        else:
            tally.runs += 1
    return tally


async def run_in_peace(folder: Path, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run both batches once, uninterrupted; return what the systems show and what is remembered."""
    async with AsyncExitStack() as stack:
        scene = await stack.enter_async_context(in_peace(folder, seed))
        for kind in KINDS:
            run = await work_on(scene.service, Job(**{**asdict(scene.job), "kind": str(kind)}))
            assert run.status is RunStatus.DONE, run.reason
        return await scene.systems(), await scene.memory()


async def run_again(scene: Scene) -> dict[str, Any]:
    """Run the batch over patients once more in peace, and return what both systems show then."""
    run = await work_on(scene.service, Job(**{**asdict(scene.job), "kind": str(RunKind.BATCH_PATIENTS)}))
    assert run.status is RunStatus.DONE, run.reason
    return await scene.systems()
