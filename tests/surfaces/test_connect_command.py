"""`hintsync connect` and `hintsync salesforce-key`: both ways of signing in to Salesforce and to Hint, and what follows."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hintsync.bootstrap import open_service
from hintsync.doctor.check import Check
from hintsync.doctor.hint_checks import HINT_CHECKS
from hintsync.doctor.salesforce_checks import SALESFORCE_CHECKS
from hintsync.engine.options import Options
from hintsync.logins import SALESFORCE_LOGIN, WithJwt, pack_login, unpack_login
from hintsync.replicas.salesforce.key_pair import LIFE, RENEW_BEFORE, new_signing_key, thumbprint
from hintsync.settings import load_settings
from hintsync.setup.signing_keys import SALESFORCE_KEY
from hintsync.state.port import Connection
from hintsync_emulators.control import Failure
from hintsync_emulators.salesforce import App, Org
from hintsync_emulators.salesforce import create_app as create_org_app
from hintsync_emulators.serve import serving
from tests.surfaces.test_installation import secrets
from tests.surfaces.test_webhook_command import addresses, set_up
from tests.surfaces.town import Town

USER = "integration@example.org"
PUBLIC = "https://sync.example.org"


def upload(town: Town, certificate: str, **app: object) -> None:
    """Give the org's external client app a certificate, as an administrator does in Setup; the former one is gone."""
    town.org.auth.register([App("key", "unused", certificate=certificate, **app)])  # type: ignore[arg-type]


def by_key(town: Town, tmp_path: Path) -> list[object]:
    """Return the options of a connection by our own key and a practice token."""
    (tmp_path / "hint").write_text(town.practice.token, encoding="utf-8")
    given = ["--salesforce-url", town.org_url, "--client-id", "key", "--username", USER]
    return [*given, "--hint-token-file", tmp_path / "hint"]


def with_code(town: Town, tmp_path: Path, code: str = "") -> list[object]:
    """Return the options of a connection by an access token and an authorization code."""
    given = secrets(tmp_path, town)
    at = given.index("--hint-token-file")
    (tmp_path / "code").write_text(code or town.practice.new_code(), encoding="utf-8")
    return [*given[:at], *given[at + 2 :], "--hint-code-file", tmp_path / "code"]


async def stored(town: Town, name: str) -> tuple[Connection, WithJwt | None]:
    async with open_service(load_settings(state=town.state)) as service:
        connection = await service.connection(name)
        login = unpack_login(await service.store.secret(name, SALESFORCE_LOGIN) or b"")
        return connection, login if isinstance(login, WithJwt) else None


def login_of(town: Town, name: str) -> WithJwt:
    login = asyncio.run(stored(town, name))[1]
    assert login is not None
    return login


def options_of(town: Town, name: str) -> Options:
    return Options.from_json(asyncio.run(stored(town, name))[0].settings)


@pytest.fixture
def made(town: Town, tmp_path: Path) -> dict[str, str]:
    """Make a first key for a connection that is not there yet; what is to be uploaded."""
    waiting: dict[str, str] = town.json("salesforce-key", "second", "--certificate", tmp_path / "up.crt")["waiting"]
    return waiting


