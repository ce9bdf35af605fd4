"""Composite graphs: several chains of record calls, each carried out wholly or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import orjson

from hintsync_emulators.salesforce.errors import ApiError
from hintsync_emulators.salesforce.responses.composite import Part, failed, parts_of, run_parts
from hintsync_emulators.salesforce.web.call import Answer, Call

#: Graphs of a call, parts of all of them, parts in a row, different endpoints ("Composite Graph Limits").
MOST_GRAPHS, MOST_NODES, DEEPEST, MOST_KINDS = 75, 500, 15, 15
#: Failed graphs after which the rest are not tried.
MOST_FAILURES = 14
_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,38}")
_NODE = re.compile(r"/services/data/v[\d.]+/sobjects/(\w+)(/[^/]+(/[^/]+)?)?/?", re.I)
_METHODS = {0: ("POST",), 1: ("DELETE", "GET", "PATCH"), 2: ("DELETE", "GET", "PATCH", "POST")}
_HALTED = [{"errorCode": "PROCESSING_HALTED", "message": "Too many graphs of the request failed before this one."}]


def graphs(call: Call) -> Answer:
    """Run the graphs one after the other."""
    wanted = list(_graphs(call.object()))
    _check_counts(wanted)
    found: list[dict[str, object]] = []
    failures = 0
    for name, parts in wanted:
        halted = failures >= MOST_FAILURES
        results = list(map(_halted, parts)) if halted else run_parts(call, parts, whole=True)
        passed = not any(map(failed, results))
        failures += not passed
        response = {"compositeResponse": results}
        found.append({"graphId": name, "graphResponse": response, "isSuccessful": passed})
    return Answer(value={"graphs": found})


def _halted(part: Part) -> dict[str, object]:
    return {"body": _HALTED, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": part["referenceId"]}


def _graphs(body: Mapping[str, object]) -> Iterator[tuple[str, list[Part]]]:
    found = body.get("graphs")
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise ApiError(400, "JSON_PARSER_ERROR", "graphs must be a list of objects")
    seen: set[str] = set()
    for one in found:
        name = one.get("graphId")
        if not isinstance(name, str) or not _ID.fullmatch(name):
            raise ApiError(400, "INVALID_INPUT", "each graph needs a graphId of less than 40 letters and digits")
        if name in seen:
            raise ApiError(400, "DUPLICATE_VALUE", "each graph needs a graphId of its own")
        seen.add(name)
        yield name, parts_of(one)


def _check_counts(wanted: list[tuple[str, list[Part]]]) -> None:
    nodes = [part for _, parts in wanted for part in parts]
    kinds = {_kind(part) for part in nodes}
    deepest = max(_depth(parts) for _, parts in wanted)
    for what, count, most in (
        ("graphs", len(wanted), MOST_GRAPHS),
        ("nodes", len(nodes), MOST_NODES),
        ("different nodes", len(kinds), MOST_KINDS),
        ("nodes in a row", deepest, DEEPEST),
    ):
        if count > most:
            raise ApiError(400, "LIMIT_EXCEEDED", f"The request has {count} {what}; at most {most} are allowed")


def _kind(part: Part) -> tuple[str, str, int]:
    """Return method, object and form of a node's address; graphs take no other than those of records."""
    url, method = str(part.get("url")), str(part.get("method", "")).upper()
    match = _NODE.fullmatch(url.partition("?")[0])
    form = sum(1 for group in match.groups()[1:] if group) if match else 0
    if match is None or method not in _METHODS[form]:
        raise ApiError(400, "INVALID_INPUT", f"{method} {url} is not supported in a composite graph")
    return method, match.group(1).lower(), form


def _depth(parts: list[Part]) -> int:
    depths: dict[str, int] = {}
    for part in parts:
        named = re.findall(r"@\{(\w+)", orjson.dumps(part).decode())
        depths[str(part["referenceId"])] = 1 + max((depths.get(name, 0) for name in named), default=0)
    return max(depths.values())
