"""The wheel holds all that the service needs, and runs in an environment and a folder that know nothing of this one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.deploy.composed import ROOT, sent_to_the_builder
from tests.deploy.running import PATIENCE, free_port, until

PACKAGES = ("hintsync", "hintsync_emulators")


@dataclass(frozen=True, slots=True)
class Installed:
    """A clean environment with the wheel in it."""

    wheel: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process of it is told."""
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.folder)}

    def command(self, program: str, *arguments: str) -> Sequence[str]:
        """Return a command line of a program that the wheel brings."""
        return [str(self.folder / "bin" / program), *arguments]

    def run(self, program: str, *arguments: str) -> str:
        """Run a program in a folder that holds nothing; return what it printed."""
        empty = self.folder / "elsewhere"
        empty.mkdir(exist_ok=True)
        done = subprocess.run(
            self.command(program, *arguments),
            cwd=empty,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, built and installed without a network; what it needs is lent by the environment of the tests."""
    made = tmp_path_factory.mktemp("wheel")
    wheel = build(made)
    folder = made / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    # A path in a .pth file: the .pth files over there, one of which leads to our sources, are not looked at.
    (packages / "lent.pth").write_text(f"{packages_of_the_tests()}\n", encoding="utf-8")
    install = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install"]
    quietly = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    # Not found to be there already: the tests' own environment is on its path.
    subprocess.run([*install, *quietly, "--ignore-installed", str(wheel)], check=True)
    return Installed(wheel, folder)


def build(folder: Path) -> Path:
    """Build the wheel in a folder from what goes to the builder of the image, and nothing else; return the wheel."""
    sources = folder / "sources"
    for each in sent_to_the_builder():
        target = sources / each
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / each).is_dir():
            shutil.copytree(
                ROOT / each, target, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copy
            )
        else:
            shutil.copy(ROOT / each, target)
    return build_from(sources)


def build_from(sources: Path) -> Path:
    """Build the wheel as the image does."""
    made = sources.parent / "dist"
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made)]
    subprocess.run(command, cwd=sources, check=True, capture_output=True)
    (wheel,) = made.glob("*.whl")
    return wheel


def packages_of_the_tests() -> Path:
    """Return the folder of the installed packages that this test runs with."""
    return next(Path(each) for each in sys.path if Path(each, "typer").is_dir())


def test_m1_the_wheel_holds_every_file_of_the_packages(installed: Installed) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--", *(f"src/{name}" for name in PACKAGES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    sources = {each.removeprefix("src/") for each in listed.stdout.splitlines() if (ROOT / each).exists()}
    with zipfile.ZipFile(installed.wheel) as wheel:
        held = set(wheel.namelist())
    assert len([each for each in sources if not each.endswith(".py")]) > 50, "templates, styles, metadata"
    assert sources - held == set()
    assert {each.partition("/")[0] for each in held} == {*PACKAGES, f"hintsync-{version()}.dist-info"}


def version() -> str:
    """Return the version that the project says it has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def test_m1_the_installed_commands_run_from_a_foreign_folder(installed: Installed) -> None:
    shown = "import hintsync, hintsync_emulators; print(hintsync.__file__, hintsync_emulators.__file__)"
    assert all(each.startswith(str(installed.folder)) for each in installed.run("python", "-c", shown).split())
    assert installed.run("hintsync", "--version") == f"hintsync {version()}\n"
    assert "connect" in installed.run("hintsync", "--help")
    state = str(installed.folder / "state")
    assert '"connections":[]' in installed.run("hintsync", "status", "--json", "--state", state)
    assert installed.run("hintsync", "upgrade", "--check", "--state", state).splitlines()[1] == "nothing to do"


def test_m1_the_installed_service_answers_with_its_own_pages_and_styles(installed: Installed) -> None:
    port = free_port()
    settings = installed.environment | {"HINTSYNC_LISTEN_PORT": str(port), "HINTSYNC_LOG_LEVEL": "info"}
    command = installed.command("hintsync", "serve", "--json", "--state", str(installed.folder / "served"))
    log = installed.folder / "log"
    with (
        log.open("wb") as lines,
        subprocess.Popen(command, env=settings, cwd="/", stderr=lines, stdout=lines) as process,
    ):
        try:
            until(lambda: alive(installed, port) or process.poll() is not None, "it is alive")
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
                page = http.get("/login")
                assert page.status_code < 500
                styles = installed.folder.glob("lib/python3*/site-packages/hintsync/surfaces/web/static/*")
                names = sorted(each.name for each in styles if each.is_file())
                assert names
                assert all(http.get(f"/static/{name}").status_code == 200 for name in names)
        finally:
            process.terminate()
            assert process.wait(PATIENCE) == 0, log.read_text(encoding="utf-8")
    told = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert f"listening on http://127.0.0.1:{port}" in [line.get("event") for line in told]


def alive(installed: Installed, port: int) -> bool:
    """Ask as the image's health check does."""
    environment = installed.environment | {"HINTSYNC_LISTEN_PORT": str(port)}
    asked = subprocess.run(installed.command("hintsync-alive"), env=environment, capture_output=True, check=False)
    return asked.returncode == 0


def test_two_builds_of_the_same_sources_are_the_same_file(installed: Installed, tmp_path: Path) -> None:
    again = shutil.copytree(installed.wheel.parents[1] / "sources", tmp_path / "elsewhere", copy_function=shutil.copy)
    assert build_from(again).read_bytes() == installed.wheel.read_bytes()
