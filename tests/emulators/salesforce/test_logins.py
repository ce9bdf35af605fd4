"""Logging in by username and password: the grant, and SOAP."""

from __future__ import annotations

from xml.etree import ElementTree

import httpx
import pytest

from hintsync_emulators.salesforce import App, Org

USERNAME = "integration@example.org"
XML = {"Content-Type": "text/xml", "SOAPAction": "login"}
PARTNER = "{urn:partner.soap.sforce.com}"


#: Ten entities, each ten times the one before: ten thousand million characters from a message of one kilobyte.
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "laugh">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + ']><se:Envelope xmlns:se="http://schemas.xmlsoap.org/soap/envelope/"><se:Body><login>&a9;</login></se:Body></se:Envelope>'
)


@pytest.fixture(autouse=True)
def known_password(org: Org) -> None:
    org.auth.passwords[USERNAME] = "pass&word"
    org.auth.register([App("key", "secret")])


def _envelope(body: str, header: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><se:Envelope xmlns:se="http://schemas.xmlsoap.org/soap/envelope/">'
        f"<se:Header>{header}</se:Header><se:Body>{body}</se:Body></se:Envelope>"
    )


def _login(password: str, namespace: str = "urn:partner.soap.sforce.com") -> str:
    return _envelope(
        f'<login xmlns="{namespace}"><username>{USERNAME}</username><password>{password}</password></login>'
    )


@pytest.mark.parametrize("password", ["pass&word", "pass&wordTOKEN24characters0000000"])
async def test_the_password_grant_takes_a_security_token_behind_the_password(
    outside: httpx.AsyncClient, org: Org, password: str
) -> None:
    form = {"grant_type": "password", "client_id": "key", "client_secret": "secret", "username": USERNAME}
    answer = await outside.post("/services/oauth2/token", data={**form, "password": password})
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()
    assert org.auth.session(answer.json()["access_token"]) is not None


@pytest.mark.parametrize(("username", "password"), [(USERNAME, "pass"), (USERNAME, ""), ("stranger", "pass&word")])
async def test_the_password_grant_refuses_wrong_passwords(
    outside: httpx.AsyncClient, username: str, password: str
) -> None:
    form = {"grant_type": "password", "client_id": "key", "client_secret": "secret"}
    answer = await outside.post("/services/oauth2/token", data={**form, "username": username, "password": password})
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_grant", "error_description": "authentication failure"}


@pytest.mark.parametrize("flavour", ["u", "c"])
async def test_a_soap_login_gives_a_session_and_its_addresses(
    outside: httpx.AsyncClient, org: Org, flavour: str
) -> None:
    answer = await outside.post(f"/services/Soap/{flavour}/64.0", content=_login("pass&amp;word"), headers=XML)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml;charset=UTF-8")
    found = {one.tag.rpartition("}")[2]: one.text for one in ElementTree.fromstring(answer.content).iter()}
    assert org.auth.session(str(found["sessionId"])) is not None
    assert found["serverUrl"] == f"http://emulated/services/Soap/{flavour}/64.0/{org.org_id[:15]}"
    assert (found["userId"], found["organizationId"]) == (org.user_id, org.org_id)


async def test_a_wrong_password_is_a_soap_fault(outside: httpx.AsyncClient) -> None:
    answer = await outside.post("/services/Soap/u/64.0", content=_login("no"), headers=XML)
    assert answer.status_code == 500
    fault = ElementTree.fromstring(answer.content).find(".//{http://schemas.xmlsoap.org/soap/envelope/}Fault")
    assert fault is not None
    assert fault.findtext("{*}faultcode") == "sf:INVALID_LOGIN"
    assert str(fault.findtext("{*}faultstring")).startswith("INVALID_LOGIN: Invalid username, password")


async def test_a_soap_logout_ends_the_session(outside: httpx.AsyncClient, org: Org) -> None:
    token = org.issue_token()
    header = f"<SessionHeader><sessionId>{token}</sessionId></SessionHeader>"
    body = _envelope('<logout xmlns="urn:partner.soap.sforce.com"/>', header)
    assert (await outside.post("/services/Soap/u/64.0", content=body, headers=XML)).status_code == 200
    assert org.auth.session(token) is None
    again = await outside.post("/services/Soap/u/64.0", content=body, headers=XML)
    assert (again.status_code, "INVALID_SESSION_ID" in again.text) == (500, True)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (_envelope('<query xmlns="urn:partner.soap.sforce.com"/>'), "NOT_EMULATED: not emulated: SOAP operation query"),
        (_envelope(""), "soapenv:Client"),
        ("<not xml", "soapenv:Client"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', "soapenv:Client"),
        ('<?xml version="1.0" encoding="shift_jis"?><a/>', "soapenv:Client"),
        (BOMB, "The SOAP message cannot be read: DOCTYPE is disallowed"),
    ],
)
async def test_other_soap_calls_are_faults_that_name_themselves(
    outside: httpx.AsyncClient, body: str, code: str
) -> None:
    answer = await outside.post("/services/Soap/u/64.0", content=body, headers=XML)
    assert answer.status_code == 500
    assert code in answer.text


@pytest.mark.parametrize("place", ["u/64.0", "c/64.0", "m/64.0"])
@pytest.mark.parametrize("body", [BOMB, '<?xml version="1.0" encoding="klingon"?><a/>', "<not xml"])
async def test_xml_that_is_dangerous_or_unreadable_is_its_senders_fault_at_every_soap_address(
    outside: httpx.AsyncClient, place: str, body: str
) -> None:
    answer = await outside.post(f"/services/Soap/{place}", content=body, headers=XML)
    fault = ElementTree.fromstring(answer.content).find(".//{http://schemas.xmlsoap.org/soap/envelope/}Fault")
    assert fault is not None
    assert fault.findtext("{*}faultcode") == "soapenv:Client"
    assert "laugh" not in answer.text


@pytest.mark.parametrize("version", ["30.0", "69.0", "abc", "64.5", "٦٤.0", "%01%EF%BF%BE"])
async def test_a_soap_login_at_a_version_that_is_not_there_is_a_fault(outside: httpx.AsyncClient, version: str) -> None:
    answer = await outside.post(f"/services/Soap/u/{version}", content=_login("pass&amp;word"), headers=XML)
    assert (answer.status_code, "UNSUPPORTED_API_VERSION" in answer.text) == (500, True)
    ElementTree.fromstring(answer.content)
