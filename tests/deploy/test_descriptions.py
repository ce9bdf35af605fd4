"""The image's recipe, the compose files, the Caddyfile and the systemd unit name what is really there."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path

import pytest
import typer
from starlette.routing import Mount, Route

from hintsync.settings import PREFIX, Settings, load_settings
from hintsync.surfaces.cli.main import app
from hintsync.surfaces.cli.serve import _ROLES
from hintsync.surfaces.web.app import create_app
from tests.deploy.composed import (
    DEPLOY,
    MANY,
    ONE_HOST,
    ROOT,
    Container,
    containers,
    read_compose,
    read_image,
    sent_to_the_builder,
)
from tests.surfaces.web.house import opened

COMPOSED = [ONE_HOST, MANY]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
UNIT = DEPLOY / "hintsync.service"
#: What monitors on the host ask; nobody on the internet may.
INTERNAL = {"/healthz", "/readyz", "/metrics"}


def described(path: Path) -> list[Container]:
    """Return the containers of a compose file on a host of that name."""
    return list(containers(path, read_image(), {"HINTSYNC_HOST": "sync.example.org"}))


def parse(words: Iterable[str]) -> Mapping[str, object]:
    """Parse a command line of ours as it would be when it runs; return its parameters.

    Raises:
        click.UsageError: there is no such command or option.
    """
    group = typer.main.get_command(app)
    name, *rest = words
    context = group.make_context("hintsync", [name, *rest])
    found, command, left = group.resolve_command(context, [name, *rest])  # type: ignore[attr-defined]
    return command.make_context(found, left, parent=context).params  # type: ignore[no-any-return]


# --- compose files


@pytest.mark.parametrize("path", COMPOSED, ids=lambda path: path.name)
def test_a_compose_file_is_what_the_specification_allows(path: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", COMPOSED, ids=lambda path: path.name)
def test_what_containers_of_a_compose_file_are_told_are_settings_and_commands(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for each in described(path):
        assert set(each.command) & {"serve", "worker", "upgrade"}
        assert set(parse(each.command).get("role") or ()) <= set(_ROLES)
        with monkeypatch.context() as patched:
            for name, value in each.environment.items():
                patched.setenv(name, str(_written(tmp_path, value)) if name.endswith("_FILE") else value)
            assert load_settings().public_url == "https://sync.example.org"


def _written(folder: Path, inside: str) -> Path:
    path = folder / inside.replace("/", "_")
    path.write_text("postgresql://hintsync:word@postgres/hintsync" if "database" in inside else "", encoding="utf-8")
    return path


@pytest.mark.parametrize("path", COMPOSED, ids=lambda path: path.name)
def test_every_path_that_a_container_is_told_is_mounted_into_it(path: Path) -> None:
    for each in described(path):
        told = [value for name, value in each.environment.items() if name.startswith(PREFIX) and value.startswith("/")]
        assert len(told) >= 4
        lost = [value for value in told if not any(value == at or value.startswith(f"{at}/") for at in each.mounts)]
        assert lost == []


@pytest.mark.parametrize("path", COMPOSED, ids=lambda path: path.name)
def test_every_container_may_write_nowhere_but_into_its_mounts_and_gains_no_right(path: Path) -> None:
    composed = read_compose(path)
    for name, each in composed["services"].items():
        assert each["security_opt"] == ["no-new-privileges:true"]
        if name != "postgres":  # its entrypoint begins as root and gives rights away itself
            assert (each["read_only"], each["cap_drop"]) == (True, ["ALL"])
        if each["image"].startswith("hintsync:"):
            assert each["ulimits"] == {"core": 0}
            assert "privileged" not in each
            assert "cap_add" not in each


@pytest.mark.parametrize("path", COMPOSED, ids=lambda path: path.name)
def test_nothing_but_the_proxy_is_reached_from_outside(path: Path) -> None:
    services = read_compose(path)["services"]
    assert [name for name, each in services.items() if "ports" in each] == ["caddy"]


def test_the_larger_topology_is_two_of_each_on_postgresql() -> None:
    names = [each.name for each in described(MANY)]
    assert names == ["upgrade-1", "web1-1", "web2-1", "worker-1", "worker-2", "subscriber-1", "subscriber-2"]
    services = read_compose(MANY)["services"]
    assert services["postgres"]["networks"] == ["database"]
    assert read_compose(MANY)["networks"]["database"] == {"internal": True}
    assert services["web1"]["depends_on"]["upgrade"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("path", COMPOSED, ids=lambda path: path.name)
def test_images_are_pinned_and_ours_has_the_version_of_the_package(path: Path) -> None:
    images = {each["image"] for each in read_compose(path)["services"].values()}
    assert f"hintsync:{PROJECT['version']}" in images
    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-\w+)?", image) for image in images)


# --- the image


def test_the_image_runs_as_nobody_in_particular_and_asks_itself_how_it_is() -> None:
    image = read_image()
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", image.user)
    assert {image.entrypoint[0], image.health[0]} == set(PROJECT["scripts"])
    assert parse(image.command)["role"] == ()
    named = {name.removeprefix(PREFIX).lower() for name in image.environment if name.startswith(PREFIX)}
    assert named <= set(Settings.model_fields)


def test_the_image_is_built_on_a_named_version_from_files_that_go_to_the_builder() -> None:
    image = read_image()
    bases = [rest.split()[0] for word, rest in image.instructions if word == "FROM"]
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases[0])
    sources = [
        each
        for word, rest in image.instructions
        if word == "COPY" and "--from" not in rest
        for each in rest.split()[:-1]
    ]
    assert set(sources) == set(sent_to_the_builder())
    assert all((ROOT / each).exists() for each in sources)
    installs = [
        step for word, rest in image.instructions if word == "RUN" for step in rest.split("&&") if "pip install" in step
    ]
    assert all("--require-hashes" in step or "--no-index" in step for step in installs)


# --- the proxy


async def test_the_proxy_passes_on_every_page_and_webhook_and_nothing_else(tmp_path: Path) -> None:
    text = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    (told,) = re.findall(r"@hintsync path (.+)", text)
    async with opened(tmp_path) as house:
        routes = create_app(house.wire.service, engines=house.engines).routes
    paths = {
        f"{each.path}/x" if isinstance(each, Mount) else each.path for each in routes if isinstance(each, Mount | Route)
    }
    passed = {path for path in paths if any(fnmatch(path, pattern) for pattern in told.split())}
    assert paths - passed == INTERNAL
    assert all(any(fnmatch(path, pattern) for path in paths) for pattern in told.split())


@pytest.mark.parametrize("path", COMPOSED, ids=lambda path: path.name)
def test_the_proxy_knows_every_web_process(path: Path) -> None:
    proxy = read_compose(path)["services"]["caddy"]
    serving = [each for each in described(path) if each.command[0] == "serve" and "subscriber" not in each.command]
    assert proxy["environment"]["HINTSYNC_UPSTREAMS"].split() == [f"{each.service}:8080" for each in serving]
    assert set(proxy["depends_on"]) == {each.service for each in serving}
    assert "{$HINTSYNC_UPSTREAMS}" in (DEPLOY / "Caddyfile").read_text(encoding="utf-8")


# --- the systemd unit


class _Unit(configparser.RawConfigParser):
    """A unit file: names keep their case; a name that stands there several times keeps all its values, a line each."""

    def __init__(self) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",), dict_type=_Lines)  # type: ignore[arg-type]

    def optionxform(self, name: str) -> str:
        return name


class _Lines(dict[str, object]):
    def __setitem__(self, key: str, value: object) -> None:
        kept = self.get(key)
        super().__setitem__(key, kept + value if isinstance(kept, list) and isinstance(value, list) else value)


def unit() -> Mapping[str, list[str]]:
    """Return the unit's section of the service: name to its values."""
    parser = _Unit()
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return {name: value.splitlines() for name, value in parser["Service"].items()}


