"""Logging in and out by SOAP, as older clients still do; nothing else of the SOAP data API is here."""

from __future__ import annotations

import re
from html import escape

from hintsync_emulators.bounds import whole
from hintsync_emulators.salesforce.errors import OAuthError
from hintsync_emulators.salesforce.metadata.soap.envelope import CLIENT
from hintsync_emulators.salesforce.metadata.xml import BadXml, Node, parse
from hintsync_emulators.salesforce.responses.identity import user_of
from hintsync_emulators.salesforce.responses.oauth import user_named
from hintsync_emulators.salesforce.web.call import Answer, Call
from hintsync_emulators.salesforce.web.versions import LAST_VERSION

_XML = "text/xml;charset=UTF-8"
#: Target namespaces of the partner and the enterprise description.
_NAMESPACES = {"u": "urn:partner.soap.sforce.com", "c": "urn:enterprise.soap.sforce.com"}
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns="{namespace}" xmlns:sf="urn:fault.{namespace}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
)
#: Oldest version that has not been retired; a login is the same in all of them.
_FIRST_VERSION = 31
_NO_XML = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BAD_LOGIN = "Invalid username, password, security token; or user locked out."


class _Fault(Exception):
    """A SOAP fault, which the API sends with status 500."""

    def __init__(self, code: str, message: str, kind: str = "UnexpectedErrorFault") -> None:
        super().__init__(code)
        self.code, self.message, self.kind = code, message, kind


def partner(call: Call) -> Answer:
    """Answer the partner API: login and logout."""
    return _answered(call, "u")


def enterprise(call: Call) -> Answer:
    """Answer the enterprise API: login and logout."""
    return _answered(call, "c")


def _answered(call: Call, flavour: str) -> Answer:
    try:
        return _sent(200, flavour, _operation(call, flavour))
    except _Fault as fault:
        return _sent(500, flavour, _fault_body(fault))


def _sent(status: int, flavour: str, body: str) -> Answer:
    text = _ENVELOPE.format(namespace=_NAMESPACES[flavour], body=body)
    return Answer(status, raw=text.encode(), content_type=_XML)


def _operation(call: Call, flavour: str) -> str:
    number = whole(call.version.removesuffix(".0"))
    if number is None or not _FIRST_VERSION <= number <= LAST_VERSION:
        raise _Fault("UNSUPPORTED_API_VERSION", f"Invalid Api version specified on URL: {call.version}")
    header, operation = _parts(call.body)
    if operation.tag == "login":
        return _login(call, flavour, operation)
    if operation.tag == "logout":
        return _logout(call, header)
    raise _Fault("NOT_EMULATED", f"not emulated: SOAP operation {operation.tag}")


def _parts(raw: bytes) -> tuple[Node | None, Node]:
    """Return the header of an envelope, if it has one, and the operation inside its body."""
    try:
        envelope = parse(raw)
    except BadXml as problem:
        raise _Fault(CLIENT, f"The SOAP message cannot be read: {problem.message}") from None
    body = envelope.find("Body")
    if body is None or not body.children:
        raise _Fault(CLIENT, "The SOAP body holds no operation")
    return envelope.find("Header"), body.children[0]


def _login(call: Call, flavour: str, operation: Node) -> str:
    username, password = operation.value("username") or "", operation.value("password") or ""
    auth = call.org.auth
    if not auth.check_password(username, password):
        raise _Fault("INVALID_LOGIN", _BAD_LOGIN, "LoginFault")
    try:
        user_id = user_named(call, username)
    except OAuthError:
        raise _Fault("INVALID_LOGIN", _BAD_LOGIN, "LoginFault") from None
    token = auth.issue(user_id, "").token
    place = f"{call.version}/{call.org.org_id[:15]}"
    result = {
        "metadataServerUrl": f"{call.origin}/services/Soap/m/{place}",
        "passwordExpired": "false",
        "sandbox": "false",
        "serverUrl": f"{call.origin}/services/Soap/{flavour}/{place}",
        "sessionId": token,
        "userId": user_id,
    }
    info = _elements(_user_info(call, user_id))
    return f"<loginResponse><result>{_elements(result)}<userInfo>{info}</userInfo></result></loginResponse>"


def _user_info(call: Call, user_id: str) -> dict[str, object]:
    user = user_of(call, user_id)
    organization = call.org.storage.fetch("Organization", [call.org.org_id])[call.org.org_id]
    return {
        "accessibilityMode": "false",
        "organizationId": call.org.org_id,
        "organizationMultiCurrency": "false",
        "organizationName": organization["Name"],
        "profileId": user["ProfileId"] or "",
        "sessionSecondsValid": int(call.org.auth.lifetime or 7200),
        "userEmail": user["Email"],
        "userFullName": user["Name"],
        "userId": user_id,
        "userLanguage": user["LanguageLocaleKey"],
        "userLocale": user["LocaleSidKey"],
        "userName": user["Username"],
        "userTimeZone": user["TimeZoneSidKey"],
        "userType": "Standard",
    }


def _logout(call: Call, header: Node | None) -> str:
    session = header.find("SessionHeader") if header is not None else None
    token = (session.value("sessionId") if session is not None else None) or ""
    if call.org.auth.session(token) is None:
        raise _Fault("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session")
    call.org.auth.revoke(token)
    return "<logoutResponse/>"


def _fault_body(fault: _Fault) -> str:
    if fault.code == CLIENT:
        return f"<soapenv:Fault>{_elements({'faultcode': CLIENT, 'faultstring': fault.message})}</soapenv:Fault>"
    text = f"{fault.code}: {fault.message}"
    detail = _elements({"sf:exceptionCode": fault.code, "sf:exceptionMessage": fault.message})
    inner = f'<sf:{fault.kind} xsi:type="sf:{fault.kind}">{detail}</sf:{fault.kind}>'
    outer = _elements({"faultcode": f"sf:{fault.code}", "faultstring": text})
    return f"<soapenv:Fault>{outer}<detail>{inner}</detail></soapenv:Fault>"


def _elements(values: dict[str, object] | dict[str, str]) -> str:
    return "".join(f"<{name}>{_text(value)}</{name}>" for name, value in values.items())


def _text(value: object) -> str:
    """Write a value as XML text; characters that XML cannot hold become question marks."""
    return escape(_NO_XML.sub("?", str(value)), quote=False)
