"""Metadata files and SOAP messages as trees: read without document types or entities, written as Salesforce does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_QUOTES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})
#: How deep elements may nest; no metadata type comes near.
_DEEPEST = 100


class BadXml(Exception):
    """A text is no XML that the org reads; `line` and `column` say where, counted from one."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


@dataclass(slots=True)
class Node:
    """One element."""

    #: Name without its namespace.
    tag: str
    text: str = ""
    children: list[Node] = field(default_factory=list)
    namespace: str = NAMESPACE
    line: int = 0
    column: int = 0
    #: Value of ``xsi:type`` without its prefix.
    type: str | None = None
    #: ``xsi:nil="true"``.
    nil: bool = False

    def find(self, tag: str) -> Node | None:
        """Return the first child of that name."""
        return next((one for one in self.children if one.tag == tag), None)

    def all(self, tag: str) -> Iterator[Node]:
        """Return every child of that name."""
        return (one for one in self.children if one.tag == tag)

    def value(self, tag: str) -> str | None:
        """Return the text of a child, trimmed; None when it is absent or empty."""
        found = self.find(tag)
        return (found.text.strip() or None) if found is not None else None

    def values(self, tag: str) -> list[str]:
        """Return the texts of all children of that name, trimmed."""
        return [one.text.strip() for one in self.all(tag)]

    def flag(self, tag: str, default: bool = False) -> bool:
        """Return the truth of a child."""
        text = self.value(tag)
        return default if text is None else text.lower() in ("true", "1")

    def number(self, tag: str) -> float | None:
        """Return the number a child holds; None when it is absent or no number."""
        try:
            return float(self.value(tag) or "")
        except ValueError:
            return None


def parse(raw: bytes | str) -> Node:
    """Read a document.

    Raises:
        BadXml: it is not well formed, or it declares a document type, which might bring entities.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(raw, True)
    except expat.ExpatError as problem:
        text = expat.ErrorString(problem.code)
        raise BadXml(text[:1].upper() + text[1:], problem.lineno, problem.offset + 1) from None
    except (LookupError, ValueError):  # the declaration names an encoding that is unknown or takes several bytes
        raise BadXml("Unsupported encoding", 1, 1) from None
    assert reader.root is not None
    return reader.root


class _Reader:
    """Builds the tree from what expat reports."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, tag = name.rpartition(" ")
        node = Node(tag, "", [], namespace, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1)
        kind = attributes.get(f"{_INSTANCE} type")
        node.type = kind.rpartition(":")[2] if kind else None
        node.nil = attributes.get(f"{_INSTANCE} nil") in ("true", "1")
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)
        if len(self._open) > _DEEPEST:
            raise BadXml("Elements are nested too deeply", node.line, node.column)

    def _end(self, name: str) -> None:
        self._open.pop()

    def _text(self, data: str) -> None:
        self._open[-1].text += data

    def _doctype(self, *_: object) -> None:
        raise BadXml("DOCTYPE is disallowed", self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1)


def leaf(tag: str, value: object) -> Node:
    """Return an element that holds a text; truth is written as XML does."""
    if isinstance(value, bool):
        return Node(tag, "true" if value else "false")
    return Node(tag, str(value))


def render(node: Node, depth: int = 0) -> str:
    """Write an element and what it holds, indented by four spaces a level, without a namespace."""
    space = "    " * depth
    if node.nil:
        return f'{space}<{node.tag} xsi:nil="true"/>\n'
    mark = f' xsi:type="{node.type}"' if node.type else ""
    if node.children:
        inner = "".join(render(one, depth + 1) for one in node.children)
        return f"{space}<{node.tag}{mark}>\n{inner}{space}</{node.tag}>\n"
    text = _quoted(node.text)
    return f"{space}<{node.tag}{mark}>{text}</{node.tag}>\n" if text else f"{space}<{node.tag}{mark}/>\n"


def document(tag: str, children: Iterable[Node]) -> bytes:
    """Write a metadata file: the declaration, the root in the metadata namespace, its children."""
    inner = "".join(render(one, 1) for one in children)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{tag} xmlns="{NAMESPACE}">\n{inner}</{tag}>\n'.encode()


def compact(node: Node) -> str:
    """Write an element and what it holds on one line."""
    if node.nil:
        return f'<{node.tag} xsi:nil="true"/>'
    mark = f' xsi:type="{node.type}"' if node.type else ""
    inner = "".join(map(compact, node.children)) if node.children else _quoted(node.text)
    return f"<{node.tag}{mark}>{inner}</{node.tag}>"


def _quoted(text: str) -> str:
    return text.translate(_QUOTES)


def members_of(root: Node) -> dict[str, tuple[str, ...]]:
    """Return what a package names, by type; some clients write a folder with a slash at its end."""
    found: dict[str, tuple[str, ...]] = {}
    for types in root.all("types"):
        kind = types.value("name") or ""
        found[kind] = (*found.get(kind, ()), *(name.rstrip("/") for name in types.values("members")))
    return found
