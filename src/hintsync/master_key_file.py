"""The file with the master keys, where the settings give none: one line a key, the one in force first."""

from __future__ import annotations

from contextlib import suppress

from hintsync.core.errors import FixConfiguration
from hintsync.private_file import make_private, replace_private
from hintsync.settings import Settings
from hintsync.state.keys import MasterKeys

#: Name in the state folder.
MASTER_KEY_FILE = "master.key"


class MasterKeyFile:
    """The file; made on first use."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings that name the state folder; nothing is touched."""
        self.path = settings.state / MASTER_KEY_FILE

    def load(self) -> MasterKeys:
        """Return the keys; make the folder and a key if there is none.

        Raises:
            FixConfiguration: the file holds none, or cannot be used.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.path.exists():
                with suppress(FileExistsError):  # another process that starts was quicker: its key is ours
                    make_private(self.path, MasterKeys.generate())
            return MasterKeys.parse(self.path.read_text(encoding="ascii"))
        except OSError as error:
            raise FixConfiguration(f"{self.path.parent}: the state folder cannot be used: {error.strerror}") from None

    def add_new(self) -> None:
        """Put a new key before the others; at every moment the file holds all that is needed."""
        replace_private(self.path, "\n".join([MasterKeys.generate(), *self._words()]))

    def keep_first(self) -> None:
        """Forget all keys but the first; to be called when nothing lies under the others."""
        replace_private(self.path, self._words()[0])

    def _words(self) -> list[str]:
        return self.path.read_text(encoding="ascii").replace(",", " ").split()
