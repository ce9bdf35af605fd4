"""The backup key: opens backups and nothing else, and is kept apart from them."""

from __future__ import annotations

import hashlib
import hmac
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from hintsync.core.errors import FixConfiguration
from hintsync.master_key_file import MASTER_KEY_FILE
from hintsync.private_file import make_private
from hintsync.settings import Settings
from hintsync.state.keys import MasterKeys

#: Name of the file in the state folder that holds the key if the settings name none.
KEY_FILE: Final = "backup.key"
#: Signs that a key has at least: it may be tried against a copy of a backup by anybody, for years.
SHORTEST: Final = 20
#: Cost of a try (RFC 7914): some tenths of a second and 32 MiB.
_COST: Final = {"n": 2**15, "r": 8, "p": 1}
_MEMORY: Final = 64 * 1024 * 1024


class BackupKey:
    """A text from which the key of each backup is derived. Keeps it out of `repr`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Take the text: one that we made, or words that somebody else chose.

        Raises:
            FixConfiguration: it is too short to keep a stolen backup closed.
        """
        if len(text) < SHORTEST:
            raise FixConfiguration(
                f"the backup key is too short: at least {SHORTEST} signs, better one that hintsync makes"
            )
        self._text = text

    def file_key(self, salt: bytes) -> bytes:
        """Return the 32 bytes that seal the backup of a salt."""
        return hashlib.scrypt(self._text.encode(), salt=salt, maxmem=_MEMORY, dklen=32, **_COST)

    def name(self, salt: bytes) -> str:
        """Return what the key is called beside a salt; it costs as much to try words against it as against a backup."""
        return hmac.digest(self.file_key(salt), b"hintsync backup key name", "sha256")[:4].hex()

    def is_among(self, texts: str) -> bool:
        """Say whether it is one of the words of a text."""
        return any(hmac.compare_digest(self._text, word) for word in texts.replace(",", " ").split())

    def __repr__(self) -> str:
        return "BackupKey(…)"


def load_backup_key(settings: Settings, *, make: bool = False) -> BackupKey:
    """Return the backup key: from the settings, or from `backup.key` in the state folder.

    Args:
        settings: Of the installation.
        make: Make the file if there is none.

    Raises:
        FixConfiguration: there is none, it cannot be read, or it is a master key: whoever finds that one must not be able
            to open backups, too.
    """
    given, path = settings.backup_key.get_secret_value(), key_file(settings)
    try:
        if not given and make and not path.exists():
            with suppress(FileExistsError):  # another process was quicker
                make_private(path, MasterKeys.generate())
        key = BackupKey(given or path.read_text(encoding="utf-8").strip())
        masters = settings.master_keys.get_secret_value() or _text_of(settings.state / MASTER_KEY_FILE)
    except FileNotFoundError:
        remedy = "put the file back from where you keep a copy, or set HINTSYNC_BACKUP_KEY"
        raise FixConfiguration(f"no backup key is set and there is no {path}: {remedy}") from None
    except OSError as error:
        raise FixConfiguration(f"{path}: cannot be used: {error.strerror}") from None
    if key.is_among(masters):
        raise FixConfiguration("the backup key is a master key; take another one")
    return key


def key_file(settings: Settings) -> Path:
    """Return where the backup key lies if the settings do not name one."""
    return settings.state / KEY_FILE


def new_salt() -> bytes:
    """Return a fresh salt for a backup."""
    return os.urandom(32)


def _text_of(path: Path) -> str:
    return path.read_text(encoding="ascii") if path.exists() else ""
