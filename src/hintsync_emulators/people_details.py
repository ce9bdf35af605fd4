"""Addresses, phones, e-mail addresses and families for people who have only a name so far."""

import random
import unicodedata
from dataclasses import dataclass

from hintsync_emulators.people_data import PLACES, STREETS, UNITS, Place

_DOMAINS = ("example.com", "example.org", "example.com", "example.net")


@dataclass(frozen=True, slots=True)
class Home:
    """What the members of a household share."""

    line1: str
    line2: str
    place: Place
    zip: str
    home_phone: str
    #: The e-mail address one of them has, and some of the others use.
    email: str
    family: int


class Details:
    """Draws details from one seeded source."""

    def __init__(self, source: random.Random) -> None:
        self._random = source
        self._serial = 0

    def home(self, email: str, family: int = 0) -> Home:
        """Returns a fresh household somewhere in the United States."""
        place = self._random.choice(PLACES)
        line2 = self._random.choice(UNITS) if self._random.random() < 0.2 else ""
        zip_code = f"{place.zip_front}{self._random.randrange(1, 100):02}"
        phone = self.phone(place.area_code) if self._random.random() < 0.6 else ""
        return Home(self.street(), line2, place, zip_code, phone, email, family)

    def street(self) -> str:
        return f"{self._random.randrange(1, 1999)} {self._random.choice(STREETS)}"

    def phone(self, area_code: str = "") -> str:
        """Returns ten digits of the fictional block 555-01xx."""
        area_code = area_code or self._random.choice(PLACES).area_code
        return f"{area_code}55501{self._random.randrange(100):02}"

    def email(self, first: str, last: str) -> str:
        """Returns an address that nobody else gets, built from the name where it has Latin letters."""
        self._serial += 1
        name = ".".join(part for part in (_latin(first), _latin(last)) if part) or "person"
        return f"{name}.{self._serial}@{self._random.choice(_DOMAINS)}"


def _latin(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text) if not text.isascii() else text
    return "".join(letter for letter in plain.lower() if letter.isascii() and letter.isalnum())
