"""Values in statements of SOQL, quoted so that nothing people type can be more than a value."""

from __future__ import annotations

from collections.abc import Iterable

#: Types of fields that can be searched for a part of their text.
SEARCHED = frozenset({"string", "phone", "email", "picklist", "url"})
#: Words of a search that count.
_MOST_WORDS = 6


def quoted(text: str) -> str:
    """Return a text as a literal."""
    return f"'{_escaped(text, '')}'"


def _escaped(text: str, more: str) -> str:
    plain = text.replace("\n", " ").replace("\r", " ").replace("\x00", " ")
    return "".join(f"\\{char}" if char in f"\\'{more}" else char for char in plain)


def containing(paths: Iterable[str], text: str) -> str:
    """Return the condition that each word of a text is found in one of the fields; nothing for an empty text."""
    fields = list(paths)
    words = text.split()[:_MOST_WORDS] if fields else []
    either = (" OR ".join(f"{path} LIKE '%{_escaped(word, '%_')}%'" for path in fields) for word in words)
    return " AND ".join(f"({each})" for each in either)