def on_terminal(typed: bytes, *arguments: object, town: Town) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody does who sits at a terminal and types ahead."""
    keyboard, terminal = pty.openpty()
    try:
        os.write(keyboard, typed)
        called = [sys.executable, "-m", "hintsync", *map(str, arguments), "--state", str(town.state)]
        return subprocess.run(called, stdin=terminal, capture_output=True, text=True, check=False, timeout=60)
    finally:
        os.close(keyboard)
        os.close(terminal)


# --- a key of our own
def test_m3_a_key_is_sealed_and_its_certificate_alone_is_shown(
    town: Town, tmp_path: Path, made: dict[str, str]
) -> None:
    certificate = (tmp_path / "up.crt").read_text(encoding="ascii")
    assert made["certificate"] == certificate
    read = x509.load_pem_x509_certificate(certificate.encode())
    assert read.public_key().key_size == 2048  # type: ignore[union-attr]
    assert read.issuer == read.subject
    assert made["valid_until"] == read.not_valid_after_utc.isoformat().replace("+00:00", "Z")
    written = [path.read_bytes() for folder in (town.state, tmp_path) for path in folder.rglob("*") if path.is_file()]
    assert not [raw for raw in written if b"PRIVATE KEY" in raw]


def test_a_key_that_waits_is_shown_again_and_not_made_anew(town: Town, tmp_path: Path, made: dict[str, str]) -> None:
    for _ in range(2):
        again = town.json("salesforce-key", "second", "--certificate", tmp_path / "again.crt")
        assert again["waiting"]["sha256"] == made["sha256"]
        assert again["in_use"] == {}
    assert (tmp_path / "again.crt").read_text(encoding="ascii") == made["certificate"]


def test_a_certificate_that_cannot_be_written_costs_no_key(town: Town, tmp_path: Path, made: dict[str, str]) -> None:
    result = town.run("salesforce-key", "second", "--certificate", tmp_path / "nowhere" / "up.crt")
    assert (result.exit_code, "cannot be written" in result.stderr) == (2, True)
    assert town.json("salesforce-key", "second", "--certificate", tmp_path / "up.crt")["waiting"] == made


def test_m3_once_its_certificate_is_uploaded_the_key_signs_in_and_the_org_is_pinned(
    town: Town, tmp_path: Path, made: dict[str, str]
) -> None:
    early = town.run("connect", "second", *by_key(town, tmp_path))
    assert (early.exit_code, "Was its certificate uploaded" in early.stderr) == (2, True)
    upload(town, made["certificate"], approved=frozenset({USER}))
    answer = town.json("connect", "second", *by_key(town, tmp_path))
    assert answer["connection"]["org_id"] == town.org.org_id
    assert "error" not in str(town.json("status", "--online", "--connection", "second")["connections"])
    shown = town.json("salesforce-key", "second")
    assert (shown["in_use"]["sha256"], shown["waiting"]) == (made["sha256"], {})


def test_a_user_whom_the_app_does_not_allow_is_refused_in_words(
    town: Town, tmp_path: Path, made: dict[str, str]
) -> None:
    upload(town, made["certificate"], approved=frozenset({"somebody.else@example.org"}))
    result = town.run("connect", "second", *by_key(town, tmp_path))
    assert (result.exit_code, f"may {USER} use the app" in result.stderr) == (2, True)


def test_a_key_of_another_certificate_opens_nothing(town: Town, tmp_path: Path, made: dict[str, str]) -> None:
    other = town.json("salesforce-key", "third", "--certificate", tmp_path / "third.crt")["waiting"]
    upload(town, other["certificate"])
    assert town.run("connect", "second", *by_key(town, tmp_path)).exit_code == 2
    assert [each["org_id"] for each in town.json("status", "--connection", "second")["connections"]] == [""]


def test_m3_a_second_key_takes_over_without_a_gap(town: Town, tmp_path: Path, made: dict[str, str]) -> None:
    upload(town, made["certificate"])
    town.json("connect", "second", *by_key(town, tmp_path))
    renewed = town.json("salesforce-key", "second", "--renew", "--certificate", tmp_path / "new.crt")
    assert renewed["in_use"]["sha256"] == made["sha256"] != renewed["waiting"]["sha256"]
    assert town.json("salesforce-key", "second", "--renew", "--certificate", tmp_path / "new.crt") == renewed, (
        "one waits"
    )
    assert town.run("status", "--online", "--connection", "second").exit_code == 0, "the old one signs in"
    upload(town, renewed["waiting"]["certificate"])
    assert town.run("status", "--online", "--connection", "second").exit_code == 0, "the new one signs in"
    shown = town.json("salesforce-key", "second")
    assert (shown["taken_into_use"], shown["in_use"]["sha256"]) == (True, renewed["waiting"]["sha256"])
    assert login_of(town, "second").waiting is None
    upload(town, made["certificate"])
    assert town.run("status", "--online", "--connection", "second").exit_code == 2, "the old one is forgotten"


def test_a_key_of_ones_own_file_may_be_replaced_by_one_of_ours(
    town: Town, tmp_path: Path, made: dict[str, str]
) -> None:
    upload(town, made["certificate"])
    town.json("connect", "second", *by_key(town, tmp_path))
    login = login_of(town, "second")
    (tmp_path / "own.pem").write_text(login.private_key, encoding="ascii")
    given = [*by_key(town, tmp_path), "--private-key-file", tmp_path / "own.pem"]
    town.json("connect", "second", *given, "--no-deploy")
    assert login_of(town, "second").certificate == ""
    new = town.json("salesforce-key", "second", "--certificate", tmp_path / "new.crt")["waiting"]
    upload(town, new["certificate"])
    assert town.json("salesforce-key", "second")["taken_into_use"]
    assert load_pem_private_key(login_of(town, "second").private_key.encode(), None)


def test_a_connection_by_secret_goes_over_to_a_key(town: Town, tmp_path: Path) -> None:
    new = town.json("salesforce-key", "clinic", "--certificate", tmp_path / "new.crt")["waiting"]
    assert town.run("status", "--online").exit_code == 0, "until then all stays as it is"
    upload(town, new["certificate"])
    town.json("connect", "clinic", *by_key(town, tmp_path), "--no-deploy")
    assert login_of(town, "clinic").certificate == new["certificate"]


def test_a_key_whose_certificate_ends_soon_is_followed_by_the_next_one_by_itself(town: Town, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for made_at, waits in ((now, False), (now - LIFE + RENEW_BEFORE - timedelta(days=1), True)):
        key = new_signing_key("hintsync clinic", made_at)
        login = WithJwt(town.org_url, "key", USER, key.private_key, key.certificate)
        asyncio.run(_keep(town, "clinic", SALESFORCE_LOGIN, pack_login(login)))
        shown = town.json("salesforce-key", "clinic", "--certificate", tmp_path / "next.crt")
        assert bool(shown["waiting"]) is waits
        assert shown["in_use"]["sha256"] == thumbprint(key.certificate)


async def _keep(town: Town, name: str, what: str, secret: bytes) -> None:
    async with open_service(load_settings(state=town.state)) as service:
        await service.store.put_secret(name, what, secret)


async def secret_of(town: Town, name: str, what: str) -> bytes | None:
    async with open_service(load_settings(state=town.state)) as service:
        return await service.store.secret(name, what)


def test_a_key_whose_certificate_is_on_its_way_survives_connecting_by_secret(town: Town, tmp_path: Path) -> None:
    made = town.json("salesforce-key", "second", "--certificate", tmp_path / "up.crt")["waiting"]
    town.json("connect", "second", *by_secret(town, tmp_path), "--salesforce-only")
    assert town.json("salesforce-key", "second", "--certificate", tmp_path / "up.crt")["waiting"] == made
    upload(town, made["certificate"])
    town.json("connect", "second", "--username", USER)
    assert login_of(town, "second").certificate == made["certificate"]
    assert asyncio.run(secret_of(town, "second", SALESFORCE_KEY)) == b"", "it is in the login now, and nowhere else"


def test_a_key_whose_certificate_is_on_its_way_survives_connecting_by_a_key_of_ones_own(
    town: Town, tmp_path: Path, made: dict[str, str]
) -> None:
    for name in ("own.pem", "another.pem"):
        own = new_signing_key("the clinic's own", datetime.now(UTC))
        (tmp_path / name).write_text(own.private_key, encoding="ascii")
        upload(town, own.certificate)
        town.json("connect", "second", *by_key(town, tmp_path), "--private-key-file", tmp_path / name)
        assert login_of(town, "second").private_key == own.private_key.strip()
        assert town.json("salesforce-key", "second", "--certificate", tmp_path / "up.crt")["waiting"] == made


def test_a_key_that_waited_and_is_connected_with_waits_no_longer(
    town: Town, tmp_path: Path, made: dict[str, str]
) -> None:
    upload(town, made["certificate"])
    town.json("connect", "second", *by_key(town, tmp_path))
    town.json("salesforce-key", "second", "--renew", "--certificate", tmp_path / "next.crt")
    waiting = login_of(town, "second").waiting
    assert waiting is not None
    (tmp_path / "next.pem").write_text(waiting.private_key, encoding="ascii")
    upload(town, waiting.certificate)
    town.json("connect", "second", *by_key(town, tmp_path), "--private-key-file", tmp_path / "next.pem", "--no-deploy")
    assert login_of(town, "second").waiting is None


def test_a_first_key_that_cannot_be_read_is_made_anew_by_the_command_that_is_named(
    town: Town, tmp_path: Path, made: dict[str, str]
) -> None:
    asyncio.run(_keep(town, "second", SALESFORCE_KEY, b"{}"))
    result = town.run("salesforce-key", "second")
    assert result.exit_code == 2
    command = result.stderr.strip().split("make another: hintsync ")[1]
    new = town.json(*command.split(), "--certificate", tmp_path / "new.crt")["waiting"]
    assert new["sha256"] != made["sha256"]
    assert town.json("salesforce-key", "second", "--certificate", tmp_path / "new.crt")["waiting"] == new


# --- again under the same name
def by_secret(town: Town, tmp_path: Path, secret: str = "first-secret") -> list[object]:
    """Give the org's app a secret; return the options of a login by it."""
    town.org.auth.register([App("key", secret, run_as=USER)])
    (tmp_path / "secret").write_text(secret, encoding="utf-8")
    return ["--salesforce-url", town.org_url, "--client-id", "key", "--client-secret-file", tmp_path / "secret"]


