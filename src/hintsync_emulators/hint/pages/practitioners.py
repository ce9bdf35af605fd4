"""The practitioners: list, add, rename, remove."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from hintsync_emulators.hint.errors import HintError
from hintsync_emulators.hint.practitioners import read_practitioner
from hintsync_emulators.site.app import Show
from hintsync_emulators.site.frame import Frame, go_to

if TYPE_CHECKING:
    from hintsync_emulators.hint.practice import Practice

_DONE = {
    "added": "The practitioner was added.",
    "renamed": "The practitioner was renamed.",
    "removed": "The practitioner was removed; the patients have none now.",
}


class PractitionerPages:
    """Shows and changes the practitioners of one practice."""

    def __init__(self, practice: "Practice", frame: Frame) -> None:
        self._practice = practice
        self._frame = frame

    def routes(self) -> Sequence[tuple[str, str, Show]]:
        """Returns what is shown where."""
        return [
            ("GET", "/practitioners", self.listing),
            ("POST", "/practitioners", self.add),
            ("POST", "/practitioners/{id}/rename", self.rename),
            ("POST", "/practitioners/{id}/remove", self.remove),
        ]

    async def listing(self, request: Request) -> Response:
        return self._list(request)

    async def add(self, request: Request) -> Response:
        form = await self._frame.form(request)
        return self._after(request, "added", lambda: self._practice.add_practitioner(_name(form)))

    async def rename(self, request: Request) -> Response:
        form = await self._frame.form(request)
        chosen = request.path_params["id"]
        return self._after(
            request,
            "renamed",
            lambda: self._practice.edit_practitioner(chosen, name=_name(form)),
        )

    async def remove(self, request: Request) -> Response:
        await self._frame.form(request)
        chosen = request.path_params["id"]
        return self._after(request, "removed", lambda: self._practice.remove_practitioner(chosen))

    def _after(self, request: Request, done: str, act: Callable[[], object]) -> Response:
        try:
            act()
        except HintError as error:
            return self._list(request, error.status, error.message)
        return go_to(f"/practitioners?done={done}")

    def _list(self, request: Request, status: int = 200, problem: str = "") -> Response:
        with self._practice.lock:
            rows = [dict(each) for each in self._practice.practitioners.values()]
            patients = [str(patient.get("practitioner")) for patient in self._practice.register]
        counts = {row["id"]: patients.count(str(row["id"])) for row in rows}
        done = _DONE.get(request.query_params.get("done", ""), "")
        return self._frame.page(
            request, "practitioners.html", status, practitioners=rows, counts=counts, problem=problem, done=done
        )


def _name(form: dict[str, str]) -> str:
    """Returns the name that a form brought.

    Raises:
        HintError: 422, it is blank.
    """
    return str(read_practitioner({"name": form.get("name", "").strip()}, creating=True)["name"])
