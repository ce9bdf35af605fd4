"""Reads the image's recipe and compose files: which processes they describe, with which commands and settings."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ONE_HOST, MANY = DEPLOY / "compose.yaml", DEPLOY / "compose.postgres.yaml"
#: Where containers find their secrets: https://docs.docker.com/reference/compose-file/secrets/
SECRETS = "/run/secrets"

_VARIABLE = re.compile(r"\$\{(\w+)(?::?\?[^}]*)?\}")


@dataclass(frozen=True, slots=True)
class Image:
    """What the last stage of a Dockerfile says."""

    environment: Mapping[str, str]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    user: str
    health: tuple[str, ...]
    #: First words and rest of every instruction, of all stages.
    instructions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Container:
    """A container of our image."""

    service: str
    #: From 1 on.
    number: int
    #: After the entrypoint.
    command: tuple[str, ...]
    environment: Mapping[str, str]
    #: Path inside to what lies there: a secret, a volume, or nothing for a folder in memory.
    mounts: Mapping[str, str]

    @property
    def name(self) -> str:
        """The container as compose names it."""
        return f"{self.service}-{self.number}"


def read_image() -> Image:
    """Read our Dockerfile."""
    instructions = tuple(_instructions((ROOT / "Dockerfile").read_text(encoding="utf-8")))
    last = max(number for number, (word, _) in enumerate(instructions) if word == "FROM")
    stage = dict(instructions[last:])  # each of these words stands there once
    health = stage["HEALTHCHECK"].partition("CMD")[2]
    environment = dict(each.split("=", 1) for each in shlex.split(stage["ENV"]))
    entrypoint, command = (tuple(json.loads(stage[word])) for word in ("ENTRYPOINT", "CMD"))
    return Image(environment, entrypoint, command, stage["USER"], tuple(json.loads(health)), instructions)


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        yield word, rest.strip()


def sent_to_the_builder() -> Sequence[str]:
    """Return the files and folders that .dockerignore lets through."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [line[1:] for line in lines if line.startswith("!")]


def read_compose(path: Path) -> dict[str, Any]:
    """Read a compose file as it stands."""
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def containers(path: Path, image: Image, variables: Mapping[str, str]) -> Sequence[Container]:
    """Return the containers of our image that a compose file describes.

    Args:
        path: the file.
        image: of our Dockerfile.
        variables: of whoever calls compose; the file may ask for no other one.
    """
    composed = read_compose(path)
    ours = {name: each for name, each in composed["services"].items() if each["image"].startswith("hintsync:")}
    return [
        Container(name, number, _command(each, image), _environment(each, image, variables), _mounts(each))
        for name, each in ours.items()
        for number in range(1, each.get("deploy", {}).get("replicas", 1) + 1)
    ]


def _command(service: Mapping[str, Any], image: Image) -> tuple[str, ...]:
    return tuple(service.get("command", image.command))


def _environment(service: Mapping[str, Any], image: Image, variables: Mapping[str, str]) -> Mapping[str, str]:
    own = {name: _filled(str(value), variables) for name, value in service.get("environment", {}).items()}
    return {**image.environment, **own}


def _filled(value: str, variables: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: variables[found[1]], value)


def _mounts(service: Mapping[str, Any]) -> Mapping[str, str]:
    secrets = {f"{SECRETS}/{name}": name for name in service.get("secrets", ())}
    volumes = {target: source for source, _, target in (each.partition(":") for each in service.get("volumes", ()))}
    return {**secrets, **volumes, **{each.partition(":")[0]: "" for each in service.get("tmpfs", ())}}
