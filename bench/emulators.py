"""The Salesforce emulator under load: simple calls, pages, Bulk in both directions, memory.

The emulator is a process of its own on this machine. Rates count the processor time that it used, so they are those
of one core whatever else the machine is doing; the time on the clock stands beside them. Load comes from wrk where
there is one, else from a client of a few lines.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx

from hintsync_emulators.serve import emulator_process

#: Bars: calls, ingested rows and queried rows for each second of processor time; seconds of the longest wait; milliseconds
#: of a page of 2,000 rows; seconds until the first answer; megabytes with a million contacts.
CALLS, INGESTED, QUERIED, WAIT, PAGE_MS, START, MEGABYTES = 1_000.0, 5_000.0, 20_000.0, 1.0, 40.0, 1.0, 500.0
ROOT = "/services/data/v64.0"
#: Fields of a page, and rows of an upload.
FIELDS, UPLOAD = 36, 10_000
CONNECTIONS = 16


@dataclass(frozen=True)
class Figure:
    """One line of the result."""

    name: str
    value: float
    bar: float
    unit: str
    #: The value must be at most the bar, not at least.
    most: bool = False
    note: str = ""

    @property
    def good(self) -> bool:
        return self.value <= self.bar if self.most else self.value >= self.bar

    def line(self) -> str:
        sign = "at most" if self.most else "at least"
        mark = "ok" if self.good else "MISSED"
        return f"{self.name:<44} {self.value:>10,.1f} {self.unit:<9} {sign} {self.bar:>8,.0f}  {mark:<6} {self.note}"


@dataclass(frozen=True)
class Target:
    """A running emulator."""

    url: str
    token: str
    pid: int

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Encoding": "identity"}
        return httpx.Client(base_url=f"{self.url}{ROOT}", headers=headers, timeout=300.0)

    def seconds(self) -> float:
        """Return the processor time that the emulator has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> float:
        """Return the most memory that the emulator has held."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        assert found is not None
        return int(found.group(1)) / 1024


@contextmanager
def _emulator(*arguments: str) -> Iterator[Target]:
    with emulator_process(["salesforce", "--count", "1", *arguments]) as facts:
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        yield Target(str(facts["url"]), str(facts["token"]), int(children[-1]))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code is 1 if a bar was missed."""
    parser = argparse.ArgumentParser(prog="bench emulators", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000, help="contacts of the org (default 100,000)")
    parser.add_argument("--seconds", type=int, default=5, help="of load for each kind of call (default 5)")
    parser.add_argument("--million", action="store_true", help="also fill an org with 1,000,000 contacts")
    arguments = parser.parse_args(argv)
    figures = [*_started(), *_loaded(arguments.rows, arguments.seconds)]
    if arguments.million:
        figures += _million()
    for figure in figures:
        print(figure.line())
    return int(not all(figure.good for figure in figures))


def _started() -> Iterator[Figure]:
    begun = time.perf_counter()
    with _emulator() as target:
        httpx.get(f"{target.url}/services/data").raise_for_status()
        taken, used = time.perf_counter() - begun, target.seconds()
    yield Figure("start, until the first answer", used, START, "s", True, f"{taken:.2f} s on the clock")


def _loaded(rows: int, seconds: int) -> Iterator[Figure]:
    with _emulator() as target, target.client() as client:
        yield from _ingested(target, client, rows)
        yield from _paged(target, client)
        yield from _queried(target, client, rows)
        contact = client.get("/query", params={"q": "SELECT Id FROM Contact LIMIT 1"}).json()["records"][0]["Id"]
        statement = quote(f"SELECT Id, LastName, Email FROM Contact WHERE Id = '{contact}'")
        yield _called("read a record", target, f"/sobjects/Contact/{contact}?fields=Id,LastName", seconds)
        yield _called("query by id", target, f"/query?q={statement}", seconds)


def _csv(rows: int) -> Iterator[str]:
    names = (
        "LastName",
        "FirstName",
        "Email",
        "Phone",
        "MailingStreet",
        "MailingCity",
        "MailingPostalCode",
        "Birthdate",
    )
    for start in range(0, rows, UPLOAD):
        lines = [",".join(names)]
        for number in range(start, min(rows, start + UPLOAD)):
            place = f"{number} Main Street,Springfield,{number % 100_000:05}"
            lines.append(
                f"Name{number % 9973},First{number % 313},p{number}@example.org,(555) 010-{number % 10_000:04},{place},"
                f"19{number % 90 + 10}-01-02"
            )
        yield "\n".join(lines) + "\n"


