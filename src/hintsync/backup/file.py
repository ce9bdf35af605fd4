"""A backup file as a whole: written beside its name, read from its beginning to its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hintsync.backup.header import Header, read_header
from hintsync.backup.key import BackupKey
from hintsync.backup.rows import Batch, batches_of
from hintsync.backup.sealed import read_sealed
from hintsync.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds, every byte of it checked."""

    header: Header
    #: Rows by table.
    counts: Mapping[str, int]
    bytes: int


class BackupReader:
    """An open backup."""

    def __init__(self, file: BinaryIO, key: BackupKey) -> None:
        """Read the header; `batches` reads the rest.

        Raises:
            BadInput: it is no backup.
        """
        self.header = read_header(file)
        self._file = file
        self._key = key.file_key(bytes.fromhex(self.header.salt))

    def batches(self) -> Iterator[Batch]:
        """Yield everything in the backup, in the order in which it can be put into tables; once.

        Raises:
            BadInput: the key does not fit, or the file was changed or cut off. It may have yielded before.
        """
        return batches_of(read_sealed(self._file, self._key, self.header.pack()))


@contextmanager
def open_backup(path: Path, key: BackupKey) -> Iterator[BackupReader]:
    """Open a backup to be read.

    Raises:
        BadInput: it is no backup, or cannot be read.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    with closing(file):
        yield BackupReader(file, key)


def check_backup(path: Path, key: BackupKey) -> Contents:
    """Read a backup from its beginning to its end and say what it holds.

    Raises:
        BadInput: it is no backup, does not open, or is not as it was written.
    """
    counts: Counter[str] = Counter()
    with open_backup(path, key) as reader:
        for batch in reader.batches():
            counts[batch.table] += len(batch.rows)
        return Contents(reader.header, dict(counts), path.stat().st_size)
