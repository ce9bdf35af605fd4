"""The markup of a Visualforce page, read: its attributes, and what stands in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

#: Elements may stand so deep; no page comes near.
_DEEPEST = 50


class BadMarkup(Exception):
    """A page's markup cannot be read; the text says why."""


@dataclass(slots=True)
class Element:
    """One element of a page, or a text between elements (without a tag)."""

    #: With its prefix, e.g. ``apex:canvasApp``; small letters.
    tag: str = ""
    #: By name in small letters.
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def get(self, name: str, default: str = "") -> str:
        """Return an attribute, whatever the case of its name."""
        return self.attributes.get(name.lower(), default)

    def walk(self) -> Iterator[Element]:
        """Return everything below, in the order of the page."""
        for child in self.children:
            yield child
            yield from child.walk()


def read_markup(text: str) -> Element:
    """Read a page.

    Raises:
        BadMarkup: it is not well formed, or declares a document type.
    """
    root = Element("#page")
    reader = _Reader([root])
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(text.strip().encode(), True)
    except expat.ExpatError as problem:
        place = f"line {problem.lineno}, column {problem.offset + 1}"
        raise BadMarkup(f"{expat.ErrorString(problem.code)}: {place}") from None
    page = root.children[0]
    if page.tag != "apex:page":
        raise BadMarkup("Markup must have <apex:page> as its root element")
    return page


@dataclass(slots=True)
class _Reader:
    """Builds the tree; prefixes need no declaration, as in Visualforce."""

    open: list[Element]

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag.lower(), {name.lower(): value for name, value in attributes.items()})
        self.open[-1].children.append(element)
        self.open.append(element)
        if len(self.open) > _DEEPEST:
            raise BadMarkup("Elements are nested too deeply")

    def end(self, _: str) -> None:
        self.open.pop()

    def characters(self, data: str) -> None:
        if data.strip():
            self.open[-1].children.append(Element(text=" ".join(data.split())))

    def doctype(self, *_: object) -> None:
        raise BadMarkup("DOCTYPE is not allowed in a page")
