"""The Salesforce CLI, unmodified, over a socket: it logs in three ways and does what people do with it.

One command takes some seconds, so all tests share one org and one login; each works on records of its own.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hintsync_emulators.salesforce import create_app
from hintsync_emulators.serve import serving
from tests.emulators.clients.conftest import TOKEN, USERNAME, Emulated, Watched, make_org, run
from tests.emulators.clients.installed import installed, node_22

pytestmark = pytest.mark.slow
CLIENT = "@salesforce/cli"
_QUIET = {
    "SF_DISABLE_TELEMETRY": "true",
    "SF_DISABLE_AUTOUPDATE": "true",
    "SF_AUTOUPDATE_DISABLE": "true",
    "SF_SKIP_NEW_VERSION_CHECK": "true",
    "SF_USE_GENERIC_UNIX_KEYCHAIN": "true",
    "SF_DOMAIN_RETRY": "0",
}


@dataclass(frozen=True)
class Cli:
    """The program, with a home that knows an org by the alias ``demo``."""

    emulated: Emulated
    home: Path

    def __call__(self, *arguments: str, folder: Path | None = None, **environment: str) -> dict[str, object]:
        """Run one command to its end; return its result."""
        done = self.run(*arguments, folder=folder, **environment)
        assert done["status"] == 0, done
        return done["result"]  # type: ignore[return-value]

    def run(self, *arguments: str, folder: Path | None = None, **environment: str) -> dict[str, object]:
        """Run one command; return all that it printed as JSON."""
        program = str(installed("sf") / "node_modules" / "@salesforce" / "cli" / "bin" / "run.js")
        given = {**_QUIET, "HOME": str(self.home), **environment}
        done = run([node_22(), program, *arguments, "--json"], given, folder or self.home)
        assert done.stdout, done.stderr
        found: dict[str, object] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def served(jwt_key: rsa.RSAPrivateKey) -> Iterator[Emulated]:
    org = make_org(jwt_key)
    # The program asks every five seconds; an org in a hurry is done before it first asks.
    org.pace.bulk_polls = org.pace.deploy_polls = 0
    app = Watched(create_app(org))
    with serving(app) as url:
        yield Emulated(url, org, app)
    org.close()


@pytest.fixture(scope="module")
def logged_in(served: Emulated, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    cli = Cli(served, tmp_path_factory.mktemp("home"))
    _login(cli)
    return cli


@pytest.fixture
def sf(logged_in: Cli) -> Cli:
    logged_in.emulated.app.forget()
    return logged_in


def _login(cli: Cli) -> dict[str, object]:
    place = ["--instance-url", cli.emulated.url, "--no-prompt", "--alias", "demo"]
    return cli("org", "login", "access-token", *place, SF_ACCESS_TOKEN=TOKEN)


def test_it_logs_in_with_a_token_and_shows_the_org(
    sf: Cli, tmp_path: Path, exercised: Callable[[Watched, str], None]
) -> None:
    other = Cli(sf.emulated, tmp_path)
    found = _login(other)
    assert (found["username"], found["orgId"]) == (USERNAME, sf.emulated.org.org_id)
    shown = other("org", "display", "--target-org", "demo")
    assert (shown["connectedStatus"], shown["apiVersion"]) == ("Connected", "68.0")
    assert shown["instanceUrl"] == f"{sf.emulated.url}/"
    exercised(sf.emulated.app, CLIENT)


def test_it_needs_no_login_when_the_environment_names_the_org(
    sf: Cli, tmp_path: Path, exercised: Callable[[Watched, str], None]
) -> None:
    other, query = Cli(sf.emulated, tmp_path), "SELECT Username FROM User"
    found = other("data", "query", "-q", query, "--target-org", TOKEN, SF_ORG_INSTANCE_URL=sf.emulated.url)
    assert [one["Username"] for one in found["records"]] == [USERNAME]  # type: ignore[attr-defined]
    exercised(sf.emulated.app, CLIENT)


def test_it_logs_in_with_a_signed_assertion(
    sf: Cli, tmp_path: Path, jwt_key: rsa.RSAPrivateKey, exercised: Callable[[Watched, str], None]
) -> None:
    key, kind = tmp_path / "jwt.key", serialization.PrivateFormat.TraditionalOpenSSL
    key.write_bytes(jwt_key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()))
    who = ["--client-id", "key", "--jwt-key-file", str(key), "--username", USERNAME]
    found = Cli(sf.emulated, tmp_path)("org", "login", "jwt", *who, "--instance-url", sf.emulated.url)
    assert (found["username"], found["orgId"]) == (USERNAME, sf.emulated.org.org_id)
    exercised(sf.emulated.app, CLIENT)


def test_it_creates_reads_changes_and_finds_records(sf: Cli, exercised: Callable[[Watched, str], None]) -> None:
    target = ["-s", "Contact", "--target-org", "demo"]
    made = sf("data", "create", "record", *target, "-v", "FirstName='Ada May' LastName=Lovelace")
    record_id = str(made["id"])
    sf("data", "update", "record", *target, "-i", record_id, "-v", "Email=ada@example.org")
    assert sf.emulated.org.get("Contact", record_id)["Email"] == "ada@example.org"
    query = f"SELECT FirstName, Email, Account.Name FROM Contact WHERE Id = '{record_id}'"
    found = sf("data", "query", "-q", query, "--target-org", "demo")
    assert found["totalSize"] == 1
    row = found["records"][0]  # type: ignore[index]
    assert (row["FirstName"], row["Email"], row["Account"]) == ("Ada May", "ada@example.org", None)
    exercised(sf.emulated.app, CLIENT)


def test_it_shows_a_refusal_in_the_words_of_the_api(sf: Cli, exercised: Callable[[Watched, str], None]) -> None:
    refused = sf.run("data", "query", "-q", "SELECT Nonsense FROM Contact", "--target-org", "demo")
    assert refused["status"] == 1
    assert "No such column 'Nonsense'" in str(refused["message"])
    exercised(sf.emulated.app, CLIENT)


def test_it_describes_an_object(sf: Cli, exercised: Callable[[Watched, str], None]) -> None:
    found = sf("sobject", "describe", "-s", "Contact", "--target-org", "demo")
    assert "Hint_Id__c" in [field["name"] for field in found["fields"]]  # type: ignore[attr-defined]
    exercised(sf.emulated.app, CLIENT)


def test_it_upserts_and_exports_in_bulk(sf: Cli, tmp_path: Path, exercised: Callable[[Watched, str], None]) -> None:
    given, out = tmp_path / "up.csv", tmp_path / "out.csv"
    rows = [{"Hint_Id__c": f"sf-{number}", "LastName": f"Bulk {number}"} for number in range(300)]
    with given.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["Hint_Id__c", "LastName"], lineterminator="\n")
        writer.writeheader()
        writer.writerows([*rows, {"Hint_Id__c": "sf-bad", "LastName": ""}])
    place = ["-s", "Contact", "-i", "Hint_Id__c", "-f", str(given), "--line-ending", "LF", "--target-org", "demo"]
    loaded = sf.run("data", "upsert", "bulk", *place, "-w", "2")
    assert loaded["name"] == "FailedRecordDetailsError", loaded
    assert "failed to process 1 record" in str(loaded["message"])
    assert sf.emulated.org.count("Contact") >= 300
    query = "SELECT Hint_Id__c, LastName FROM Contact WHERE Hint_Id__c LIKE 'sf-%'"
    target = ["--output-file", str(out), "--result-format", "csv", "--target-org", "demo"]
    exported = sf("data", "export", "bulk", "-q", query, "-w", "2", *target)
    assert exported["totalSize"] == 300
    with out.open(newline="") as file:
        assert sorted(csv.DictReader(file), key=str) == sorted(rows, key=str)
    exercised(sf.emulated.app, CLIENT)


_FIELD = """<?xml version="1.0" encoding="UTF-8"?>
<CustomField xmlns="http://soap.sforce.com/2006/04/metadata">
    <fullName>{name}</fullName>
    <label>Deployed</label>
    <length>40</length>
    <type>{kind}</type>