def test_what_the_unit_runs_and_sets_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    service = unit()
    program, *words = shlex.split(service["ExecStart"][0])
    assert Path(program).name in PROJECT["scripts"]
    assert parse(words)["role"] == ()
    assert [word for word in words if word == "--json"], "its lines are to be JSON"
    credentials = {each.partition(":")[0] for each in service["LoadCredential"]}
    for each in service["Environment"]:
        name, value = each.split("=", 1)
        if name.endswith("_FILE"):
            assert value.removeprefix("%d/") in credentials
            value = str(_written(tmp_path, value))
        monkeypatch.setenv(name, value)
    assert load_settings().webhook_keys() == ()
    assert len(credentials) == len(service["Environment"]) - 1


def test_the_unit_lets_the_process_finish_and_tells_a_hung_one() -> None:
    service = unit()
    assert service["Type"] == ["notify"]
    assert int(service["TimeoutStopSec"][0]) > 15 + 5  # what requests under way and the bell may take
    assert int(service["WatchdogSec"][0]) >= 60
    assert service["LimitCORE"] == ["0"]
    # These hide processes from their like, which would be taken for dead and robbed of their work.
    assert not {"ProtectProc", "ProcSubset"} & set(service)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_systemd_takes_the_unit_and_calls_it_safe(tmp_path: Path) -> None:
    local = tmp_path / UNIT.name
    program = unit()["ExecStart"][0].split()[0]
    local.write_text(UNIT.read_text(encoding="utf-8").replace(program, sys.executable), encoding="utf-8")
    for check in (["verify"], ["security", "--offline=yes", "--threshold=20"]):
        done = subprocess.run(["systemd-analyze", *check, str(local)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "hintsync.service:" not in done.stderr, "a line that it does not know"


def test_the_administrators_command_gives_hintsync_the_services_secrets(tmp_path: Path) -> None:
    settings = {each.split("=")[0] for each in unit()["Environment"]}
    show = tmp_path / "program"
    show.write_text('#!/bin/sh\necho "$@"; env | sort\n', encoding="utf-8")
    show.chmod(0o755)
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    here = {
        "HINTSYNC_PROGRAM": str(show),
        "HINTSYNC_USER": user,
        "HINTSYNC_SECRETS": "/elsewhere",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [str(DEPLOY / "hintsync.sh"), "status", "a b"], env=here, capture_output=True, text=True, check=True
    )
    arguments, *lines = done.stdout.splitlines()
    given = dict(line.split("=", 1) for line in lines if line.startswith(PREFIX))
    assert arguments == "status a b"
    assert set(given) == settings
    assert given["HINTSYNC_STATE"] == "/var/lib/hintsync"
    assert given["HINTSYNC_MASTER_KEYS_FILE"] == "/elsewhere/master_keys"
