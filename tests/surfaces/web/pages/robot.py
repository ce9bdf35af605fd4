"""A robot at a desk: fills both systems with one kind of text in every field, opens every page and sends every form it finds."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import httpx

from hintsync.core.values import Side
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.setup.connecting import ORG_NAME, PRACTICE_NAME
from hintsync.state.live import Mark
from hintsync.surfaces.web.pages.places import PLACES
from tests.surfaces.web.pages.desk import Desk, Person
from tests.surfaces.web.pages.pairs import link

BORN = "1931-07-13"
_PART = re.compile(r"\{([a-z]+)\}")
_TYPED = ("text", "search", "email", "url", "number", "time", "")


@dataclass(slots=True)
class Filled:
    """Ids of everything there is to look at, by the part of an address that they fill."""

    contact: list[str]
    patient: list[str]
    run: list[str] = field(default_factory=list)
    review: list[str] = field(default_factory=list)
    entry: list[str] = field(default_factory=list)
    sequence: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Form:
    """A form as it stands on a page."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    #: Names of fields that take any text.
    typed: set[str] = field(default_factory=set)


class Page(HTMLParser):
    """What a browser makes of a page: its elements, and its forms."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.forms: list[Form] = []
        self._form: Form | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag == "form":
            self._form = Form(found.get("action", ""), found.get("method", "get").upper())
            self.forms.append(self._form)
        name = found.get("name", "")
        if self._form is None or not name or tag not in ("input", "textarea", "select", "button"):
            return
        if tag == "textarea" or (tag == "input" and found.get("type", "") in _TYPED):
            self._form.typed.add(name)
        self._form.fields.append((name, found.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


#: Makes the text of a field, given its name and how long it may be.
Text = Callable[[str, int], str]


def _contact(text: Text, number: int, **values: object) -> dict[str, object]:
    named = {
        "FirstName": text(f"first{number}", 40),
        "MiddleName": text(f"middle{number}", 40),
        "LastName": text(f"last{number}", 80),
        "Birthdate": BORN,
        "Email": text("email", 80),
        "MailingStreet": text("street", 255),
        "MailingCity": text("city", 40),
        "MailingState": text("state", 80),
        "MailingPostalCode": text("zip", 20),
        "MailingCountry": text("country", 80),
        "MobilePhone": text("mobile", 40),
        "HomePhone": text("home", 40),
        "Phone": text("office", 40),
        "Hint_Insurance_Payer__c": text("payer", 80),
        "Hint_Insurance_Group_Id__c": text("group", 80),
        "Hint_Insurance_Member_Id__c": text("member", 80),
        "Hint_Practitioner_Name__c": text("practitioner", 80),
        "Hint_Membership_Status__c": text("membership", 40),
        "Description": text("description", 200),
    }
    return {**named, **values}


def _patient(text: Text, number: int, **values: object) -> dict[str, object]:
    named = {
        "first_name": text(f"first{number}", 40),
        "middle_name": text(f"middle{number}", 40),
        "last_name": text(f"last{number}", 80),
        "title": text("title", 20),
        "suffix": text("suffix", 20),
        "dob": BORN,
        "email": text("hint-email", 80),
        "gender_other": text("gender-other", 40),
        "pronouns": text("pronouns", 40),
        "address_line1": text("line1", 100),
        "address_line2": text("line2", 100),
        "address_city": text("hint-city", 40),
        "address_state": text("hint-state", 80),
        "address_zip": text("hint-zip", 20),
        "address_country": text("hint-country", 80),
        "health_insurance_payer_name": text("hint-payer", 80),
        "health_insurance_group_id": text("hint-group", 80),
        "health_insurance_member_id": text("hint-member", 80),
        "phones": [{"type": kind, "number": text(f"hint-{kind}", 40)} for kind in ("mobile", "home", "office")],
    }
    return {**named, **values}


async def fill(desk: Desk, text: Text) -> Filled:
    """Put people into both systems who are nothing but such text: one linked, one linked in conflict, two alike, one alone."""
    org, practice = desk.house.wire.org, desk.house.wire.practice
    practitioner = practice.add_practitioner(text("practitioner-name", 80))
    mine = [org.insert("Contact", _contact(text, number)) for number in (1, 2, 3, 3, 4)]
    theirs = [
        practice.create_patient(**_patient(text, number, practitioner={"id": practitioner})) for number in (1, 2, 3, 5)
    ]
    for number in (0, 1):
        assert (await link(desk, mine[number], theirs[number])).done
    engine = desk.house.engines.engine("demo")
    assert engine is not None
    await batch_patients(engine)
    org.update("Contact", mine[1], {"MailingCity": text("conflict-city", 40)})
    practice.edit(theirs[1], address_city=text("hint-conflict-city", 40))
    await sync_all(engine)
    store, now = engine.store, engine.clock.now().timestamp()
    await store.mark("demo", [Mark(Side.SALESFORCE, mine[4], "poll", now)])
    return Filled(
        contact=[mine[0], mine[1], mine[2], mine[4]],
        patient=[*theirs],
        run=[each.id for each in await store.runs("demo")],
        review=[each.id for each in await store.reviews("demo")],
        entry=[str(each.id) for each in await store.log("demo", limit=20)],
        sequence=[str(each.sequence) for each in await store.audit("demo", after=0, limit=20)],
    )


async def rename(desk: Desk, text: str) -> None:
    """Give the connection, the org and the practice such a name."""
    store = desk.house.wire.service.store
    connection = (await store.connections())[0]
    facts = {**connection.facts, ORG_NAME: text, PRACTICE_NAME: text}
    await store.put_connection(replace(connection, name=text, facts=facts))
    await desk.house.engines.refresh(at_once=True)  # another name is another engine


def addresses(filled: Filled) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield path and query of every page there is, with every id that fits."""
    for place in PLACES:
        if place.method != "GET":
            continue
        parts = _PART.findall(place.path)
        for one in getattr(filled, parts[0]) if parts else [""]:
            path = _PART.sub(one, place.path)
            patients = filled.patient if path.endswith("/preview") else [""]
            for patient in patients:
                yield path, {"patient": patient} if patient else {}
    for review in filled.review:
        yield "/reviews/alike", {"review": review, "decision": "keep-hint"}


async def pages(person: Person, filled: Filled) -> AsyncIterator[tuple[str, httpx.Response]]:
    """Open every page."""
    for path, query in addresses(filled):
        yield path, await person.get(path, **query)


async def sent(person: Person, answer: httpx.Response, text: str) -> AsyncIterator[tuple[str, httpx.Response]]:
    """Send every form of a page, with such text wherever a person can type any."""
    for form in Page(answer.text).forms:
        if not form.action.startswith("/c/demo") or form.action.endswith("/logout"):
            continue
        given = {name: text if name in form.typed else value for name, value in form.fields}
        path = form.action.removeprefix("/c/demo").partition("?")[0]
        if form.method == "POST":
            yield f"POST {path}", await person.act(path, given)
        else:
            yield f"GET {path}", await person.get(path, **given)
