"""T19: whatever one clinic's administrator puts into addresses, queries and forms shows and changes nothing of another's.

The requests are made from the table of places: every part of an address, every name of a query and every field of a form is
filled with every id of the other clinic.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from hintsync.surfaces.web.pages.place import Place
from hintsync.surfaces.web.pages.places import PLACES
from tests.surfaces.web.pages.two_clinics import Clinic, Town, two_clinics

_PART = re.compile(r"\{(?!connection)([a-z]+)\}")
#: Names of queries and of fields that carry ids.
QUERIES = ("review", "before", "after", "patient", "contact", "naming", "run", "draft", "record", "next", "connection")
FIELDS = ("draft", "review", "record", "other", "patient", "contact", "seal", "run", "account_id", "guard", "stop", "q")
#: Fields that let a form come as far as it can.
_CHOICES = {
    "side": "salesforce",
    "decision": "link",
    "take": "same",
    "dry": "yes",
    "accept": "yes",
    "until": "9999",
    "reason": "x",
}


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with two_clinics(tmp_path) as town:
        yield town


def address(place: Place, clinic: Clinic, filling: str) -> str:
    return _PART.sub(filling, place.route.replace("{connection}", clinic.name))


async def visit(town: Town, place: Place, filling: str, *, token: str, inside: Clinic) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "X-Hintsync-Fetch": "1"}
    url = address(place, inside, filling)
    if place.method == "POST":
        return await town.http.post(url, headers=headers, data={**_CHOICES, **dict.fromkeys(FIELDS, filling)})
    return await town.http.get(url, headers=headers, params=dict.fromkeys(QUERIES, filling))


def leaks(answer: httpx.Response, clinic: Clinic, typed: str) -> list[str]:
    """Return what an answer shows of a clinic beyond what was typed."""
    said = answer.text + repr(answer.headers.multi_items())
    return [each for each in clinic.secrets if each != typed and each in said]


async def state_of(town: Town, clinic: Clinic) -> dict[str, object]:
    """Return everything that is kept of a clinic, here and in its systems."""
    store, name = town.service.store, clinic.name
    runs = await store.runs(name, limit=100)
    return {
        "connection": await store.connection(name),
        "links": await store.live_pairs(name),
        "runs": runs,
        "rows": [[row async for row in store.rows(run.id)] for run in runs],
        "reviews": await store.reviews(name),
        "stops": await store.stops(name),
        "dirty": await store.dirty(name),
        "audit": await store.audit(name, after=0, limit=10_000),
        "log": await store.log(name, limit=10_000),
        "contacts": clinic.org.storage.rows('SELECT * FROM "Contact" ORDER BY Id'),
        "patients": clinic.practice.patients(),
    }


async def test_t19_the_ids_of_another_clinic_show_and_change_nothing_on_any_page(town: Town) -> None:
    before = await state_of(town, town.there)
    found, asked = [], 0
    for place in PLACES:
        for kind, filling in town.there.ids.items():
            answer = await visit(town, place, filling, token=town.here.token, inside=town.here)
            asked += 1
            leaked = leaks(answer, town.there, filling)
            if answer.status_code >= 500 or leaked:
                found.append((place.method, place.path, kind, answer.status_code, leaked))
    assert found == []
    assert asked > 300
    assert await state_of(town, town.there) == before


async def test_t19_a_token_opens_nothing_of_another_clinic(town: Town) -> None:
    before = await state_of(town, town.there)
    wrong = []
    for place in PLACES:
        for filling in town.there.ids.values():
            answer = await visit(town, place, filling, token=town.here.token, inside=town.there)
            if answer.status_code != 401 or leaks(answer, town.there, filling):
                wrong.append((place.method, place.path, answer.status_code))
    assert wrong == []
    assert await state_of(town, town.there) == before


async def test_what_is_looked_for_would_be_seen(town: Town) -> None:
    """The pages do show the marks of their own clinic: a leak would not stay unseen."""
    ids, seen = town.there.ids, set()
    for place in PLACES:
        if place.method == "GET" and not place.path.endswith("/progress"):
            for filling in ids.values():
                answer = await visit(town, place, filling, token=town.there.token, inside=town.there)
                seen |= {place.path} if leaks(answer, town.there, filling) else set()
    assert seen >= {
        "/contacts/{contact}",
        "/contacts/{contact}/sync",
        "/runs",
        "/runs/{run}",
        "/reviews",
        "/log",
        "/stops",
    }
    assert seen >= {"/reviews/{review}", "/runs/{run}/results.csv", "/audit", "/audit/export"}