def advised(checks: Sequence[Check], check: str, trouble: str, name: str) -> list[str]:
    """Return the command that the doctor names against a trouble, as somebody types it."""
    (remedy,) = [each.remedies[trouble] for each in checks if each.code == check]
    (command,) = re.findall(r"hintsync (connect NAME(?: --[a-z-]+)*)", remedy)
    return str(command).replace("NAME", name).split()


def works(town: Town, name: str) -> bool:
    return town.run("status", "--online", "--connection", name).exit_code == 0


def test_g1_nothing_is_put_into_another_org_than_the_pinned_one(town: Town, tmp_path: Path) -> None:
    other = Org(seed=2, username="other@example.org")
    other.pace.deploy_polls = 0
    served = create_org_app(other)
    try:
        with serving(served) as url:
            (tmp_path / "other").write_text(other.issue_token(), encoding="utf-8")
            given = ["--salesforce-url", url, "--access-token-file", tmp_path / "other"]
            result = town.run("connect", "clinic", *given, "--deploy")
    finally:
        other.close()
    assert (result.exit_code, "connection clinic joins another org; choose another name" in result.stderr) == (2, True)
    assert set(served.faults.counts) == {"query"}, "it was asked who it is, and nothing else"
    assert other.deployments == {}
    assert asyncio.run(stored(town, "clinic"))[0].org_id == town.org.org_id
    assert works(town, "clinic")


