"""Pages on which a clinic's staff would work in Hint: patients, practitioners, and the integration with Salesforce.

They are drawn in a plain way of their own. What is done here is done as the practice's staff does it: webhooks are sent,
and nothing counts as a call of the API.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hintsync_emulators.control import Site

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from hintsync_emulators.hint.practice import Practice

_FOLDERS = ("/patients", "/practitioners", "/integrations")


def owns(path: str) -> bool:
    """Tells whether a path is one of these pages."""
    return path == "/" or (path.startswith(_FOLDERS) and f"/{path.split('/')[1]}" in _FOLDERS)


def hint_site(practices: "Sequence[Practice]") -> Site:
    """Returns the pages of an emulator; with several practices they show the first."""

    def make(_: object) -> "ASGIApp":
        # Imported late: an emulator at whose pages nobody looks starts without waiting for them.
        from hintsync_emulators.hint.pages.app import make_pages

        return make_pages(practices[0])

    return Site(owns, make)