def _ingested(target: Target, client: httpx.Client, rows: int) -> Iterator[Figure]:
    """Upload contacts, while another caller asks small things all the time."""
    jobs = [_upload(client, content) for content in _csv(rows)]
    with _asking(target) as waits:
        begun, used = time.perf_counter(), target.seconds()
        for job in jobs:
            while client.get(f"/jobs/ingest/{job}").json()["state"] != "JobComplete":
                pass
        taken, used = time.perf_counter() - begun, target.seconds() - used
    note = f"{rows / taken:,.0f} a second on the clock"
    yield Figure("Bulk ingest", rows / used, INGESTED, "rows/s", note=note)
    yield _waited("longest wait of others during ingest", waits)


def _upload(client: httpx.Client, content: str) -> str:
    job = str(client.post("/jobs/ingest", json={"object": "Contact", "operation": "insert"}).json()["id"])
    put = client.put(f"/jobs/ingest/{job}/batches", content=content, headers={"Content-Type": "text/csv"})
    put.raise_for_status()
    client.patch(f"/jobs/ingest/{job}", json={"state": "UploadComplete"}).raise_for_status()
    return job


@contextmanager
def _asking(target: Target) -> Iterator[list[float]]:
    """Ask for the limits again and again from another thread, and note how long each answer took."""
    waits, stop = list[float](), threading.Event()

    def ask() -> None:
        with target.client() as client:
            while not stop.wait(0.02):
                begun = time.perf_counter()
                client.get("/limits").raise_for_status()
                waits.append(time.perf_counter() - begun)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield waits
    finally:
        stop.set()
        thread.join()


def _waited(name: str, waits: list[float]) -> Figure:
    note = f"median {statistics.median(waits) * 1e3:.0f} ms of {len(waits)}"
    return Figure(name, max(waits), WAIT, "s", True, note)


def _statement(client: httpx.Client) -> str:
    fields = [one for one in client.get("/sobjects/Contact/describe").json()["fields"] if one["type"] != "address"]
    return f"SELECT {', '.join(one['name'] for one in fields[:FIELDS])} FROM Contact"


def _paged(target: Target, client: httpx.Client) -> Iterator[Figure]:
    statement = _statement(client)

    def first(headers: dict[str, str]) -> None:
        answer = client.get("/query", params={"q": statement}, headers=headers)
        assert len(answer.json()["records"]) == 2_000

    for name, headers in (("plain", {}), ("gzip", {"Accept-Encoding": "gzip"})):
        clock, used = _repeated(target, lambda headers=headers: first(headers))  # type: ignore[misc]
        note = f"{clock * 1e3:.0f} ms on the clock"
        yield Figure(f"first page of a scan, {FIELDS} fields, {name}", used * 1e3, PAGE_MS, "ms", True, note)


def _repeated(target: Target, work: Callable[[], None], times: int = 20) -> tuple[float, float]:
    """Return the seconds of one of many repetitions: on the clock (median), and of the emulator's processor time."""
    work()
    clock, used = list[float](), target.seconds()
    for _ in range(times):
        begun = time.perf_counter()
        work()
        clock.append(time.perf_counter() - begun)
    return statistics.median(clock), (target.seconds() - used) / times


def _queried(target: Target, client: httpx.Client, rows: int) -> Iterator[Figure]:
    """Read all contacts by a Bulk query, while another caller asks small things all the time."""
    job = client.post("/jobs/query", json={"operation": "query", "query": _statement(client)}).json()["id"]
    with _asking(target) as waits:
        begun, used = time.perf_counter(), target.seconds()
        while client.get(f"/jobs/query/{job}").json()["state"] != "JobComplete":
            pass
        found, locator = 0, ""
        while locator != "null":
            answer = client.get(f"/jobs/query/{job}/results", params={"locator": locator} if locator else {})
            found += int(answer.headers["Sforce-NumberOfRecords"])
            locator = answer.headers["Sforce-Locator"]
        taken, used = time.perf_counter() - begun, target.seconds() - used
    assert found >= rows
    note = f"{found / taken:,.0f} a second on the clock, {FIELDS} fields"
    yield Figure("Bulk query", found / used, QUERIED, "rows/s", note=note)
    yield _waited("longest wait of others during query", waits)


