"""What holds for every call: sessions, versions, limits, encodings, spelling of paths."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from hintsync_emulators.salesforce import Org
from tests.emulators.salesforce.conftest import ROOT, TOKEN


async def test_versions_are_listed_without_a_token_and_without_the_limit_header(outside: httpx.AsyncClient) -> None:
    answer = await outside.get("/services/data")
    versions = [one["version"] for one in answer.json()]
    assert versions == [f"{number}.0" for number in range(50, 69)]
    labels = {one["version"]: one["label"] for one in answer.json()}
    assert (labels["51.0"], labels["66.0"], labels["67.0"], labels["68.0"]) == (
        "Spring '21",
        "Spring '26",
        "Summer '26",
        "Winter '27",
    )
    assert "sforce-limit-info" not in answer.headers


@pytest.mark.parametrize("version", ["51.0", "59.0", "66.0", "68.0"])
async def test_several_versions_are_served_at_once_and_links_keep_the_version(org: Org, version: str) -> None:
    from hintsync_emulators.salesforce import create_app

    record_id = org.insert("Contact", {"LastName": "Lovelace"})
    transport = httpx.ASGITransport(create_app(org))
    async with httpx.AsyncClient(transport=transport, base_url="http://emulated") as client:
        url = f"/services/data/v{version}/sobjects/Contact/{record_id}"
        answer = await client.get(url, headers={"Authorization": f"OAuth {TOKEN}"})
        assert answer.json()["attributes"]["url"] == url


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [("20.0", 410, "UNSUPPORTED_API_VERSION"), ("42.0", 501, "NOT_EMULATED"), ("69.0", 404, "NOT_FOUND")],
)
async def test_other_versions_are_refused(outside: httpx.AsyncClient, version: str, status: int, code: str) -> None:
    answer = await outside.get(f"/services/data/v{version}/limits", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic Zm9vOmJhcg=="])
async def test_a_call_without_a_living_session_answers_invalid_session_id(
    outside: httpx.AsyncClient, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await outside.get(f"{ROOT}/limits", headers=headers)
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


async def test_forced_expiry_ends_the_fixed_token_too(api: httpx.AsyncClient, org: Org) -> None:
    assert (await api.get("/limits")).status_code == 200
    assert org.expire_tokens() == 1
    assert (await api.get("/limits")).json()[0]["errorCode"] == "INVALID_SESSION_ID"


async def test_every_answer_says_how_much_of_the_day_is_used(api: httpx.AsyncClient, org: Org) -> None:
    org.set_daily_limit(15_000, used=137)
    assert (await api.get("/limits")).headers["Sforce-Limit-Info"] == "api-usage=138/15000"
    assert (await api.get("/sobjects/Nothing/describe")).headers["Sforce-Limit-Info"] == "api-usage=139/15000"
    limits = (await api.get("/limits")).json()["DailyApiRequests"]
    assert limits == {"Max": 15_000, "Remaining": 14_860}


async def test_the_daily_limit_refuses_everything_with_403(api: httpx.AsyncClient, org: Org) -> None:
    org.set_daily_limit(2, used=1)
    assert (await api.get("/limits")).status_code == 200
    answer = await api.post("/sobjects/Contact", json={"LastName": "Late"})
    assert answer.status_code == 403
    assert answer.json() == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    assert org.count("Contact") == 0


@pytest.mark.parametrize("path", ["/query/", "/query", "/QUERY", "/Query/"])
async def test_paths_are_taken_in_any_case_and_with_a_slash(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path, params={"q": "SELECT COUNT() FROM Contact"})
    assert answer.json() == {"totalSize": 0, "done": True, "records": []}


async def test_bodies_are_compact_unless_pretty_print_is_asked_for(api: httpx.AsyncClient) -> None:
    plain = await api.get("/limits")
    pretty = await api.get("/limits", headers={"X-PrettyPrint": "1"})
    assert b"\n" not in plain.content
    assert b'\n  "DailyApiRequests"' in pretty.content
    assert plain.headers["content-type"] == "application/json;charset=UTF-8"


async def test_gzip_is_sent_only_when_asked_for_and_taken_in_requests(api: httpx.AsyncClient, org: Org) -> None:
    packed = await api.get("/sobjects/Contact/describe", headers={"Accept-Encoding": "gzip"})
    plain = await api.get("/sobjects/Contact/describe", headers={"Accept-Encoding": "identity"})
    assert (packed.headers.get("content-encoding"), plain.headers.get("content-encoding")) == ("gzip", None)
    assert packed.json() == plain.json()
    answer = await api.post(
        "/sobjects/Contact",
        content=gzip.compress(b'{"LastName":"Hopper"}'),
        headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
    )
    assert org.get("Contact", answer.json()["id"])["LastName"] == "Hopper"


async def test_a_chunked_body_is_read_whole(api: httpx.AsyncClient, org: Org) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'{"Last', b'Name":', b'"Noether"}'):
            yield piece

    answer = await api.post("/sobjects/Contact", content=pieces(), headers={"Content-Type": "application/json"})
    assert answer.request.headers["transfer-encoding"] == "chunked"
    assert org.get("Contact", answer.json()["id"])["LastName"] == "Noether"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "NOT_FOUND"),
        ("PUT", "/limits", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/tooling/executeAnonymous", 501, "NOT_EMULATED"),
        ("GET", "/appMenu/AppSwitcher", 501, "NOT_EMULATED"),
        ("GET", "/search/suggestions", 501, "NOT_EMULATED"),
        ("GET", "/sobjects/Global/describe/layouts", 501, "NOT_EMULATED"),
        ("GET", "/sobjects/PermissionSet/describe/layouts", 501, "NOT_EMULATED"),
        ("GET", "/sobjects/Contact/describe/layouts/012000000000001AAA", 404, "NOT_FOUND"),
        ("GET", "/sobjects/User/describe/namedLayouts/Nothing", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Contact/describe/compactLayouts/nothing", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Contact/listviews/00B000000000001AAA", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Contact/quickActions/Nothing", 404, "NOT_FOUND"),
        ("GET", "/quickActions/Nothing/describe", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Contact/003D000000QV9n2IAD/Account", 501, "NOT_EMULATED"),
        ("GET", "/sobjects/Nothing", 404, "NOT_FOUND"),
    ],
)
async def test_what_is_not_answered_says_so(
    api: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await api.request(method, path)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)
    if code == "NOT_EMULATED":
        assert answer.json()[0]["message"].startswith("not emulated: ")


async def test_a_body_that_is_no_json_answers_400_and_another_type_415(api: httpx.AsyncClient) -> None:
    broken = await api.post("/sobjects/Contact", content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    other = await api.post("/sobjects/Contact", content=b"<a/>", headers={"Content-Type": "application/xml"})
    assert (other.status_code, other.json()[0]["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_an_address_longer_than_16384_bytes_answers_414(api: httpx.AsyncClient) -> None:
    quoted = ",".join(f"'{number:018}'" for number in range(900))
    statement = f"SELECT Id FROM Contact WHERE LastName IN ({quoted})"
    assert (await api.get("/query", params={"q": statement})).status_code == 414


async def test_call_options_are_remembered_in_both_spellings(api: httpx.AsyncClient, org: Org) -> None:
    await api.get("/limits", headers={"Sforce-Call-Options": "client=sync; defaultNamespace=ns"})
    await api.get("/limits", headers={"Sforce-Call-Options": "defaultNamespace=ns, client=sync"})
    assert org.clients == {"sync": 2}


async def test_two_slashes_at_the_beginning_are_one(outside: httpx.AsyncClient) -> None:
    # An address with a slash at its end, as the sf CLI keeps it, joined with a path.
    answer = await outside.get("http://emulated//services/data")
    assert answer.json()[-1]["version"] == "68.0"
