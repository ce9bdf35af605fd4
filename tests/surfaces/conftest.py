"""A small town for the command line to work on."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.surfaces.town import Town, built


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Put the handlers back that a command has replaced: its own write to a stream that is closed by now."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with built(tmp_path) as town:
        yield town
