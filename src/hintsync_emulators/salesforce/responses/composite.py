"""Several calls in one, the later ones referring to the answers of the earlier ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from hintsync_emulators.salesforce.errors import ApiError, Refused
from hintsync_emulators.salesforce.web.call import Answer, Call

#: Parts of a call, and how many of them may be queries or collections.
MOST, MOST_HEAVY = 25, 5
_REFERENCE = re.compile(r"@\{([^}]+)\}")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_UNDONE = [
    {
        "errorCode": "PROCESSING_HALTED",
        "message": "The transaction was rolled back since another operation in the same transaction failed.",
    }
]
Part = Mapping[str, object]
Result = dict[str, object]


class _RollBack(Exception):
    """Undoes a call whose caller wants all or none."""


def composite(call: Call) -> Answer:
    """Run the parts in order; the outer status is 200 whatever becomes of them."""
    body = call.object()
    parts = parts_of(body)
    _check_counts(parts)
    return Answer(value={"compositeResponse": run_parts(call, parts, body.get("allOrNone") is True)})


def listing(call: Call) -> Answer:
    """List what calls can be put together."""
    return Answer(value={name: f"{call.root}/composite/{name}" for name in ("tree", "graph", "batch", "sobjects")})


def run_parts(call: Call, parts: list[Part], whole: bool) -> list[Result]:
    """Run parts in order, all of them or none if `whole`, and return an answer for each."""
    results: list[Result] = []
    try:
        with call.org.storage.transaction():
            _run_all(call, parts, results)
            if whole and any(failed(one) for one in results):
                raise _RollBack
    except _RollBack:
        return _undone(results)
    return results


def parts_of(body: Mapping[str, object]) -> list[Part]:
    """Return the parts of a request, each with a name of its own.

    Raises:
        ApiError: JSON_PARSER_ERROR or DUPLICATE_VALUE.
    """
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not parts or not all(isinstance(one, dict) for one in parts):
        raise ApiError(400, "JSON_PARSER_ERROR", "compositeRequest must be a list of objects")
    names = [one.get("referenceId") for one in parts]
    if not all(isinstance(name, str) and re.fullmatch(r"\w+", name) for name in names):
        raise ApiError(
            400, "JSON_PARSER_ERROR", "each subrequest needs a referenceId of letters, digits and underscores"
        )
    if len(set(names)) < len(names):
        raise ApiError(400, "DUPLICATE_VALUE", "each subrequest needs a referenceId of its own")
    return parts


def _check_counts(parts: list[Part]) -> None:
    if len(parts) > MOST:
        raise ApiError(400, "LIMIT_EXCEEDED", f"The request has {len(parts)} subrequests; at most {MOST} are allowed")
    heavy = sum(1 for one in parts if re.search(r"/(query|queryAll|composite/sobjects)\b", str(one.get("url"))))
    if heavy > MOST_HEAVY:
        text = f"The request has {heavy} query or collection subrequests; at most {MOST_HEAVY} are allowed"
        raise ApiError(400, "LIMIT_EXCEEDED", text)


def _run_all(call: Call, parts: list[Part], results: list[Result]) -> None:
    bodies: dict[str, object] = {}
    for part in parts:
        result = _run(call, part, bodies)
        results.append(result)
        if not failed(result):
            bodies[str(part["referenceId"])] = result["body"]


def _run(call: Call, part: Part, bodies: Mapping[str, object]) -> Result:
    answer = attempt(lambda: _inner(call, part, bodies))
    headers = {name: value for name, value in answer.headers.items() if name == "Location"}
    return {
        "body": answer.value,
        "httpHeaders": headers,
        "httpStatusCode": answer.status,
        "referenceId": part["referenceId"],
    }


def attempt(make: Callable[[], Call]) -> Answer:
    """Answer a part of a call; what refuses it becomes its answer, and then nothing of it is written."""
    try:
        inner = make()
        assert inner.forward is not None
        with inner.org.storage.transaction():
            return inner.forward(inner)
    except ApiError as problem:
        return Answer(problem.status, [fault.as_error() for fault in problem.faults])
    except Refused as refusal:
        return Answer(ApiError.of(refusal.fault).status, [refusal.fault.as_error()])


def _inner(call: Call, part: Part, bodies: Mapping[str, object]) -> Call:
    url = str(_filled(part.get("url"), bodies))
    if not url.startswith(f"{call.root}/"):
        text = f"The subrequest's url must begin with {call.root}/"
        raise ApiError(400, "INVALID_INPUT", text)
    extra = part.get("httpHeaders")
    headers = {str(name).lower(): str(value) for name, value in extra.items()} if isinstance(extra, dict) else {}
    return part_call(call, str(part.get("method", "")).upper(), url, _filled(part.get("body"), bodies), headers)


def part_call(call: Call, method: str, url: str, body: object, headers: Mapping[str, str]) -> Call:
    """Return a part of a call as a call of its own, with the session of the whole and its ``Sforce-`` headers."""
    path, _, query = url.partition("?")
    inherited = {name: value for name, value in call.headers.items() if name.startswith("sforce-")}
    return Call(
        org=call.org,
        method=method,
        path=path.rstrip("/"),
        params=dict(parse_qsl(query, keep_blank_values=True)),
        headers={**inherited, **headers},
        body=b"",
        origin=call.origin,
        session=call.session,
        inner=True,
        forward=call.forward,
        parsed=body,
    )


def _filled(value: object, bodies: Mapping[str, object]) -> object:
    """Put earlier answers in the place of references, everywhere inside a value."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: _referred(match.group(1), bodies), value) if "@{" in value else value
    if isinstance(value, list):
        return [_filled(one, bodies) for one in value]
    if isinstance(value, dict):
        return {name: _filled(one, bodies) for name, one in value.items()}
    return value


def _referred(path: str, bodies: Mapping[str, object]) -> str:
    name = re.split(r"[.\[]", path, maxsplit=1)[0]
    found: object = bodies.get(name)
    for key, index in _STEP.findall(path[len(name) :]):
        if key and isinstance(found, dict):
            found = found.get(key)
        elif index and isinstance(found, list) and int(index) < len(found):
            found = found[int(index)]
        else:
            found = None
    if name not in bodies or found is None or isinstance(found, (dict, list)):
        text = f"Invalid reference specified. No value for {path} found in {name}"
        raise ApiError(400, "PROCESSING_HALTED", text)
    return str(found).lower() if isinstance(found, bool) else str(found)


def failed(result: Result) -> bool:
    """Say whether a part undoes the call; a collection that refused a record counts as failed too."""
    if int(str(result["httpStatusCode"])) >= 300 and result["httpStatusCode"] != 304:
        return True
    body = result["body"]
    return isinstance(body, list) and any(isinstance(one, dict) and one.get("success") is False for one in body)


def _undone(results: list[Result]) -> list[Result]:
    """Keep the answer of the part that failed first; every other part was rolled back."""
    first = next(place for place, one in enumerate(results) if failed(one))
    return [
        one if place == first else {**one, "body": _UNDONE, "httpHeaders": {}, "httpStatusCode": 400}
        for place, one in enumerate(results)
    ]
