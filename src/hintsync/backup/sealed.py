"""A stream of bytes, compressed, encrypted and authenticated in chunks, so that a file of any size is never whole in memory.

    chunk = length of what follows (4 bytes, big-endian), AES-256-GCM( key, nonce, compressed bytes, header )
    nonce = number of the chunk (8 bytes), 1 for the last chunk, else 0 (4 bytes)

Every file has a key of its own, so a nonce never comes twice under one key. Chunks that are changed, left out, put in another
order, cut off at the end or taken from another file do not open: their number, whether they are the last, and the file's
header go into each (the construction STREAM of Hoang, Reyhanitabar, Rogaway and Vizár, 2015).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hintsync.core.errors import BadInput

#: Compressed bytes of a chunk.
CHUNK: Final = 256 * 1024
_LENGTH: Final = 4
_TAG: Final = 16
#: Bytes of content that are unpacked at a time: a chunk of zeros must not fill the memory.
_UNPACKED: Final = 1024 * 1024


class SealedWriter:
    """Writes content into a file behind its header; `close` makes it whole."""

    def __init__(self, file: BinaryIO, key: bytes, header: bytes) -> None:
        """Take an open file, its key (32 bytes) and the header that stands before the chunks."""
        self._file = file
        self._header = header
        self._cipher = AESGCM(key)
        self._packer = zlib.compressobj(6)
        self._waiting = bytearray()
        self._number = 0

    def write(self, content: bytes) -> None:
        """Add content; whole chunks go to the file."""
        self._waiting += self._packer.compress(content)
        while len(self._waiting) > CHUNK:  # one byte at least waits for the end, so that there is a last chunk
            self._put(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]

    def close(self) -> None:
        """Write what is left, marked as the end."""
        self._waiting += self._packer.flush()
        while len(self._waiting) > CHUNK:
            self._put(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        self._put(bytes(self._waiting), last=True)

    def _put(self, packed: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number, last=last), packed, self._header)
        self._file.write(len(sealed).to_bytes(_LENGTH, "big") + sealed)
        self._number += 1


def read_sealed(file: BinaryIO, key: bytes, header: bytes) -> Iterator[bytes]:
    """Yield the content of a file that stands behind its header, piece by piece.

    Nothing is yielded of a chunk before it was authenticated; that the file ends where it should is known at the end only.

    Raises:
        BadInput: the key does not fit, or the file was changed or cut off.
    """
    cipher, unpacker, number, last = AESGCM(key), zlib.decompressobj(), 0, False
    while not last:
        packed, last = _opened(cipher, number, _next_chunk(file, number), header)
        yield from _unpacked(unpacker, packed, number)
        number += 1
    if file.read(1) or not unpacker.eof:
        raise BadInput(f"the backup is damaged behind chunk {number}")


def _next_chunk(file: BinaryIO, number: int) -> bytes:
    length = int.from_bytes(file.read(_LENGTH), "big")
    chunk = file.read(length) if _TAG <= length <= CHUNK + _TAG else b""
    if not chunk or len(chunk) != length:
        raise BadInput(f"the backup is cut off or damaged at chunk {number + 1}")
    return chunk


def _opened(cipher: AESGCM, number: int, chunk: bytes, header: bytes) -> tuple[bytes, bool]:
    """Return what a chunk holds, and whether it is the last one."""
    for last in (False, True):
        try:
            return cipher.decrypt(_nonce(number, last=last), chunk, header), last
        except InvalidTag:
            continue
    if number == 0:
        raise BadInput("the backup does not open: the backup key is another one, or the file was changed")
    raise BadInput(f"the backup was changed at chunk {number + 1}")


def _unpacked(unpacker: zlib._Decompress, packed: bytes, number: int) -> Iterator[bytes]:
    try:
        yield unpacker.decompress(packed, _UNPACKED)
        while unpacker.unconsumed_tail:
            yield unpacker.decompress(unpacker.unconsumed_tail, _UNPACKED)
    except zlib.error:
        raise BadInput(f"the backup is damaged in chunk {number + 1}") from None


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(8, "big") + int(last).to_bytes(4, "big")
