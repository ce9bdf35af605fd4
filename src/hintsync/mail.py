"""Sends mail over SMTP, encrypted on its way; used to confirm an installation to whoever made it."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Final
from urllib.parse import unquote, urlsplit

#: Seconds that the server may take to answer.
_PATIENCE: Final = 20.0
_PORTS: Final = {"smtp": 587, "smtps": 465}
#: Hosts that mail may be given to in clear: this machine.
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class MailNotSent(Exception):
    """The mail did not leave; one of our own words says why."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """An SMTP server, and in whose name it sends."""

    host: str
    port: int
    #: Encrypted from the first byte (`smtps`); else by STARTTLS, which only a server on this machine may lack.
    tls: bool
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str, sender: str) -> MailServer:
        """Read `smtp://user:password@host:587` or `smtps://user:password@host:465`.

        Raises:
            ValueError: it is neither, or the sender is no address; says what was expected.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("smtp_url: expected smtp://user:password@host:port, or smtps://")
        if "@" not in sender or not sender.isprintable():
            raise ValueError("smtp_from: expected the e-mail address that mail is sent from")
        port = parts.port or _PORTS[parts.scheme]
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname, port, parts.scheme == "smtps", sender, user, password)

    async def send(self, to: str, subject: str, text: str) -> None:
        """Give a mail to the server.

        Raises:
            MailNotSent: the server cannot be reached, does not encrypt, or refuses it.
        """
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, to, subject
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        message.set_content(text)
        await asyncio.to_thread(self._deliver, message)

    def _deliver(self, message: EmailMessage) -> None:
        try:
            with self._open() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message)
        except smtplib.SMTPResponseException as error:  # its text may name people
            raise MailNotSent(f"the mail server answered {error.smtp_code}") from None
        except UnicodeError:  # its text would quote the password
            raise MailNotSent("its host, user or password holds a letter that SMTP cannot carry") from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailNotSent(f"the mail server could not be used ({type(error).__name__})") from None

    def _open(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_PATIENCE, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=_PATIENCE)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        elif self.host not in _HERE:
            server.close()
            raise MailNotSent("the mail server does not encrypt; use one that offers STARTTLS, or smtps://")
        return server
