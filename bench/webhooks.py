"""A burst of webhooks: answered how fast, at what wait, none lost; beside a receiver that commits once a request.

Both receivers are processes of their own with a SQLite file under synchronous=FULL. The *script* is what a developer writes
first: signature, JSON, one row inserted and committed, answer. wrk (of most distributions) sends bodies of 2 kB that were
signed beforehand, all different, as fast as answers come back. Rates count the time on the clock, which a busy machine
stretches; the processor time for each webhook stands beside them.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hintsync.bootstrap import Transports, open_service
from hintsync.logins import WithToken
from hintsync.runtime import run
from hintsync.settings import Settings
from hintsync.setup.connecting import connect
from hintsync.setup.installation import prepare_org
from hintsync.surfaces.web.app import create_app
from hintsync.surfaces.web.serving import listen, serve
from hintsync_emulators.hint import Practice
from hintsync_emulators.hint import create_app as hint_app
from hintsync_emulators.salesforce import Org
from hintsync_emulators.salesforce import create_app as salesforce_app

#: Bars: webhooks a second, and milliseconds of the slowest of a hundred.
RATE, P99_MS = 500.0, 50.0
KEY = "whsec-bench"
PATH = "/webhooks/hint"
#: Bodies for each second of load; more than any receiver here takes.
PER_SECOND = 4_000

LUA = """
local ready, next_one = {}, 0
function init()
  for line in io.lines("FILE") do
    local headers = {["X-Hint-Signature"] = "sha256=" .. line:sub(1, 64), ["Content-Type"] = "application/json"}
    ready[#ready + 1] = wrk.format("POST", "PATH", headers, line:sub(66))
  end
end
function request()
  next_one = next_one + 1
  return ready[next_one]
end
function done(summary, latency)
  local bad = summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout
  local told = '{"answered": %d, "seconds": %f, "p50": %f, "p99": %f, "bad": %d}\\n'
  io.write("TOLD " .. told:format(summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, bad))
end
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one receiver."""

    rate: float
    p50: float
    p99: float
    #: Milliseconds of processor time for each webhook.
    cpu: float
    answered: int
    bad: int
    stored: int


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; the exit code is 1 if a bar was missed or anything was lost."""
    parser = argparse.ArgumentParser(prog="bench webhooks", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=10, help="of load for each receiver (default 10)")
    parser.add_argument("--senders", type=int, default=32, help="connections at a time (default 32)")
    parser.add_argument("--part", choices=("ours", "script"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.part:
        run(_ours(options.folder) if options.part == "ours" else _script(options.folder))
        return 0
    if shutil.which("wrk") is None:
        print("wrk is not installed: nothing measured")
        return 1
    results = {part: _measured(part, options.seconds, options.senders) for part in ("ours", "script")}
    for part, each in results.items():
        told = (
            f"{each.rate:7.0f} a second, p50 {each.p50:5.1f} ms, p99 {each.p99:5.1f} ms, {each.cpu:.2f} ms of CPU each"
        )
        print(f"{part:<7}{told}, {each.answered:,} answered, {each.bad} refused, {each.stored:,} stored")
    ours = results["ours"]
    lost = max(ours.answered - ours.bad - ours.stored, 0)
    good = ours.rate >= RATE and ours.p99 <= P99_MS and not lost and not ours.bad
    print(f"bars: {RATE:.0f} a second, p99 {P99_MS:.0f} ms, none lost ({lost}): {'ok' if good else 'MISSED'}")
    return 0 if good else 1


def _measured(part: str, seconds: int, senders: int) -> Result:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "bench.webhooks", "--part", part, "--folder", name]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            facts = json.loads(server.stdout.readline())
            script = _lua(folder, facts["practice_id"], seconds * PER_SECOND)
            before = _processor_seconds(server.pid)
            load = ["wrk", "-t1", f"-c{senders}", f"-d{seconds}s", "-s", str(script), facts["url"]]
            said = subprocess.run(load, capture_output=True, text=True, check=True).stdout
            used = _processor_seconds(server.pid) - before
        told = json.loads(said.partition("TOLD ")[2])
        stored = sqlite3.connect(folder / facts["database"]).execute(facts["count"]).fetchone()[0]
    rate, cpu = told["answered"] / told["seconds"], used / max(told["answered"], 1) * 1000
    return Result(rate, told["p50"], told["p99"], cpu, told["answered"], told["bad"], stored)


def _lua(folder: Path, practice_id: str, count: int) -> Path:
    """Write the signed bodies, and the script of wrk that sends them."""
    practice = Practice(seed=3)
    phones = [{"type": "mobile", "number": "4155550100"}]
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor", dob="1980-02-29", phones=phones)
    shown, bodies = practice.patient(patient_id), folder / "bodies"
    with bodies.open("wb") as file:
        for number in range(count):
            event = {"id": f"evt-{number:012d}", "type": "patient.updated", "practice_id": practice_id}
            body = orjson.dumps({**event, "object": {**shown, "id": f"pat-{number:012d}"}})
            file.write(b"%s %s\n" % (hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest().encode(), body))
    script = folder / "burst.lua"
    script.write_text(LUA.replace("FILE", str(bodies)).replace("PATH", PATH), encoding="utf-8")
    return script


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _ours(folder: Path) -> None:
    org, practice = Org(token="00D5g0000012345!bench", features=("MiddleName",)), Practice()
    hint = hint_app(practice)
    hint.faults.limits["per_second"] = None
    ways = Transports(httpx.ASGITransport(app=hint), httpx.ASGITransport(app=salesforce_app(org)))
    settings = Settings(state=folder, hint_url="http://127.0.0.1:9", hint_webhook_keys=SecretStr(KEY))
    async with open_service(settings, ways) as service:
        login = WithToken("http://127.0.0.1:9", "00D5g0000012345!bench")
        await prepare_org(service, login)
        await connect(service, "bench", hint_token=practice.token, login=login)
        facts = {"practice_id": practice.id, "database": "hintsync.sqlite3", "count": "SELECT count(*) FROM dirty"}
        await _serve(create_app(service), facts)


async def _script(folder: Path) -> None:
    database = sqlite3.connect(folder / "script.sqlite3", check_same_thread=False)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE events (id TEXT PRIMARY KEY, at)"
    )
    turn = asyncio.Lock()

    def store(event: dict[str, str]) -> None:
        with database:
            database.execute("INSERT OR IGNORE INTO events VALUES (?, ?)", (event["id"], event["type"]))

    async def receive(request: Request) -> Response:
        body = await request.body()
        signed = "sha256=" + hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signed, request.headers["x-hint-signature"]):
            return JSONResponse({}, 401)
        async with turn:
            await asyncio.to_thread(store, json.loads(body))
        return JSONResponse({"status": "taken"})

    app = Starlette(routes=[Route(PATH, receive, methods=["POST"])])
    await _serve(app, {"practice_id": "pra-1", "database": "script.sqlite3", "count": "SELECT count(*) FROM events"})


async def _serve(app: ASGIApp, facts: dict[str, str]) -> None:
    """Serve until standard input closes; the facts and the URL are one line of JSON."""
    listener, stop = listen("127.0.0.1", 0), asyncio.Event()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(json.dumps({**facts, "url": url}), flush=True)
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop.set)
    await serve(app, listener, stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
