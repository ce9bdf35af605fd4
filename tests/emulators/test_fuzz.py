"""Every emulated operation, called with what its own description allows and with what it does not.

No call may end in an error of the server, take for ever, or answer with another kind of content than it says. The
calls are drawn by schemathesis from the emulators' OpenAPI documents; real ids are put in where ids are asked for, so
that the calls get past "not found". ``HINTSYNC_FUZZ_EXAMPLES=500`` draws more of them.
"""

import asyncio
import json
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import content_type_conformance
from starlette.types import ASGIApp

from hintsync_emulators.hint import Practice
from hintsync_emulators.hint import create_app as hint_app
from hintsync_emulators.hint.openapi import openapi as hint_document
from hintsync_emulators.salesforce import App, Org
from hintsync_emulators.salesforce import create_app as salesforce_app
from hintsync_emulators.salesforce.canvas.kept import CanvasApp
from hintsync_emulators.salesforce.openapi import openapi as salesforce_document

#: Drawn from each description twice: within what it allows, and beside it.
EXAMPLES = int(os.environ.get("HINTSYNC_FUZZ_EXAMPLES", "6"))
TOKEN = "00D000000000001!fuzzed"
NAMES = [
    "q",
    "ids",
    "fields",
    "limit",
    "offset",
    "sort",
    "filter",
    "start",
    "end",
    "maxRecords",
    "locator",
    "created_at",
    "updated_at[gt]",
    "first_name",
    "phones",
    "records",
    "attributes",
    "type",
    "allOrNone",
    "object",
    "operation",
    "query",
    "state",
    "code",
    "grant_type",
    "webhook_url",
    "Id",
    "LastName",
    "compositeRequest",
    "method",
    "url",
    "referenceId",
    "body",
    "_HttpMethod",
    "status",
    "attempts",
]
FUZZED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="HINTSYNC_FUZZ_EXAMPLES" not in os.environ,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True, slots=True)
class Target:
    """An emulator with a little of everything in it."""

    app: ASGIApp
    #: Opens a path.
    headers: Callable[[str], dict[str, str]]
    #: Real ids of all kinds.
    ids: Sequence[str]


def hint() -> Target:
    practice = Practice(seed=3)
    partner, connection = practice.partner, practice.installation
    ada = practice.create_patient(first_name="Ada", last_name="Moor", integration_record_id="003/a b")
    practice.merge(practice.create_patient(first_name="Bo", last_name="Moor"), into=ada)
    endpoint = partner.new_endpoint("http://127.0.0.1:9/hook")
    own = partner.new_endpoint("http://127.0.0.1:9/own")
    partner.endpoints.append(endpoint)
    connection.endpoints.append(own)
    app = hint_app(practice)
    app.faults.limits["per_second"] = None
    practice.edit(ada, email="ada@example.com")
    ids = [ada, "003/a b", practice.add_practitioner("Dr. Roe"), connection.id, connection.integration_id]
    ids += [partner.backend.id, endpoint.id, own.id, connection.keys[0].id, partner.keys[0].id]

    def headers(path: str) -> dict[str, str]:
        key = practice.token if path.startswith("/api/provider") else partner.key
        return {"Authorization": f"Bearer {key}"}

    return Target(app, headers, ids)


def salesforce() -> Target:
    client = App("fuzzed", "secret", run_as="integration@example.org")
    org = Org(seed=3, token=TOKEN, apps=[client], features=["MiddleName"])
    org.canvas.given["Panel"] = CanvasApp("Panel", "Panel", "https://example.com/canvas", "06P", "09H", client)
    account = org.insert("Account", {"Name": "Moors"})
    ids = [account, org.org_id, org.user_id, "ada@example.com", "Contact", "LastName", "successfulResults"]
    for name in ("Ada", "Bo"):
        record = {"FirstName": name, "LastName": "Moor", "Email": "ada@example.com", "AccountId": account}
        ids.append(org.insert("Contact", record))
    org.delete("Contact", ids[-1])
    return Target(salesforce_app(org), lambda _: {"Authorization": f"Bearer {TOKEN}"}, ids)


def operations() -> Iterator[Any]:
    for make, document in ((hint, hint_document()), (salesforce, salesforce_document())):
        paths = document["paths"]
        assert isinstance(paths, dict)
        for path, methods in paths.items():
            for method in methods:
                yield pytest.param(make, document, method, path, id=f"{make.__name__} {method.upper()} {path}")


