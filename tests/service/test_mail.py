"""Mail that confirms an installation: to whoever installed, encrypted unless the server is here, and never in the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from hintsync.core.errors import BadInput
from hintsync.mail import MailNotSent, MailServer
from hintsync.settings import load_settings
from hintsync.setup.installation import Wish, install_pages
from hintsync.surfaces.installed import confirm_by_mail
from tests.engine.wire import Wire, wired
from tests.replicas.clock import HeldClock
from tests.service.postbox import Postbox, postbox

URL = "https://sync.clinic.example"
SENDER = "hintsync@clinic.example"


@pytest.fixture
async def box() -> AsyncIterator[Postbox]:
    async with postbox() as box:
        yield box


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with wired(tmp_path, database_url="memory:") as wire:
        wire.service.clock = HeldClock()
        yield wire


async def installed(wire: Wire, url: str) -> str:
    """Install, confirm, and return what came of the mail."""
    settings = {"smtp_url": SecretStr(url), "smtp_from": SENDER}
    wire.service.settings = wire.service.settings.model_copy(update=settings)
    wish = Wish(URL)
    done = await install_pages(wire.service, await wire.service.connection(), wish)
    return await confirm_by_mail(wire.service, wish, done)


async def test_m1_whoever_installed_is_told_by_mail_what_was_done(wire: Wire, box: Postbox) -> None:
    told = await installed(wire, f"smtp://mailer:p%40ss@127.0.0.1:{box.port}")
    assert told == "a confirmation was mailed to integration@example.org"
    [mail] = box.mails
    assert (mail["From"], mail["To"], box.recipients) == (
        SENDER,
        "integration@example.org",
        ["integration@example.org"],
    )
    text = bytes(mail.get_payload(decode=True)).decode()
    assert "Contact Layout: section and buttons put on" in text
    assert URL in text
    assert box.logins == [("mailer", "p@ss")]


async def test_without_a_mail_server_nothing_is_sent_or_said(wire: Wire) -> None:
    assert await installed(wire, "") == ""


async def test_a_mail_that_cannot_be_sent_is_said_and_takes_nothing_back(wire: Wire, box: Postbox) -> None:
    box.answer = "550 no such person as Ida Moss"
    told = await installed(wire, f"smtp://127.0.0.1:{box.port}")
    assert told.startswith("the confirmation was not mailed: the mail server")
    assert "Moss" not in told
    assert wire.org.components.get("ApexPage", "Hintsync_Panel") is not None
    nobody = await installed(wire, "smtp://127.0.0.1:1")
    assert nobody == "the confirmation was not mailed: the mail server could not be used (ConnectionRefusedError)"


async def test_a_password_that_smtp_cannot_carry_is_said_and_takes_nothing_back(wire: Wire, box: Postbox) -> None:
    told = await installed(wire, f"smtp://mailer:p%C3%A4ss@127.0.0.1:{box.port}")
    assert told == "the confirmation was not mailed: its host, user or password holds a letter that SMTP cannot carry"
    assert (box.mails, box.logins) == ([], [])


async def test_mail_leaves_this_machine_encrypted_or_not_at_all() -> None:
    async with postbox("127.0.0.2") as elsewhere:  # an address that does not count as this machine
        server = MailServer.parse(f"smtp://127.0.0.2:{elsewhere.port}", SENDER)
        with pytest.raises(MailNotSent, match="does not encrypt"):
            await server.send("ida@clinic.example", "subject", "text")
        assert elsewhere.mails == []


@pytest.mark.parametrize(
    ("url", "sender", "named"),
    [
        ("http://post.example", SENDER, "HINTSYNC_SMTP_URL: expected smtp://user:password@host:port"),
        ("smtp://", SENDER, "HINTSYNC_SMTP_URL: expected"),
        ("smtp://u:secret@post.example", "", "HINTSYNC_SMTP_FROM: expected the e-mail address"),
    ],
)
def test_settings_of_mail_that_make_no_sense_are_refused(
    url: str, sender: str, named: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HINTSYNC_SMTP_URL", url)
    monkeypatch.setenv("HINTSYNC_SMTP_FROM", sender)
    with pytest.raises(BadInput, match=named) as refused:
        load_settings(state=tmp_path)
    assert "secret" not in str(refused.value)
