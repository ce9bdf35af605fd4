"""Tells whoever supervises this process that it is ready, alive, or about to end: systemd by its socket, others by a file."""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path

_log = logging.getLogger(__name__)

#: Names the datagram socket of a supervisor that wants to be told: https://www.freedesktop.org/software/systemd/man/sd_notify.html
SOCKET = "NOTIFY_SOCKET"


class Supervisor:
    """Whoever started this process and restarts it when it dies or hangs."""

    def __init__(self, file: Path | None = None) -> None:
        """Take the file that is touched at every sign of life (`hintsync-alive` looks at it), if one is wanted."""
        self._file = file
        self._address = os.environ.get(SOCKET, "")

    def ready(self) -> None:
        """Say that the process does its work from now on."""
        self._tell("READY=1")

    def beat(self) -> None:
        """Say that the process is alive: a supervisor that hears nothing for too long restarts it."""
        self._tell("WATCHDOG=1")
        if self._file is not None:
            try:
                self._file.touch()
            except OSError as error:
                _log.warning("%s: no sign of life can be left there (%s)", self._file, error.strerror)

    def stopping(self) -> None:
        """Say that the process finishes what is begun, and ends."""
        self._tell("STOPPING=1")

    def _tell(self, words: str) -> None:
        if not self._address:
            return
        # An @ stands for the zero byte that abstract addresses begin with.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.connect(address)
                line.sendall(words.encode("ascii"))
        except OSError as error:
            _log.warning("the supervisor cannot be told %s (%s)", words, error.strerror)
