"""The fault lab: a page of every emulator on which all that its control API can do is seen and switched.

It is drawn from the control routes themselves and does everything through them, so it can do nothing that they cannot. What it
says about each, and in which order, stands in `shared`, `hint` and `salesforce`; a route that none of them knows is shown
all the same, under "Others".
"""

from typing import TYPE_CHECKING

from hintsync_emulators.control import Controlled, Site

if TYPE_CHECKING:
    from starlette.types import ASGIApp

ADDRESS = "/_emulator/faults"


def lab_site(system: str) -> Site:
    """Returns the fault lab of an emulator.

    Args:
        system: ``Hint`` or ``Salesforce``.
    """

    def make(controlled: Controlled) -> "ASGIApp":
        # Imported late: an emulator at whose pages nobody looks starts without waiting for them.
        from hintsync_emulators.lab.app import make_lab

        return make_lab(controlled, system)

    return Site(lambda path: path == ADDRESS, make)
