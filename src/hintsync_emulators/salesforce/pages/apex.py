"""Visualforce pages, as far as they hold canvas apps: each app in a frame of another site, opened by a signed request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from markupsafe import Markup

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.canvas.apps import CanvasProblem, every, origin_of
from hintsync_emulators.salesforce.canvas.context import frame as default_size
from hintsync_emulators.salesforce.canvas.context import open_app
from hintsync_emulators.salesforce.canvas.page import framed
from hintsync_emulators.salesforce.canvas.visit import Visit, read_visit
from hintsync_emulators.salesforce.errors import ApiError, not_emulated, not_found
from hintsync_emulators.salesforce.metadata.store import Component
from hintsync_emulators.salesforce.metadata.xml import parse
from hintsync_emulators.salesforce.pages import frame
from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.expressions import as_json, merged
from hintsync_emulators.salesforce.pages.layout import pixels
from hintsync_emulators.salesforce.pages.markup import BadMarkup, Element, read_markup
from hintsync_emulators.salesforce.pages.merges import look_up
from hintsync_emulators.salesforce.pages.records import allowed
from hintsync_emulators.salesforce.schema.model import SObject
from hintsync_emulators.salesforce.web.call import Answer

#: Where Visualforce shows canvas apps, as the signed request names it.
_LOCATION = "Visualforce"
#: Components that only hold others.
_HOLDERS = frozenset({"apex:outputpanel", "apex:pageblock", "apex:pageblocksection", "apex:composition"})
_SCROLLING = ("auto", "yes", "no")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a page, ready for the template."""

    #: ``app``, ``text`` or ``problem``.
    kind: str
    content: str | Markup


@dataclass(frozen=True, slots=True)
class Shown:
    """What a Visualforce page shows."""

    label: str
    parts: tuple[Part, ...]
    #: Origins of the apps in it.
    origins: tuple[str, ...]


def view(click: Click) -> Answer:
    """Show a Visualforce page; ``inline=1`` leaves out everything around it."""
    shown = read_page(click, click.names["page"], click.params.get("id", ""))
    return answer(click, shown, shown.label, bare=click.params.get("inline") == "1")


def answer(click: Click, shown: Shown, title: str, bare: bool = False, back: str = "") -> Answer:
    """Return a page around what a Visualforce page shows."""
    parts, origins = shown.parts, shown.origins
    return frame.show(
        click, "apex.html", bare=bare, frames=origins, sends_to=origins, title=title, parts=parts, back=back
    )


def read_page(click: Click, name: str, record_id: str) -> Shown:
    """Return what a Visualforce page shows for a record.

    Args:
        click: the request.
        name: the page's, in any case.
        record_id: the record that its standard controller is for; empty without one.

    Raises:
        ApiError: there is no such page or record, or the person may not open it.
    """
    component = _component(click, name)
    if not click.person.rights.opens(component.name):
        raise ApiError(403, "INSUFFICIENT_ACCESS", f"Nobody has given you access to the page {component.name}.")
    label = parse(component.xml).value("label") or component.name
    try:
        page = read_markup((component.body or b"").decode("utf-8", "replace"))
    except BadMarkup as problem:
        return Shown(label, (Part("problem", f"The markup cannot be read: {problem}"),), ())
    reader = _Reader(click, _controller(click, page, record_id), record_id)
    parts = tuple(reader.parts(page))
    label = reader.merged(page.get("title")) or label
    return Shown(label, parts, tuple(dict.fromkeys(reader.origins)))


def _component(click: Click, name: str) -> Component:
    found = next((one for one in click.org.components.all("ApexPage") if one.name.lower() == name.lower()), None)
    if found is None:
        raise not_found(f"Page {name} does not exist")
    return found


def _controller(click: Click, page: Element, record_id: str) -> SObject | None:
    """Return the object of the page's standard controller, which the record must be of.

    Raises:
        ApiError: the record is of another object.
    """
    for unknown in ("controller", "extensions"):
        if page.get(unknown):
            raise not_emulated(f"Visualforce pages with {unknown}")
    if not page.get("standardController"):
        return None
    one = allowed(click, click.org.schema.get(page.get("standardController")))
    if record_id and (ids.normalise(record_id) or "")[:3] != one.prefix:
        text = f"Id value {record_id} is not valid for the {one.name} standard controller"
        raise ApiError(400, "INVALID_ID", text)
    return one


class _Reader:
    """Turns the elements of one page into parts."""

    def __init__(self, click: Click, one: SObject | None, record_id: str) -> None:
        self._click, self._one, self._record_id = click, one, record_id
        self.origins: list[str] = []

    def parts(self, element: Element) -> Iterator[Part]:
        for child in element.children:
            if child.get("rendered").lower() == "false":
                continue
            if not child.tag:
                yield Part("text", self.merged(child.text))
            elif child.tag == "apex:canvasapp":
                yield self._app(child)
            elif child.tag == "apex:outputtext":
                yield Part("text", self.merged(child.get("value")))
            elif child.tag in _HOLDERS or ":" not in child.tag:
                yield from self.parts(child)
            else:
                yield Part("problem", f"Not emulated: the Visualforce component {child.tag}")

    def merged(self, text: str) -> str:
        return merged(text, lambda name: look_up(self._click, self._one, self._record_id, name))

    def _app(self, element: Element) -> Part:
        """Open the app that a component names."""
        try:
            visit = self._visit(element)
            signed = open_app(self._click.org, visit) if visit.app.access_method == "Post" else None
        except CanvasProblem as problem:
            return Part("problem", f"The canvas app cannot be shown: {problem.text}")
        self.origins.append(origin_of(visit.app.url))
        scrolling = element.get("scrolling", "auto")
        style = "wide" if element.get("width").endswith("%") else "fixed"
        more = f' class="{style}" scrolling="{scrolling if scrolling in _SCROLLING else "auto"}"'
        return Part("app", Markup(framed(visit, signed, f"canvas-{len(self.origins)}", more)))

    def _visit(self, element: Element) -> Visit:
        """Return who opens which app with what.

        Raises:
            CanvasProblem: the app cannot be opened.
        """
        parameters = as_json(self.merged(element.get("parameters")))
        if parameters is None:
            raise CanvasProblem(409, "its parameters are no JSON object")
        given = {
            "app": element.get("developerName") or self._named(element.get("applicationName")),
            "user": self._click.person.id,
            "parameters": parameters,
            "location": _LOCATION,
            "record": self._record_id if self._one is not None else "",
            "fields": self.merged(element.get("entityFields")),
        }
        visit = read_visit(self._click.org, given, self._click.call.origin)
        return replace(visit, size=_size(element))

    def _named(self, label: str) -> str:
        """Return the developer name of the app of a label."""
        return next((one.name for one in every(self._click.org) if one.label == label), label)


def _size(element: Element) -> tuple[int, int]:
    """Return the size that a component asks for; without one that of any frame of a page."""
    width, height = default_size(_LOCATION)
    asked = (pixels(element.get("width"), width), pixels(element.get("height"), height))
    wide, high = (
        int(each) if each.isdigit() else default for each, default in zip(asked, (width, height), strict=True)
    )
    return wide, high
