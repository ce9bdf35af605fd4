"""A contact's page layout, with our section and buttons put in or taken out; XML in, XML out, nothing else touched.

Buttons go where the layout has them already. Classic shows the layout's custom buttons, and so does Lightning, unless the
administrator has chosen Lightning's actions for this layout; then ours join that choice. A layout without such a choice gets
none from us, for a list that named ours alone would hide all others.
"""

from __future__ import annotations

from collections.abc import Iterator

from hintsync.core.errors import FixConfiguration
from hintsync.replicas.salesforce.page_names import ACTIONS, PAGES, PANEL_HEIGHT, PANEL_PAGE, SECTION_LABEL
from hintsync.replicas.salesforce.xml_splice import Block, Change, Element, added, change, read_xml, removed

#: Elements that stand before the sections in files as Salesforce writes them.
_BEFORE_SECTIONS = (
    "customButtons",
    "customConsoleComponents",
    "emailDefault",
    "excludeButtons",
    "feedLayout",
    "headers",
)
_SECTION: Block = (
    "layoutSections",
    (
        ("customLabel", "true"),
        ("detailHeading", "true"),
        ("editHeading", "false"),
        ("label", SECTION_LABEL),
        (
            "layoutColumns",
            (
                (
                    "layoutItems",
                    (
                        ("height", str(PANEL_HEIGHT)),
                        ("page", PANEL_PAGE),
                        ("showLabel", "false"),
                        ("showScrollbars", "false"),
                        ("width", "100%"),
                    ),
                ),
            ),
        ),
        ("style", "OneColumn"),
    ),
)


def add_to_layout(xml: bytes) -> bytes:
    """Return the layout with our section, second from the top, and our buttons; as it is if it has them.

    Raises:
        FixConfiguration: it is no layout that can be read.
    """
    layout = _layout(xml)
    return change(xml, [*_new_buttons(xml, layout), *_new_section(xml, layout), *_new_actions(xml, layout)])


def remove_from_layout(xml: bytes) -> bytes:
    """Return the layout without anything of ours, wherever the administrator has moved it; as it is if there is nothing.

    Our section goes if it holds nothing but our page; with fields of the administrator in it, it stays for them.

    Raises:
        FixConfiguration: it is no layout that can be read.
    """
    return change(xml, [removed(xml, element) for element in _ours(_layout(xml))])


def _layout(xml: bytes) -> Element:
    root = read_xml(xml)
    if root.tag != "Layout" or not root.children:
        raise FixConfiguration(f"a page layout was expected, and found was an element {root.tag}")
    return root


def _new_buttons(xml: bytes, layout: Element) -> Iterator[Change]:
    known = layout.all("customButtons")
    names = {each.text.strip() for each in known}
    for name in ACTIONS:
        if name not in names:
            yield added(xml, layout, known[-1] if known else None, ("customButtons", name))


def _new_section(xml: bytes, layout: Element) -> Iterator[Change]:
    if any(page.text.strip() == PANEL_PAGE for page in layout.below("page")):
        return
    before = layout.all("layoutSections")[:1] or layout.all(*_BEFORE_SECTIONS)[-1:]
    yield added(xml, layout, before[0] if before else None, _SECTION)


def _new_actions(xml: bytes, layout: Element) -> Iterator[Change]:
    """Add our actions to those that the administrator has chosen for records of this layout."""
    for chosen in layout.all("platformActionList"):
        if chosen.value("actionListContext") != "Record":
            continue
        items = chosen.all("platformActionListItems")
        names = {each.value("actionName") for each in items}
        last = max((int(order) for each in items if (order := each.value("sortOrder")).isdigit()), default=-1)
        after = items or chosen.all("actionListContext")
        for number, name in enumerate((name for name in map(_full, ACTIONS) if name not in names), last + 1):
            fields = (("actionName", name), ("actionType", "QuickAction"), ("sortOrder", str(number)))
            yield added(xml, chosen, after[-1], ("platformActionListItems", fields))


def _full(action: str) -> str:
    return f"Contact.{action}"


def _ours(layout: Element) -> Iterator[Element]:
    """Return what is ours, outermost elements only."""
    yield from (each for each in layout.all("customButtons") if each.text.strip() in ACTIONS)
    for section in layout.all("layoutSections"):
        yield from _ours_in_section(section)
    for content in layout.below("relatedContentItems"):
        if any(item.value("page") in PAGES for item in content.all("layoutItem")):
            yield content
    names = set(map(_full, ACTIONS))
    yield from (each for each in layout.below("platformActionListItems") if each.value("actionName") in names)
    yield from (each for each in layout.below("quickActionListItems") if each.value("quickActionName") in names)


def _ours_in_section(section: Element) -> list[Element]:
    items = list(section.below("layoutItems"))
    ours = [each for each in items if each.value("page") in PAGES]
    links = [each for each in items if each.value("customLink") in ACTIONS]
    others = [each for each in items if each not in ours and not each.value("emptySpace")]
    if ours and not others and section.value("label") == SECTION_LABEL:
        return [section]
    return [*ours, *links]
