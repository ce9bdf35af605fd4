"""Tells whether the internet's way to us leads to us: the service asks its own public address and must know its answer.

The question goes to the very address that Hint posts to, so that DNS, certificate, proxy and path are all tried. The answer
holds the nonce that was asked with, signed with a key that only this installation has: any other server, and another
installation too, is told apart.
"""

from __future__ import annotations

import hmac
import re
import secrets
import socket
import ssl
from dataclasses import dataclass
from hashlib import sha256

import httpx

from hintsync.settings import check_public_url
from hintsync.state.port import StateStore

#: Path of the receiver below the public address.
WEBHOOKS = "/webhooks/hint"
_NONCE = re.compile(r"[0-9a-f]{32}")
#: Name under which the store derives the key, as it does for connections; what is signed starts with a word of its own.
_KEY = "reachability\n"
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Reach:
    """What came of asking our own public address."""

    reached: bool
    #: Stable: reached, bad-address, no-such-host, no-connection, bad-certificate, no-answer, redirected, status,
    #: somebody-else, other-installation.
    code: str
    #: For a person.
    words: str


def proof(store: StateStore, nonce: str) -> str:
    """Return what only a process of this installation can answer to a nonce; hex."""
    return hmac.new(store.fingerprint_key(_KEY), b"reached:" + nonce.encode("ascii"), sha256).hexdigest()


def answer_to(store: StateStore, nonce: str) -> dict[str, str] | None:
    """Return what is answered to who asks with a nonce, None if it is none; it tells nothing but that we are who we are."""
    return {"nonce": nonce, "proof": proof(store, nonce)} if _NONCE.fullmatch(nonce) else None


async def check_reachability(
    store: StateStore, url: str, *, transport: httpx.AsyncBaseTransport | None = None
) -> Reach:
    """Ask the address that Hint posts to, from here, through DNS and TLS.

    That we reach it does not prove that Hint does: only the first signed event does.

    Args:
        store: of this installation; another process of it may be the one that answers.
        url: address of the receiver.
        transport: how to get there, instead of over the network.
    """
    try:
        url = check_public_url(url)
    except ValueError as error:
        return Reach(False, "bad-address", str(error))
    nonce = secrets.token_hex(16)
    try:
        async with httpx.AsyncClient(transport=transport, timeout=_SECONDS, follow_redirects=False) as http:
            found = await http.get(url, params={"nonce": nonce}, headers={"user-agent": "hintsync"})
    except httpx.HTTPError as error:
        return _unreached(error)
    return _judge(found, nonce, proof(store, nonce))


def _judge(found: httpx.Response, nonce: str, expected: str) -> Reach:
    if found.is_redirect:
        return Reach(
            False, "redirected", "The address redirects elsewhere; Hint may not follow. Enter the final address."
        )
    if found.status_code != 200:
        words = (
            f"Something answers with status {found.status_code}; check the path and what the proxy in front passes on."
        )
        return Reach(False, "status", words)
    try:
        shown = found.json()
    except ValueError:
        shown = None
    if not isinstance(shown, dict) or shown.get("nonce") != nonce:
        return Reach(False, "somebody-else", "Another server answers there; check DNS and the proxy in front.")
    if not hmac.compare_digest(str(shown.get("proof")).encode(), expected.encode()):
        return Reach(False, "other-installation", "Another installation of hintsync answers there.")
    return Reach(True, "reached", "The service reaches itself there. Edit a patient in Hint to see that Hint does too.")


def _unreached(error: httpx.HTTPError) -> Reach:
    causes = _causes(error)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return Reach(False, "no-such-host", "The name is not known to DNS.")
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Reach(
            False, "bad-certificate", "The certificate is not valid for that name, or its issuer is not trusted."
        )
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Reach(False, "bad-certificate", "No TLS connection comes about; is it https that listens there?")
    if isinstance(error, httpx.ConnectError):
        return Reach(False, "no-connection", "Nobody listens there, or a firewall is in the way.")
    return Reach(False, "no-answer", f"No answer within {_SECONDS:.0f} seconds, or one that is not HTTP.")


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and what it was raised from or in the course of, innermost last."""
    found: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in found:
        found.append(each)
        each = each.__cause__ or each.__context__
    return found
