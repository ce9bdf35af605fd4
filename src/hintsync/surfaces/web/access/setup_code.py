"""One-time codes for the guided first start: printed where the service runs, typed into its page, good once and not for long.

Any process of the service reads a code that another made, since it carries its time and is signed with the store's key. That
it was used is remembered as a place taken in a schedule that all processes share. Wrong codes are limited; a right one is
taken even while somebody tries wrong ones, so that nobody can be locked out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hintsync.ports import Clock
from hintsync.state.port import StateStore

#: Seconds that a code is good for.
LIFE: Final = 1800
#: A code is this many bytes: time in seconds, chance, signature; 24 letters and digits in groups of four.
_TIME, _CHANCE, _SIGNATURE = 4, 2, 9
_GROUP = 4
#: Wrong codes that are answered: so many at once, then one in so many seconds, over all processes.
_TRIES, _SECONDS_A_TRY = 10, 6.0


class BadCode(Exception):
    """The code is none, too old, or used; or there were too many tries. One of our own words says which."""


class TooManyTries(BadCode):
    """Wrong codes came too fast."""


def new_code(store: StateStore, clock: Clock) -> str:
    """Return a fresh code."""
    begin = int(clock.now().timestamp()).to_bytes(_TIME) + secrets.token_bytes(_CHANCE)
    text = base64.b32encode(begin + _signature(store, begin)).decode()
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


async def use_code(store: StateStore, clock: Clock, typed: str) -> None:
    """Use a code up.

    Raises:
        BadCode: it cannot be used.
    """
    now = clock.now().timestamp()
    begin = _signed(store, typed)
    if begin is None:
        if await store.take_turn("setup code, wrong tries", now, interval=_SECONDS_A_TRY, burst=_TRIES) > 0:
            raise TooManyTries("There were too many wrong codes. Wait a minute, and copy the code as it was printed.")
        raise BadCode("This is not a code of this service. Copy it as it was printed.")
    if not -60 <= now - int.from_bytes(begin[:_TIME]) < LIFE:
        raise BadCode("This code is too old. hintsync setup prints a new one.")
    name = f"setup code {hashlib.sha256(begin).hexdigest()[:24]}"
    if await store.take_turn(name, now, interval=2.0 * LIFE, burst=1) > 0:
        raise BadCode("This code was used already. hintsync setup prints a new one.")


def _signed(store: StateStore, typed: str) -> bytes | None:
    """Return what a code carries, if we signed it."""
    text = re.sub(r"[\s-]", "", typed).upper()
    if len(text) != (_TIME + _CHANCE + _SIGNATURE) * 8 // 5 or not text.isascii():
        return None
    try:
        raw = base64.b32decode(text)
    except ValueError:
        return None
    begin, signature = raw[: _TIME + _CHANCE], raw[_TIME + _CHANCE :]
    return begin if hmac.compare_digest(signature, _signature(store, begin)) else None


def _signature(store: StateStore, begin: bytes) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"hintsync setup codes")
    key = derived.derive(store.fingerprint_key(""))
    return hmac.digest(key, begin, "sha256")[:_SIGNATURE]
