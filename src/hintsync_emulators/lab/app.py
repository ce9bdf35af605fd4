"""The page of the fault lab: GET shows everything, POST does one thing and leads back."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from hintsync_emulators.control import CONTROL_PREFIX, ControlError, Controlled
from hintsync_emulators.lab import ADDRESS
from hintsync_emulators.lab.card import Card, Group, Input, State
from hintsync_emulators.site.app import Pages
from hintsync_emulators.site.frame import Frame, go_to
from hintsync_emulators.site.problem import PageProblem

#: Routes that say what there is, not how it is now: the list of routes, and the description of the emulated API.
NOT_SHOWN = frozenset(("", "/openapi.json"))
_HOMES = {
    "Hint": {"/patients": "Patients", "/practitioners": "Practitioners", "/integrations": "Integrations"},
    "Salesforce": {"/lightning/o/Contact/list": "Contacts"},
}
_OUTCOMES_KEPT = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of something that was done here."""

    number: int
    title: str
    #: What the control route answered, as JSON; empty for an answer without a body.
    answer: str


def make_lab(controlled: Controlled, system: str) -> Pages:
    """Returns the application that shows the fault lab of an emulator."""
    links = {**_HOMES[system], ADDRESS: "Fault lab"}
    frame = Frame(system, "hintsync_emulators.lab", links)
    lab = Lab(controlled, groups_of(controlled, system), frame)
    return Pages(frame, [("GET", ADDRESS, lab.show), ("POST", ADDRESS, lab.act)])


def groups_of(controlled: Controlled, system: str) -> tuple[Group, ...]:
    """Returns the cards of an emulator: those that somebody described, and plain ones for routes that nobody did."""
    # Imported late, so that the one emulator does not bring the other along.
    if system == "Hint":
        from hintsync_emulators.lab.hint import GROUPS
    else:
        from hintsync_emulators.lab.salesforce import GROUPS  # type: ignore[assignment]
    cards = [card for group in GROUPS for card in group.cards]
    covered = {card.route for card in cards}
    left = [
        Card(f"{route.method} {route.path}", route.help.capitalize(), button="Do it", inputs=_any_body, whole_body=True)
        for route in controlled.routes
        if f"{route.method} {route.path}" not in covered and not _is_only_shown(route.method, route.path)
    ]
    return (*GROUPS, Group("Others", tuple(left))) if left else GROUPS


def _is_only_shown(method: str, path: str) -> bool:
    return method == "GET" and "{" not in path


def _any_body(state: State) -> Sequence[Input]:
    return (Input("body", "json"),)


class Lab:
    """Shows and does what the control routes of an emulator can."""

    def __init__(self, controlled: Controlled, groups: Sequence[Group], frame: Frame) -> None:
        self._controlled = controlled
        self._groups = groups
        self._frame = frame
        self._cards = {card.key: card for group in groups for card in group.cards}
        self._does = {f"{route.method} {route.path}": route.help for route in controlled.routes}
        self._outcomes: deque[Outcome] = deque(maxlen=_OUTCOMES_KEPT)
        self._done = 0

    async def show(self, request: Request) -> Response:
        wanted = request.query_params.get("done", "")
        outcome = next((each for each in self._outcomes if str(each.number) == wanted), None)
        return await self._page(request, outcome=outcome)

    async def act(self, request: Request) -> Response:
        form = await self._frame.form(request)
        if form.get("do") == "off":
            return self._lead_back("Everything is off", await self._all_off(), "")
        card = self._cards.get(form.get("card", ""))
        if card is None:
            raise PageProblem(404, "There is no such card. Go back and load the page again.")
        try:
            path, body = self._asked(card, await self._state(request), form)
            answer = await self._controlled.steer(card.method, path, body, origin=_origin(request))
        except ControlError as error:
            return await self._page(request, error.status, failed=card, problem=error.message, sent=form)
        return self._lead_back(f"Done: {card.title}", answer, card.key)

    def _asked(self, card: Card, state: State, form: Mapping[str, str]) -> tuple[str, object]:
        """Returns the path and the body of the control call that a form asks for."""
        if "preset" in form:
            number = int(form["preset"]) if form["preset"].isdecimal() else len(card.presets)
            if number >= len(card.presets):
                raise ControlError(400, "there is no such button; load the page again")
            body = card.presets[number].body
            return card.path, card.queued(state, body) if card.queue else body
        if "remove" in form and card.queue:
            return card.path, card.unqueued(state, _json(form["remove"]))
        return card.call(state, form)

    async def _all_off(self) -> dict[str, object]:
        """Ends all that stays on: faults, limits, switches, rules; returns what could not be ended, by route."""
        failed: dict[str, object] = {}
        await self._controlled.steer("POST", "/reset")
        for card in self._cards.values():
            if card.off is not None:
                try:
                    await self._controlled.steer(card.method, card.path, card.off(await self._state(None)))
                except ControlError as error:
                    failed[card.route] = error.message
        return failed

    def _lead_back(self, title: str, answer: object, key: str) -> Response:
        self._done += 1
        self._outcomes.append(Outcome(self._done, title, _shown(answer) if answer else ""))
        return go_to(f"{ADDRESS}?done={self._done}{f'&at={key}' if key else ''}#{key or 'main'}")

    async def _state(self, request: Request | None) -> State:
        """Returns what every route that only shows something answers now."""
        found: dict[str, Any] = {}
        for route in self._controlled.routes:
            if _is_only_shown(route.method, route.path) and route.path not in NOT_SHOWN:
                try:
                    found[route.path] = await self._controlled.steer("GET", route.path, origin=_origin(request))
                except ControlError as error:
                    found[route.path] = {"not possible": error.message}
        return found

    async def _page(
        self,
        request: Request,
        status: int = 200,
        *,
        outcome: Outcome | None = None,
        failed: Card | None = None,
        problem: str = "",
        sent: Mapping[str, str] | None = None,
    ) -> Response:
        state = await self._state(request)
        return self._frame.page(
            request,
            "lab.html",
            status,
            groups=self._groups,
            state=state,
            does=self._does,
            outcome=outcome,
            at=request.query_params.get("at", ""),
            failed=failed,
            problem=problem,
            value_of=partial(_value, failed, sent or {}),
            json=_shown,
            prefix=CONTROL_PREFIX,
        )


def _value(failed: Card | None, sent: Mapping[str, str], card: Card, each: Input) -> str:
    """Returns what stands in an input; after a refusal what was sent stands there again, flags as ``on`` or empty."""
    if card is failed:
        return sent.get(each.name, "")
    if each.kind == "flag":
        return "on" if each.value else ""
    return each.shown


def _shown(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str).decode()


def _json(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ControlError(400, "this entry is not there any more; load the page again") from None


def _origin(request: Request | None) -> str:
    if request is None:
        return ""
    return f"{request.scope['scheme']}://{request.headers.get('host', '')}"
