"""Playing recorded requests to an emulator and holding its answers to recorded shapes.

A recording is a list of steps: what a client sent, to the header, and what it was answered. Ids, times and tokens
differ from run to run, so a shape may say of a value what it is (``<id>``) instead of what it says. Lists in a shape hold
one entry that every entry of the answer must fit, or none for an empty list; objects must have exactly the keys of the
shape. ``{name}`` stands for a value that an earlier step kept or that the test gives.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import TypeAlias

import httpx

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Step: TypeAlias = "dict[str, Json]"

_WORDS = {
    "<text>": r"(?s).+",
    "<id>": r"[0-9A-Za-z]{15}[A-Z0-5]{3}",
    "<datetime>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000",
    "<token>": r"00D\w{12}!.{20,}",
    "<identity>": r"https?://[^/]+/id/00D\w{15}/005\w{15}",
    "<milliseconds>": r"\d{13}",
    "<usage>": r"api-usage=\d+/\d+",
}
#: What follows here is of no interest.
_REST = "<rest>"


async def play(client: httpx.AsyncClient, steps: list[Step], known: dict[str, str]) -> list[httpx.Response]:
    """Send every step of a recording and check every answer; return the answers."""
    answers = []
    for step in steps:
        answer = await _send(client, step["request"], known)
        _check(answer, step["answer"], known, str(step["step"]))
        for name, key in step.get("keep", {}).items():
            known[name] = answer.json()[key]
        answers.append(answer)
    return answers


async def _send(client: httpx.AsyncClient, request: Mapping[str, Json], known: Mapping[str, str]) -> httpx.Response:
    body = request.get("body")
    content = None if body is None else str(body).encode()
    return await client.request(
        str(request["method"]),
        filled(str(request["path"]), known),
        headers={name: filled(str(value), known) for name, value in request.get("headers", {}).items()},
        content=_pieces(content) if content and request.get("chunked") else content,
    )


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    """Send a body without saying how long it is."""
    yield content[: len(content) // 2]
    yield content[len(content) // 2 :]


def _check(answer: httpx.Response, recorded: Mapping[str, Json], known: Mapping[str, str], step: str) -> None:
    assert answer.status_code == recorded["status"], f"{step}: {answer.status_code} {answer.text}"
    for name, shape in recorded.get("headers", {}).items():
        fits(answer.headers.get(name), shape, known, f"{step}, header {name}")
    if "body" in recorded:
        shape = recorded["body"]
        fits(answer.text if isinstance(shape, str) else answer.json(), shape, known, step)


def fits(value: Json, shape: Json, known: Mapping[str, str], where: str) -> None:
    """Fail unless a value has a shape."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), f"{where}: {value!r} is no object"
        assert set(value) == set(shape), f"{where}: keys {sorted(set(value) ^ set(shape))}"
        for name, inner in shape.items():
            fits(value[name], inner, known, f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where}: {value!r} is no list"
        assert bool(value) == bool(shape), f"{where}: {len(value)} entries"
        for number, inner in enumerate(value):
            fits(inner, shape[0], known, f"{where}[{number}]")
    elif isinstance(shape, str):
        _fits_text(value, shape, known, where)
    else:
        assert (value, type(value)) == (shape, type(shape)), where


def _fits_text(value: Json, shape: str, known: Mapping[str, str], where: str) -> None:
    if shape == "<number>":
        assert isinstance(value, int | float), where
        assert not isinstance(value, bool), where
    elif shape == "<flag>":
        assert isinstance(value, bool), where
    elif shape in _WORDS:
        assert isinstance(value, str), where
        assert re.fullmatch(_WORDS[shape], value), f"{where}: {value!r} is no {shape}"
    elif shape.endswith(_REST):
        assert isinstance(value, str), where
        assert value.startswith(shape.removesuffix(_REST)), f"{where}: {value!r}"
    else:
        assert value == filled(shape, known), where


def filled(text: str, known: Mapping[str, str]) -> str:
    """Put known values in for their names."""
    return re.sub(r"\{(\w+)\}", lambda match: known[match[1]], text)
