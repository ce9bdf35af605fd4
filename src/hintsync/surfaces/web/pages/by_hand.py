"""What the pages about one contact share: whose page it is, where its records are, and how an action ends."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from hintsync.core.errors import AskPerson, BadInput, BudgetSpent, HintsyncError, RetryLater, UnknownOutcome
from hintsync.core.records import RecordId
from hintsync.engine.options import Options
from hintsync.engine.pairs.by_hand import HandResult
from hintsync.engine.pairs.standing import standing_of
from hintsync.engine.search.patients import patient_index
from hintsync.state.port import LinkTaken, StaleLink
from hintsync.surfaces.cli.record_ids import contact_id
from hintsync.surfaces.web.pages.place import Visit
from hintsync.surfaces.web.pages.render import page
from hintsync.surfaces.web.views.addresses import contact_address, patient_address
from hintsync.surfaces.web.views.done import Done, done
from hintsync.surfaces.web.views.panel import Panel, panel


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an action was not carried out, and what to do next."""

    status: HTTPStatus
    title: str
    text: str
    remedy: str


_LOOK_AGAIN: Final = Trouble(
    HTTPStatus.CONFLICT,
    "Somebody was faster",
    "One of the two records was linked, unlinked or decided by someone else just now.",
    "Look at the contact again. Nothing was done twice.",
)
_BUDGET: Final = Trouble(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Today’s calls are used up",
    "The day’s allowance of calls to one of the systems is used up, but for what is left to its other applications.",
    "Nothing is lost. Try again tomorrow, or ask an administrator to look at the budget on the health page.",
)
_BUSY: Final = Trouble(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Not now",
    "hintsync is at work on this contact at the moment, or one of the systems does not answer.",
    "Nothing is lost. Try again in a moment.",
)
_UNKNOWN: Final = Trouble(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "It may have been done",
    "A system took the request, and its answer was lost.",
    "Look at the contact before you do it again; hintsync looks, too.",
)


def contact_of(visit: Visit) -> RecordId:
    """Return the contact that a page is about, in 18 characters.

    Raises:
        BadInput: the address names none.
    """
    return contact_id(visit.names["contact"])


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where records are shown by their own systems."""

    #: Origin of the org; empty while we do not know where it is.
    org: str
    patient_url: str
    hint_url: str

    def contact(self, record_id: RecordId) -> str:
        """Return the address of a contact in Salesforce; empty if it is not known."""
        return contact_address(self.org, record_id) if self.org else ""

    def user(self, user_id: str) -> str:
        """Return the address of a Salesforce user; empty if it is not known."""
        return f"{self.org.rstrip('/')}/lightning/r/User/{user_id}/view" if self.org else ""

    def patient(self, record_id: RecordId) -> str:
        """Return the address of a patient in Hint."""
        return patient_address(self.patient_url, self.hint_url, record_id)


async def addresses(visit: Visit) -> Addresses:
    """Return where records are shown by their own systems."""
    try:
        org = await visit.org_origin()
    except HintsyncError:
        org = ""
    options = Options.from_json(visit.connection.settings)
    return Addresses(org, options.patient_url, visit.service.settings.hint_url)


async def panel_of(visit: Visit, record_id: RecordId) -> Panel:
    """Read how a contact stands now."""
    engine = visit.engine
    return panel(await standing_of(engine, record_id), engine.table, visit.visitor.user_id)


async def carried_out(
    visit: Visit, record_id: RecordId, action: Awaitable[HandResult], *, title: str, again: str
) -> Response:
    """Carry out what a person asked for, and answer with what came of it and how the contact stands then.

    Args:
        visit: Who asks.
        record_id: The contact.
        action: What is done.
        title: Heading of the page that tells.
        again: Path of the page to try it again from.
    """
    try:
        result = await action
    except (HintsyncError, LinkTaken, StaleLink) as error:
        return trouble_page(visit, record_id, error, again)
    patient_index(visit.engine).stale()
    return await told(visit, record_id, done(result, visit.engine.table), title=title)


async def told(visit: Visit, record_id: RecordId, result: Done, *, title: str) -> Response:
    """Answer with what came of an action; a vendor's own words are in this answer and nowhere else."""
    shown = await panel_of(visit, record_id)
    status = HTTPStatus.OK if result.kind != "error" else HTTPStatus.CONFLICT
    heading = title if result.kind != "error" else "Not done"
    at = await addresses(visit)
    return page(visit, "contact_done.html", status=status, title=heading, done=result, panel=shown, at=at)


def trouble_page(visit: Visit, record_id: RecordId, error: Exception, again: str) -> Response:
    """Answer with why an action was not carried out, and the next step.

    Raises:
        HintsyncError: what the person at this page can do nothing about; the doors tell it.
    """
    trouble = _trouble(error)
    if trouble is None:
        raise error
    return page(
        visit,
        "contact_not_done.html",
        status=trouble.status,
        title=trouble.title,
        trouble=trouble,
        again=visit.url(again),
        back=visit.url(f"/contacts/{record_id}"),
    )


def _trouble(error: Exception) -> Trouble | None:
    match error:
        case LinkTaken() | StaleLink() | AskPerson():
            return _LOOK_AGAIN
        case BudgetSpent():
            return _BUDGET
        case RetryLater():
            return _BUSY
        case UnknownOutcome():
            return _UNKNOWN
        case BadInput():
            text, remedy = f"hintsync says: {error}.", "Look at the contact again; it may have changed meanwhile."
            return Trouble(HTTPStatus.UNPROCESSABLE_ENTITY, "This was not done", text, remedy)
        case _:
            return None
