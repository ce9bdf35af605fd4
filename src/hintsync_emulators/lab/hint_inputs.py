"""Inputs of Hint's fault lab, made from the switches, the faults of webhooks and the backend."""

from collections.abc import Mapping
from dataclasses import fields

from hintsync_emulators.hint.backends import ACTIVATION_TYPES, AUTH_TYPES
from hintsync_emulators.hint.event_faults import KINDS, EventFault
from hintsync_emulators.lab.card import Input, State, Words
from hintsync_emulators.lab.hint_words import BACKEND, EVENT_FAULTS, SWITCHES


def switches(state: State) -> list[Input]:
    """Returns an input for each switch, as it is set."""
    return [
        Input(
            str(each["name"]),
            _kind(each),
            each["value"],
            Words(str(each["about"]), SWITCHES.get(str(each["name"]), "")),
            tuple(each.get("choices", ())),
            blank="empty" if isinstance(each["default"], str) else "refuse",
        )
        for each in state["/switches"]
    ]


def _kind(switch: Mapping[str, object]) -> str:
    if "choices" in switch:
        return "choice"
    return {bool: "flag", int: "whole", float: "number"}.get(type(switch["default"]), "text")


def first_switches(state: State) -> dict[str, object]:
    """Returns every switch as it was at first."""
    return {str(each["name"]): each["default"] for each in state["/switches"]}


def event_fault(state: State) -> list[Input]:
    """Returns an input for each part of a fault of webhooks."""
    usual = EventFault("drop")
    kinds = {str: "text", int: "whole", float: "number"}
    return [
        Input(
            each.name,
            "choice" if each.name == "do" else kinds[type(getattr(usual, each.name))],
            getattr(usual, each.name),
            EVENT_FAULTS.get(each.name, Words()),
            KINDS if each.name == "do" else (),
        )
        for each in fields(EventFault)
    ]


def backend(state: State) -> list[Input]:
    """Returns an input for each setting of the backend, through which webhooks are sent."""
    return [_setting(name, value) for name, value in state["/backend"].items() if name != "id"]


def _setting(name: str, value: object) -> Input:
    choices = {"auth_type": AUTH_TYPES, "activation_type": ACTIVATION_TYPES}.get(name, ())
    # Of this one alone the value does not tell the kind, since it may be null.
    kind = "whole" if name == "max_requests_per_minute" else {bool: "flag", list: "names"}.get(type(value), "text")
    return Input(name, "choice" if choices else kind, value, BACKEND.get(name, Words()), choices, blank="null")
