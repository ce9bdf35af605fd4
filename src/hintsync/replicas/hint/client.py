"""Makes one request to Hint's REST API and means it: credential, pace, budget, repetition, classes of failure.

Requests go straight to an httpx transport, because `httpx.AsyncClient` costs as much again per request for redirects,
cookies and hooks that this API does not use (docs/decisions/0061).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import httpx
import orjson

from hintsync.core.errors import FixConfiguration, HintsyncError, RetryLater
from hintsync.core.limits import DayBudget
from hintsync.core.values import Side
from hintsync.ports import Clock
from hintsync.replicas.hint.budget import PER_DAY, Book, DailyBudget
from hintsync.replicas.hint.errors import Rejection, failure, no_answer, rejection
from hintsync.replicas.retrying import Backoff, Retrying
from hintsync.replicas.shared_pace import Limiter, SharedThrottle, Turns
from hintsync.replicas.throttled import Throttle

LIVE_URL = "https://api.hint.com"

#: Requests a second and partner. Hint documents 20 today and has changed the figure before; other tenants share it.
PER_SECOND = 8.0

#: Name of the schedule that all workers of a partner share.
SCHEDULE = "hint"

#: Seconds nothing is sent after a 429; Hint counts by the second.
_PAUSE_AFTER_429 = 1.0
#: Seconds nothing is sent after a 403 that is a block by Hint's anomaly detection.
_PAUSE_AFTER_403 = 15.0

#: Names and values of a query, in order.
Query = Sequence[tuple[str, str]]


@dataclass(slots=True)
class Pace:
    """What all clients of one partner account share: Hint counts their requests together."""

    clock: Clock
    throttle: Limiter
    budget: DailyBudget
    retrying: Retrying

    @classmethod
    def of(
        cls,
        clock: Clock,
        *,
        per_second: float | None = PER_SECOND,
        per_day: int | None = None,
        reserve_share: float = 0.1,
        backoff: Backoff | None = None,
        book: Book | None = None,
        turns: Turns | None = None,
    ) -> Pace:
        """Build the usual pace.

        Args:
            clock: measures and waits.
            per_second: requests a second; `None` lifts the limit (benches only).
            per_day: requests a day; Hint's published figure if not given.
            reserve_share: part of the day's requests that batches leave for live work, 0 to 1.
            backoff: how often and after which pauses requests are repeated.
            book: where all workers add up the day's requests; this process is alone without it.
            turns: where all workers take their turns; this process is alone without it.
        """
        budget = DailyBudget(clock, PER_DAY if per_day is None else per_day, reserve_share=reserve_share, book=book)
        throttle: Limiter = Throttle(clock, per_second=per_second)
        if turns is not None and per_second is not None:
            throttle = SharedThrottle(turns, clock, SCHEDULE, per_second=per_second)
        return cls(clock, throttle, budget, Retrying(clock, backoff))


@dataclass(frozen=True, slots=True)
class Answer:
    """A success."""

    body: bytes
    #: X-Total-Count: records that match a list request in all; `None` where it did not come.
    total: int | None
    #: Seconds on the monotonic clock when the request that was answered was sent.
    sent_at: float

    def json(self) -> object:
        """Return the parsed body.

        Raises:
            RetryLater: it is no JSON (a proxy's page, a cut-off answer).
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise RetryLater(Side.HINT, "the answer is not JSON") from None

    def record(self) -> dict[str, object]:
        """Return the body, which must be one object."""
        parsed = self.json()
        if not isinstance(parsed, dict):
            raise RetryLater(Side.HINT, "the answer is not a JSON object")
        return parsed

    def rows(self) -> list[dict[str, object]]:
        """Return the body, which must be a list of objects."""
        parsed = self.json()
        if not isinstance(parsed, list) or not all(isinstance(row, dict) for row in parsed):
            raise RetryLater(Side.HINT, "the answer is not a JSON list of objects")
        return parsed


class HintClient:
    """Speaks to Hint with one credential: a practice token, or the partner key."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        token: str,
        pace: Pace,
        *,
        base_url: str = LIVE_URL,
        timeout: float = 30.0,
        extra_headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Prepare the client; nothing is sent.

        Args:
            transport: sends the requests; closed by its owner.
            token: practice access token, or partner key for partner routes.
            pace: shared by all clients of the partner account.
            base_url: scheme and host; `https://api.hint.com` for live and sandbox alike, the key picks the environment.
            timeout: seconds for each of connecting, writing, reading, and as much again for the whole.
            extra_headers: sent with every request.

        Raises:
            FixConfiguration: the token cannot be one: it is empty or holds white space or other than plain letters.
        """
        if not token.isascii() or not token.isprintable() or " " in token or not token:
            raise FixConfiguration("hint: the token or key holds characters that none has; enter it again")
        self._transport = transport
        self._pace = pace
        self._base = httpx.URL(base_url.rstrip("/"))
        self._timeout = 2 * timeout
        self._extensions = {"timeout": httpx.Timeout(timeout).as_dict()}
        self._headers = [
            (b"host", self._base.netloc),
            (b"authorization", f"Bearer {token}".encode("ascii")),
            (b"accept", b"application/json"),
            (b"accept-encoding", b"gzip"),
            (b"user-agent", b"hintsync"),
            *((name.encode("ascii"), value.encode("ascii")) for name, value in extra_headers),
        ]
        self._worked = False
        #: Requests sent, repetitions included.
        self.calls = 0

    @property
    def clock(self) -> Clock:
        """The clock that answers are stamped by."""
        return self._pace.clock

    @property
    def budget(self) -> DayBudget:
        """The day's requests of the partner account."""
        return self._pace.budget.today

    async def get(
        self, path: str, query: Query = (), *, gate: AbstractAsyncContextManager[object] | None = None
    ) -> Answer | Rejection:
        """Read, as often as it takes.

        Args:
            path: from the root, ids quoted (`record_path`).
            query: parameters in order.
            gate: held during each attempt, not during the pauses between them; for reads that Hint limits apart.

        Raises:
            RetryLater: rate limit, server trouble or no network, after all attempts.
            ReconnectNeeded: the token was refused.
            FixConfiguration: the credential or the base URL cannot be right.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        return await self._pace.retrying.run(lambda: self._attempt("GET", target, None, gate), repeatable=True)

    async def patch(self, path: str, body: dict[str, object]) -> Answer | Rejection:
        """Change fields of a record; made again if the reply was lost, since the same PATCH twice is one.

        Raises:
            UnknownOutcome: no attempt was answered; it may have been carried out.
            RetryLater, ReconnectNeeded, FixConfiguration: as for `get`; it was not carried out.
        """
        raw = orjson.dumps(body)
        return await self._pace.retrying.run(lambda: self._attempt("PATCH", path, raw), repeatable=True)

    async def post(self, path: str, body: dict[str, object] | None = None) -> Answer | Rejection:
        """Create or do something once; never made again after a lost reply.

        Raises:
            UnknownOutcome: the reply was lost; it may have been carried out.
            RetryLater, ReconnectNeeded, FixConfiguration: as for `get`; it was not carried out.
        """
        raw = None if body is None else orjson.dumps(body)
        return await self._pace.retrying.run(lambda: self._attempt("POST", path, raw), repeatable=False)

    async def delete(self, path: str) -> Answer | Rejection:
        """Remove something that is no person; made again if the reply was lost, for a second time finds nothing (404).

        Raises:
            UnknownOutcome, RetryLater, ReconnectNeeded, FixConfiguration: as for `patch`.
        """
        return await self._pace.retrying.run(lambda: self._attempt("DELETE", path, None), repeatable=True)

    async def _attempt(
        self, method: str, target: str, body: bytes | None, gate: AbstractAsyncContextManager[object] | None = None
    ) -> Answer | Rejection:
        async with gate or nullcontext(), self._pace.throttle.slot():
            await self._pace.budget.take()
            self.calls += 1
            sent_at = self.clock.monotonic()
            response, content = await self._exchange(method, target, body)
        return self._judge(method, target, response, content, sent_at)

    async def _exchange(self, method: str, target: str, body: bytes | None) -> tuple[httpx.Response, bytes]:
        request = self._request(method, target, body)
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._transport.handle_async_request(request)
                try:
                    return response, await response.aread()
                finally:
                    await response.aclose()
        except TimeoutError:
            raise no_answer(httpx.ReadTimeout(""), _what(method, target), writes=method != "GET") from None
        except httpx.HTTPError as error:
            # The cause is left out: an httpx error carries the request, and with it the body.
            raise no_answer(error, _what(method, target), writes=method != "GET") from None

    def _request(self, method: str, target: str, body: bytes | None) -> httpx.Request:
        headers = self._headers
        if body is not None:
            headers = [*headers, (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        elif method != "GET":
            headers = [*headers, (b"content-length", b"0")]
        url = self._base.copy_with(raw_path=target.encode("ascii"))
        return httpx.Request(
            method, url, headers=headers, stream=httpx.ByteStream(body or b""), extensions=self._extensions
        )

    def _judge(
        self, method: str, target: str, response: httpx.Response, content: bytes, sent_at: float
    ) -> Answer | Rejection:
        status = response.status_code
        if 200 <= status < 300:
            self._worked = True
            total = response.headers.get("x-total-count")
            return Answer(content, int(total) if total and total.isdigit() else None, sent_at)
        if status in (400, 404, 422):
            self._worked = True
            return rejection(status, content)
        raise self._failure(method, target, response)

    def _failure(self, method: str, target: str, response: httpx.Response) -> HintsyncError:
        error = failure(
            response.status_code,
            response.headers.get("retry-after"),
            _what(method, target),
            writes=method != "GET",
            worked_before=self._worked,
        )
        if isinstance(error, RetryLater) and response.status_code in (403, 429):
            pause = _PAUSE_AFTER_429 if response.status_code == 429 else _PAUSE_AFTER_403
            self._pace.throttle.hold_off(error.after or pause)
        return error


def record_path(collection: str, record_id: str) -> str:
    """Return the path of one record; the id may be any text (our key serves as one), so it is quoted."""
    return f"{collection}/{quote(record_id, safe='')}"


def _what(method: str, target: str) -> str:
    """Name a request for an error: method and collection, no ids, no parameters (a filter's value is a person's data)."""
    parts = target.partition("?")[0].split("/")
    return f"{method} {'/'.join(parts[:4])}"


def expect(answer: Answer | Rejection, what: str) -> Answer:
    """Return the answer to a request that Hint has no reason to reject, such as a list.

    Raises:
        FixConfiguration: Hint rejected it all the same, so this is not the API we know.
    """
    if isinstance(answer, Rejection):
        raise FixConfiguration(f"hint: {what} was rejected with {answer.status}; check the base URL")
    return answer