</CustomField>
"""


def _project(folder: Path, name: str, kind: str = "Text") -> Path:
    """Write a project with one custom field of Contact; return the field's file."""
    (folder / "sfdx-project.json").write_text(json.dumps({"packageDirectories": [{"path": "force-app"}]}))
    fields = folder / "force-app" / "main" / "default" / "objects" / "Contact" / "fields"
    fields.mkdir(parents=True)
    file = fields / f"{name}.field-meta.xml"
    file.write_text(_FIELD.format(name=name, kind=kind))
    return file


@pytest.mark.parametrize("rest", ["false", "true"], ids=["soap", "rest"])
def test_it_deploys_a_field_and_retrieves_it(
    sf: Cli, tmp_path: Path, rest: str, exercised: Callable[[Watched, str], None]
) -> None:
    name = f"By_{'rest' if rest == 'true' else 'soap'}__c"
    file = _project(tmp_path, name)
    target = ["--target-org", "demo", "-w", "2"]
    environment = {"SF_ORG_METADATA_REST_DEPLOY": rest}
    done = sf("project", "deploy", "start", "-d", "force-app", *target, folder=tmp_path, **environment)
    assert (done["status"], done["numberComponentsDeployed"]) == ("Succeeded", 1)
    field = sf.emulated.org.definition("Contact").get(name)
    assert field is not None
    assert (field.label, field.length) == ("Deployed", 40)
    file.unlink()
    sf("project", "retrieve", "start", "-m", f"CustomField:Contact.{name}", *target, folder=tmp_path)
    assert "<length>40</length>" in file.read_text()
    exercised(sf.emulated.app, CLIENT)


def test_it_shows_which_component_a_deployment_fails_on(
    sf: Cli, tmp_path: Path, exercised: Callable[[Watched, str], None]
) -> None:
    _project(tmp_path, "Nonsense__c", kind="Telepathy")
    done = sf.run("project", "deploy", "start", "-d", "force-app", "--target-org", "demo", folder=tmp_path)
    assert done["status"] == 1
    [failure] = done["result"]["details"]["componentFailures"]  # type: ignore[index]
    assert failure["fullName"] == "Contact.Nonsense__c", failure
    assert sf.emulated.org.definition("Contact").get("Nonsense__c") is None
    exercised(sf.emulated.app, CLIENT)
