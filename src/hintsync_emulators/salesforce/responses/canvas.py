"""The emulator's own page on which a canvas app is seen as inside Salesforce; Salesforce has no such address."""

from __future__ import annotations

from hintsync_emulators.salesforce.canvas.apps import CanvasProblem
from hintsync_emulators.salesforce.canvas.context import open_app
from hintsync_emulators.salesforce.canvas.page import refuse, show
from hintsync_emulators.salesforce.canvas.visit import read_visit
from hintsync_emulators.salesforce.web.call import Answer, Call


def simulate(call: Call) -> Answer:
    """Show a canvas app in a frame, opened by a signed request for a user, a record and an action (emulator's own)."""
    try:
        visit = read_visit(call.org, call.params, call.origin)
    except CanvasProblem as problem:
        return refuse(problem)
    signed = open_app(call.org, visit) if visit.app.access_method == "Post" else None
    return show(visit, signed)
