"""The lists of the partner's routes: a page of rows, exact and range filters, and the two counts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from hintsync_emulators.hint.http import Answer, Call, answer
from hintsync_emulators.hint.query import Condition, conditions_of, parse_page
from hintsync_emulators.hint.switches import Switches

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """How rows of one kind are listed."""

    show: Callable[[Row], dict[str, object]]
    #: What a list can be filtered by; names that end in ``_at`` are times and take ranges.
    filters: Mapping[str, Callable[[Row], object]]
    #: Filters that take several values, separated by commas.
    several: frozenset[str] = frozenset()

    def answer(self, call: Call, rows: Iterable[Row], switches: Switches) -> Answer:
        """Returns the page that a call asks for.

        Raises:
            HintError: 400 for a page, a range or a time that cannot be read.
        """
        pairs = call.pairs()
        limit, offset = parse_page(dict(pairs), switches)
        found = [row for row in rows if self._is_wanted(row, pairs)]
        page = found[offset : offset + limit]
        counts = ((b"x-count", b"%d" % len(page)), (b"x-total-count", b"%d" % len(found)))
        return answer([self.show(row) for row in page], counts)

    def legacy_answer(self, call: Call, rows: Iterable[Row], switches: Switches) -> Answer:
        """Returns all rows and no counts, as the older lists are documented; a switch makes them pages."""
        if switches.legacy_lists_paged:
            return self.answer(call, rows, switches)
        return answer([self.show(row) for row in rows])

    def _is_wanted(self, row: Row, pairs: list[tuple[str, str]]) -> bool:
        view = _View(row, self.filters)
        single = [pair for pair in pairs if pair[0] not in self.several]
        times = {name for name in self.filters if name.endswith("_at")}
        conditions: list[Condition] = conditions_of(single, self.filters.keys(), times)
        wanted = {name: value.split(",") for name, value in pairs if name in self.several}
        return all(each.holds(view) for each in conditions) and all(
            view.get(name) in values for name, values in wanted.items()
        )


class _View(Generic[Row]):
    """A row, as its filters see it."""

    def __init__(self, row: Row, filters: Mapping[str, Callable[[Row], object]]) -> None:
        self._row = row
        self._filters = filters

    def get(self, name: str, /) -> object:
        return self._filters[name](self._row)
