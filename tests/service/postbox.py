"""A mail server that takes what it is given, for tests: plain SMTP on this machine (RFC 5321, as far as `smtplib` speaks it)."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message


@dataclass
class Postbox:
    """What the server was given, and how it behaves."""

    port: int = 0
    mails: list[Message] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    #: Name and password that were offered.
    logins: list[tuple[str, str]] = field(default_factory=list)
    #: Answers to a recipient; 250 takes it.
    answer: str = "250 OK"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 post.example\r\n")
        while line := (await reader.readline()).decode().strip():
            word = line[:4].upper()
            if word == "DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(message_from_bytes(raw.removesuffix(b".\r\n")))
                writer.write(b"250 OK\r\n")
            elif word == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(self._reply(word, line).encode() + b"\r\n")
        await writer.drain()
        writer.close()

    def _reply(self, word: str, line: str) -> str:
        if word == "EHLO":
            return "250-post.example\r\n250 AUTH PLAIN"
        if word == "AUTH":
            _, name, password = base64.b64decode(line.split()[-1]).decode().split("\0")
            self.logins.append((name, password))
            return "235 welcome"
        if word == "RCPT":
            self.recipients.append(line.partition("<")[2].partition(">")[0])
            return self.answer
        return "250 OK"


@asynccontextmanager
async def postbox(host: str = "127.0.0.1") -> AsyncIterator[Postbox]:
    """Run a mail server for the length of a with block."""
    box = Postbox()
    server = await asyncio.start_server(box._serve, host, 0)
    box.port = server.sockets[0].getsockname()[1]
    async with server:
        yield box
