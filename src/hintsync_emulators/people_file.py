"""Reading people from Synthea's patients.csv.

Synthea (https://github.com/synthetichealth/synthea) has changed the columns over the years. Only FIRST and LAST are
needed here; whatever else is there under the name that any version gave it is used. Synthea gives no phone and no
e-mail address, so those are invented, and some neighbouring rows are made a family.
"""

import csv
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from hintsync_emulators.people_details import Details
from hintsync_emulators.people_person import COUNTRY, Person

_NEEDED = ("FIRST", "LAST")
_DIGITS = re.compile(r"[0-9]+")
_UNIT = re.compile(r"^(?P<street>.+?)\s+(?P<unit>(?:Apt|Suite|Unit)\s+\S+)$", re.IGNORECASE)
_SEXES = {"F": "female", "M": "male", "FEMALE": "female", "MALE": "male"}
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class PeopleFileError(Exception):
    """A file of people that cannot be used; says where and what was expected.

    Attributes:
        line: counted from 1, 0 where the file as a whole is meant.
        column: the column's name, empty where the line as a whole is meant.
    """

    def __init__(self, path: Path, line: int, column: str, expected: str) -> None:
        place = f"{path}" + (f", line {line}" if line else "") + (f", column {column}" if column else "")
        super().__init__(f"{place}: {expected}")
        self.line = line
        self.column = column


def read_people(path: Path, seed: int = 0) -> list[Person]:
    """Reads the people of a patients.csv, in the order of the file.

    Digits in names are taken out (Synthea numbers its names); a ZIP that is empty or 00000 counts as unknown.

    Args:
        path: the file; UTF-8 (with or without byte order mark) or UTF-16, comma or semicolon.
        seed: for the phones, e-mail addresses and families that the file does not have.

    Raises:
        PeopleFileError: the file cannot be read or a row cannot be understood; nobody is returned then.
    """
    reader = _Reader(path, seed)
    people = [reader.person(line, row) for line, row in _rows(path)]
    if not people:
        raise PeopleFileError(path, 0, "", "has a header and no people")
    return people


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    lines = _text(path).splitlines(keepends=True)
    if not lines:
        raise PeopleFileError(path, 0, "", "is empty; expected a Synthea patients.csv with a header line")
    delimiter = ";" if lines[0].count(";") > lines[0].count(",") else ","
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            if not header:
                header = _header(path, cells)
            elif cells:
                yield reader.line_num, _row(path, reader.line_num, header, cells)
    except csv.Error as error:
        raise PeopleFileError(path, reader.line_num, "", f"is not CSV: {error}") from error


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PeopleFileError(path, 0, "", f"cannot be read: {error.strerror}") from error
    encoding = _BYTE_ORDER_MARKS.get(raw[:2], "utf-8-sig")
    if encoding == "utf-8-sig" and b"\0" in raw:
        raise PeopleFileError(
            path, raw[: raw.index(b"\0")].count(b"\n") + 1, "", "holds binary data, expected CSV text"
        )
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PeopleFileError(path, line, "", f"is not {encoding.removesuffix('-sig').upper()} text") from error


def _header(path: Path, cells: list[str]) -> list[str]:
    header = [cell.strip().upper() for cell in cells]
    for name in _NEEDED:
        if name not in header:
            raise PeopleFileError(path, 1, name, "is missing from the header; expected a Synthea patients.csv")
    return header


def _row(path: Path, line: int, header: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(header):
        raise PeopleFileError(path, line, "", f"has {len(cells)} cells where the header has {len(header)}")
    return {name: cell.strip() for name, cell in zip(header, cells, strict=True)}


class _Reader:
    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._random = random.Random(f"file-{seed}")
        self._details = Details(self._random)
        self._families = 0
        self._members_left = 0
        self._previous: Person | None = None

    def person(self, line: int, row: Mapping[str, str]) -> Person:
        first, last = _name(row.get("FIRST", "")), _name(row.get("LAST", ""))
        if not last:
            raise PeopleFileError(self._path, line, "LAST", "has no letters; expected a family name")
        roll = self._random.random
        street, unit = _street(row.get("ADDRESS", ""))
        email = self._details.email(first, last)
        person = Person(
            prefix=row.get("PREFIX", ""),
            first=first,
            middle=_name(row.get("MIDDLE", "")),
            last=last,
            suffix=row.get("SUFFIX", ""),
            birth_date=self._birth_date(line, row.get("BIRTHDATE", "")),
            sex=_SEXES.get(row.get("GENDER", "").upper(), ""),
            email=email if roll() < 0.9 else "",
            mobile=self._details.phone() if roll() < 0.8 else "",
            home_phone=self._details.phone() if roll() < 0.6 else "",
            work_phone=self._details.phone() if roll() < 0.25 else "",
            line1=street,
            line2=unit,
            city=row.get("CITY", ""),
            state=row.get("STATE", ""),
            zip=_zip(row.get("ZIP", "")),
            country=COUNTRY if row.get("STATE") else "",
            family=0,
        )
        self._previous = self._in_family(person)
        return self._previous

    def _in_family(self, person: Person) -> Person:
        """Lets one row in ten found a family, and the next rows live with it and share what families share."""
        relative = self._previous
        if relative is None or not self._members_left:
            if self._random.random() >= 0.1:
                return person
            self._families += 1
            self._members_left = self._random.randint(1, 3)
            return replace(person, family=self._families)
        self._members_left -= 1
        return replace(
            person,
            email=relative.email if self._random.random() < 0.6 else person.email,
            home_phone=relative.home_phone,
            line1=relative.line1,
            line2=relative.line2,
            city=relative.city,
            state=relative.state,
            zip=relative.zip,
            country=relative.country,
            family=relative.family,
        )

    def _birth_date(self, line: int, text: str) -> str:
        if not text:
            return ""
        try:
            return date.fromisoformat(text[:10]).isoformat()
        except ValueError:
            raise PeopleFileError(self._path, line, "BIRTHDATE", "is not a date; expected YYYY-MM-DD") from None


def _name(text: str) -> str:
    return " ".join(_DIGITS.sub("", text).split())


def _street(text: str) -> tuple[str, str]:
    found = _UNIT.match(text)
    return (found["street"], found["unit"]) if found else (text, "")


def _zip(text: str) -> str:
    digits = text.split(".")[0] if text.replace(".", "", 1).isdigit() else text
    if digits.isdigit() and len(digits) < 5:
        # A spreadsheet has eaten the zeros that New England's ZIP codes begin with.
        digits = digits.zfill(5)
    return "" if digits in ("", "00000") else digits
