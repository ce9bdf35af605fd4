"""M5: the service asks its own public address, through DNS and TLS, and knows its own answer from any other."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from hintsync.state.memory import MemoryStore
from hintsync.surfaces.web.reaching import answer_to, check_reachability
from hintsync_emulators.serve import serving
from hintsync_emulators.tls import write_certificate
from tests.surfaces.web.house import PATH, PUBLIC, House

URL = f"{PUBLIC}{PATH}"
Answer = Callable[[Request], Awaitable[Response]]


def answering(answer: Answer) -> httpx.ASGITransport:
    """Return a transport to a server that answers so."""
    return httpx.ASGITransport(Starlette(routes=[Route(PATH, answer)]))


async def test_m5_the_service_reaches_itself_at_the_address_that_hint_posts_to(house: House) -> None:
    store, transport = house.wire.service.store, httpx.ASGITransport(house.app)
    found = await check_reachability(store, URL, transport=transport)
    assert (found.reached, found.code) == (True, "reached")
    assert (await check_reachability(store, f"{URL}/demo", transport=transport)).reached


async def test_m5_another_process_of_the_same_installation_answers_for_it(house: House) -> None:
    mine = house.wire.service.store

    async def sibling(request: Request) -> Response:
        return JSONResponse(answer_to(mine, request.query_params["nonce"]))

    assert (await check_reachability(mine, URL, transport=answering(sibling))).reached


async def test_m5_another_installation_and_another_server_are_told_apart() -> None:
    mine, other = MemoryStore(), MemoryStore()

    async def elsewhere(request: Request) -> Response:
        return JSONResponse(answer_to(other, request.query_params["nonce"]))

    async def echo(request: Request) -> Response:
        return JSONResponse({"nonce": request.query_params["nonce"], "proof": request.query_params["nonce"]})

    async def old(request: Request) -> Response:
        return JSONResponse(answer_to(mine, "0" * 32))

    async def parked(request: Request) -> Response:
        return PlainTextResponse("This domain is for sale.")

    async def listing(request: Request) -> Response:
        return JSONResponse([1, 2])

    async def login(request: Request) -> Response:
        return RedirectResponse("https://elsewhere.example.org/login")

    async def shut(request: Request) -> Response:
        return PlainTextResponse("no", 403)

    servers = {elsewhere: "other-installation", echo: "other-installation", old: "somebody-else"}
    servers |= {parked: "somebody-else", listing: "somebody-else", login: "redirected", shut: "status"}
    for server, code in servers.items():
        found = await check_reachability(mine, URL, transport=answering(server))
        assert (found.reached, found.code) == (False, code), server.__name__


async def test_m5_what_is_no_public_address_is_not_asked() -> None:
    for url in ("http://sync.example.org/webhooks/hint", "ftp://x/", "https://", "https://a b/", "https://u:p@x/", "x"):
        found = await check_reachability(MemoryStore(), url)
        assert (found.reached, found.code) == (False, "bad-address"), url
        assert "u:p" not in found.words


async def test_m5_a_name_that_dns_does_not_know_is_said() -> None:
    assert (await check_reachability(MemoryStore(), "https://sync.hintsync.invalid/x")).code == "no-such-host"


async def test_m5_a_port_where_nobody_listens_is_said() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        port = taken.getsockname()[1]
        assert (await check_reachability(MemoryStore(), f"http://127.0.0.1:{port}/x")).code == "no-connection"


def test_m5_a_certificate_that_nobody_trusts_is_said(tmp_path: Path) -> None:
    with serving(Starlette(), certificate=write_certificate(tmp_path)) as url:
        assert asyncio.run(check_reachability(MemoryStore(), f"{url}/x")).code == "bad-certificate"


@asynccontextmanager
async def speaking(reply: bytes) -> AsyncIterator[int]:
    """Serve bytes to whoever connects, and yield the port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_m5_a_port_that_speaks_no_tls_or_no_http_is_said() -> None:
    async with speaking(b"HTTP/1.1 200 OK\r\n\r\n") as port:
        found = await check_reachability(MemoryStore(), f"https://127.0.0.1:{port}/x")
        assert found.code == "bad-certificate"
        assert "TLS" in found.words
    async with speaking(b"220 smtp.example.org ESMTP\r\n") as port:
        assert (await check_reachability(MemoryStore(), f"http://127.0.0.1:{port}/x")).code == "no-answer"


async def test_a_nonce_of_another_shape_is_not_answered(house: House) -> None:
    for nonce in ("", "0" * 31, "G" * 32, "0" * 33, '{"id":"evt-1"}'):
        answer = await house.http.get(PATH, params={"nonce": nonce})
        assert answer.status_code == 400
    assert (await house.http.get(PATH)).status_code == 400
