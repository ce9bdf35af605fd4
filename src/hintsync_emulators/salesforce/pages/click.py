"""A person's request: a page that is asked for, or a form that is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cached_property
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hintsync_emulators.salesforce.auth import Session
from hintsync_emulators.salesforce.dml.writer import Caller
from hintsync_emulators.salesforce.errors import ApiError
from hintsync_emulators.salesforce.org import BY_HAND, Org
from hintsync_emulators.salesforce.pages.rights import Rights, rights_of
from hintsync_emulators.salesforce.pages.visitors import Seat
from hintsync_emulators.salesforce.storage import Row
from hintsync_emulators.salesforce.web.call import Call

#: Fields that a form may have; no form of the pages comes near.
_MOST_FIELDS = 2_000


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, or of an address."""

    fields: Mapping[str, Sequence[str]]

    def get(self, name: str, default: str = "") -> str:
        """Return a field's value."""
        found = self.fields.get(name)
        return found[0] if found else default

    def all(self, name: str) -> Sequence[str]:
        """Return every value of a field that may be chosen several times."""
        return self.fields.get(name, ())

    def __contains__(self, name: object) -> bool:
        return name in self.fields


def read_form(body: bytes) -> Form:
    """Read a form as browsers send it; line breaks are those of Salesforce.

    Raises:
        ApiError: it has more fields than any form of ours.
    """
    try:
        found = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise ApiError(400, "INVALID_REQUEST", "The form has too many fields") from None
    return Form({name: [text.replace("\r\n", "\n") for text in texts] for name, texts in found.items()})


@dataclass
class Person:
    """Who is logged in."""

    org: Org
    seat: Seat
    row: Row

    @property
    def id(self) -> str:
        """Id of the user."""
        return self.seat.user_id

    @property
    def name(self) -> str:
        """Full name of the user."""
        return str(self.row["Name"])

    @property
    def locale(self) -> str:
        """How dates and times are written, e.g. ``en_US``."""
        return str(self.row["LocaleSidKey"])

    @cached_property
    def zone(self) -> tzinfo:
        """The time zone of the user; UTC where this machine does not know it."""
        try:
            return ZoneInfo(str(self.row["TimeZoneSidKey"]))
        except (ZoneInfoNotFoundError, ValueError):
            return UTC

    @cached_property
    def rights(self) -> Rights:
        """What is granted to the user."""
        return rights_of(self.org, self.id)

    @property
    def session(self) -> Session:
        """The session by which the org narrows what is seen."""
        return Session("", self.id, "")


@dataclass
class Click:
    """One request for a page."""

    call: Call
    #: None before the login.
    someone: Person | None
    #: What a POST brings; empty otherwise.
    form: Form

    @property
    def org(self) -> Org:
        """The org whose page it is."""
        return self.call.org

    @property
    def person(self) -> Person:
        """Who is logged in, on pages that nobody else sees."""
        assert self.someone is not None
        return self.someone

    @property
    def names(self) -> Mapping[str, str]:
        """Values of the placeholders of the address."""
        return self.call.names

    @property
    def params(self) -> Mapping[str, str]:
        """Parameters of the address."""
        return self.call.params

    def caller(self, allow_duplicates: bool = False) -> Caller:
        """Return the person as the author of a write."""
        return Caller(self.person.id, allow_duplicates, origin=BY_HAND)


def person_of(call: Call) -> Person | None:
    """Return who is logged in with the browser that calls."""
    seat = call.org.visitors.seat(call)
    row = call.org.storage.fetch("User", [seat.user_id]).get(seat.user_id) if seat is not None else None
    return Person(call.org, seat, row) if seat is not None and row is not None and row["IsActive"] else None
