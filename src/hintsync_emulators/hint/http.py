"""One call and its answer, without a framework, because a benchmark puts more than a thousand a second through it."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import orjson

from hintsync_emulators.bounds import is_too_deep
from hintsync_emulators.hint.errors import HintError

_JSON = (b"content-type", b"application/json; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as far as it is understood without knowing the route."""

    method: str
    path: str
    #: The raw query string.
    query: str
    #: Names in lower case.
    headers: Mapping[bytes, bytes]
    raw_body: bytes
    #: The variable parts of the path, in order.
    ids: tuple[str, ...]

    def body(self) -> dict[str, object]:
        """Returns the body as an object, whether it came as JSON or as a form; empty if there was none.

        Raises:
            HintError: 400 for a body that is neither.
        """
        if not self.raw_body:
            return {}
        if self.headers.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded"):
            return dict(parse_qsl(self.raw_body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            body = orjson.loads(self.raw_body)
        except ValueError:
            raise HintError(400, "There was a problem in the JSON you submitted") from None
        if not isinstance(body, dict) or is_too_deep(self.raw_body, body):
            raise HintError(400, "There was a problem in the JSON you submitted")
        return body

    def pairs(self) -> list[tuple[str, str]]:
        """Returns the parameters of the query, in order."""
        return parse_qsl(self.query, keep_blank_values=True)

    def credential(self) -> str | None:
        """Returns the key or token: from Bearer, or from the user name of Basic with an empty password."""
        kind, _, rest = self.headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if kind.lower() == "bearer":
            return rest.strip()
        if kind.lower() != "basic":
            return None
        try:
            return base64.b64decode(rest, validate=True).decode().split(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def wire_headers(self) -> list[tuple[bytes, bytes]]:
        if self.status == 204:
            return list(self.headers)
        return [_JSON, (b"content-length", b"%d" % len(self.body)), *self.headers]


def answer(value: object, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    """Returns a 200 with a JSON body; Hint answers 200 to a create as well."""
    return Answer(200, orjson.dumps(value, option=orjson.OPT_UTC_Z), headers)


def refusal(error: HintError) -> Answer:
    return Answer(error.status, orjson.dumps({"status": error.status, "message": error.message}))


NO_CONTENT = Answer(204, b"")
