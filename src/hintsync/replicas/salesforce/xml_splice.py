"""Metadata files, changed at single places: read for where elements stand, and cut or added to byte by byte.

Nothing is written anew: outside the places that are named, a file keeps every byte, comment, entity and line end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from xml.parsers import expat
from xml.sax.saxutils import escape

from hintsync.core.errors import FixConfiguration

_INDENT = b"    "

#: A new element: its name, and its text or the elements in it.
Block: TypeAlias = "tuple[str, str | Sequence[Block]]"


@dataclass(slots=True)
class Element:
    """Where an element stands in its file, in bytes."""

    #: Without namespace.
    tag: str
    start: int
    #: Behind the start tag.
    inside: int = 0
    #: At the end tag; for `<tag/>` the same as `end`.
    closing: int = 0
    end: int = 0
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, *tags: str) -> list[Element]:
        """Return the children of these names, in order."""
        return [each for each in self.children if each.tag in tags]

    def value(self, tag: str) -> str:
        """Return the text of the first child of that name, trimmed; empty without one."""
        return next((each.text.strip() for each in self.children if each.tag == tag), "")

    def below(self, tag: str) -> Iterator[Element]:
        """Return every element of that name at any depth, in the order of the file."""
        for child in self.children:
            if child.tag == tag:
                yield child
            yield from child.below(tag)


@dataclass(frozen=True, slots=True)
class Change:
    """Bytes to be put in the place of those from `start` to `end`."""

    start: int
    end: int
    put: bytes = b""


def read_xml(data: bytes) -> Element:
    """Return the root of a file.

    Raises:
        FixConfiguration: it is no well-formed XML, declares a document type, or is not written in bytes of ASCII's kind.
    """
    reader = _Reader(data)
    try:
        reader.parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise FixConfiguration(f"a metadata file cannot be read as XML ({type(error).__name__})") from None
    reader.settle(len(data))
    assert reader.root is not None  # expat demands a root element
    return reader.root


def change(data: bytes, changes: Iterable[Change]) -> bytes:
    """Carry changes out; those at one place in the order given."""
    parts: list[bytes] = []
    at = 0
    for each in sorted(changes, key=lambda each: each.start):
        parts += [data[at : each.start], each.put]
        at = max(at, each.end)
    return b"".join([*parts, data[at:]])


def added(data: bytes, parent: Element, after: Element | None, block: Block) -> Change:
    """Return the change that adds an element behind a child, or as the first one; indented as its neighbours are.

    Raises:
        FixConfiguration: the parent is written as an empty tag.
    """
    if parent.inside == parent.end:
        raise FixConfiguration(f"a metadata file has nothing in its {parent.tag}")
    neighbour = after or (parent.children[0] if parent.children else None)
    lead = _lead(data, neighbour.start) if neighbour else b""
    place = after.end if after else parent.inside
    return Change(place, place, lead + _render(block, lead))


def removed(data: bytes, element: Element) -> Change:
    """Return the change that takes an element out, with the line that it begins."""
    return Change(element.start - len(_lead(data, element.start)), element.end)


def _lead(data: bytes, place: int) -> bytes:
    """Return the line break and white space right before a place; nothing if it does not begin a line."""
    begin = place
    while begin and data[begin - 1 : begin] in (b" ", b"\t"):
        begin -= 1
    if data[begin - 1 : begin] != b"\n" or not begin:
        return b""
    begin -= 2 if data[begin - 2 : begin] == b"\r\n" else 1
    return data[begin:place]


def _render(block: Block, lead: bytes) -> bytes:
    """Write an element; without a line break before it, all on one line."""
    tag, content = block[0].encode(), block[1]
    if isinstance(content, str):
        return b"<%s>%s</%s>" % (tag, escape(content).encode("ascii", "xmlcharrefreplace"), tag)
    deeper = lead + _INDENT if lead else b""
    inner = b"".join(deeper + _render(each, deeper) for each in content)
    return b"<%s>%s%s</%s>" % (tag, inner, lead, tag)


class _Reader:
    """Builds the tree from what expat reports; a tag ends where the next report begins."""

    def __init__(self, data: bytes) -> None:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise FixConfiguration("a metadata file is written in UTF-16")
        self.root: Element | None = None
        self._open: list[Element] = []
        self._begun: Element | None = None
        self._ended: Element | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.CommentHandler = self.parser.DefaultHandler = self._other
        self.parser.ProcessingInstructionHandler = self._other
        self.parser.StartCdataSectionHandler = self.parser.EndCdataSectionHandler = self._other

    def settle(self, place: int) -> None:
        """Note that something begins here, so that the tag before it is over."""
        if self._begun is not None:
            self._begun.inside, self._begun = place, None
        if self._ended is not None:
            self._ended.end, self._ended = place, None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        place = self.parser.CurrentByteIndex
        self.settle(place)
        element = self._begun = Element(name.rpartition(" ")[2], place)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, name: str) -> None:
        self.settle(self.parser.CurrentByteIndex)
        element = self._ended = self._open.pop()
        element.closing = self.parser.CurrentByteIndex

    def _text(self, text: str) -> None:
        self.settle(self.parser.CurrentByteIndex)
        self._open[-1].text += text

    def _other(self, *_: object) -> None:
        self.settle(self.parser.CurrentByteIndex)

    def _refuse(self, *_: object) -> None:
        raise FixConfiguration("a metadata file declares a document type")
