"""Merge expressions of Visualforce, as far as pages around a canvas app need them, and what they pass to the app."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

from hintsync_emulators.salesforce.errors import not_emulated

#: ``{!…}``, with texts inside that may hold a brace.
_MERGE = re.compile(r"\{!((?:[^{}'\"]|'[^']*'|\"[^\"]*\")*)\}")
_CALL = re.compile(r"(JSENCODE|HTMLENCODE|URLENCODE|JSINHTMLENCODE)\((.*)\)", re.IGNORECASE | re.DOTALL)
_NAME = re.compile(r"\$?\w+(?:\.\w+)*")
_TEXT = re.compile(r"'([^'\\]*)'|\"([^\"\\]*)\"")
#: One token of an object literal of JavaScript.
_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[{}\[\]:,])|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_$][\w$]*))\s*""",
    re.DOTALL,
)
_WORDS = {"true": "true", "false": "false", "null": "null"}

#: Returns the value of a name such as ``Contact.Id`` or ``$User.Username``; None when there is no such name.
Look = Callable[[str], str | None]


def merged(text: str, look: Look) -> str:
    """Put values in the place of a text's expressions.

    Raises:
        ApiError: NOT_EMULATED, an expression is more than a name, a text or one of the encoding functions.
    """
    return _MERGE.sub(lambda found: _value(found[1].strip(), look), text)


def _value(expression: str, look: Look) -> str:
    call = _CALL.fullmatch(expression)
    if call is not None:
        return _ENCODINGS[call[1].upper()](_value(call[2].strip(), look))
    literal = _TEXT.fullmatch(expression)
    if literal is not None:
        return literal[1] or literal[2] or ""
    found = look(expression) if _NAME.fullmatch(expression) else None
    if found is None:
        raise not_emulated(f"the Visualforce expression {expression}")
    return found


def _js(text: str) -> str:
    """Escape a text for a literal of JavaScript, as JSENCODE does."""
    return json.dumps(text)[1:-1].replace("'", "\\'").replace("<", "\\u003C").replace(">", "\\u003E")


def _html(text: str) -> str:
    pairs = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
    return "".join(pairs.get(char, char) for char in text)


_ENCODINGS: Mapping[str, Callable[[str], str]] = {
    "JSENCODE": _js,
    "HTMLENCODE": _html,
    "URLENCODE": lambda text: quote(text, safe=""),
    "JSINHTMLENCODE": lambda text: _js(_html(text)),
}


def as_json(literal: str) -> str | None:
    """Return a JSON text or an object literal of JavaScript as JSON; None when it is neither.

    ``{view: 'panel'}`` and ``{"view": "panel"}`` are the same to a canvas component.
    """
    text = "".join(_tokens(literal))
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return None
    return json.dumps(found) if isinstance(found, dict) else None


def _tokens(literal: str) -> Iterator[str]:
    place = 0
    while place < len(literal):
        found = _TOKEN.match(literal, place)
        if found is None:
            yield "?"  # not JSON, which the caller will see
            return
        place = found.end()
        yield _token(found)


def _token(found: re.Match[str]) -> str:
    if found["text"] is not None:
        return _text(found["text"])
    if found["word"] is not None:
        return _WORDS.get(found["word"], json.dumps(found["word"]))
    return found["mark"] or found["number"]


def _text(token: str) -> str:
    """Return a literal with single quotes as one with double quotes."""
    if token[0] == '"':
        return token
    inner = token[1:-1].replace("\\'", "'")
    return '"' + re.sub(r'(?<!\\)"', r"\"", inner) + '"'
