"""Independent calls in one, each by its own address and perhaps its own API version ("Composite Batch")."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from hintsync_emulators.salesforce.errors import ApiError
from hintsync_emulators.salesforce.responses.composite import attempt, part_call
from hintsync_emulators.salesforce.web.call import Answer, Call

#: Parts of a call.
MOST = 25
_HALTED = {
    "statusCode": 412,
    "result": [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}],
}


def batch(call: Call) -> Answer:
    """Run the parts; with `haltOnError` those behind the first that fails are not tried."""
    body = call.object()
    halts = body.get("haltOnError") is True
    results: list[dict[str, object]] = []
    has_errors = False
    for part in _parts(body):
        if has_errors and halts:
            results.append(dict(_HALTED))
            continue
        answer = attempt(partial(_call, call, part))
        has_errors = has_errors or answer.status >= 400
        results.append({"statusCode": answer.status, "result": answer.value})
    return Answer(value={"hasErrors": has_errors, "results": results})


def _parts(body: Mapping[str, object]) -> list[Mapping[str, object]]:
    parts = body.get("batchRequests")
    if not isinstance(parts, list) or not parts or not all(isinstance(one, dict) for one in parts):
        raise ApiError(400, "JSON_PARSER_ERROR", "batchRequests must be a list of objects")
    if len(parts) > MOST:
        raise ApiError(400, "LIMIT_EXCEEDED", f"The request has {len(parts)} subrequests; at most {MOST} are allowed")
    for one in parts:
        if not isinstance(one.get("url"), str) or not isinstance(one.get("method"), str):
            raise ApiError(400, "JSON_PARSER_ERROR", "each subrequest needs a method and a url")
    return parts


def _call(call: Call, part: Mapping[str, object]) -> Call:
    url = str(part["url"]).lstrip("/")
    path = f"/{url}" if url.startswith("services/") else f"/services/data/{url}"
    if "/composite" in path and "/composite/sobjects" not in path:
        raise ApiError(400, "INVALID_INPUT", f"{part['url']} is not supported in a batch")
    return part_call(call, str(part["method"]).upper(), path, part.get("richInput"), {})