def test_a_new_secret_is_asked_for_and_all_else_stays_and_nothing_is_deployed(town: Town, tmp_path: Path) -> None:
    given = [*by_secret(town, tmp_path), "--hint-token-file", tmp_path / "hint"]
    (tmp_path / "hint").write_text(town.practice.token, encoding="utf-8")
    town.json("connect", "second", *given)
    before = len(town.org.deployments)
    by_secret(town, tmp_path, "second-secret")
    town.org.expire_tokens()
    assert not works(town, "second")
    asked = town.run(*advised(SALESFORCE_CHECKS, "org-token", "refused", "second"))
    assert (asked.exit_code, "client secret: name a file" in asked.stderr) == (2, True), "there is nobody to ask"
    answer = town.json("connect", "second", "--client-secret-file", tmp_path / "secret")
    assert answer["connection"]["practice_id"] == town.practice.id
    assert works(town, "second")
    assert len(town.org.deployments) == before
    town.json("connect", "second", "--client-secret-file", tmp_path / "secret", "--deploy")
    assert len(town.org.deployments) > before


def test_by_our_own_key_the_name_alone_signs_in_again(town: Town, tmp_path: Path, made: dict[str, str]) -> None:
    upload(town, made["certificate"])
    town.json("connect", "second", *by_key(town, tmp_path))
    before = login_of(town, "second")
    upload(town, new_signing_key("another", datetime.now(UTC)).certificate)
    town.org.expire_tokens()
    refused = town.run("connect", "second")
    assert (refused.exit_code, "Was its certificate uploaded" in refused.stderr) == (2, True)
    upload(town, made["certificate"])
    answer = town.json("connect", "second")
    assert answer["connection"]["practice_id"] == town.practice.id
    assert (login_of(town, "second"), works(town, "second")) == (before, True)


