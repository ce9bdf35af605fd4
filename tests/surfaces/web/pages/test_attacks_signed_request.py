"""Attacks on the way in from Salesforce: signed requests that are forged, bent, doubled, cut, too large, or another org's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

import httpx
import pytest

from hintsync.logins import CANVAS_APP, unpack_canvas_app
from hintsync.state.port import Connection
from hintsync.surfaces.web.access.signed_request import LONGEST
from tests.surfaces.web.pages.desk import Desk


def halves(text: str) -> tuple[str, str]:
    signature, _, envelope = text.partition(".")
    return signature, envelope


def content_of(text: str) -> dict[str, object]:
    envelope = halves(text)[1]
    return dict(json.loads(base64.b64decode(envelope + "=" * (-len(envelope) % 4))))


def signed(content: object, secret: str, algorithm: Callable[[], object] = hashlib.sha256, *, raw: bytes = b"") -> str:
    """Sign an envelope as whoever knows a secret could."""
    envelope = base64.b64encode(raw or json.dumps(content).encode()).decode()
    digest = hmac.new(secret.encode(), envelope.encode(), algorithm).digest()  # type: ignore[arg-type]
    return f"{base64.b64encode(digest).decode()}.{envelope}"


async def secret_of(desk: Desk) -> str:
    stored = await desk.house.wire.service.store.secret("demo", CANVAS_APP)
    assert stored is not None
    return unpack_canvas_app(stored).consumer_secret


async def send(desk: Desk, text: str, path: str = "/canvas") -> httpx.Response:
    return await desk.house.http.post(path, data={"signed_request": text})


def assert_out(answer: httpx.Response) -> None:
    """Nobody was let in, and nothing of what was sent comes back."""
    assert answer.status_code in (400, 403, 413), answer.status_code
    assert "x-hintsync-token" not in answer.headers
    assert "hintsync-token" not in answer.text
    assert "set-cookie" not in answer.headers


async def test_what_the_attacks_start_from_is_let_in(desk: Desk) -> None:
    """Were it not, the attacks would prove nothing."""
    text = await desk.administrator.signed_request()
    again = signed(content_of(text), await secret_of(desk))
    assert (await send(desk, again)).status_code == 200


async def test_the_signature_and_the_envelope_may_come_in_either_alphabet_of_base64(desk: Desk) -> None:
    text = await desk.administrator.signed_request()
    content = {**content_of(text), "filling": "\u00fb\u00ff\u00fe>>>???~~~" * 9}
    raw = json.dumps(content, ensure_ascii=False).encode()
    secret = await secret_of(desk)
    standard = base64.b64encode(raw).decode()
    assert {"+", "/"} & set(standard), "an envelope in which the alphabets differ"
    for envelope in (standard, standard.rstrip("="), base64.urlsafe_b64encode(raw).decode()):
        digest = hmac.new(secret.encode(), envelope.encode(), hashlib.sha256).digest()
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            assert (await send(desk, f"{encode(digest).decode()}.{envelope}")).status_code == 200


@pytest.mark.parametrize("place", ["user", "org", "view", "record"])
async def test_an_envelope_that_was_changed_after_signing_is_refused(desk: Desk, place: str) -> None:
    signature, _ = halves(text := await desk.front_desk.signed_request())
    content = content_of(text)
    context = dict(content["context"])  # type: ignore[call-overload]
    bent = {
        "user": {"user": {**context["user"], "userId": desk.administrator.user_id}},
        "org": {"organization": {**context["organization"], "organizationId": "00D000000000000AAA"}},
        "view": {"environment": {**context["environment"], "parameters": {"view": "unlink"}}},
        "record": {"environment": {**context["environment"], "record": {"Id": "0035g00000ZZZZZAA4"}}},
    }[place]
    envelope = base64.b64encode(json.dumps({**content, "context": {**context, **bent}}).encode()).decode()
    assert_out(await send(desk, f"{signature}.{envelope}"))


async def test_every_shortened_request_is_refused(desk: Desk) -> None:
    text = await desk.administrator.signed_request()
    dot = text.index(".")
    for cut in (0, 1, dot - 1, dot, dot + 1, dot + 40, len(text) // 2, len(text) - 4, len(text) - 1):
        assert_out(await send(desk, text[:cut]))
    for each in (text[1:], text[dot:], text[dot + 1 :], f".{text[dot + 1 :]}"):
        assert_out(await send(desk, each))


async def test_other_algorithms_are_refused_whatever_the_envelope_says(desk: Desk) -> None:
    content, secret = content_of(await desk.administrator.signed_request()), await secret_of(desk)
    for named in ("none", "NONE", "", None, "HMACSHA1", "HMACSHA512", "hmacsha256", "RS256", 256, ["HMACSHA256"]):
        assert_out(await send(desk, signed({**content, "algorithm": named}, secret)))
    for algorithm in (hashlib.sha1, hashlib.sha512, hashlib.md5):
        assert_out(await send(desk, signed(content, secret, algorithm)))
    envelope = base64.b64encode(json.dumps({**content, "algorithm": "none"}).encode()).decode()
    for signature in ("", "AA==", base64.b64encode(hashlib.sha256(envelope.encode()).digest()).decode()):
        assert_out(await send(desk, f"{signature}.{envelope}"))


async def test_other_secrets_are_refused_the_empty_one_among_them(desk: Desk) -> None:
    content, secret = content_of(await desk.administrator.signed_request()), await secret_of(desk)
    for other in ("", " ", secret[:-1], secret + "\x00", secret.swapcase()):
        assert_out(await send(desk, signed(content, other)))


async def test_a_form_with_two_requests_or_none_is_refused(desk: Desk) -> None:
    text = await desk.administrator.signed_request()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = str(httpx.QueryParams({"signed_request": text}))
    for content in (f"{body}&{body}", f"{body}&signed_request=x", "", "signed_request=", body.upper(), "&" * 50 + body):
        assert_out(await desk.house.http.post("/canvas", content=content, headers=form))
    assert_out(await desk.house.http.post(f"/canvas?{body}"))
    assert (await desk.house.http.get(f"/canvas?{body}")).status_code == 405


async def test_a_request_of_another_org_is_refused_though_it_is_signed_with_our_secret(desk: Desk) -> None:
    """The session that it carries says which org and person it belongs to, whatever the envelope says."""
    content, secret = content_of(await desk.front_desk.signed_request()), await secret_of(desk)
    context = dict(content["context"])  # type: ignore[call-overload]
    other_user = {**context, "user": {**context["user"], "userId": desk.administrator.user_id}}
    other_org = {**context, "organization": {**context["organization"], "organizationId": "00D5g0000099999EAA"}}
    for bent in (other_user, other_org):
        assert_out(await send(desk, signed({**content, "context": bent}, secret)))


async def test_a_request_to_another_connections_address_is_refused(desk: Desk) -> None:
    text = await desk.administrator.signed_request()
    assert (await send(desk, text, "/canvas/demo")).status_code == 200
    for named in ("other", "demo%2f..", "%00", "DEMO", "x" * 5_000):
        answer = await send(desk, text, f"/canvas/{named}")
        assert answer.status_code in (403, 404)
        assert "hintsync-token" not in answer.text


async def test_oversized_requests_are_refused_before_they_are_read(desk: Desk) -> None:
    content, secret = content_of(await desk.administrator.signed_request()), await secret_of(desk)
    assert_out(await send(desk, signed({**content, "filling": "x" * LONGEST}, secret)))
    assert_out(await send(desk, "a." + "A" * (4 * LONGEST)))
    deep = b'{"context":' * 9_000
    assert_out(await send(desk, signed(None, secret, raw=deep)))


@pytest.mark.parametrize(
    "content",
    [[], "text", 7, None, {}, {"context": []}, {"context": {"organization": {"organizationId": {}}}, "client": 5}],
    ids=repr,
)
async def test_envelopes_of_another_shape_are_refused(desk: Desk, content: object) -> None:
    assert_out(await send(desk, signed(content, await secret_of(desk))))


async def test_bytes_that_are_no_text_are_refused(desk: Desk) -> None:
    secret = await secret_of(desk)
    for raw in (b"\xff\xfe\x00", b"\x00", b'{"context": "\xff"}'):
        assert_out(await send(desk, signed(None, secret, raw=raw)))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"signed_request=\xff.\xfe", b"signed_request=%ff.%fe", b"signed_request=%00.%00", "é.é".encode()):
        assert_out(await desk.house.http.post("/canvas", content=body, headers=form))


async def test_a_record_of_any_text_is_no_way_into_another_page(desk: Desk) -> None:
    """What Salesforce signs may carry what an administrator there wrote into a page's parameters."""
    content, secret = content_of(await desk.administrator.signed_request()), await secret_of(desk)
    context = dict(content["context"])  # type: ignore[call-overload]
    for record in ("../settings", "{connection}", "<script>hit()</script>", "0" * 3_000, "\r\nX-Hit: 1", "\x00"):
        environment = {**context["environment"], "parameters": {"view": "panel"}, "record": {"Id": record}}
        bent = {**content, "context": {**context, "environment": environment}}
        answer = await send(desk, signed(bent, secret))
        assert answer.status_code == 422
        assert "x-hit" not in answer.headers
        assert "<script>hit" not in answer.text


async def test_a_second_connection_that_is_not_finished_keeps_nobody_out(desk: Desk) -> None:
    store = desk.house.wire.service.store
    here = (await store.connections())[0]
    await store.put_connection(Connection("half", "half", here.org_id, False, "", here.settings))
    assert (await desk.administrator.open()).status_code == 200
    _, envelope = halves(await desk.administrator.signed_request())
    answer = await send(desk, f"AAAA.{envelope}")
    assert_out(answer)
    assert "frame-ancestors http://127.0.0.1:9" in answer.headers["content-security-policy"]
