"""A burst of webhooks, with the process killed in the middle: how fast it answers, that nothing is lost, what it costs."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from bench.live.office import Call
from bench.live.service import Site, served, until
from hintsync.core.values import Side

#: Bars: webhooks a second, seconds of the slowest of a hundred, remote calls a changed patient, Salesforce calls a contact.
RATE, P99, CALLS, ORG_CALLS, ECHOES = 500.0, 0.050, 1.2, 0.1, 0.99
#: Connections of the load generator.
SENDERS = 16
MARK = "Burst-"


@dataclass(frozen=True, slots=True)
class Sent:
    """What the load generator saw until the receiver died or all was sent."""

    answered: int
    seconds: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Burst:
    """The figures of a burst."""

    events: int
    changed: int
    parts: tuple[Sent, ...]
    #: Changed patients whose contacts do not show the change in the end.
    lost: int
    #: Seconds from the last answer until nothing waited.
    drain: float
    hint_calls: int
    org_calls: int
    #: Contacts that were written more than once, and patients that were written at all.
    rewritten: int
    written_back: int
    #: Change events that told of our own writes: all, and those that were not recognised without a call.
    own: int
    unrecognised: int

    @property
    def rate(self) -> float:
        """Webhooks answered a second while the receiver lived."""
        return sum(part.answered for part in self.parts) / sum(part.seconds for part in self.parts)

    @property
    def p99(self) -> float:
        """The slower of both parts."""
        return max(part.p99 for part in self.parts)

    @property
    def echo_share(self) -> float:
        """Part of the echoes that cost no call."""
        return 1 - self.unrecognised / max(self.own, 1)

    def told(self) -> list[str]:
        """Say it in lines."""
        calls = (self.hint_calls + self.org_calls) / self.changed
        p50 = max(part.p50 for part in self.parts) * 1000
        p99 = " and ".join(f"{part.p99 * 1000:.1f}" for part in self.parts)
        return [
            f"{self.events:,} webhooks of {self.changed:,} patients: {self.rate:,.0f} a second, p50 {p50:.1f} ms, "
            f"p99 {p99} ms before and after kill -9, {self.lost} lost over it",
            f"drained in {self.drain:.1f} s with {calls:.3f} remote calls a changed patient "
            f"({self.org_calls / self.changed:.3f} to Salesforce)",
            f"{self.own:,} echoes, {self.echo_share:.2%} without a call; {self.rewritten} contacts written again, "
            f"{self.written_back} patients written",
        ]

    @property
    def reaches_bars(self) -> bool:
        """Whether everything is as wanted."""
        calls = (self.hint_calls + self.org_calls) / self.changed
        fast = self.rate >= RATE and self.p99 <= P99
        cheap = calls <= CALLS and self.org_calls / self.changed <= ORG_CALLS and self.echo_share >= ECHOES
        return fast and cheap and not (self.lost or self.rewritten or self.written_back)


def burst(site: Site, pairs: Sequence[tuple[str, str]], *, events: int, each: int = 2) -> Burst:
    """Change some patients while nobody listens, then send the webhooks; kill the receiver in the middle."""
    site.limit(20)
    site.configure(hint_requests_per_second=18)
    changed = list(pairs)[: events // each]
    site.hint.control("DELETE", "/outbox")
    bodies = [_body(site, patient, number) for number, (_, patient) in enumerate(changed)]
    site.hint.control("DELETE", "/outbox")
    folder = site.folder / "burst"
    folder.mkdir()
    key = site.hint.facts["signing_key"].encode()
    lines = [
        _signed(key, {**body, "id": f"evt-{turn}-{n:08}"}) for turn in range(each) for n, body in enumerate(bodies)
    ]
    with ExitStack() as stack:
        # The worker is the same process, as with `hintsync serve`; it starts on the first webhooks while others come.
        first = stack.enter_context(served(site))
        time.sleep(3)
        before = site.hint.count(), site.org.count()
        site.hint.control("DELETE", "/outbox")
        sending = _start(folder, "one", first.url, lines)
        assert sending.stdout is not None
        sending.stdout.readline()  # half of them are answered
        first.kill()
        part, answered = _wait(sending)
    unanswered = [line for number, line in enumerate(lines) if number not in answered]
    with served(site, port=urlsplit(first.url).port or 0) as second:
        sent = part, _wait(_start(folder, "two", second.url, unanswered))[0]
        began = time.monotonic()
        until(lambda: site.waiting() == 0, seconds=1800, look=1.0)
        drain = time.monotonic() - began
        time.sleep(5)  # the last echoes
        until(lambda: site.waiting() == 0, seconds=600, look=1.0)
        unrecognised = second.notices(Side.SALESFORCE, "marked")
        own = unrecognised + second.notices(Side.SALESFORCE, "echo")
        calls = site.hint.calls(before[0]), site.org.calls(before[1])
    return _summed(len(lines), changed, sent, drain, *calls, own=own, unrecognised=unrecognised)


def _summed(
    events: int,
    changed: Sequence[tuple[str, str]],
    sent: tuple[Sent, ...],
    drain: float,
    hint: Sequence[Call],
    org: Sequence[Call],
    *,
    own: int,
    unrecognised: int,
) -> Burst:
    written = Counter[str]()
    for call in org:
        if call.is_write and call.status < 300:
            for word in call.body.split(MARK)[1:]:
                written[word[:6]] += 1
    lost = len(changed) - len(written)
    return Burst(
        events,
        len(changed),
        sent,
        lost,
        drain,
        sum(not call.is_login and "webhook" not in call.target for call in hint),
        sum(not call.is_login for call in org),
        sum(times > 1 for times in written.values()),
        sum(call.is_write and "/patients" in call.target for call in hint),
        own,
        unrecognised,
    )


def _body(site: Site, patient_id: str, number: int) -> dict[str, object]:
    shown = site.hint.control("PATCH", f"/patients/{patient_id}", {"address_city": f"{MARK}{number:06}"})
    return {"type": "patient.updated", "practice_id": site.hint.facts["practice_id"], "object": shown}


def _signed(key: bytes, event: dict[str, object]) -> bytes:
    body = orjson.dumps(event)
    return hmac.new(key, body, hashlib.sha256).hexdigest().encode() + b" " + body


def _start(folder: Path, name: str, url: str, lines: Sequence[bytes]) -> subprocess.Popen[bytes]:
    path = folder / name
    path.write_bytes(b"\n".join(lines))
    command = [sys.executable, "-m", "bench.live.burst", str(path), url]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def _wait(process: subprocess.Popen[bytes]) -> tuple[Sent, frozenset[int]]:
    """Return what a load came to, and the numbers of the webhooks that were answered."""
    out, _ = process.communicate()
    told = orjson.loads(out.splitlines()[-1])
    return Sent(*told["sent"]), frozenset(told["answered"])


class Load:
    """Sends the signed bodies of a file as fast as answers come back, until the receiver is gone."""

    def __init__(self, path: Path, url: str) -> None:
        """Read the file."""
        self._parts = urlsplit(url)
        self._lines = path.read_bytes().split(b"\n")
        self._todo = iter(enumerate(self._lines))
        self._answered: list[int] = []
        self._waits: list[float] = []

    async def run(self) -> dict[str, object]:
        """Send; return the figures, and the numbers of what was answered."""
        began = time.perf_counter()
        await asyncio.gather(*(self._send() for _ in range(SENDERS)))
        took = time.perf_counter() - began
        waits = sorted(self._waits)
        figures = (len(waits), took, waits[len(waits) // 2], waits[int(len(waits) * 0.99)])
        return {"sent": figures, "answered": self._answered}

    async def _send(self) -> None:
        try:
            reader, writer = await asyncio.open_connection(self._parts.hostname, self._parts.port)
            for number, line in self._todo:
                began = time.perf_counter()
                writer.write(self._request(line))
                if b" 200 " not in await _status(reader):
                    raise RuntimeError("a webhook was not taken")
                self._waits.append(time.perf_counter() - began)
                self._answered.append(number)
                if len(self._waits) == len(self._lines) // 2:
                    sys.stdout.write("half\n")
                    sys.stdout.flush()
            writer.close()
        except (OSError, EOFError):
            pass  # the receiver is gone; what was not answered is sent again later

    def _request(self, line: bytes) -> bytes:
        signature, _, body = line.partition(b" ")
        head = (
            f"POST /webhooks/hint HTTP/1.1\r\nHost: {self._parts.netloc}\r\nContent-Type: application/json\r\n"
            f"X-Hint-Signature: sha256={signature.decode()}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def _status(reader: asyncio.StreamReader) -> bytes:
    status, length = await reader.readline(), 0
    if not status:
        raise EOFError
    while (header := await reader.readline()) not in (b"\r\n", b""):
        if header.lower().startswith(b"content-length:"):
            length = int(header.split(b":")[1])
    await reader.readexactly(length)
    return status


if __name__ == "__main__":
    found = asyncio.run(Load(Path(sys.argv[1]), sys.argv[2]).run())
    sys.stdout.write(orjson.dumps(found).decode() + "\n")