def _called(name: str, target: Target, path: str, seconds: int) -> Figure:
    used, begun = target.seconds(), time.perf_counter()
    load, count = _wrk(target, path, seconds) if shutil.which("wrk") else _own_load(target, path, seconds)
    used, taken = target.seconds() - used, time.perf_counter() - begun
    note = f"{count / taken:,.0f} a second on the clock, by {load}"
    return Figure(f"simple calls: {name}", count / used, CALLS, "calls/s", note=note)


def _wrk(target: Target, path: str, seconds: int) -> tuple[str, int]:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", f"Authorization: Bearer {target.token}"]
    out = subprocess.run([*command, f"{target.url}{ROOT}{path}"], check=True, capture_output=True, text=True).stdout
    counted = re.search(r"(\d+) requests in", out)
    assert counted is not None, out
    assert "Non-2xx" not in out, out
    return "wrk", int(counted.group(1))


def _own_load(target: Target, path: str, seconds: int) -> tuple[str, int]:
    return "own client", asyncio.run(_load(target, path, time.perf_counter() + seconds))


async def _load(target: Target, path: str, until: float) -> int:
    where = urlsplit(target.url)
    request = (
        f"GET {ROOT}{path} HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {target.token}\r\n\r\n".encode()
    )

    async def connection() -> int:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        count = 0
        while time.perf_counter() < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            assert length is not None
            await reader.readexactly(int(length.group(1)))
            count += 1
        writer.close()
        return count

    return sum(await asyncio.gather(*(connection() for _ in range(CONNECTIONS))))


#: Fills a kept org: some contacts under all rules, then copies of them with ids of their own.
_FILL = """
import sys
from hintsync_emulators.salesforce import Org
org = Org(seed=1, token="00D000000000001!bench", database=sys.argv[1])
people = [
    {"LastName": f"Name{n}", "FirstName": f"First{n % 313}", "Email": f"p{n}@example.org", "Phone": "(555) 010-0000",
     "MailingStreet": f"{n} Main Street", "MailingCity": "Springfield", "MailingPostalCode": "01101",
     "Birthdate": "1980-01-02"}
    for n in range(10_000)
]
org.insert_many("Contact", people)
columns = [f'"{one.name}"' for one in org.definition("Contact").fields.values() if one.is_stored and not one.formula]
rest = ", ".join(columns[1:])
org.storage._db.create_function("fresh", 1, lambda old: org.ids.next("003"))
for _ in range(int(sys.argv[2]) // 10_000 - 1):
    with org.storage.transaction():
        org.storage.rows(f'INSERT INTO Contact ("Id", {rest}) SELECT fresh(Id), {rest} FROM Contact WHERE _row <= 10000')
org.close()
"""


def _million(rows: int = 1_000_000) -> Iterator[Figure]:
    """Serve a million contacts from SQLite, read a page, count, search and look through all of them."""
    kept = Path(os.environ.get("TMPDIR", "/tmp")) / f"bench-emulators-{os.getpid()}.db"
    try:
        subprocess.run([sys.executable, "-c", _FILL, str(kept), str(rows)], check=True)
        with _emulator("--keep", str(kept), "--token", "00D000000000001!bench") as target, target.client() as client:
            for statement in (
                _statement(client),
                "SELECT COUNT() FROM Contact WHERE Email LIKE 'p99%'",
                "SELECT Id FROM Contact ORDER BY SystemModstamp, Id",
            ):
                assert client.get("/query", params={"q": statement}).json()["totalSize"] > 0
            list(_queried(target, client, rows))
            note = f"{kept.stat().st_size / 2**20:,.0f} MB on disk"
            yield Figure(f"memory with {rows:,} contacts", target.megabytes(), MEGABYTES, "MB", True, note)
    finally:
        for path in kept.parent.glob(f"{kept.name}*"):
            path.unlink()
