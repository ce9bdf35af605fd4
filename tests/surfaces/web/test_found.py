"""When the results of a search are worth asking for once more."""

from __future__ import annotations

from dataclasses import replace

from hintsync.engine.search.patients import Looked
from hintsync.surfaces.web.views.found import results

WHOLE = Looked((), searched=3, complete=True, total=3)


def test_results_that_are_whole_are_not_asked_for_again() -> None:
    assert results(WHOLE, "003", {}).again == 0


def test_results_are_asked_for_again_while_what_changed_of_late_is_being_read() -> None:
    assert results(replace(WHOLE, catching_up=True), "003", {}).again > 0
    assert results(replace(WHOLE, complete=False), "003", {}).again > 0
