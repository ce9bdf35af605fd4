"""The page that says how true the emulators are, made from their tables of routes.

python -m hintsync_emulators fidelity > docs/fidelity.md
"""

import ast
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hintsync_emulators.hint import left_out
from hintsync_emulators.hint.openapi import openapi as hint_document
from hintsync_emulators.hint.switches import descriptions
from hintsync_emulators.salesforce.pages import left_out as pages_left_out
from hintsync_emulators.salesforce.pages.urls import ROUTES as PAGES
from hintsync_emulators.salesforce.responses.urls import ROUTES
from hintsync_emulators.salesforce.web.dispatch import unanswered
from hintsync_emulators.salesforce.web.router import Route
from hintsync_emulators.salesforce.web.versions import FIRST_VERSION, LAST_VERSION

#: Foreign clients with the tests that run them and the endpoints that each test calls, e.g. ``GET /services/data``.
Exercised = Mapping[str, Mapping[str, Sequence[str]]]
#: Where the tests keep the table; they fail when a client calls anything else.
TABLE = Path("tests/emulators/clients/exercised.json")

_INTRODUCTION = """# How true the emulators are

This page is made from code by `python -m hintsync_emulators fidelity`; a test fails when it is not current. The last column
names the clients that nobody here wrote and that call an endpoint in our tests, unmodified. What is left out answers with
status 501 and the words "not emulated", and names itself; it never answers wrongly on purpose."""
_HINT = """## Hint

Older and newer routes, Bearer and Basic, version {version}. Made from public documents alone: no live call was ever made. Every
point at which those documents disagree or say nothing is a switch, below. No client of Hint that we did not write is run here."""
_SALESFORCE = """## Salesforce

API versions {first}.0 to {last}.0 at once; made from the published developer guides and from recordings in public repositories."""
_PAGES = """### Pages for people

Not counted as calls of the API, and nothing is made to fail there. What they are not stands below the table."""
#: Methods of the Pub/Sub API, with the kinds under which their calls are counted.
_EVENTS = (
    ("GetTopic", "pubsub.topic", "Whether a channel of change events exists, and its schema."),
    ("GetSchema", "pubsub.schema", "The Avro schema of an event, made from the fields of its object."),
    ("Subscribe", "pubsub.subscribe", "Change events by credits, from the tip, the beginning or a replay id."),
)


def page(exercised: Exercised) -> str:
    """Returns the page in Markdown."""
    hint = hint_document()
    return (
        "\n\n".join(
            [
                _INTRODUCTION,
                _HINT.format(version=hint["info"]["version"]),  # type: ignore[index]
                _table(("endpoint", "takes"), _hint_rows(hint)),
                "### Switches\n\n`GET /_control/switches` lists them, `PUT` sets them.",
                _table(("switch", "default", "what it decides"), _switch_rows()),
                "### Not emulated",
                _list([*left_out.AREAS, *left_out.DETAILS]),
                _SALESFORCE.format(first=FIRST_VERSION, last=LAST_VERSION),
                _table(("endpoint", "what it does", "exercised by"), _salesforce_rows(exercised)),
                "### Change events over gRPC with TLS",
                _table(("method", "what it does", "exercised by"), _event_rows(exercised)),
                _PAGES,
                _table(("address", "what it does"), _page_rows()),
                _list(pages_left_out.POINTS),
                "### Not emulated\n\nResources below the version that have no route:",
                ", ".join(f"`{name}`" for name in unanswered()) + ".",
                "Parts of what is emulated, each in the words of its own error (… stands for a name):",
                _list(sorted(set(_said()))),
                "### Clients",
                _table(
                    ("client", "tests that run it"), ((name, len(tests)) for name, tests in sorted(exercised.items()))
                ),
            ]
        )
        + "\n"
    )


def read_table(path: Path = TABLE) -> Exercised:
    """Reads which client exercises what; empty where there is no such file, as in an installed package."""
    if not path.is_file():
        return {}
    table: Exercised = json.loads(path.read_text(encoding="utf-8"))
    return table


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def _list(points: Iterable[str]) -> str:
    return "\n".join(f"- {point}" for point in points)


def _hint_rows(document: Mapping[str, Any]) -> Iterator[Sequence[object]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"`{method.upper()} {path}`", "; ".join(_taken(operation))


def _taken(operation: Mapping[str, Any]) -> Iterator[str]:
    named = [each["name"] for each in operation["parameters"] if each["in"] == "query"]
    if named:
        yield f"query: {', '.join(named)}"
    if any(each["in"] == "header" for each in operation["parameters"]):
        yield "Hint-Version"
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield f"body: {', '.join(content['schema'].get('properties', {})) or 'an object'}"
        return


def _switch_rows() -> Iterator[Sequence[object]]:
    for switch in descriptions():
        yield f"`{switch['name']}`", f"`{json.dumps(switch['default'])}`", switch["about"]


def _salesforce_rows(exercised: Exercised) -> Iterator[Sequence[object]]:
    for route in ROUTES:
        yield f"`{route.method} {route.path}`", _first_line(route), _clients(exercised, f"{route.method} {route.path}")


def _first_line(route: Route) -> str:
    return (route.handler.found().__doc__ or "").strip().partition("\n")[0]


def _page_rows() -> Iterator[Sequence[object]]:
    for route in PAGES:
        yield f"`{route.method} {route.path}`", _first_line(route)


def _event_rows(exercised: Exercised) -> Iterator[Sequence[object]]:
    for method, kind, does in _EVENTS:
        yield f"`{method}`", does, _clients(exercised, kind)


def _clients(exercised: Exercised, called: str) -> str:
    found = (name for name, tests in exercised.items() if any(called in seen for seen in tests.values()))
    return ", ".join(sorted(found))


def _said() -> Iterator[str]:
    """Yields what the code says when it leaves something out, as it stands in the source."""
    for path in sorted((Path(__file__).parent / "salesforce").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "not_emulated" and node.args:
                said = _text(node.args[0])
                if said.strip("…/ "):
                    yield said


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return "…"
