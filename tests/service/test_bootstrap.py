"""Putting the service together: the master key, connections, and who may be joined with whom."""

from __future__ import annotations

import stat
from pathlib import Path

import httpx
import pytest

from hintsync.bootstrap import load_master_keys, open_engine, open_service
from hintsync.core.errors import BadInput, FixConfiguration
from hintsync.core.plan import Outcome
from hintsync.core.values import Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.options import Options
from hintsync.logins import WithClientCredentials, WithJwt, WithToken, pack_login, unpack_login
from hintsync.settings import Settings
from hintsync.setup.connecting import connect
from hintsync.setup.installation import prepare_org
from hintsync.state.port import Connection
from hintsync_emulators.salesforce import Org
from hintsync_emulators.salesforce import create_app as salesforce_app
from tests.engine.wire import INSTANCE, TOKEN, wired


def test_the_master_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path):
    settings = Settings(state=tmp_path / "new" / "state")
    first = load_master_keys(settings)
    path = settings.state / "master.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_master_keys(settings).decrypt(first.encrypt(b"x")) == b"x"


async def test_a_store_is_not_opened_with_another_key(tmp_path: Path):
    settings = Settings(state=tmp_path)
    async with open_service(settings):
        pass
    (tmp_path / "master.key").rename(tmp_path / "kept.key")
    with pytest.raises(FixConfiguration, match="master key"):
        async with open_service(settings):
            pass


async def test_connections_are_found_by_name_and_asked_for_when_there_are_several(tmp_path: Path):
    async with open_service(Settings(state=tmp_path)) as service:
        with pytest.raises(BadInput, match="none yet"):
            await service.connection()
        for name in ("east", "west"):
            await service.store.put_connection(Connection(name, name, f"org-{name}", False, f"pra-{name}"))
        assert (await service.connection("east")).org_id == "org-east"
        with pytest.raises(BadInput, match="east, west"):
            await service.connection()
        with pytest.raises(BadInput, match="no connection north"):
            await service.connection("north")


async def test_a_connection_without_credentials_says_so(tmp_path: Path):
    async with open_service(Settings(state=tmp_path)) as service:
        connection = Connection("east", "east", "o", False, "p")
        await service.store.put_connection(connection)
        with pytest.raises(FixConfiguration, match="not connected"):
            async with open_engine(service, connection):
                pass


async def test_connecting_again_keeps_settings_and_another_org_under_the_name_is_refused(tmp_path: Path):
    async with wired(tmp_path, Options(create_contacts=True)) as wire:
        login = WithToken(INSTANCE, TOKEN)
        again = await connect(wire.service, "demo", hint_token=wire.practice.token, login=login)
        assert Options.from_json(again.settings).create_contacts
        other = Org(seed=99, token="00D9z0000099999!another.session", features=["MiddleName"])
        assert other.org_id != wire.org.org_id
        wire.service.transports.salesforce = httpx.ASGITransport(app=salesforce_app(other))
        login = WithToken(INSTANCE, "00D9z0000099999!another.session")
        await prepare_org(wire.service, login)
        with pytest.raises(BadInput, match="another org"):
            await connect(wire.service, "demo", hint_token=wire.practice.token, login=login)


async def test_what_a_patch_taught_about_names_is_kept(tmp_path: Path):
    async with wired(tmp_path) as wire:
        wire.practice.switches.names_required_on_patch = True
        wire.org.insert("Contact", {"FirstName": "Ann", "LastName": "Moor", "Birthdate": "1980-05-06"})
        wire.practice.create_patient(first_name="Ann", last_name="Moor", dob="1980-05-06")
        async with wire.engine() as engine:
            run = await batch_patients(engine)
            assert set(await engine.store.outcome_counts(run.id)) == {Outcome.LINKED}
        facts = (await wire.service.connection()).facts["hint"]
        assert isinstance(facts, dict)
        assert facts["names_required"] is True


async def test_both_sides_describe_themselves(tmp_path: Path):
    async with wired(tmp_path) as wire, wire.engine() as engine:
        assert engine.described[Side.SALESFORCE].missing == frozenset()
        assert engine.described[Side.SALESFORCE].max_length["city"] == 40
        assert (await engine.salesforce.identify()).id == wire.org.org_id


@pytest.mark.parametrize(
    "login",
    [
        WithToken(INSTANCE, TOKEN),
        WithClientCredentials(INSTANCE, "key", "hush-secret"),
        WithJwt(INSTANCE, "key", "ada@example.org", "hush-pem"),
    ],
)
def test_logins_come_back_and_hide_their_secrets(login: WithToken | WithClientCredentials | WithJwt):
    assert unpack_login(pack_login(login)) == login
    assert TOKEN not in repr(login)
    assert "hush" not in repr(login)


def test_a_login_that_cannot_be_read_asks_to_connect_again():
    with pytest.raises(FixConfiguration, match="connect the org again"):
        unpack_login(b'{"kind": "carrier-pigeon"}')
