"""The patients: list, one, edit, create, archive, restore, merge, delete."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from hintsync_emulators.bounds import whole
from hintsync_emulators.hint.errors import HintError
from hintsync_emulators.hint.forms import human
from hintsync_emulators.hint.pages import filling
from hintsync_emulators.hint.pages.fields import FIELDS, GROUPS, PARTNERS, PHONE_TYPES
from hintsync_emulators.hint.pages.finding import ORDERS, SCOPES, find
from hintsync_emulators.site.app import Show
from hintsync_emulators.site.frame import Frame, go_to
from hintsync_emulators.site.problem import PageProblem

if TYPE_CHECKING:
    from hintsync_emulators.hint.practice import Practice
    from hintsync_emulators.hint.requests import WebhookRequest

_DONE = {
    "created": "The patient was registered.",
    "saved": "The changes were saved.",
    "unchanged": "Nothing was changed.",
    "archived": "The patient was archived.",
    "restored": "The patient is active again.",
    "merged": "The patient was merged.",
    "deleted": "The patient was deleted for good.",
}
_WEBHOOKS_SHOWN = 10


class PatientPages:
    """Shows and changes the patients of one practice, as its staff does."""

    def __init__(self, practice: "Practice", frame: Frame) -> None:
        self._practice = practice
        self._frame = frame

    def routes(self) -> Sequence[tuple[str, str, Show]]:
        """Returns what is shown where."""
        one = "/patients/{id}"
        return [
            ("GET", "/", self.home),
            ("GET", "/patients", self.listing),
            ("GET", "/patients/new", self.new),
            ("POST", "/patients/new", self.create),
            ("GET", one, self.show),
            ("GET", f"{one}/edit", self.edit),
            ("POST", f"{one}/edit", self.save),
            ("POST", f"{one}/archive", self.archive),
            ("POST", f"{one}/restore", self.restore),
            ("GET", f"{one}/merge", self.choose),
            ("POST", f"{one}/merge", self.merge),
            ("GET", f"{one}/delete", self.ask),
            ("POST", f"{one}/delete", self.delete),
        ]

    async def home(self, request: Request) -> Response:
        return go_to("/patients")

    async def listing(self, request: Request) -> Response:
        return self._list(request, "patients.html", done=_done(request))

    async def show(self, request: Request) -> Response:
        patient = self._patient(request)
        with self._practice.lock:
            records = self._practice.integration_records(self._practice.find(patient["id"]))
        return self._frame.page(
            request,
            "patient.html",
            patient=patient,
            groups=GROUPS,
            filled=filling.filled(patient),
            names=self._names(),
            partners=PARTNERS,
            human=human,
            records=records,
            webhooks=self._webhooks(patient["id"]),
            done=_done(request),
        )

    async def new(self, request: Request) -> Response:
        blank = dict.fromkeys(FIELDS, "")
        return self._form(request, None, blank, [], filling.to_remember(blank, []))

    async def create(self, request: Request) -> Response:
        form = await self._frame.form(request)
        try:
            patient_id = self._practice.create_patient(**filling.changes(form, None))
        except HintError as error:
            return self._form(request, None, *filling.read(form), form.get("shown", ""), error)
        return _to(patient_id, "created")

    async def edit(self, request: Request) -> Response:
        patient = self._patient(request)
        now, phones = filling.filled(patient), filling.phones_of(patient)
        return self._form(request, patient, now, phones, filling.to_remember(now, phones))

    async def save(self, request: Request) -> Response:
        form = await self._frame.form(request)
        patient = self._patient(request)
        changes = filling.changes(form, patient)
        try:
            self._practice.edit(patient["id"], **changes)
        except HintError as error:
            return self._form(request, patient, *filling.read(form), form.get("shown", ""), error)
        return _to(patient["id"], "saved" if changes else "unchanged")

    async def archive(self, request: Request) -> Response:
        await self._frame.form(request)
        patient_id = self._patient(request)["id"]
        self._practice.archive(patient_id)
        return _to(patient_id, "archived")

    async def restore(self, request: Request) -> Response:
        await self._frame.form(request)
        patient = self._patient(request)
        if patient["merged_into"] is not None:
            raise PageProblem(422, "A patient who was merged into another cannot be brought back.")
        self._practice.unarchive(patient["id"])
        return _to(patient["id"], "restored")

    async def choose(self, request: Request) -> Response:
        return self._choose(request, 200, "")

    def _choose(self, request: Request, status: int, problem: str) -> Response:
        patient = self._patient(request)
        text = request.query_params.get("q", patient["last_name"])
        return self._list(request, "merge.html", status, text, patient=patient, problem=problem)

    async def merge(self, request: Request) -> Response:
        form = await self._frame.form(request)
        patient_id = self._patient(request)["id"]
        if not form.get("into"):
            return self._choose(request, 422, "Choose the patient who stays.")
        try:
            self._practice.merge(patient_id, into=form["into"])
        except HintError as error:
            return self._choose(request, error.status, error.message)
        return _to(patient_id, "merged")

    async def ask(self, request: Request) -> Response:
        return self._frame.page(request, "delete.html", patient=self._patient(request))

    async def delete(self, request: Request) -> Response:
        await self._frame.form(request)
        self._practice.destroy(self._patient(request)["id"])
        return go_to("/patients?done=deleted")

    # Inside

    def _patient(self, request: Request) -> dict[str, Any]:
        try:
            return self._practice.patient(request.path_params["id"])
        except HintError as error:
            raise PageProblem(error.status, f"{error.message}.") from None

    def _list(
        self, request: Request, template: str, status: int = 200, text: str | None = None, **values: object
    ) -> Response:
        query = request.query_params
        text = query.get("q", "") if text is None else text
        scope = query["show"] if query.get("show") in SCOPES else "active"
        order = query["sort"] if query.get("sort") in ORDERS else "last_name"
        with self._practice.lock:
            found = find(self._practice, text, scope, order, whole(query.get("page", "1")) or 1)
        asked = f"q={quote(text)}&show={scope}&sort={quote(order)}"
        shown = {"found": found, "text": text, "scope": scope, "scopes": SCOPES, "order": order, "orders": ORDERS}
        return self._frame.page(request, template, status, **shown, asked=asked, **values)

    def _form(
        self,
        request: Request,
        patient: dict[str, Any] | None,
        now: filling.Filled,
        phones: filling.Phones,
        shown: str,
        error: HintError | None = None,
    ) -> Response:
        problems = _problems(error)
        return self._frame.page(
            request,
            "edit.html",
            error.status if error else 200,
            patient=patient,
            groups=GROUPS,
            filled=now,
            phones=filling.phone_rows(phones),
            phone_types=PHONE_TYPES,
            shown=shown,
            names=self._names(),
            choices={name: {each: each for each in field.choices} for name, field in FIELDS.items()},
            problems=problems,
            at=_by_field(problems),
        )

    def _names(self) -> dict[str, dict[str, str]]:
        """Returns what can be chosen for a patient: field to id to name."""
        with self._practice.lock:
            return {
                field: {record_id: str(record["name"]) for record_id, record in records.items()}
                for field, records in self._practice.choices().items()
            }

    def _webhooks(self, patient_id: object) -> "list[WebhookRequest]":
        """Returns the latest deliveries that are about a patient, the newest first."""
        about = [each for each in self._practice.partner.requests if each.event.object_id == patient_id]
        return about[: -_WEBHOOKS_SHOWN - 1 : -1]


def _to(patient_id: object, done: str) -> Response:
    return go_to(f"/patients/{quote(str(patient_id), safe='')}?done={done}")


def _done(request: Request) -> str:
    return _DONE.get(request.query_params.get("done", ""), "")


def _problems(error: HintError | None) -> list[str]:
    """Returns the problems that an error names, one by one."""
    if error is None:
        return []
    return error.message.removeprefix("Validation failed: ").split(", ")


def _by_field(problems: Sequence[str]) -> dict[str, list[str]]:
    """Returns the problems by the input that they stand beside; what is about none is left out."""
    names = sorted([*FIELDS, "phones"], key=len, reverse=True)
    found: dict[str, list[str]] = {name: [] for name in names}
    for problem in problems:
        name = next((name for name in names if problem.startswith(f"{human(name)} ")), None)
        if name is not None:
            found[name].append(problem)
    return found
