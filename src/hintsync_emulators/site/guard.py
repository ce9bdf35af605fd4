"""Keeps other web pages from filling in an emulator's forms: a token in each form, tied to a cookie, and the origin."""

import hashlib
import hmac
import re
import secrets
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from hintsync_emulators.site.problem import PageProblem

FIELD = "csrf_token"
_VISITOR = re.compile(r"[0-9a-f]{32}")
_LONGEST_FORM = 1_000_000
_URLENCODED = "application/x-www-form-urlencoded"


class Guard:
    """Guards the forms of one emulator, as long as it runs.

    Args:
        cookie: the cookie's name. Cookies do not tell ports apart: a visitor's mark may be another emulator's, which does
            no harm, since the token is made with a secret of this one.
    """

    def __init__(self, cookie: str) -> None:
        self._cookie = cookie
        self._secret = secrets.token_bytes(32)

    def visitor(self, request: Request) -> tuple[str, bool]:
        """Returns the visitor's mark, and whether it is a new one that the answer has to bring."""
        known = request.cookies.get(self._cookie, "")
        return (known, False) if _VISITOR.fullmatch(known) else (secrets.token_hex(16), True)

    def remember(self, answer: Response, visitor: str) -> None:
        """Gives a visitor his mark."""
        answer.set_cookie(self._cookie, visitor, httponly=True, samesite="lax")

    def token(self, visitor: str) -> str:
        """Returns what the visitor's forms must carry."""
        return hmac.new(self._secret, visitor.encode(), hashlib.sha256).hexdigest()

    async def form(self, request: Request) -> dict[str, str]:
        """Reads a form without its token.

        Raises:
            PageProblem: 403 for another site's form or an old one, 413 and 415 for what is no form of ours.
        """
        origin = request.headers.get("origin")
        if origin is not None and origin != f"{request.scope['scheme']}://{request.headers.get('host')}":
            raise PageProblem(403, "This form was sent from another site.")
        if request.headers.get("content-type", "").partition(";")[0] != _URLENCODED:
            raise PageProblem(415, "This is not a form.")
        values = dict(parse_qsl((await _body(request)).decode("utf-8", "replace"), keep_blank_values=True))
        visitor, _ = self.visitor(request)
        if not hmac.compare_digest(values.pop(FIELD, "").encode(), self.token(visitor).encode()):
            raise PageProblem(403, "This form is out of date. Go back, load the page again and send it once more.")
        return values


async def _body(request: Request) -> bytes:
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > _LONGEST_FORM:
                raise PageProblem(413, "This form is too long.")
    except ClientDisconnect:
        raise PageProblem(400, "The form did not arrive whole.") from None
    return body
