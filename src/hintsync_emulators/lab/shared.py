"""What the fault labs of both emulators show: calls that fail, time, and all that an emulator holds."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

from hintsync_emulators.control import Failure
from hintsync_emulators.lab.card import Card, Group, Input, Preset, State, Words, inputs_of

_LATENCY = {
    "latency_ms": Words(
        "Every call is answered so many milliseconds later.",
        "A sync gets slower and nothing else; what takes too long is given up and tried again.",
    )
}
#: The parts of a failure, in the order in which they are filled in.
FAILURE_WORDS: Mapping[str, Words] = {
    "match": Words("A regular expression, searched in METHOD /path?query; blank is every call."),
    "times": Words("So many calls fail."),
    "skip": Words("So many calls pass first."),
    "status": Words("Status of the answer."),
    "body": Words("The answer, as JSON."),
    "headers": Words('Headers of the answer, as JSON: {"Retry-After": "2"}'),
    "after_commit": Words("The call is carried out, and only its answer is lost."),
    "drop": Words("The connection is closed instead of an answer."),
}
_BY_DEFAULT = Failure()
_KINDS = {bool: "flag", int: "whole", str: "text"}
_WRITES = "^(POST|PATCH|PUT) "
PRESETS = (
    Preset("The next 3 calls answer 503", {"status": 503, "times": 3}),
    Preset("The next call answers 429, try again in 2 s", {"status": 429, "headers": {"Retry-After": "2"}}),
    Preset("The next call gets no answer", {"drop": True}),
    Preset("The answer of the next write is lost", {"match": _WRITES, "after_commit": True, "drop": True}),
)


def calls_group(limits: Mapping[str, Words], presets: Sequence[Preset] = ()) -> Group:
    """Returns the cards about calls.

    Args:
        limits: the emulator's named limits, each in words; an emulator without any has no card for them.
        presets: usual failures of this system alone.
    """
    lifted = Card(
        "PUT /faults",
        "Limits",
        button="Set limits",
        inputs=lambda state: inputs_of(state["/faults"]["limits"], limits, "limits."),
        does="how many calls may come; a blank lifts a limit",
    )
    return Group(
        "Calls",
        (
            Card(
                "PUT /faults",
                "Calls that fail",
                "A write happens once and only once, however often its call fails or its answer is lost; reads are tried again.",
                "Add",
                inputs=_failure_inputs,
                presets=(*PRESETS, *presets),
                now="/faults",
                queue="fail_next",
                does="the next calls that match are refused, cut off, or carried out without an answer",
            ),
            Card(
                "PUT /faults",
                "Slow answers",
                button="Set",
                inputs=lambda state: inputs_of({"latency_ms": state["/faults"]["latency_ms"]}, _LATENCY),
                does="time that passes before each call is carried out",
            ),
            *([lifted] if limits else []),
            Card("DELETE /counts", "Calls by kind", button="Count from zero", now="/counts"),
            Card(
                "POST /reset",
                "End of all faults",
                "Whatever was wrong is found and repaired without anybody's help.",
                "End faults",
            ),
        ),
    )


def _failure_inputs(state: State) -> list[Input]:
    """Returns an input for each part of a failure; parts that no words are known for come last."""
    parts = {each.name: getattr(_BY_DEFAULT, each.name) for each in fields(Failure)}
    order = [*(name for name in FAILURE_WORDS if name in parts), *(name for name in parts if name not in FAILURE_WORDS)]
    return [
        Input(name, _KINDS.get(type(parts[name]), "json"), parts[name] or "", FAILURE_WORDS.get(name, Words()))
        for name in order
    ]


TIME = Group(
    "Time",
    (
        Card(
            "PUT /clock",
            "Clock",
            "Leases, retries, tokens and records of what was read are judged by the right clock; a jump loses no change.",
            "Set the clock",
            inputs=lambda state: (
                Input("advance_seconds", "number", "", Words("Seconds to move on; less than nothing moves back.")),
                Input("now", "text", "", Words("A moment to go to: 2026-03-01T12:00:00Z.")),
                Input("running", "flag", state["/clock"].get("running", True), Words("Time passes by itself.")),
            ),
            presets=(
                Preset("An hour on", {"advance_seconds": 3600}),
                Preset("A day on", {"advance_seconds": 86_400}),
                Preset("Four days on", {"advance_seconds": 4 * 86_400}),
                Preset("An hour back", {"advance_seconds": -3600}),
                Preset("Stand still", {"running": False}),
            ),
            now="/clock",
        ),
        Card("DELETE /clock", "Machine's time", button="Back to the machine's time"),
    ),
)
EVERYTHING = Group(
    "All that there is",
    (
        Card(
            "POST /seed",
            "Invented people",
            "Many new people at once are linked as carefully as one.",
            "Add people",
            inputs=lambda state: (Input("count", "whole", 100), Input("seed", "whole", 1)),
        ),
        Card(
            "POST /empty",
            "Nobody left",
            "A side that looks empty all at once stops a sync; nothing is taken away on the other side.",
            "Remove every record",
        ),
        Card(
            "POST /snapshots",
            "Snapshots",
            button="Take a snapshot",
            inputs=lambda state: (Input("name", "text", "before", blank="refuse"),),
            now="/snapshots",
        ),
        Card(
            "POST /snapshots/{name}/restore",
            "Back to a snapshot",
            "Records that go back in time are read anew, as after a restored backup; what is newer elsewhere is not lost.",
            "Go back",
        ),
        Card("DELETE /snapshots/{name}", "Forget a snapshot", button="Forget"),
    ),
)
