"""hintsync's own packages, handled by the unmodified Salesforce CLI: converted, deployed, retrieved, deleted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hintsync.replicas.salesforce.packages import EVENTS_PACKAGE, PACKAGE, PAGES_PACKAGE, Place, package_files
from hintsync_emulators.salesforce import create_app
from hintsync_emulators.salesforce.canvas.apps import every
from hintsync_emulators.serve import serving
from tests.emulators.clients.conftest import TOKEN, Emulated, Watched, make_org
from tests.emulators.clients.test_sf import Cli

pytestmark = pytest.mark.slow
PLACE = Place("https://sync.clinic.example", "ida@clinic.example", "hintsyncKEY", "SECRET")


@pytest.fixture
def sf(jwt_key: rsa.RSAPrivateKey, tmp_path: Path) -> Iterator[Cli]:
    """The program, logged in to an org of its own."""
    org = make_org(jwt_key)
    org.pace.deploy_polls = 0
    app = Watched(create_app(org))
    with serving(app) as url:
        cli = Cli(Emulated(url, org, app), tmp_path)
        place = ["--instance-url", url, "--no-prompt", "--alias", "demo", "--set-default"]
        cli("org", "login", "access-token", *place, SF_ACCESS_TOKEN=TOKEN)
        yield cli
    org.close()


def unpack(package: str, folder: Path) -> Path:
    for name, raw in package_files(package, PLACE).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return folder


def contents(sf: Cli) -> set[tuple[str, str]]:
    return {(one.kind, one.name) for one in sf.emulated.org.components.everything()}


def members(manifest: Path) -> set[str]:
    """Return what a manifest names, but for what lies inside our own object: the CLI names that singly."""
    named = {line.strip().replace("/</", "</") for line in manifest.read_text().splitlines() if "<members>" in line}
    return {line for line in named if "Hint_Log__c." not in line}


def test_it_converts_deploys_retrieves_and_deletes_our_packages(sf: Cli, tmp_path: Path) -> None:
    before = contents(sf)
    packages = {"base": PACKAGE, "events": EVENTS_PACKAGE, "pages": PAGES_PACKAGE}
    for folder in packages:
        (tmp_path / folder).mkdir()
    folders = [{"path": name, "default": name == "base"} for name in packages]
    project = {"packageDirectories": folders, "sourceApiVersion": "67.0"}
    (tmp_path / "sfdx-project.json").write_text(json.dumps(project))
    for name, package in packages.items():
        given = unpack(package, tmp_path / f"{name}-mdapi")
        sf("project", "convert", "mdapi", "--root-dir", str(given), "--output-dir", name, folder=tmp_path)
        done = sf("project", "deploy", "start", "-d", name, "-w", "2", folder=tmp_path)
        assert done["status"] == "Succeeded"
        # the same components, and no other
        sf("project", "convert", "source", "--root-dir", name, "--output-dir", f"{name}-again", folder=tmp_path)
        assert members(tmp_path / f"{name}-again" / "package.xml") == members(given / "package.xml")
    [app] = every(sf.emulated.org)
    assert app.client is not None
    assert (app.client.client_id, app.url) == ("hintsyncKEY", "https://sync.clinic.example/canvas")

    for name in packages:
        manifest = tmp_path / f"{name}-mdapi" / "package.xml"
        sf("project", "retrieve", "start", "--manifest", str(manifest), "-w", "2", folder=tmp_path)
        sf("project", "convert", "source", "--root-dir", name, "--output-dir", f"{name}-retrieved", folder=tmp_path)
        again = sf("project", "deploy", "start", "-d", name, "-w", "2", folder=tmp_path)
        assert again["status"] == "Succeeded"
        assert members(tmp_path / f"{name}-retrieved" / "package.xml") == members(manifest)

    shutil.rmtree(
        tmp_path / "base" / "main" / "default" / "layouts"
    )  # an object's last layout goes with the object only
    for name in ("pages", "events", "base"):
        sf("project", "delete", "source", "-p", name, "--no-prompt", "-w", "2", folder=tmp_path)
    assert contents(sf) == before
    assert sf.emulated.org.definition("Contact").get("Hint_Patient_Id__c") is None
    assert every(sf.emulated.org) == []
