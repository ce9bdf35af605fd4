"""SOAP messages of the Metadata API: a call in, a result or a fault out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hintsync_emulators.salesforce.errors import ApiError
from hintsync_emulators.salesforce.metadata.xml import NAMESPACE, BadXml, Node, compact, leaf, parse

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
#: Fault code of a message that its sender has got wrong (SOAP 1.1, section 4.4.1).
CLIENT = "soapenv:Client"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
#: Namespaces that every answer declares.
_OPEN = f'<soapenv:Envelope xmlns:soapenv="{_SOAP}" xmlns="{NAMESPACE}"'
_INSTANCE = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


@dataclass(frozen=True, slots=True)
class Request:
    """A call: its session, and the operation with its parameters."""

    session: str
    #: ``client`` of CallOptions.
    client: str | None
    operation: str
    arguments: Node


def read_request(body: bytes) -> Request:
    """Read an envelope.

    Raises:
        ApiError: it is no SOAP message of the Metadata API.
    """
    try:
        root = parse(body)
    except BadXml as problem:
        raise ApiError(500, CLIENT, f"The SOAP message cannot be read: {problem.message}") from None
    content = root.find("Body")
    if root.tag != "Envelope" or root.namespace != _SOAP or content is None or not content.children:
        raise ApiError(500, CLIENT, "The message is no SOAP envelope with a body")
    call = content.children[0]
    if call.namespace != NAMESPACE:
        raise ApiError(500, CLIENT, f"No operation available for request {{{call.namespace}}}{call.tag}")
    header = root.find("Header") or Node("Header")
    session = header.find("SessionHeader")
    options = header.find("CallOptions")
    return Request(
        (session.value("sessionId") or "") if session else "",
        options.value("client") if options else None,
        call.tag,
        call,
    )


def answer(operation: str, results: Iterable[Node]) -> bytes:
    """Return the envelope of an answer; each result is one `result` element."""
    inner = "".join(map(compact, results))
    response = f"{operation}Response"
    text = f"{_HEAD}{_OPEN}{_INSTANCE}><soapenv:Body><{response}>{inner}</{response}></soapenv:Body></soapenv:Envelope>"
    return text.encode()


def fault(problem: ApiError) -> bytes:
    """Return the envelope of a refusal."""
    first = problem.faults[0]
    by_sender = first.code == CLIENT
    code = CLIENT if by_sender else f"sf:{first.code}"
    text = compact(leaf("faultstring", first.message if by_sender else f"{first.code}: {first.message}"))
    body = f"<soapenv:Fault><faultcode>{code}</faultcode>{text}</soapenv:Fault>"
    sf = f' xmlns:sf="{NAMESPACE}"'
    head = f'{_HEAD}<soapenv:Envelope xmlns:soapenv="{_SOAP}"{sf}{_INSTANCE}>'
    return f"{head}<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>".encode()


def to_node(tag: str, value: object) -> list[Node]:
    """Return elements for a JSON-like value: none for None, one for each item of a list."""
    if value is None:
        return []
    if isinstance(value, list):
        return [node for item in value for node in to_node(tag, item)]
    if isinstance(value, Mapping):
        children = [node for key, inner in value.items() for node in to_node(str(key), inner)]
        return [Node(tag, children=children)]
    return [leaf(tag, value)]
