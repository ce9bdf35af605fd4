"""The transport on servers of every kind, beside httpx's own: both must say the same."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hintsync.replicas.wire import WireTransport, open_transport, transport_without_proxy

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(params=["wire", "httpx"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncBaseTransport]:
    transport = WireTransport(2) if request.param == "wire" else httpx.AsyncHTTPTransport()
    yield transport
    await transport.aclose()


@pytest.fixture
async def wire() -> AsyncIterator[WireTransport]:
    transport = WireTransport(2)
    yield transport
    await transport.aclose()


class Server:
    """Answers every request on a connection with the same bytes; knows how many connections there were."""

    def __init__(self, answer: bytes, *, close: bool = False) -> None:
        self.answer, self.close = answer, close
        self.connections = 0
        self.requests: list[bytes] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
                )
                self.requests.append(head + await reader.readexactly(length))
                writer.write(self.answer)
                await writer.drain()
                if self.close:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def listening(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if context else 'http'}://localhost:{port}/x?a=b%20c"
    finally:
        server.close()


async def get(transport: httpx.AsyncBaseTransport, url: str, read: float = 30.0) -> httpx.Response:
    extensions = {"timeout": httpx.Timeout(30.0, read=read).as_dict()}
    response = await transport.handle_async_request(httpx.Request("GET", url, extensions=extensions))
    await response.aread()
    await response.aclose()
    return response


async def test_a_request_arrives_as_it_was_made(transport: httpx.AsyncBaseTransport) -> None:
    server = Server(OK)
    async with listening(server) as url:
        request = httpx.Request("PATCH", url, headers=[("X-One", "1"), ("X-Two", "2")], content=b"{}")
        response = await transport.handle_async_request(request)
        assert await response.aread() == b"ok"
        await response.aclose()
    (sent,) = server.requests
    assert sent.startswith(b"PATCH /x?a=b%20c HTTP/1.1\r\n")
    assert sent.endswith(b"\r\n\r\n{}")
    assert b"X-One: 1\r\n" in sent
    assert b"X-Two: 2\r\n" in sent


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (OK, 200, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 200, b"abc"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 422 Unprocessable Content\r\nContent-Length: 0\r\n\r\n", 422, b""),
    ],
)
async def test_an_answer_is_read_to_its_end_and_the_connection_used_again(
    transport: httpx.AsyncBaseTransport, answer: bytes, status: int, body: bytes
) -> None:
    server = Server(answer)
    async with listening(server) as url:
        for _ in range(3):
            response = await get(transport, url)
            assert (response.status_code, response.content) == (status, body)
            assert "link" not in response.headers
    assert server.connections == 1


async def test_a_compressed_answer_is_unpacked(transport: httpx.AsyncBaseTransport) -> None:
    packed = gzip.compress(b"patients" * 1000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nX-Total-Count: 7\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with listening(Server(head + packed)) as url:
        response = await get(transport, url)
    assert response.content == b"patients" * 1000
    assert response.headers["x-total-count"] == "7"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"\x16\x03\x01 not HTTP\r\n\r\n",
    ],
)
async def test_an_answer_that_breaks_off_or_is_none_leaves_the_outcome_open(
    transport: httpx.AsyncBaseTransport, answer: bytes
) -> None:
    async with listening(Server(answer, close=True)) as url:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await get(transport, url)


async def test_a_server_that_wants_to_close_gets_a_new_connection(transport: httpx.AsyncBaseTransport) -> None:
    server = Server(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", close=True)
    async with listening(server) as url:
        for _ in range(3):
            assert (await get(transport, url)).content == b"ok"
    assert server.connections == 3


async def test_a_server_that_closed_meanwhile_gets_a_new_connection(transport: httpx.AsyncBaseTransport) -> None:
    server = Server(OK)
    async with listening(server) as url:
        await get(transport, url)
        server.writers[0].close()
        await server.writers[0].wait_closed()
        for _ in range(5):  # the end is in our socket by now; the loop has to see it
            await asyncio.sleep(0)
        assert (await get(transport, url)).content == b"ok"
    assert server.connections == 2


async def test_nobody_there_is_a_request_that_was_not_sent(transport: httpx.AsyncBaseTransport) -> None:
    async with listening(Server(OK)) as url:
        pass
    for _ in range(5):
        with pytest.raises(httpx.ConnectError):
            await get(transport, url)


async def test_a_server_that_does_not_answer_in_time(transport: httpx.AsyncBaseTransport) -> None:
    async with listening(Server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")) as url:
        with pytest.raises(httpx.ReadTimeout):
            await get(transport, url, read=0.02)


async def test_a_line_break_cannot_be_smuggled_into_a_request(transport: httpx.AsyncBaseTransport) -> None:
    server = Server(OK)
    async with listening(server) as url:
        request = httpx.Request("GET", url, headers=[(b"X-One", b"1\r\nX-Two: 2")])
        with pytest.raises(httpx.LocalProtocolError):
            await transport.handle_async_request(request)
    assert server.requests == []


async def test_a_late_answer_is_not_taken_for_the_next_ones(wire: WireTransport) -> None:
    arrived, gate, answers = asyncio.Event(), asyncio.Event(), iter((b"late", b"next"))

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        answer = next(answers)
        arrived.set()
        if answer == b"late":
            await gate.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + answer)
        writer.close()

    async with listening(slow) as url:
        given_up = asyncio.create_task(get(wire, url))
        await arrived.wait()
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        gate.set()
        assert (await get(wire, url)).content == b"next"


async def test_bytes_that_nobody_asked_for_end_the_connection(wire: WireTransport) -> None:
    server = Server(OK + OK)
    async with listening(server) as url:
        assert (await get(wire, url)).content == b"ok"
        assert (await get(wire, url)).content == b"ok"
    assert server.connections == 2


async def test_a_connection_that_was_idle_for_long_is_not_trusted(wire: WireTransport) -> None:
    server = Server(OK)
    async with listening(server) as url:
        await get(wire, url)
        (kept,) = wire._idle.values()
        kept[0]._used_at -= 15
        await get(wire, url)
    assert server.connections == 2


async def test_no_more_connections_than_allowed_are_open_at_a_time(wire: WireTransport) -> None:
    server = Server(OK)
    async with listening(server) as url:
        await asyncio.gather(*(get(wire, url) for _ in range(20)))
    assert server.connections <= 2
    assert len(server.requests) == 20


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's context for localhost, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "both.pem").write_bytes(key.private_bytes(*form) + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "both.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


async def test_a_server_is_trusted_for_its_certificate_and_for_nothing_else(tmp_path: Path) -> None:
    context, trusting = certificate(tmp_path)
    trusted, usual = WireTransport(verify=trusting), WireTransport()
    async with listening(Server(OK), context) as url:
        assert (await get(trusted, url)).content == b"ok"
        with pytest.raises(httpx.ConnectError):
            await get(trusted, url.replace("localhost", "127.0.0.1"))
        with pytest.raises(httpx.ConnectError):
            await get(usual, url)
        await trusted.aclose()


async def test_behind_a_proxy_httpx_takes_its_place() -> None:
    server = Server(OK)
    async with listening(server) as proxy:
        transport = open_transport(proxy=proxy.removesuffix("/x?a=b%20c"))
        await get(transport, "http://api.hint.test/api/provider/practice")
        await transport.aclose()
    assert server.requests[0].startswith(b"GET http://api.hint.test/api/provider/practice HTTP/1.1")


@pytest.mark.parametrize(("proxy", "kind"), [("", WireTransport), ("http://127.0.0.1:9", type(None))])
def test_where_the_environment_names_a_proxy_httpx_follows_it(
    monkeypatch: pytest.MonkeyPatch, proxy: str, kind: type[object]
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    if proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert isinstance(transport_without_proxy(2), kind)


async def test_a_client_of_httpx_works_on_it(wire: WireTransport) -> None:
    packed = gzip.compress(b'{"records": []}')
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with listening(Server(head + packed)) as url, httpx.AsyncClient(transport=wire) as client:
        for _ in range(2):
            answer = await client.get(url, headers={"X": "1"})
            assert answer.json() == {"records": []}
