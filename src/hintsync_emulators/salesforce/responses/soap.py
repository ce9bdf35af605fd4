"""The Metadata API over SOAP: ``/services/Soap/m/XX.0``."""

from __future__ import annotations

from hintsync_emulators.bounds import whole
from hintsync_emulators.salesforce.auth import Session
from hintsync_emulators.salesforce.errors import ApiError, Refused
from hintsync_emulators.salesforce.metadata.soap.envelope import Request, answer, fault, read_request
from hintsync_emulators.salesforce.metadata.soap.operations import perform
from hintsync_emulators.salesforce.web.call import Answer, Call
from hintsync_emulators.salesforce.web.versions import FIRST_VERSION, LAST_VERSION

_TYPE = "text/xml;charset=UTF-8"
_GONE = "Invalid Session ID found in SessionHeader: Illegal Session. Session not found, missing session hash."


def metadata(call: Call) -> Answer:
    """Carry out one operation; refusals are SOAP faults with status 500."""
    try:
        request = read_request(call.body)
        version = _version(call.names["version"])
        session = _session(call, request)
        _count(call, request)
        results = perform(call.org, request, session, version)
    except ApiError as problem:
        return Answer(500, raw=fault(problem), content_type=_TYPE)
    except Refused as refusal:
        return Answer(500, raw=fault(ApiError.of(refusal.fault)), content_type=_TYPE)
    return Answer(raw=answer(request.operation, results), content_type=_TYPE)


def _version(number: str) -> str:
    major, _, rest = number.partition(".")
    known = whole(major)
    if known is None or rest not in ("", "0") or not FIRST_VERSION <= known <= LAST_VERSION:
        raise ApiError(500, "UNSUPPORTED_API_VERSION", f"Invalid Api version specified on URL: {number}")
    return f"{known}.0"


def _session(call: Call, request: Request) -> Session:
    found = call.org.auth.session(request.session)
    if found is None:
        raise ApiError(500, "INVALID_SESSION_ID", _GONE)
    return found


def _count(call: Call, request: Request) -> None:
    limits = call.org.limits
    if limits.used >= limits.daily:
        raise ApiError(500, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    limits.used += 1
    if request.client:
        call.org.clients[request.client] = call.org.clients.get(request.client, 0) + 1
