"""One org's REST endpoint: makes a request and means it. Sessions, repeats, limits and failures are dealt with here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import httpx
import orjson

from hintsync.core.errors import BudgetSpent, HintsyncError, ReconnectNeeded, RetryLater, UnknownOutcome
from hintsync.core.values import Side
from hintsync.ports import Clock
from hintsync.replicas.http_logs import hush_request_lines
from hintsync.replicas.retrying import Retrying
from hintsync.replicas.salesforce.auth import Authenticator, Grant, Session
from hintsync.replicas.salesforce.budget import Budget
from hintsync.replicas.salesforce.errors import Rejected, VendorError, read_errors, session_expired, whole_error
from hintsync.replicas.throttled import Throttle

API_VERSION = "67.0"

#: One record as Salesforce sent it: API names to JSON values. `Any`, because only the codec knows the fields' types.
Row: TypeAlias = dict[str, Any]

#: Requests that run at a time. Salesforce counts only those above 20 seconds (25 of them), so this spares our side.
CONCURRENCY = 10
#: Salesforce ends a REST request after ten minutes; nothing of ours takes long.
TIMEOUT = httpx.Timeout(120.0, connect=15.0)

#: Names us in change events (`changeOrigin`), which is a hint to people, never to the engine.
_CALL_OPTIONS = "client=hintsync"

#: Fault code of a session that is over, in the Metadata API's answers.
_SOAP_EXPIRED = b"INVALID_SESSION_ID"

#: Failures before a single byte of the request was sent.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Request:
    """A request to be made, possibly several times."""

    method: str
    #: Below `/services/data/vXX.X/`, or from the root if it begins with a slash; query included.
    path: str
    #: What it does, in our words, for messages; without anybody's data.
    what: str
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Carrying it out twice would do harm: never repeated once its reply is lost.
    once: bool = False
    #: The good answer's body is CSV or nothing, not JSON.
    plain: bool = False
    #: Writes one record: a lock is told about that record (`Rejected`), not about the side.
    one_record: bool = False

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, so that a lost reply leaves no doubt."""
        return self.method == "GET"


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    #: Seconds on the monotonic clock when the request was sent.
    sent_at: float
    #: The body, parsed, if it was to be JSON and there is one; its shape is for the caller to check.
    data: Any = field(default=None, repr=False)


def open_http() -> httpx.AsyncClient:
    """Open the HTTP connections of a client, with its time-outs; compressed answers are asked for by default."""
    limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    return httpx.AsyncClient(timeout=TIMEOUT, limits=limits)


