"""The pages of a Hint emulator, put together."""

from typing import TYPE_CHECKING

from hintsync_emulators.hint.pages.integrations import IntegrationPages
from hintsync_emulators.hint.pages.patients import PatientPages
from hintsync_emulators.hint.pages.practitioners import PractitionerPages
from hintsync_emulators.site.app import Pages
from hintsync_emulators.site.frame import Frame

if TYPE_CHECKING:
    from hintsync_emulators.hint.practice import Practice

_LINKS = {
    "/patients": "Patients",
    "/practitioners": "Practitioners",
    "/integrations": "Integrations",
    "/_emulator/faults": "Fault lab",
}


def make_pages(practice: "Practice") -> Pages:
    """Returns the application that shows a practice's pages."""
    frame = Frame("Hint", "hintsync_emulators.hint.pages", _LINKS)
    parts = (PatientPages, PractitionerPages, IntegrationPages)
    return Pages(frame, [route for part in parts for route in part(practice, frame).routes()])
