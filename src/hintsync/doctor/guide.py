"""The guide to the checks, made from their table: `python -m hintsync.doctor.guide` prints it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from hintsync.doctor.checks import CHECKS, NOT_KNOWN, Area, Check
from hintsync.doctor.known import Why

_INTRODUCTION: Final = """\
# Look everything over: hintsync doctor

    hintsync doctor                      # this installation and all its connections
    hintsync doctor --connection NAME    # one of them
    hintsync doctor --json               # the same for programs

Administrators find the same on the page **Doctor**, for their own connection. Nothing is changed by it: nothing is made, upgraded
or written, neither here nor in the two systems. It costs about fifteen API calls in Salesforce and three in Hint a connection.

Each check says how a thing is, what was found, and what to do:

| state | meaning |
|---|---|
| ok | all is well |
| look | it works, and a person should look at it |
| wrong | it does not work, or is not safe |
| not known | it could not be found out; the line says why |

| exit code | meaning |
|---|---|
| 0 | all is ok |
| 1 | something could not be found out, and nothing else needs a person: run it again |
| 2 | there is no connection of that name |
| 3 | something is wrong, or a person should look |

Every question has a time limit of its own, and one that gets no answer hides no other. A refused credential is tried once.
With `--json`, `check` is the name that stands in backticks below and never changes; `found` and `remedy` are words for people.
A database of another version, or a master key that does not fit, is told and left alone: then no connection is looked at.
"""
_AREAS: Final = {
    Area.SERVICE: "This installation",
    Area.SALESFORCE: "Salesforce",
    Area.HINT: "Hint",
    Area.WEBHOOKS: "Webhooks",
    Area.WORK: "Work",
}
_WHY: Final = {
    Why.SILENT: "no answer",
    Why.LOCKED: "the credential was refused",
    Why.ABSENT: "something has to be there first",
    Why.REFUSED: "we may not ask (told as *look*)",
    Why.UNFORESEEN: "unforeseen",
}


def guide() -> str:
    """Return the guide, Markdown."""
    return "\n".join((_INTRODUCTION, *(line for area in Area for line in _area(area)), *_unknown()))


def _area(area: Area) -> Iterator[str]:
    yield f"## {_AREAS[area]}"
    yield ""
    for check in CHECKS:
        if check.area is area:
            yield from _check(check)


def _check(check: Check) -> Iterator[str]:
    yield f"### {check.title}"
    yield ""
    yield f"`{check.code}`: {check.looks_at}"
    yield ""
    yield from (f"- *{case}*: {remedy}" for case, remedy in check.remedies.items())
    yield ""


def _unknown() -> Iterator[str]:
    yield "## Not known"
    yield ""
    yield from (f"- *{_WHY[why]}*: {remedy}" for why, remedy in NOT_KNOWN.items())
    yield ""


if __name__ == "__main__":
    sys.stdout.write(guide())
