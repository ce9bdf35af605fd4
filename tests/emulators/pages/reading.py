"""Pages as a browser reads them: texts, links, forms with what is in their fields."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

_VOID = {"input", "br", "img", "meta", "link", "hr"}


@dataclass
class Element:
    """One element of a page."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, with single spaces."""
        parts = (each if isinstance(each, str) else each.text for each in self.children)
        return " ".join(" ".join(parts).split())

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Return the elements of a name below, with these attributes (``data_field`` for ``data-field``)."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        inner = [each for each in self.children if isinstance(each, Element)]
        found = [each for each in inner if each.tag == tag and wanted.items() <= each.attributes.items()]
        return found + [one for each in inner for one in each.all(tag, **attributes)]

    def one(self, tag: str, **attributes: str) -> Element:
        """Return the only element of that kind."""
        (found,) = self.all(tag, **attributes)
        return found

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name, default)


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("#page")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


class Page:
    """An answer, read."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer, self.status, self.url = answer, answer.status_code, answer.url
        parser = _Parser()
        parser.feed(answer.text)
        parser.close()
        assert len(parser.open) == 1, f"<{parser.open[-1].tag}> is not closed"
        self.root = parser.root

    @property
    def main(self) -> Element:
        return self.root.one("main")

    @property
    def text(self) -> str:
        """What stands on the page below its bar."""
        return self.main.text

    @property
    def head(self) -> str:
        return self.root.one("h1").text

    @property
    def links(self) -> dict[str, str]:
        """Address by text, of the page below its bar."""
        return {each.text: each.get("href") for each in self.main.all("a")}

    @property
    def tabs(self) -> list[str]:
        return [each.text for each in self.root.one("nav", class_="tabs").all("a")]

    def shown(self, name: str) -> str:
        """Return the value that a record page shows for a field."""
        return self.main.one("dl", data_field=name).one("dd").text

    def rows(self) -> list[list[str]]:
        """Return the cells of the page's table."""
        return [[cell.text for cell in row.all("td")] for row in self.main.one("tbody").all("tr")]

    def form(self, action: str | None = None) -> dict[str, str | list[str]]:
        """Return what the page's form (the one with this action) would send."""
        forms = [each for each in self.main.all("form", method="post") if action in (None, each.get("action"))]
        (form,) = forms
        return dict(_fields(form))

    def problem(self, name: str) -> str:
        """Return what stands beside a field as its error."""
        return self.main.one("p", id=f"problem-{name}").text


def _fields(form: Element) -> Iterable[tuple[str, str | list[str]]]:
    for each in form.all("input"):
        kind, name = each.get("type", "text"), each.get("name")
        if name and (kind not in ("checkbox", "radio") or "checked" in each.attributes):
            yield name, each.get("value")
    for each in form.all("textarea"):
        inner = "".join(map(str, each.children))
        yield each.get("name"), inner.removeprefix("\n").replace("\n", "\r\n")
    for each in form.all("select"):
        options = each.all("option")
        chosen = [one.get("value", one.text) for one in options if "selected" in one.attributes]
        if "multiple" in each.attributes:
            yield each.get("name"), chosen
        else:
            yield each.get("name"), chosen[0] if chosen else options[0].get("value", options[0].text)


class Browser:
    """Somebody with a browser: keeps cookies, follows redirects, fills in forms."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **params: str) -> Page:
        return Page(await self.client.get(path, params=params or None))

    async def send(self, path: str, action: str | None = None, **changes: str | list[str]) -> Page:
        """Open a page, change fields of its form (``was__X`` for ``was.X``) and send it."""
        page = await self.get(path)
        given = {name.replace("__DOT__", "."): value for name, value in changes.items()}
        return await self.post(action or path, {**page.form(action), **given})

    async def post(self, path: str, form: dict[str, str | list[str]]) -> Page:
        return Page(await self.client.post(path, data=form))

    async def log_in(self, username: str = "integration@example.org", to: str = "") -> Page:
        page = await self.get("/login", startURL=to)
        return await self.post("/login", {**page.form("/login"), "username": username})

    async def csrf(self) -> str:
        """Return the token of the forms of this browser."""
        page = await self.get("/home/showAllTabs.jsp")
        return page.root.one("form", action="/logout").one("input", name="csrf").get("value")
