"""A request as handlers see it, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from hintsync_emulators.bounds import is_too_deep, whole
from hintsync_emulators.salesforce.auth import Session
from hintsync_emulators.salesforce.dml.journal import origin_of
from hintsync_emulators.salesforce.dml.writer import Caller
from hintsync_emulators.salesforce.errors import ApiError

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

_UNPARSED = object()


@dataclass(slots=True)
class Answer:
    """What goes back: a JSON value, or bytes of another type, or nothing."""

    status: int = 200
    #: JSON value; ignored when `raw` is given. None sends no body.
    value: object = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str = "application/json;charset=UTF-8"
    #: Work to be done before the answer is whole; it fills in the rest. Between its pieces other calls are answered.
    steps: Iterator[None] | None = None

    def finish(self) -> None:
        """Do all the work that is left, without a pause."""
        for _ in self.steps or ():
            pass
        self.steps = None


@dataclass(slots=True)
class Call:
    """One request, or one part of a composite request."""

    org: Org
    method: str
    #: As sent, without query and without a slash at the end.
    path: str
    params: Mapping[str, str]
    #: Names in small letters.
    headers: Mapping[str, str]
    body: bytes
    #: Scheme and host, e.g. ``http://127.0.0.1:8001``.
    origin: str
    #: Values of the route's placeholders.
    names: Mapping[str, str] = field(default_factory=dict)
    #: API version without the v, e.g. ``64.0``; empty outside /services/data.
    version: str = ""
    session: Session | None = None
    #: Inside a composite request.
    inner: bool = False
    #: Answers a part of this call.
    forward: Callable[[Call], Answer] | None = None
    parsed: object = _UNPARSED

    @property
    def root(self) -> str:
        """Path of the API version."""
        return f"/services/data/v{self.version}"

    def json(self) -> object:
        """Return the body's JSON value.

        Raises:
            ApiError: 415 for another content type, 400 JSON_PARSER_ERROR for a body that is no JSON.
        """
        if self.parsed is _UNPARSED:
            self._check_type()
            try:
                self.parsed = orjson.loads(self.body)
            except ValueError as problem:
                raise ApiError(
                    400, "JSON_PARSER_ERROR", f"Unexpected character or end of input: {_place(problem)}"
                ) from None
            if is_too_deep(self.body, self.parsed):
                raise ApiError(400, "JSON_PARSER_ERROR", "The JSON is nested too deeply")
        return self.parsed

    def object(self) -> dict[str, object]:
        """Return the body, which must be a JSON object."""
        found = self.json()
        if not isinstance(found, dict):
            raise ApiError(400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no object")
        return found

    def _check_type(self) -> None:
        kind = self.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if kind not in ("application/json", "text/json", "") and not self.inner:
            text = f"Content type '{kind}' is not supported by this resource"
            raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", text)

    def caller(self, loose: bool = False) -> Caller:
        """Return who writes, with what the headers ask for."""
        assert self.session is not None
        origin = origin_of("bulkapi" if loose else "rest", self.version, self.client())
        return Caller(self.session.user_id, self._allows_duplicates(), loose, self.version, origin=origin)

    def _allows_duplicates(self) -> bool:
        options = _options(self.headers.get("sforce-duplicate-rule-header", ""))
        return options.get("allowsave", "").lower() == "true"

    def batch_size(self, default: int, least: int) -> int:
        """Return the page size that the caller asks for, within what Salesforce allows."""
        wanted = _options(self.headers.get("sforce-query-options", "")).get("batchsize", "")
        if not wanted:
            return default
        size = whole(wanted)
        if size is None or not least <= size <= default:
            text = f"batchSize must be between {least} and {default}"
            raise ApiError(400, "INVALID_QUERY_OPTIONS_HEADER", text)
        return size

    def client(self) -> str | None:
        """Return the client that Sforce-Call-Options names."""
        return _options(self.headers.get("sforce-call-options", "")).get("client")


def _options(header: str) -> dict[str, str]:
    """Read ``a=b; c=d``; clients join with commas too."""
    pairs = (part.partition("=") for part in header.replace(",", ";").split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


def _place(problem: ValueError) -> str:
    """Return where a JSON error is; the value itself stays out of the text."""
    text = str(problem)
    return text[text.rfind("line") :] if "line" in text else "at [line:1, column:1]"