class SalesforceClient:
    """Sends requests to one org; knows nothing of contacts.

    Attributes:
        calls: requests sent so far, repeats included, token requests not (Salesforce does not count them either).
        budget: the org's daily requests as the last answer told them.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        grant: Grant,
        clock: Clock,
        *,
        api_version: str = API_VERSION,
        throttle: Throttle | None = None,
        retrying: Retrying | None = None,
        budget: Budget | None = None,
    ) -> None:
        """Put the client together; nothing is sent yet.

        Args:
            http: connections (`open_http`), closed by `aclose`; tests give one with a transport in process.
            grant: how to get an access token.
            clock: measures and waits.
            api_version: such as `67.0`; Bulk results must be fetched with the version that made the job.
            throttle: limits requests; `CONCURRENCY` at a time by default.
            retrying: repeats after passing trouble.
            budget: keeps the reserve of the day's calls.
        """
        hush_request_lines()
        self._http = http
        self._auth = Authenticator(http, grant)
        self._clock = clock
        self._root = f"/services/data/v{api_version}/"
        self._throttle = throttle or Throttle(clock, concurrency=CONCURRENCY)
        self._retrying = retrying or Retrying(clock)
        self.budget = budget or Budget(clock)
        self.calls = 0

    @property
    def at_once(self) -> int | None:
        """Requests that may run at a time; `None` if that is not limited."""
        return self._throttle.concurrency

    @property
    def sessions(self) -> Authenticator:
        """The org's session, shared with whatever else speaks to it."""
        return self._auth

    def address(self, path: str) -> str:
        """Return the path of a resource from the root, as parts of a composite request name it."""
        return path if path.startswith("/") else self._root + path

    async def get(self, path: str, what: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Read something."""
        return await self.send(Request("GET", path, what, headers=headers or {}))

    async def send_json(
        self,
        method: str,
        path: str,
        what: str,
        content: object,
        *,
        once: bool = False,
        one_record: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a JSON body; see `Request` for `once` and `one_record`."""
        typed = {"Content-Type": "application/json", **(headers or {})}
        body = orjson.dumps(content)
        return await self.send(Request(method, path, what, body, typed, once, one_record=one_record))

    async def send(self, request: Request) -> Reply:
        """Send a request, again after passing trouble, and return its good answer (2xx).

        Raises:
            RetryLater: passing trouble outlasted the repeats; the request was surely not carried out, or only reads.
            BudgetSpent: the org's daily requests are used up.
            UnknownOutcome: the reply to a write was lost; at once for `Request.once`, else after the repeats.
            ReconnectNeeded: the credential was refused.
            Rejected: any other 3xx or 4xx.
        """
        return await self._retrying.run(lambda: self._attempt(request), repeatable=not request.once)

    async def send_soap(self, path: str, what: str, message: Callable[[str], bytes]) -> bytes:
        """Send a SOAP message that may be repeated, and return the answer's envelope; a fault other than an expired session is one.

        Args:
            path: from the root, such as `/services/Soap/m/67.0`.
            what: what it does, in our words.
            message: makes the envelope, for an access token: SOAP carries it inside.

        Raises:
            RetryLater: passing trouble outlasted the repeats.
            ReconnectNeeded: the credential was refused.
        """
        return await self._retrying.run(lambda: self._attempt_soap(path, what, message), repeatable=True)

    async def _attempt_soap(self, path: str, what: str, message: Callable[[str], bytes]) -> bytes:
        def request(session: Session) -> Request:
            headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
            return Request("POST", path, what, message(session.access_token), headers, plain=True)

        session = await self._auth.session()
        reply = await self._exchange(session, request(session))
        if _SOAP_EXPIRED in reply.body and reply.status == 500:
            session = await self._auth.renewed(session)
            reply = await self._exchange(session, request(session))
            if _SOAP_EXPIRED in reply.body and reply.status == 500:
                raise ReconnectNeeded(Side.SALESFORCE, "a new access token was refused too")
        if reply.status not in (200, 500) or b"Envelope" not in reply.body:
            raise RetryLater(Side.SALESFORCE, f"{what}: HTTP {reply.status}")
        return reply.body

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _attempt(self, request: Request) -> Reply:
        session = await self._auth.session()
        reply = await self._exchange(session, request)
        errors = _errors(reply)
        if session_expired(reply.status, errors):
            reply = await self._exchange(await self._auth.renewed(session), request)
            errors = _errors(reply)
            if session_expired(reply.status, errors):
                raise ReconnectNeeded(Side.SALESFORCE, "a new access token was refused too")
        if reply.status >= 300:
            raise self._failure(request, reply, errors)
        return _parsed(request, reply)

    async def _exchange(self, session: Session, request: Request) -> Reply:
        headers = {
            "Authorization": f"Bearer {session.access_token}",
            "Sforce-Call-Options": _CALL_OPTIONS,
            **request.headers,
        }
        url = session.instance_url + self.address(request.path)
        async with self._throttle.slot():
            self.calls += 1
            sent_at = self._clock.monotonic()
            try:
                response = await self._http.request(request.method, url, content=request.body, headers=headers)
            except httpx.RequestError as failure:
                raise _lost(request, failure) from None
        self.budget.note(response.headers.get("Sforce-Limit-Info"))
        return Reply(response.status_code, response.headers, response.content, sent_at)

    def _failure(self, request: Request, reply: Reply, errors: tuple[VendorError, ...]) -> HintsyncError:
        if reply.status >= 500 and not request.reads and not any(each.transient for each in errors):
            # A gateway's answer, or an internal error: the write may have been carried out behind it.
            return UnknownOutcome(Side.SALESFORCE, request.what)
        if request.one_record and reply.status < 500 and all(each.transient for each in errors):
            return Rejected(request.what, reply.status, errors)
        failure = whole_error(request.what, reply.status, errors, _retry_after(reply))
        if isinstance(failure, RetryLater) and not isinstance(failure, BudgetSpent) and failure.after:
            self._throttle.hold_off(failure.after)
        return failure


def _errors(reply: Reply) -> tuple[VendorError, ...]:
    return read_errors(reply.body, reply.status) if reply.status >= 300 else ()


def _parsed(request: Request, reply: Reply) -> Reply:
    if request.plain or not reply.body:
        return reply
    try:
        return replace(reply, data=orjson.loads(reply.body))
    except orjson.JSONDecodeError as failure:
        raise _lost(request, failure) from None


def _lost(request: Request, failure: Exception) -> HintsyncError:
    """Return what an answer that broke off means: nothing was sent, nothing was lost, or nobody knows."""
    if request.reads or isinstance(failure, _NOT_SENT):
        return RetryLater(Side.SALESFORCE, f"{request.what}: {type(failure).__name__}")
    return UnknownOutcome(Side.SALESFORCE, request.what)


def _retry_after(reply: Reply) -> float | None:
    value = reply.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None
