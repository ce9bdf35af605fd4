"""Admin, Integrations, Salesforce: the authorization code, the state of the connection, the webhooks, and its end.

What is shown of the way to a connection follows https://developers.hint.com/docs/integration-activation.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from hintsync_emulators.hint.announcing import endpoints_of
from hintsync_emulators.hint.connecting import Handover
from hintsync_emulators.hint.errors import HintError
from hintsync_emulators.site.app import Show
from hintsync_emulators.site.frame import Frame, go_to

if TYPE_CHECKING:
    from hintsync_emulators.hint.practice import Practice

#: What the staff is told of the states of a connection.
_STATES = {"onboarding": "Pending", "pending": "Pending", "active": "Active", "deactivated": "Inactive"}


class IntegrationPages:
    """Shows and changes a practice's connection with Salesforce."""

    def __init__(self, practice: "Practice", frame: Frame) -> None:
        self._practice = practice
        self._frame = frame
        #: What the button brought last; shown until the code was exchanged or the connection ended.
        self._handover: Handover | None = None

    def routes(self) -> Sequence[tuple[str, str, Show]]:
        """Returns what is shown where."""
        return [
            ("GET", "/integrations", self.show),
            ("POST", "/integrations/connect", self.connect),
            ("POST", "/integrations/finish", self.finish),
            ("POST", "/integrations/activate", self.activate),
            ("POST", "/integrations/cancel", self.cancel),
        ]

    async def show(self, request: Request) -> Response:
        return self._show(request)

    async def connect(self, request: Request) -> Response:
        await self._frame.form(request)
        try:
            self._handover = await self._practice.connect()
        except HintError as error:
            return self._show(request, error)
        return go_to("/integrations")

    async def finish(self, request: Request) -> Response:
        await self._frame.form(request)
        self._practice.finish_setup()
        return go_to("/integrations")

    async def activate(self, request: Request) -> Response:
        await self._frame.form(request)
        try:
            self._practice.set_status("active")
        except HintError as error:
            return self._show(request, error)
        return go_to("/integrations")

    async def cancel(self, request: Request) -> Response:
        await self._frame.form(request)
        self._handover = None
        self._practice.set_status("deactivated")
        return go_to("/integrations")

    def _show(self, request: Request, error: HintError | None = None) -> Response:
        practice = self._practice
        with practice.lock:
            connection, backend = practice.installation, practice.partner.backend
            return self._frame.page(
                request,
                "integrations.html",
                error.status if error else 200,
                state=_STATES[connection.status],
                connection=connection,
                partner=practice.partner.name,
                handover=self._open_handover(),
                to_finish=backend.activation_type == "practice_activate" and not connection.practice_activated,
                to_activate=connection.status == "pending" and connection.practice_activated,
                endpoints=endpoints_of(practice),
                now=practice.partner.now(),
                problem=error.message if error else "",
            )

    def _open_handover(self) -> Handover | None:
        given = self._handover
        return given if given is not None and given.code in self._practice.installation.codes else None
