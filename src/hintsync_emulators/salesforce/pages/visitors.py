"""Who looks at the pages: sessions of browsers, kept by a cookie that no script can read."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from hintsync_emulators.salesforce.web.call import Call

#: Browsers remembered; the one that has been away the longest is forgotten first.
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Seat:
    """One browser that has logged in."""

    user_id: str
    #: Comes back with each form of the pages; other sites cannot know it.
    csrf: str


@dataclass
class Visitors:
    """The browsers that are logged in; they outlive snapshots and end with the process."""

    seats: OrderedDict[str, Seat] = field(default_factory=OrderedDict)
    #: Stands in forms for people who have not logged in.
    door: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def sit(self, user_id: str) -> tuple[str, Seat]:
        """Log a browser in; return what its cookie holds, and its seat."""
        token, seat = secrets.token_urlsafe(32), Seat(user_id, secrets.token_urlsafe(24))
        self.seats[token] = seat
        if len(self.seats) > _MOST:
            self.seats.popitem(last=False)
        return token, seat

    def seat(self, call: Call) -> Seat | None:
        """Return the seat of the browser that calls."""
        token = _cookie(call)
        found = self.seats.get(token)
        if found is not None:
            self.seats.move_to_end(token)
        return found

    def leave(self, call: Call) -> None:
        """Log a browser out."""
        self.seats.pop(_cookie(call), None)

    def is_ours(self, call: Call, given: str) -> bool:
        """Say whether a form comes from our own page in this browser.

        Args:
            call: the request that brings the form.
            given: its field ``csrf``.
        """
        seat = self.seat(call)
        expected = self.door if seat is None else seat.csrf
        return comes_from_here(call) and hmac.compare_digest(given.encode(), expected.encode())


def comes_from_here(call: Call) -> bool:
    """Say whether a browser sends this from a page of ours, or no browser sends it."""
    origin, site = call.headers.get("origin"), call.headers.get("sec-fetch-site", "same-origin")
    return origin in (None, call.origin) and site in ("same-origin", "none")


def _cookie(call: Call) -> str:
    try:
        found = SimpleCookie(call.headers.get("cookie", "")).get(_name(call))
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _name(call: Call) -> str:
    """Return the cookie's name: cookies do not tell ports apart, so that two orgs on one machine need two names."""
    port = call.origin.rpartition(":")[2]
    return f"emulated_salesforce_{port if port.isdigit() else 'web'}"


def kept(call: Call, token: str) -> str:
    """Return the header that keeps a browser logged in, until the browser is closed."""
    return f"{_name(call)}={token}; Path=/; HttpOnly; SameSite=Lax{_secure(call)}"


def dropped(call: Call) -> str:
    """Return the header that takes the cookie away."""
    return f"{_name(call)}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{_secure(call)}"


def _secure(call: Call) -> str:
    return "; Secure" if call.origin.startswith("https:") else ""
