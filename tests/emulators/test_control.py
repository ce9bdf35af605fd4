"""The control API by itself, around an application that only remembers what reached it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from hintsync_emulators.control import (
    ControlError,
    Controlled,
    ControlRequest,
    ControlRoute,
    Failure,
    Faults,
    read_body,
)
from hintsync_emulators.serve import serving


class Recorder:
    """An application that answers 200 and keeps what it carried out."""

    def __init__(self) -> None:
        self.carried_out: list[tuple[str, str, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.carried_out.append((scope["method"], scope["path"], await read_body(receive)))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


def classify(method: str, path: str) -> str:
    return f"{path.split('/')[1]}.{method.lower()}"


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def controlled(recorder: Recorder) -> Controlled:
    def echo(request: ControlRequest) -> object:
        return {"id": request.path["id"], "body": request.body, "query": request.query}

    async def nothing(_: ControlRequest) -> None:
        await asyncio.sleep(0)

    routes = [
        ControlRoute("PUT", "/things/{id}", echo, "echo", {"x": 1}),
        ControlRoute("POST", "/nothing", nothing, "nothing"),
    ]
    return Controlled(recorder, Faults(limits={"per_second": 20}), classify, routes)


@pytest.fixture
async def client(controlled: Controlled) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(controlled)
    async with httpx.AsyncClient(transport=transport, base_url="http://emulator") as client:
        yield client


@pytest.fixture
def socket_client(controlled: Controlled) -> Iterator[httpx.Client]:
    with serving(controlled) as url, httpx.Client(base_url=url) as client:
        yield client


async def test_calls_are_counted_by_kind_and_control_calls_are_not(client: httpx.AsyncClient) -> None:
    await client.get("/people/1")
    await client.get("/people/2")
    await client.post("/people", json={})
    counts = (await client.get("/_control/counts")).json()
    assert counts == {"total": 3, "by_kind": {"people.get": 2, "people.post": 1}}
    assert (await client.delete("/_control/counts")).status_code == 204
    assert (await client.get("/_control/counts")).json() == {"total": 0, "by_kind": {}}


async def test_a_failure_answers_its_status_body_and_headers_as_often_as_asked(
    client: httpx.AsyncClient, recorder: Recorder
) -> None:
    failure = {"status": 429, "body": {"message": "slow"}, "headers": {"Retry-After": "7"}, "times": 2}
    await client.put("/_control/faults", json={"fail_next": [failure]})
    answers = [await client.get("/people") for _ in range(3)]
    assert [each.status_code for each in answers] == [429, 429, 200]
    assert answers[0].json() == {"message": "slow"}
    assert answers[0].headers["retry-after"] == "7"
    assert len(recorder.carried_out) == 1


async def test_failed_calls_are_counted_too(client: httpx.AsyncClient, controlled: Controlled) -> None:
    controlled.faults.fail_next.append(Failure(503))
    await client.get("/people")
    assert controlled.faults.counts == {"people.get": 1}


async def test_a_failure_waits_for_the_call_it_matches_including_the_query(
    client: httpx.AsyncClient, controlled: Controlled
) -> None:
    controlled.faults.fail_next.append(Failure(500, match=r"^GET /people\?.*offset=100"))
    answers = [await client.get(path) for path in ("/people?offset=0", "/other?offset=100", "/people?x=1&offset=100")]
    assert [each.status_code for each in answers] == [200, 200, 500]


async def test_a_failure_can_let_the_first_matching_calls_pass(
    client: httpx.AsyncClient, controlled: Controlled
) -> None:
    controlled.faults.fail_next.append(Failure(500, match="^PATCH", skip=2))
    statuses = [(await client.patch("/people/1")).status_code for _ in range(4)]
    assert statuses == [200, 200, 500, 200]


async def test_several_failures_are_tried_from_the_front(client: httpx.AsyncClient, controlled: Controlled) -> None:
    controlled.faults.fail_next += [Failure(500), Failure(503)]
    assert [(await client.get("/people")).status_code for _ in range(3)] == [500, 503, 200]


async def test_a_lost_reply_in_process_is_a_transport_error_and_the_request_was_carried_out(
    client: httpx.AsyncClient, controlled: Controlled, recorder: Recorder
) -> None:
    controlled.faults.fail_next.append(Failure(after_commit=True, drop=True))
    with pytest.raises(httpx.TransportError):
        await client.post("/people", content=b"body")
    assert recorder.carried_out == [("POST", "/people", b"body")]


async def test_a_dropped_request_in_process_is_not_carried_out(
    client: httpx.AsyncClient, controlled: Controlled, recorder: Recorder
) -> None:
    controlled.faults.fail_next.append(Failure(drop=True))
    with pytest.raises(httpx.TransportError):
        await client.post("/people")
    assert recorder.carried_out == []


async def test_a_server_error_after_the_commit_hides_the_answer(
    client: httpx.AsyncClient, controlled: Controlled, recorder: Recorder
) -> None:
    controlled.faults.fail_next.append(Failure(502, body="bad gateway", after_commit=True))
    answer = await client.post("/people")
    assert (answer.status_code, answer.text) == (502, "bad gateway")
    assert len(recorder.carried_out) == 1


def test_a_lost_reply_over_a_socket_is_a_dropped_connection_and_the_request_was_carried_out(
    socket_client: httpx.Client, controlled: Controlled, recorder: Recorder
) -> None:
    controlled.faults.fail_next.append(Failure(after_commit=True, drop=True))
    with pytest.raises(httpx.TransportError):
        socket_client.post("/people", content=b"body")
    assert recorder.carried_out == [("POST", "/people", b"body")]
    assert socket_client.get("/people").status_code == 200


def test_a_large_body_reaches_the_application_whole_over_a_socket(
    socket_client: httpx.Client, recorder: Recorder
) -> None:
    body = b"x" * 3_000_000
    socket_client.post("/people", content=body)
    assert recorder.carried_out[0][2] == body


async def test_latency_lets_other_calls_run_meanwhile(recorder: Recorder) -> None:
    arrived = asyncio.Event()

    def noticing(method: str, path: str) -> str:
        arrived.set()
        return classify(method, path)

    controlled = Controlled(recorder, Faults(latency_ms=60_000), noticing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(controlled), base_url="http://emulator") as client:
        slow = asyncio.create_task(client.get("/slow"))
        await arrived.wait()
        controlled.faults.latency_ms = 0
        await client.get("/quick")
        slow.cancel()
    assert [path for _, path, _ in recorder.carried_out] == ["/quick"]


async def test_limits_are_changed_by_name_and_null_lifts_one(client: httpx.AsyncClient, controlled: Controlled) -> None:
    answer = await client.put("/_control/faults", json={"limits": {"per_second": None}, "latency_ms": 1})
    assert answer.json() == {"latency_ms": 1, "fail_next": [], "limits": {"per_second": None}}
    assert controlled.faults.limits == {"per_second": None}


async def test_reset_restores_the_limits_of_the_start_and_forgets_the_rest(
    client: httpx.AsyncClient, controlled: Controlled
) -> None:
    body = {"limits": {"per_second": 5}, "latency_ms": 1, "fail_next": [{"match": "^DELETE"}]}
    await client.put("/_control/faults", json=body)
    await client.get("/people")
    assert (await client.post("/_control/reset")).status_code == 204
    assert (await client.get("/_control/faults")).json() == {
        "latency_ms": 0.0,
        "fail_next": [],
        "limits": {"per_second": 20},
    }
    assert controlled.faults.total == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "must be an object"),
        ({"latency": 5}, "unknown key 'latency'"),
        ({"latency_ms": "5"}, "latency_ms must be a number"),
        ({"latency_ms": -5}, "latency_ms must be a number"),
        ({"limits": {"per_week": 5}}, "this emulator has: per_second"),
        ({"limits": 5}, "limits must be an object"),
        ({"fail_next": {"status": 500}}, "fail_next must be a list"),
        ({"fail_next": [500]}, "each entry must be an object"),
        ({"fail_next": [{"stauts": 500}]}, "unknown key 'stauts'"),
        ({"fail_next": [{"status": "500"}]}, "status must be of type int"),
        ({"fail_next": [{"drop": 1}]}, "drop must be of type bool"),
        ({"fail_next": [{"match": "("}]}, "not a regular expression"),
        ({"fail_next": [{"headers": []}]}, "headers must be an object"),
    ],
)
async def test_faults_that_make_no_sense_are_refused_and_change_nothing(
    client: httpx.AsyncClient, controlled: Controlled, body: object, said: str
) -> None:
    before = controlled.faults.to_json()
    answer = await client.put("/_control/faults", json=body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert controlled.faults.to_json() == before


async def test_a_body_that_is_not_json_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.put("/_control/faults", content=b"{latency")
    assert answer.status_code == 400
    assert "not JSON" in answer.json()["error"]


async def test_an_emulators_own_control_route_gets_path_query_and_body(client: httpx.AsyncClient) -> None:
    answer = await client.put("/_control/things/a-1?deep=yes", json={"x": [1]})
    assert answer.json() == {"id": "a-1", "body": {"x": [1]}, "query": {"deep": "yes"}}
    assert (await client.post("/_control/nothing")).status_code == 204


async def test_the_control_api_lists_its_routes_and_refuses_others(client: httpx.AsyncClient) -> None:
    listing = (await client.get("/_control")).json()
    assert {
        "method": "PUT",
        "path": "/_control/things/{id}",
        "does": "echo",
        "example": "curl -X PUT http://emulator/_control/things/{id} -d '{\"x\": 1}'",
    } in listing
    assert len(listing) == 8
    answer = await client.get("/_control/nothing")
    assert answer.status_code == 404
    assert "no control route GET /_control/nothing" in answer.json()["error"]


def test_declared_limits_keep_those_set_before() -> None:
    faults = Faults(limits={"per_second": 3})
    faults.declare_limits({"per_second": 20, "per_day": 500_000})
    assert faults.limits == {"per_second": 3, "per_day": 500_000}
    faults.limits["per_day"] = 1
    faults.reset()
    assert faults.limits == {"per_second": 3, "per_day": 500_000}


def test_a_control_body_that_must_be_an_object_says_so() -> None:
    with pytest.raises(ControlError, match="must be a JSON object"):
        ControlRequest(body=[1], query={}, path={}).object()
    assert ControlRequest(body=None, query={}, path={}).object() == {}