def test_hint_alone_is_renewed_by_a_code_and_salesforce_is_not_asked_for(town: Town, tmp_path: Path) -> None:
    set_up(town)
    town.json("connect", "second", *by_secret(town, tmp_path), "--salesforce-only")
    for trouble in ("absent", "refused"):
        asked = town.run(*advised(HINT_CHECKS, "hint-token", trouble, "second"))
        assert (asked.exit_code, "Hint's authorization code: name a file" in asked.stderr) == (2, True)
    (tmp_path / "code").write_text(town.practice.new_code(), encoding="utf-8")
    answer = town.json("connect", "second", "--hint-code-file", tmp_path / "code")
    assert (answer["connection"]["practice_id"], works(town, "second")) == (town.practice.id, True)


def test_an_org_that_was_connected_alone_is_renewed_alone(town: Town, tmp_path: Path) -> None:
    town.json("connect", "second", *by_secret(town, tmp_path), "--salesforce-only")
    by_secret(town, tmp_path, "second-secret")
    town.org.expire_tokens()
    answer = town.json("connect", "second", "--client-secret-file", tmp_path / "secret")
    assert (answer["connection"]["org_id"], answer["connection"]["practice_id"]) == (town.org.org_id, "")


def test_an_access_token_is_renewed_by_its_file_alone(town: Town, tmp_path: Path) -> None:
    town.org.expire_tokens()
    (tmp_path / "org").write_text(town.org.issue_token(), encoding="utf-8")
    town.json("connect", "clinic", "--access-token-file", tmp_path / "org")
    assert works(town, "clinic")


@pytest.mark.parametrize("prepared", [False, True])
def test_the_address_of_an_org_that_never_let_us_in_must_be_named(town: Town, tmp_path: Path, prepared: bool) -> None:
    if prepared:
        town.json("salesforce-key", "second", "--certificate", tmp_path / "up.crt")
    result = town.run("connect", "second", "--client-id", "key", "--username", USER)
    assert (result.exit_code, "--salesforce-url: expected" in result.stderr) == (2, True)


# --- Hint's authorization code
@pytest.mark.parametrize("routes", ["legacy", "installations"])
def test_m3_m4_a_code_connects_hint_and_an_account_is_named(town: Town, tmp_path: Path, routes: str) -> None:
    set_up(town, HINT_ROUTES=routes)
    answer = town.json("connect", "second", *with_code(town, tmp_path), "--account", "Hint Patients")
    assert answer["connection"]["practice_id"] == town.practice.id
    (account,) = town.org.storage.ids_where("Account", "Name", "Hint Patients", live_only=True)
    assert options_of(town, "second").default_account_id == account
    connection, _ = asyncio.run(stored(town, "second"))
    assert connection.facts["hint_routes"] == ["installations", "legacy"]


def test_m4_several_accounts_of_a_name_are_told_by_id_before_the_code_is_used(town: Town, tmp_path: Path) -> None:
    set_up(town)
    both = [town.org.insert("Account", {"Name": "Hint Patients"}) for _ in range(2)]
    given = with_code(town, tmp_path)
    result = town.run("connect", "second", *given, "--account", "Hint Patients")
    assert result.exit_code == 3
    assert all(each in result.stderr for each in both)
    town.json("connect", "second", *given, "--default-account", both[1])
    assert options_of(town, "second").default_account_id == both[1]


def test_m3_routes_that_the_partner_account_has_not_are_told_and_the_code_is_kept(town: Town, tmp_path: Path) -> None:
    set_up(town)
    code = town.practice.new_code()
    town.hint_app.faults.fail_next.append(Failure(status=404, match=r"^GET /api/integrations\?", times=1))
    result = town.run("connect", "second", *with_code(town, tmp_path, code))
    assert (result.exit_code, "HINTSYNC_HINT_ROUTES=installations" in result.stderr) == (2, True)
    assert town.run("connect", "second", *with_code(town, tmp_path, code)).exit_code == 0


def test_a_used_code_is_told_and_the_org_stays_connected(town: Town, tmp_path: Path) -> None:
    set_up(town)
    given = with_code(town, tmp_path)
    town.json("connect", "second", *given)
    result = town.run("connect", "third", *given)
    assert (result.exit_code, "Make a new one in Hint" in result.stderr) == (2, True)
    assert asyncio.run(stored(town, "third"))[0].org_id == town.org.org_id
    assert town.json("connect", "third", *with_code(town, tmp_path))["connection"]["practice_id"] == town.practice.id