def send(loop: asyncio.Runner, target: Target, case: Case, path: str) -> httpx.Response:
    """Sends a drawn call into the application, as far as it can be written down as HTTP at all."""
    try:
        drawn = requests.Request(**case.as_transport_kwargs(base_url="http://emulator", headers=target.headers(path)))
        prepared = drawn.prepare()
    except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeError):
        assume(False)
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    headers = [(name, value) for name, value in prepared.headers.items() if name.lower() != "transfer-encoding"]

    async def call() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(target.app)) as client:
            return await client.request(str(prepared.method), str(prepared.url), content=body, headers=headers)

    return loop.run(call())


def describes_errors_too(case: Case, content_type: str) -> None:
    assert content_type.partition(";")[0] in ("application/json", "text/xml", "text/html"), content_type


def is_sane(response: httpx.Response) -> bool:
    """Only "not emulated" is an error of the server, and SOAP's way to refuse; what breaks is raised in here instead."""
    status, text = response.status_code, response.text
    refused = status == 500 and "<soapenv:Fault>" in text
    return status < 500 or refused or (status == 501 and "not emulated" in text)


def check(case: Case, response: httpx.Response) -> None:
    status, text = response.status_code, response.text
    assert is_sane(response), f"{status} {text[:500]}"
    content_type = response.headers.get("content-type", "")
    if status < 400 and response.content:
        case.validate_response(response, checks=[content_type_conformance])
    elif response.content:
        describes_errors_too(case, content_type)
    if not response.content:
        assert status in (200, 201, 204, 300, 302, 303, 304) or case.method == "HEAD", f"{status} without a body"
    elif content_type.startswith("application/json"):
        response.json()
    elif content_type.startswith("text/xml"):
        ElementTree.fromstring(text)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("make", "document", "method", "path"), list(operations()))
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_call_breaks_an_emulator(
    make: Callable[[], Target], document: dict[str, Any], method: str, path: str, mode: GenerationMode
) -> None:
    target = make()
    operation = schemathesis.openapi.from_dict(document)[path][method]

    @FUZZED
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def run(case: Case, data: st.DataObject) -> None:
        for name in case.path_parameters or {}:
            if data.draw(st.booleans(), label=f"a real {name}"):
                case.path_parameters[name] = data.draw(st.sampled_from(target.ids))
        check(case, send(loop, target, case, path))

    with asyncio.Runner() as loop:
        try:
            run()
        except Unsatisfiable:
            # Where any text is allowed nothing can be drawn beside it; within there is always something.
            assert mode is GenerationMode.NEGATIVE


def paths_of(document: dict[str, object]) -> list[tuple[str, str]]:
    paths = document["paths"]
    assert isinstance(paths, dict)
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


BODIES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"", b"null", b"[]", b"{}", b'"x"', b"1e999", b"{" * 2000, b"[" * 2000, b"<a/>", b"\xff\xfe", b"a,b\n1"]
    ),
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=4)
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(["application/json", "text/csv", "text/xml", "multipart/form-data", "x"]),
        "Content-Encoding": st.sampled_from(["gzip", "br", "identity"]),
        "Sforce-Query-Options": st.sampled_from(["batchSize=1", "batchSize=200", "batchSize=x"]),
        "If-Modified-Since": st.sampled_from(["yesterday", "Sun, 01 Mar 2026 12:00:00 GMT"]),
        "Accept": st.sampled_from(["*/*", "application/xml", "text/csv"]),
    },
)
QUERIES = st.dictionaries(
    st.sampled_from(NAMES), st.text(max_size=12) | st.sampled_from(['{"gt": 1}', "{", "-1"]), max_size=3
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("make", "document"), [(hint, hint_document()), (salesforce, salesforce_document())])
def test_no_garbage_breaks_an_emulator(make: Callable[[], Target], document: dict[str, object]) -> None:
    target = make()

    @settings(FUZZED, max_examples=EXAMPLES * 50)
    @given(st.sampled_from(paths_of(document)), st.data(), BODIES, HEADERS, QUERIES)
    def run(
        call: tuple[str, str], data: st.DataObject, body: bytes, headers: dict[str, str], query: dict[str, str]
    ) -> None:
        method, path = call
        for placeholder in re.findall(r"\{\w+\}", path):
            known = ["64.0"] if placeholder == "{version}" else [*target.ids, "", "%2F", "..", "'", "\x00"]
            path = path.replace(placeholder, quote(data.draw(st.sampled_from(known)), safe="%"), 1)
        request = httpx.Request(
            method, f"http://emulator{path}", params=query, content=body, headers=target.headers(path) | headers
        )
        response = loop.run(deliver(target, request))
        assert is_sane(response), f"{response.status_code} {response.text[:500]}"

    with asyncio.Runner() as loop:
        run()


async def deliver(target: Target, request: httpx.Request) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(target.app)) as client:
        return await client.send(request)
