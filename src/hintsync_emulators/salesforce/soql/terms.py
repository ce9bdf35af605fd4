"""The words that SOSL looks for: ``joe AND (smith OR "van dam") AND NOT jo*``, turned into SQL."""

from __future__ import annotations

import re
from collections.abc import Callable

from hintsync_emulators.salesforce.errors import ApiError
from hintsync_emulators.salesforce.schema.model import Field, SObject
from hintsync_emulators.salesforce.soql.conditions import Clause, joined
from hintsync_emulators.salesforce.soql.scope import Scope
from hintsync_emulators.salesforce.storage import quote

#: IN … FIELDS -> whether a field is looked through.
_SCOPES: dict[str, Callable[[Field], bool]] = {
    "ALL": lambda field: field.is_text and field.type not in ("picklist", "multipicklist", "encryptedstring"),
    "NAME": lambda field: field.name == "Name" or field.compound == "Name",
    "EMAIL": lambda field: field.type == "email",
    "PHONE": lambda field: field.type == "phone",
}
#: Kinds of fields that a statement may name.
FIELD_KINDS = tuple(_SCOPES)
#: What stands between the words of a phrase.
WORD_BREAK = r"\W+"
_TOKEN = re.compile(r'\s*(?:(?P<paren>[()])|"(?P<phrase>(?:[^"\\]|\\.)*)"|(?P<word>(?:[^\s()"\\]|\\.)+))', re.S)


class Terms:
    """Compiles search terms for one object at a time.

    Args:
        text: what stands between the braces; words side by side must all be there.
        kind: one of `FIELD_KINDS`.

    Raises:
        ApiError: MALFORMED_SEARCH.
    """

    def __init__(self, text: str, kind: str) -> None:
        self._tokens = _tokens(text)
        self._kind = kind

    def clause(self, scope: Scope) -> Clause:
        """Return the condition for the object of a scope."""
        fields = searched(scope.root.owner, self._kind)
        reader = _Reader(list(self._tokens), [f"{scope.root.alias}.{quote(one.name)}" for one in fields])
        return reader.whole()


def searched(one: SObject, kind: str) -> list[Field]:
    """Return the fields of an object that a search looks through."""
    return [field for field in one.fields.values() if field.is_stored and _SCOPES[kind](field)]


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _malformed(f"unexpected token: '{text[place:].strip()[:1]}'")
        kind = str(match.lastgroup)
        found.append((kind, match.group(kind)))
        place = match.end()
    return found


def _malformed(text: str) -> ApiError:
    return ApiError(400, "MALFORMED_SEARCH", text)


class _Reader:
    """Reads OR over AND over NOT over words."""

    def __init__(self, tokens: list[tuple[str, str]], columns: list[str]) -> None:
        self._tokens, self._columns = tokens, columns

    def whole(self) -> Clause:
        clause = self._any()
        if self._tokens:
            raise _malformed(f"unexpected token: '{self._tokens[0][1]}'")
        return clause

    def _any(self) -> Clause:
        parts = [self._all()]
        while self._take("OR"):
            parts.append(self._all())
        return joined(" OR ", parts)

    def _all(self) -> Clause:
        parts = [self._one()]
        while self._tokens and self._tokens[0] != ("paren", ")") and self._next_word() != "OR":
            self._take("AND")
            parts.append(self._one())
        return joined(" AND ", parts)

    def _one(self) -> Clause:
        if self._take("NOT"):
            sql, values = self._one()
            return f"(NOT {sql})", values
        if not self._tokens:
            raise _malformed("unexpected token: '<EOF>'")
        kind, text = self._tokens.pop(0)
        if kind != "paren":
            return self._leaf(text)
        inner = self._any() if text == "(" else None
        if inner is None or not self._tokens or self._tokens.pop(0) != ("paren", ")"):
            raise _malformed(f"unexpected token: '{text}'")
        return inner

    def _next_word(self) -> str:
        kind, text = self._tokens[0]
        return text.upper() if kind == "word" else ""

    def _take(self, word: str) -> bool:
        if not self._tokens or self._next_word() != word:
            return False
        self._tokens.pop(0)
        return True

    def _leaf(self, text: str) -> Clause:
        pattern, sure = _expression(text)
        if not self._columns:
            return "0", []
        if sure:
            like = re.sub(r"([\\%_])", r"\\\1", sure)
            parts = [f"({column} LIKE ? ESCAPE '\\' AND finds({column}, ?))" for column in self._columns]
            return f"({' OR '.join(parts)})", [f"%{like}%", pattern] * len(self._columns)
        return f"({' OR '.join(f'finds({column}, ?)' for column in self._columns)})", [pattern] * len(self._columns)


def _expression(text: str) -> tuple[str, str]:
    """Return a regular expression for words in a row, and an ASCII text that whatever matches holds for sure."""
    plain = re.sub(r"\\(.)", r"\1", text)
    words = [word for word in re.split(r"[^\w*?]+", plain) if word.strip("*?_")]
    if sum(len(word) for word in words) < 2:
        raise _malformed(f"search term must be longer than one character: {plain}")
    shown = (re.escape(word).replace(r"\*", r"\w*").replace(r"\?", r"\w") for word in words)
    sure = max(re.findall(r"[A-Za-z0-9]+", words[0]), key=len, default="")
    return f"(?<!\\w){WORD_BREAK.join(shown)}(?!\\w)", sure
