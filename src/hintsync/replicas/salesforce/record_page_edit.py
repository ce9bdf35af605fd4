"""A Lightning record page of the contact, with our panel put in or taken out; XML in, XML out, nothing else touched.

A page that shows the layout's details ("Record Detail") shows our section with them. One that places fields singly ("Dynamic
Forms") shows no layout, so it needs the panel as a component of its own. One that lists its actions itself ("Dynamic
Actions") does not show those of the layout, so ours join its list.
"""

from __future__ import annotations

from collections.abc import Iterator

from hintsync.core.errors import FixConfiguration
from hintsync.replicas.salesforce.page_names import ACTIONS, PAGES, PANEL_HEIGHT, PANEL_PAGE, SECTION_LABEL
from hintsync.replicas.salesforce.xml_splice import Block, Element, added, change, read_xml, removed

_SHOWS_PAGE = "flexipage:visualforcePage"
#: The component that shows the layout's sections.
_SHOWS_LAYOUT = "force:detailPanel"
#: Properties of the component with the actions: that the page lists them itself, and which.
_OWN_LIST, _LISTED = "enableActionsConfiguration", "actionNames"
_OURS = tuple(f"Contact.{name}" for name in ACTIONS)
_PROPERTIES = (
    ("height", str(PANEL_HEIGHT)),
    ("label", SECTION_LABEL),
    ("pageName", PANEL_PAGE),
    ("showLabel", "true"),
)


def is_contact_page(xml: bytes) -> bool:
    """Say whether a Lightning page is a record page of the contact.

    Raises:
        FixConfiguration: it cannot be read.
    """
    page = read_xml(xml)
    return page.value("type") == "RecordPage" and page.value("sobjectType") == "Contact"


def shows_layout(xml: bytes) -> bool:
    """Say whether a record page shows the page layout, and with it our section.

    Raises:
        FixConfiguration: it cannot be read.
    """
    return any(each.value("componentName") == _SHOWS_LAYOUT for each in read_xml(xml).below("componentInstance"))


def add_to_record_page(xml: bytes) -> bytes:
    """Return the page with our panel at the end of its main region; as it is if it shows the panel anywhere.

    Raises:
        FixConfiguration: it is no record page that can be read, or has no region.
    """
    page = _page(xml)
    if any(_shown(each) == PANEL_PAGE for each in page.below("itemInstances")):
        return xml
    region = _main(page)
    last = region.all("itemInstances")[-1:]
    identifiers = {each.text.strip() for each in page.below("identifier")}
    return change(xml, [added(xml, region, last[0] if last else None, _component(identifiers))])


def lists_actions(xml: bytes) -> bool:
    """Say whether a record page lists its actions itself, so that those of the layout do not show.

    Raises:
        FixConfiguration: it cannot be read.
    """
    return any(True for _ in _action_lists(read_xml(xml)))


def add_actions(xml: bytes) -> bytes:
    """Return the page with our actions at the end of the list of actions that it has; as it is if it has none, or ours.

    Raises:
        FixConfiguration: it is no record page that can be read.
    """
    changes = []
    for listed in _action_lists(_page(xml)):
        items = listed.all("valueListItems")
        known = {each.value("value") for each in items}
        missing = (name for name in _OURS if name not in known)
        changes += [added(xml, listed, items[-1], ("valueListItems", (("value", name),))) for name in missing]
    return change(xml, changes)


def remove_from_record_page(xml: bytes) -> bytes:
    """Return the page without our components and actions; as it is if there are none.

    Raises:
        FixConfiguration: it is no record page that can be read.
    """
    page = _page(xml)
    ours = [each for each in page.below("itemInstances") if _shown(each) in PAGES]
    ours += [
        each for listed in _action_lists(page) for each in listed.all("valueListItems") if each.value("value") in _OURS
    ]
    return change(xml, [removed(xml, each) for each in ours])


def _action_lists(page: Element) -> Iterator[Element]:
    """Yield the lists of actions that are in force; a list that was emptied is nobody's to begin."""
    for component in page.below("componentInstance"):
        properties = {each.value("name"): each for each in component.all("componentInstanceProperties")}
        if _OWN_LIST in properties and properties[_OWN_LIST].value("value") == "true" and _LISTED in properties:
            yield from (each for each in properties[_LISTED].all("valueList") if each.all("valueListItems"))


def _page(xml: bytes) -> Element:
    root = read_xml(xml)
    if root.tag != "FlexiPage":
        raise FixConfiguration(f"a Lightning page was expected, and found was an element {root.tag}")
    return root


def _main(page: Element) -> Element:
    regions = [each for each in page.all("flexiPageRegions") if each.value("type") == "Region"]
    named = [each for each in regions if each.value("name") == "main"]
    if not regions:
        raise FixConfiguration("a Lightning page has no region to put our panel in")
    return (named or regions)[0]


def _shown(item: Element) -> str:
    """Return the Visualforce page that a component shows; empty for other components."""
    for component in item.all("componentInstance"):
        if component.value("componentName") == _SHOWS_PAGE:
            properties = component.all("componentInstanceProperties")
            return next((each.value("value") for each in properties if each.value("name") == "pageName"), "")
    return ""


def _component(taken: set[str]) -> Block:
    names = ["hintsyncPanel", *(f"hintsyncPanel{number}" for number in range(2, len(taken) + 3))]
    identifier = next(each for each in names if each not in taken)
    content: list[Block] = [
        ("componentInstanceProperties", (("name", name), ("value", text))) for name, text in _PROPERTIES
    ]
    content += [("componentName", _SHOWS_PAGE), ("identifier", identifier)]
    return ("itemInstances", (("componentInstance", content),))
