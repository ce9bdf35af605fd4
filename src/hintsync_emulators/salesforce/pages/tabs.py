"""The bar above the pages: the tabs that the org has and the person is granted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.metadata.store import Component
from hintsync_emulators.salesforce.metadata.xml import parse

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.pages.click import Click

REPORTS = "/lightning/o/Report/home"
ALL_TABS = "/home/showAllTabs.jsp"


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab."""

    #: As metadata names it, e.g. ``standard-Contact``.
    name: str
    label: str
    url: str
    #: Stands in the bar; otherwise only among all tabs.
    shown: bool
    #: Addresses that belong to it begin with one of these.
    places: tuple[str, ...]

    def holds(self, path: str) -> bool:
        """Say whether a page belongs to the tab."""
        return any(path == place or path.startswith(f"{place}/") for place in self.places)


def tabs_of(click: Click) -> list[Tab]:
    """Return the tabs that a person may open, in the order of the bar."""
    return [*_standard(click), *sorted(_custom(click), key=lambda one: one.label)]


def _standard(click: Click) -> Iterator[Tab]:
    rights = click.person.rights
    for name in ("Contact", "Account"):
        one = click.org.definition(name)
        if rights.lists(f"standard-{name}"):
            yield _of_object(f"standard-{name}", name, one.plural, rights.shows(f"standard-{name}"))
    if rights.lists("standard-report"):
        places = ("/lightning/o/Report", "/lightning/r/Report")
        yield Tab("standard-report", "Reports", REPORTS, rights.shows("standard-report"), places)


def _custom(click: Click) -> Iterator[Tab]:
    rights = click.person.rights
    for component in click.org.components.all("CustomTab"):
        if rights.lists(component.name):
            found = _read(click, component, rights.shows(component.name))
            if found is not None:
                yield found


def _read(click: Click, component: Component, shown: bool) -> Tab | None:
    node = parse(component.xml)
    if not node.flag("customObject"):
        url = f"/lightning/n/{component.name}"
        return Tab(component.name, node.value("label") or component.name, url, shown, (url,))
    one = click.org.schema.get(component.name)
    if one is None or not click.person.rights.may("Read", one):
        return None
    return _of_object(component.name, one.name, one.plural, shown)


def _of_object(name: str, object_name: str, label: str, shown: bool) -> Tab:
    places = (f"/lightning/o/{object_name}", f"/lightning/r/{object_name}")
    return Tab(name, label, f"/lightning/o/{object_name}/list", shown, places)
