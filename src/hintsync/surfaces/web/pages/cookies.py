"""Cookies of ours: what they are called, and how they are set and taken away, always in the same terms.

A browser takes a cookie away only in terms that it would also set it in. One whose name begins with `__Host-` it ignores
without `Secure` and the path `/`, be it to set or to take away.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

_COOKIE = "hintsync"


def cookie_name(base: str, name: str) -> str:
    """Return the name of a cookie of ours at an address; with https one that only this host can set, over TLS."""
    prefix = "__Host-" if _is_https(base) else ""
    return f"{prefix}{_COOKIE}-{quote(name, safe='')}"


def keep_cookie(answer: Response, base: str, name: str, value: str, seconds: int | None) -> None:
    """Let a browser keep something for us.

    Args:
        answer: goes to the browser.
        base: our own address.
        name: of the cookie, without what `cookie_name` puts before it.
        value: sealed, or a token.
        seconds: how long; None: until the browser is closed.
    """
    answer.set_cookie(
        cookie_name(base, name),
        value,
        max_age=seconds,
        path="/",
        secure=_is_https(base),
        httponly=True,
        samesite="lax",  # the way back from Salesforce is from another site
    )


def drop_cookie(answer: Response, base: str, name: str) -> None:
    """Let a browser forget what `keep_cookie` let it keep."""
    answer.delete_cookie(cookie_name(base, name), path="/", secure=_is_https(base), httponly=True, samesite="lax")


def _is_https(base: str) -> bool:
    return base.startswith("https://")