def test_one_way_of_connecting_hint_is_named_and_no_more(town: Town, tmp_path: Path) -> None:
    result = town.run("connect", "second", *secrets(tmp_path, town), "--salesforce-only")
    assert (result.exit_code, "name one of --hint-token-file" in result.stderr) == (2, True)


# --- what follows
def test_m5_the_webhook_is_told_to_hint_at_the_end_and_tried(town: Town, tmp_path: Path) -> None:
    set_up(town, PUBLIC_URL="http://127.0.0.1:9")
    answer = town.json("connect", "clinic", *secrets(tmp_path, town), "--no-deploy")["webhook"]
    assert addresses(town) == ["http://127.0.0.1:9/webhooks/hint"]
    assert (answer["registered"]["url"], answer["missing"]) == (addresses(town)[0], None)
    assert (answer["test"]["reached"], answer["test"]["code"]) == (False, "no-connection")
    again = town.run("connect", "clinic", *secrets(tmp_path, town), "--no-deploy")
    assert "does not lead here yet" in again.stdout
    assert len(addresses(town)) == 1


def test_m5_an_address_that_was_set_by_hand_stays(town: Town, tmp_path: Path) -> None:
    set_up(town, PUBLIC_URL=PUBLIC)
    town.json("webhook", "--url", f"{PUBLIC}/elsewhere")
    town.json("connect", "clinic", *secrets(tmp_path, town), "--no-deploy")
    assert addresses(town) == [f"{PUBLIC}/elsewhere"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [({}, "HINTSYNC_PUBLIC_URL is not set"), ({"PUBLIC_URL": PUBLIC}, "HINTSYNC_HINT_PARTNER_KEY is not set")],
)
def test_m5_what_keeps_webhooks_from_coming_is_said(
    town: Town, tmp_path: Path, settings: dict[str, str], told: str
) -> None:
    set_up(town, **{"HINT_PARTNER_KEY": "", **settings})
    result = town.run("connect", "clinic", *secrets(tmp_path, town), "--no-deploy")
    assert (result.exit_code, told in result.stdout, addresses(town)) == (0, True, [])


def test_a_first_dry_run_shows_everybody_and_writes_nothing(town: Town, tmp_path: Path) -> None:
    contact, patient = town.both("Ann", "Moor", "1980-05-06", hint={"address_city": "Galena"})
    answer = town.json("connect", "clinic", *secrets(tmp_path, town), "--no-deploy", "--dry-run")
    assert (answer["dry_run"]["run"]["dry"], answer["dry_run"]["outcomes"]) == (True, {"linked": 1})
    assert town.org.get("Contact", contact)["MailingCity"] is None
    assert town.practice.patient(patient)["integration_record_id"] is None
    result = town.run("connect", "clinic", *secrets(tmp_path, town), "--no-deploy", "--no-dry-run")
    assert "next: hintsync batch patients --dry-run" in result.stdout


def test_on_a_terminal_the_account_and_the_first_dry_run_are_asked_for(town: Town, tmp_path: Path) -> None:
    both = [town.org.insert("Account", {"Name": "Hint Patients"}) for _ in range(2)]
    town.both("Ann", "Moor", "1980-05-06")
    done = on_terminal(
        b"Hint Patients\n2\ny\n", "connect", "clinic", *secrets(tmp_path, town), "--no-deploy", town=town
    )
    assert done.returncode == 0, done.stderr
    assert options_of(town, "clinic").default_account_id == both[1]
    assert all(each in done.stderr for each in both)
    (run,) = town.json("runs")["runs"]
    assert (run["dry"], run["id"] in done.stdout) == (True, True)


def test_on_a_terminal_nothing_that_was_answered_before_is_asked_again(town: Town, tmp_path: Path) -> None:
    account = town.org.insert("Account", {"Name": "Hint Patients"})
    town.json("connect", "clinic", *secrets(tmp_path, town), "--no-deploy", "--default-account", account)
    done = on_terminal(b"n\n", "connect", "clinic", *secrets(tmp_path, town), "--no-deploy", town=town)
    assert (done.returncode, "Its name" in done.stderr, "dry run" in done.stderr) == (0, False, True)
    assert town.json("runs")["runs"] == []
