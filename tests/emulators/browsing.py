"""A visitor of an emulator's pages: reads forms off a page and sends them as a browser would, script aside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
from starlette.types import ASGIApp

_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)


@dataclass
class Form:
    """One form of a page."""

    action: str
    method: str
    #: What stands in the inputs; of check boxes and radio buttons only what is chosen.
    values: dict[str, str] = field(default_factory=dict)
    #: Label of each button with the name and value that it sends.
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: Names of all inputs, with the values that check boxes, radio buttons and selects offer.
    offered: dict[str, list[str]] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self._form: Form | None = None
        self._field = ""
        self._button: dict[str, str] | None = None
        self._gathered = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None and "name" in given and tag in ("input", "select", "textarea"):
            self._input(self._form, tag, given)
        elif tag == "option" and self._form is not None and self._field:
            self._form.offered[self._field].append(given["value"])
            if "selected" in given or len(self._form.offered[self._field]) == 1:
                self._form.values[self._field] = given["value"]
        elif tag == "button":
            self._button, self._gathered = given, ""

    def _input(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, kind = given["name"], given.get("type", "text")
        offered = form.offered.setdefault(name, [])
        if kind in ("checkbox", "radio"):
            offered.append(given.get("value", "on"))
            if "checked" in given:
                form.values[name] = given.get("value", "on")
        elif tag == "input":
            form.values[name] = given.get("value", "").replace("\n", "").replace("\r", "")
        else:
            self._field, self._gathered = name, ""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"
        if tag == "form":
            self._form = None
        elif tag == "textarea" and self._form is not None:
            self._form.values[self._field] = self._gathered.removeprefix("\n")
            self._field = ""
        elif tag == "select":
            self._field = ""
        elif tag == "button" and self._button is not None:
            if self._form is not None:
                sent = (self._button.get("name", ""), self._button.get("value", ""))
                self._form.buttons[" ".join(self._gathered.split())] = sent
            self._button = None

    def handle_data(self, data: str) -> None:
        self._gathered += data
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)


@dataclass
class Page:
    """A page as it came."""

    answer: httpx.Response
    forms: list[Form]
    #: What can be read on it, in one line.
    text: str

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def path(self) -> str:
        return self.answer.url.path

    def form(self, button: str) -> Form:
        """Returns the form with a button of that label; the first, should there be several."""
        found = [form for form in self.forms if button in form.buttons]
        assert found, f"no button {button!r}: {[list(form.buttons) for form in self.forms]}"
        return found[0]

    def has(self, button: str) -> bool:
        return any(button in form.buttons for form in self.forms)


def read(answer: httpx.Response) -> Page:
    """Reads a page; its tags must be well nested."""
    reader = _Reader()
    reader.feed(answer.text)
    reader.close()
    assert not reader.open, f"never closed: {reader.open}"
    return Page(answer, reader.forms, " ".join(" ".join(reader.texts).split()))


@dataclass
class Visitor:
    """Somebody with a browser, who keeps cookies and follows where he is led."""

    client: httpx.AsyncClient

    async def get(self, path: str, **query: str) -> Page:
        return read(await self.client.get(path, params=query or None))

    async def press(self, page: Page, button: str, /, **changes: Any) -> Page:
        """Presses a button after changing inputs of its form; None takes an input out, as unticking a box does."""
        return await self.send(page, page.form(button), button, changes)

    async def send(self, page: Page, form: Form, button: str, changes: dict[str, Any]) -> Page:
        unknown = changes.keys() - form.offered.keys()
        assert not unknown, f"the form has no {unknown}"
        values = {name: value for name, value in {**form.values, **changes}.items() if value is not None}
        name, value = form.buttons[button]
        if name:
            values[name] = value
        address = page.answer.url.join(form.action) if form.action else page.answer.url
        if form.method == "get":
            return read(await self.client.get(address, params=values))
        headers = {"Origin": f"{address.scheme}://{address.netloc.decode()}"}
        return read(await self.client.post(address, data=values, headers=headers))


@asynccontextmanager
async def visiting(app: ASGIApp) -> AsyncIterator[Visitor]:
    """Opens a browser, so to speak."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://emulator", follow_redirects=True) as client:
        yield Visitor(client)
