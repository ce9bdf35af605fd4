"""The one error of Hint's API: a status and a sentence.

Source: https://developers.hint.com/docs/handling-errors (two fields, no machine-readable code). The texts follow the
habits of Ruby on Rails, which the few published ones show.
"""

from collections.abc import Sequence


class HintError(Exception):
    """An answer that is not a success; sent as ``{"status": ..., "message": ...}``."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def validation_failed(problems: Sequence[str]) -> HintError:
    """Returns the 422 that names every problem of a body in one sentence."""
    return HintError(422, f"Validation failed: {', '.join(problems)}")


def not_found(what: str) -> HintError:
    return HintError(404, f"Couldn't find {what}")
