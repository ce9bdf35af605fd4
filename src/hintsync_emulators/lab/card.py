"""What a fault lab is made of: inputs, cards around one control route each, and groups of cards."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hintsync_emulators.control import ControlError

#: What the control routes that only show something answer now, by path: ``/faults``, ``/clock`` …
State = Mapping[str, Any]
#: What a body does not get: an input that was left blank.
_LEFT_OUT = object()


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence each: what a thing does, and what a sync should survive."""

    does: str = ""
    survive: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """One value of a body, or of a path."""

    #: A dotted path inside the body: ``limits.per_second``. For a part of the route's path: ``path.id``.
    name: str
    #: ``flag``, ``whole``, ``number``, ``text``, ``choice``, ``names`` (parted by commas) or ``json``.
    kind: str = "text"
    value: object = ""
    words: Words = Words()
    choices: tuple[str, ...] = ()
    #: What a blank is: ``null``, ``empty`` for an empty text, ``omit`` for no entry in the body, or ``refuse``.
    blank: str = "omit"

    @property
    def label(self) -> str:
        """The name, as people read it."""
        name = self.name.removeprefix("path.").rpartition(".")[2].replace("_", " ")
        return name[:1].upper() + name[1:]

    @property
    def shown(self) -> str:
        """The value as it stands in the input."""
        if self.value is None:
            return ""
        if self.kind == "json":
            return "" if self.value == "" else json.dumps(self.value, ensure_ascii=False)
        if isinstance(self.value, float):
            return f"{self.value:g}"
        if self.kind == "names" and isinstance(self.value, list):
            return ", ".join(map(str, self.value))
        return str(self.value)

    def read(self, text: str | None) -> object:
        """Returns the value that a form brought.

        Raises:
            ControlError: it is none of this kind.
        """
        if self.kind == "flag":
            return text is not None
        text = (text or "").strip()
        if not text:
            return self._blank()
        if self.kind in ("whole", "number"):
            return self._number(text)
        if self.kind == "names":
            return [part.strip() for part in text.split(",") if part.strip()]
        if self.kind == "json":
            return self._json(text)
        return text

    def _blank(self) -> object:
        if self.blank == "refuse":
            raise ControlError(400, f"{self.label} is needed")
        if self.kind == "names":
            return []
        if self.blank == "null":
            return None
        if self.blank == "empty":
            return ""
        return _LEFT_OUT

    def _number(self, text: str) -> float:
        try:
            return int(text) if self.kind == "whole" or re.fullmatch(r"-?\d+", text) else float(text)
        except ValueError:
            raise ControlError(400, f"{self.label} must be a {'whole ' * (self.kind == 'whole')}number") from None

    def _json(self, text: str) -> object:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise ControlError(400, f"{self.label} must be JSON, for instance {{}} or a text in quotes") from None


@dataclass(frozen=True, slots=True)
class Preset:
    """A button that does one usual thing at once."""

    label: str
    #: The body, or for a queue one entry of it.
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Card:
    """One control route on the page, or a part of one."""

    #: Method and path, for instance ``PUT /faults``.
    route: str
    title: str
    #: What a sync should survive.
    survive: str = ""
    #: Empty for a card that only shows something.
    button: str = ""
    inputs: Callable[[State], Sequence[Input]] = lambda state: ()
    presets: tuple[Preset, ...] = ()
    #: Path of the route that shows how things are now; empty where there is none.
    now: str = ""
    #: What of that answer, or of each of its rows, stands on the page; empty for all.
    columns: tuple[str, ...] = ()
    #: Key of the list in that route's answer to which the card adds an entry; empty for a card that sends one body.
    queue: str = ""
    #: The body is the list itself, or anything else that one input, ``body``, holds.
    whole_body: bool = False
    #: What it does, where the route's own line is too general.
    does: str = ""
    #: What to send when everything is to be off; None if the card has nothing that stays on.
    off: Callable[[State], object] | None = None

    @property
    def key(self) -> str:
        """Names the card in addresses and forms."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.route.partition(" ")[2]

    def all_inputs(self, state: State) -> list[Input]:
        """Returns the inputs, those of the route's path first."""
        parts = [Input(f"path.{name}", blank="refuse") for name in re.findall(r"\{(\w+)\}", self.path)]
        return [*parts, *self.inputs(state)]

    def entries(self, state: State) -> list[object]:
        """Returns what waits in the card's queue."""
        return list(state[self.now][self.queue]) if self.queue else []

    def call(self, state: State, form: Mapping[str, str]) -> tuple[str, object]:
        """Returns the path and the body that a form asks for.

        Raises:
            ControlError: an input is not of its kind.
        """
        values = {each.name: each.read(form.get(each.name)) for each in self.all_inputs(state)}
        path = self.path
        for name, value in values.items():
            if name.startswith("path."):
                path = path.replace(f"{{{name[5:]}}}", str(value))
        values = {name: value for name, value in values.items() if value is not _LEFT_OUT and name[:5] != "path."}
        if self.whole_body:
            return path, values.get("body")
        return path, self.queued(state, nested(values)) if self.queue else nested(values)

    def queued(self, state: State, entry: Mapping[str, object]) -> dict[str, object]:
        """Returns the body that adds an entry to the card's queue."""
        return {self.queue: [*self.entries(state), entry]}

    def unqueued(self, state: State, entry: object) -> dict[str, object]:
        """Returns the body that takes an entry out of the card's queue."""
        left = self.entries(state)
        if entry in left:
            left.remove(entry)
        return {self.queue: left}


@dataclass(frozen=True, slots=True)
class Group:
    """Cards under one heading."""

    title: str
    cards: tuple[Card, ...] = field(default=())

    @property
    def key(self) -> str:
        """Names the group in addresses."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


def nested(values: Mapping[str, object]) -> dict[str, object]:
    """Turns dotted names into objects inside objects: ``{"limits.per_second": 5}``."""
    body: dict[str, Any] = {}
    for name, value in values.items():
        *outer, last = name.split(".")
        place = body
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = value
    return body


def inputs_of(values: Mapping[str, object], words: Mapping[str, Words], prefix: str = "") -> list[Input]:
    """Returns an input for each value, of the kind that the value is; None is a number that was lifted."""
    return [_input_of(f"{prefix}{name}", value, words.get(name, Words())) for name, value in values.items()]


def _input_of(name: str, value: object, words: Words) -> Input:
    if isinstance(value, bool):
        return Input(name, "flag", value, words)
    if value is None or isinstance(value, (int, float)):
        return Input(name, "number", value, words, blank="null")
    if isinstance(value, list):
        return Input(name, "names", value, words)
    return Input(name, "text", value, words, blank="empty")


def json_body(example: object) -> Callable[[State], Sequence[Input]]:
    """Returns the one input of a card that takes its whole body as JSON, filled with an example."""
    return lambda state: (Input("body", "json", example, blank="refuse"),)
