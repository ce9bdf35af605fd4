"""Running an emulator on a socket: in the foreground, in a thread, or as a process of its own."""

import gc
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hintsync_emulators.control import DROP_EXTENSION

if TYPE_CHECKING:  # making certificates takes a while to import, and most emulators need none
    from hintsync_emulators.tls import CertificateFiles

HOST = "127.0.0.1"


class DroppableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which also lets the application cut its own connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # Extensions are objects by the ASGI specification; ours carries the callable under the key "abort".
        self.scope["extensions"] = {DROP_EXTENSION: {"abort": self.transport.abort}}


def listen(port: int = 0) -> socket.socket:
    """Binds a listening socket on the loopback interface; port 0 takes any free one.

    Raises:
        OSError: the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """Returns the base URL of a listening socket, without a trailing slash."""
    return f"{scheme}://{HOST}:{listener.getsockname()[1]}"


def make_server(app: ASGIApp, certificate: "CertificateFiles | None" = None) -> uvicorn.Server:
    """Builds the server that all emulators run under: httptools, uvloop where there is one, no access log."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=DroppableProtocol,
            ws="none",
            loop="auto",
            log_level="warning",
            access_log=False,
            date_header=False,  # the emulated systems tell their own time
            timeout_graceful_shutdown=1,
            ssl_certfile=certificate.chain if certificate else None,
            ssl_keyfile=certificate.key if certificate else None,
        )
    )


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serves until the process is told to stop (SIGINT or SIGTERM).

    `listen` first, print `url_of` the socket, then call this: a caller that has read the URL can connect at once,
    because the socket queues connections from the moment it listens.
    """
    # What was loaded at the start stays: looking through it again and again would only hold answers up.
    gc.freeze()
    make_server(app).run(sockets=[listener])


@contextmanager
def serving(app: ASGIApp, port: int = 0, certificate: "CertificateFiles | None" = None) -> Iterator[str]:
    """Serves an emulator from a thread of this process for the length of a with block and yields its URL.

    Args:
        app: what is served.
        port: port on 127.0.0.1; 0 takes a free one.
        certificate: serve https with it (`tls.write_certificate` makes one).

    Raises:
        OSError: the port is taken.
    """
    listener = listen(port)
    server = make_server(app, certificate)
    thread = threading.Thread(target=server.run, args=([listener],), name="emulator", daemon=True)
    thread.start()
    try:
        yield url_of(listener, "https" if certificate else "http")
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


@contextmanager
def emulator_process(arguments: Sequence[str]) -> Iterator[dict[str, object]]:
    """Runs ``python -m hintsync_emulators ARGUMENTS --json`` and yields what it printed: URL, tokens, people made.

    The emulator prints once it listens, so nothing has to be waited for. It is ended by its process id, and ends by
    itself when this process dies, because its standard input closes.

    Raises:
        RuntimeError: the emulator ended before it listened; its own message is on standard error.
    """
    command = [sys.executable, "-m", "hintsync_emulators", *arguments, "--json", "--end-with-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield _first_line(process, command)
        finally:
            process.terminate()
            process.communicate(timeout=20)


def _first_line(process: "subprocess.Popen[bytes]", command: Sequence[str]) -> dict[str, object]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the emulator ended before it listened: {' '.join(command[1:])}")
    return cast("dict[str, object]", json.loads(line))
