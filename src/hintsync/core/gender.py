"""Gender: one editable table between Hint's words and the labels on the contact. No value is ever guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hintsync.core.canonical import Unreadable, text
from hintsync.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class GenderTable:
    """Pairs of a word Hint takes in `sex` and the label of the contact's picklist.

    The canonical value is Hint's word. Where a word or a label appears in several pairs, all are read and the first is
    written; a label may not stand for two words. Letter case does not matter when reading.
    """

    #: (Hint's word, Salesforce's label). The three words are all that Hint documents for `sex`.
    pairs: tuple[tuple[str, str], ...] = (("male", "Male"), ("female", "Female"), ("intersex", "Intersex"))

    def __post_init__(self) -> None:
        """Refuse a table that would need guessing.

        Raises:
            BadInput: a blank cell, or one label for two words.
        """
        words: dict[str, str] = {}
        for number, (word, label) in enumerate(self.pairs, start=1):
            if text(word) != word or text(label) != label:
                raise BadInput(f"gender table, row {number}: expected two words without surrounding blanks")
            if words.setdefault(label.casefold(), word.casefold()) != word.casefold():
                raise BadInput(f"gender table, row {number}: this label already stands for another of Hint's words")

    def read_hint(self) -> Callable[[object], str | None]:
        """Return the reader of Hint's `sex`."""
        return _reader((word, self._first_spelling(word)) for word, _ in self.pairs)

    def read_salesforce(self) -> Callable[[object], str | None]:
        """Return the reader of the contact's gender field."""
        return _reader((label, self._first_spelling(word)) for word, label in self.pairs)

    def label(self, word: str) -> str:
        """Return the label that is written for a canonical word."""
        return next(label for known, label in self.pairs if known.casefold() == word.casefold())

    def _first_spelling(self, word: str) -> str:
        return next(known for known, _ in self.pairs if known.casefold() == word.casefold())


def _reader(pairs: Iterable[tuple[str, str]]) -> Callable[[object], str | None]:
    known = {spelled.casefold(): word for spelled, word in pairs}

    def read(raw: object) -> str | None:
        value = text(raw)
        if value is None:
            return None
        try:
            return known[value.casefold()]
        except KeyError:
            raise Unreadable from None

    return read
