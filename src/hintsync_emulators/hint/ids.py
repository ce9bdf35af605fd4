"""Identifiers and secrets in Hint's shapes, the same for the same seed."""

import random
import string
from typing import cast

_ALPHABET = string.ascii_letters + string.digits


class Ids:
    """Draws identifiers: a prefix, a hyphen and twelve letters or digits; sandboxes put ``sbx-`` in front."""

    def __init__(self, seed: int, *, sandbox: bool = False) -> None:
        self._random = random.Random(f"hint-ids-{seed}")
        self._front = "sbx-" if sandbox else ""

    def new(self, prefix: str) -> str:
        """Returns a fresh identifier, for instance ``pat-ab12C345DeF6``."""
        return f"{self._front}{prefix}-{''.join(self._random.choices(_ALPHABET, k=12))}"

    def secret(self) -> str:
        """Returns a fresh key, token or code of 36 characters."""
        return self._front + "".join(self._random.choices(_ALPHABET, k=36))

    def state(self) -> list[object]:
        """Returns where the drawing stands, as JSON can hold it."""
        version, numbers, gauss = self._random.getstate()
        return [version, list(numbers), gauss]

    def restore(self, state: list[object]) -> None:
        """Goes on drawing where `state` was taken."""
        version, numbers, gauss = state
        self._random.setstate((version, tuple(cast("list[int]", numbers)), gauss))
