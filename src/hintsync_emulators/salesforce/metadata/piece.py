"""One component on its way into the org, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass

from hintsync_emulators.salesforce.metadata.xml import Node


class Problem(Exception):
    """A component cannot be deployed or removed; the text is shown as its problem."""

    def __init__(self, text: str, line: int | None = None, column: int | None = None, warning: bool = False) -> None:
        super().__init__(text)
        self.text, self.line, self.column = text, line, column
        #: Counts as an error only while the deployment does not ignore warnings.
        self.warning = warning


@dataclass(frozen=True, slots=True)
class Piece:
    """A component as a package or a call brings it."""

    kind: str
    name: str
    #: Path in the package; empty when a call brought it.
    file: str
    node: Node
    #: The file as it came; for a component with a content file the ``-meta.xml``.
    xml: bytes
    #: The content file, e.g. the markup of a page.
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one component."""

    kind: str
    name: str
    file: str
    id: str | None = None
    problem: str | None = None
    warning: bool = False
    line: int | None = None
    column: int | None = None
    created: bool = False
    changed: bool = False
    deleted: bool = False

    @property
    def failed(self) -> bool:
        """Say whether it stands in the way of success."""
        return self.problem is not None and not self.warning


def failure(kind: str, name: str, file: str, problem: Problem, ignore_warnings: bool = False) -> Outcome:
    """Return the outcome of a component that has a problem."""
    mild = problem.warning and ignore_warnings
    return Outcome(kind, name, file, problem=problem.text, warning=mild, line=problem.line, column=problem.column)
