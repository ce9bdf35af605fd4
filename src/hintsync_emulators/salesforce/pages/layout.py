"""A page layout as it was deployed, made ready to be drawn: sections, columns, items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.appearance.layouts import Layout, layouts_of
from hintsync_emulators.salesforce.metadata.xml import Node, parse
from hintsync_emulators.salesforce.schema.model import Field, SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.pages.click import Click

#: Heights of Visualforce pages in a layout whose item names none, in pixels.
_HEIGHT = 200


@dataclass(frozen=True, slots=True)
class FieldItem:
    """A field in a section."""

    field: Field
    #: ``Edit``, ``Required`` or ``Readonly``.
    behavior: str


@dataclass(frozen=True, slots=True)
class PageItem:
    """A Visualforce page in a section."""

    page: str
    label: str
    height: str
    shows_label: bool


@dataclass(frozen=True, slots=True)
class LinkItem:
    """A custom link in a section."""

    name: str


@dataclass(frozen=True, slots=True)
class OtherItem:
    """Something in a section that is not emulated."""

    what: str


Item = FieldItem | PageItem | LinkItem | OtherItem


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a layout."""

    heading: str
    #: The heading shows; otherwise it is there for screen readers alone.
    headed: bool
    columns: Sequence[Sequence[Item]]


def layout_of(click: Click, one: SObject) -> Layout:
    """Return the layout that the person's profile is given; by default the first of the object."""
    wanted = _assigned(click, one)
    if wanted is not None:
        return wanted
    return layouts_of(click.org, one)[0]


def _assigned(click: Click, one: SObject) -> Layout | None:
    profile_id = click.person.row["ProfileId"]
    profile = next((each for each in click.org.components.all("Profile") if each.id == profile_id), None)
    if profile is None:
        return None
    names = [each.value("layout") or "" for each in parse(profile.xml).all("layoutAssignments")]
    wanted = next((name for name in names if name.startswith(f"{one.name}-")), None)
    found = click.org.components.get("Layout", wanted) if wanted else None
    return Layout(one, parse(found.xml), found.id) if found is not None else None


def sections(layout: Layout, editing: bool = False) -> list[Section]:
    """Return the sections of a layout that hold anything.

    Args:
        layout: the layout.
        editing: they stand in a form, so that only fields show.
    """
    tag = "editHeading" if editing else "detailHeading"
    found = []
    for node in layout.node.all("layoutSections"):
        columns = [list(_items(layout.owner, each, editing)) for each in node.all("layoutColumns")]
        if any(columns):
            headed = node.flag(tag) or node.flag("customLabel")
            found.append(Section(node.value("label") or "", headed, [each for each in columns if each]))
    return found


def _items(owner: SObject, column: Node, editing: bool) -> Iterator[Item]:
    for node in column.all("layoutItems"):
        item = _item(owner, node)
        if item is not None and (isinstance(item, FieldItem) or not editing):
            yield item


def _item(owner: SObject, node: Node) -> Item | None:
    """Return an item; None for an empty space, and for a field that whoever asks does not see."""
    if node.value("field") is not None:
        field = owner.get(node.value("field") or "")
        return None if field is None else FieldItem(field, node.value("behavior") or "Edit")
    page = node.value("page")
    if page is not None:
        return PageItem(page, page.replace("_", " "), pixels(node.value("height"), _HEIGHT), node.flag("showLabel"))
    if node.value("customLink") is not None:
        return LinkItem(node.value("customLink") or "")
    what = next((child.tag for child in node.children if child.tag not in ("behavior", "emptySpace")), None)
    return None if what is None else OtherItem(what)


def pixels(text: str | None, default: int) -> str:
    """Return a height or width as HTML takes it: pixels, or a percentage."""
    found = (text or "").strip().removesuffix("px")
    if found.isdigit():
        return str(min(int(found), 10_000))
    return found if found.endswith("%") and found[:-1].isdigit() else str(default)
