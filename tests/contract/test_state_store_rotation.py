"""Changing master keys and data keys: whoever works on the store goes on, and what is cut off is ended by doing it again."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.errors import BadInput, FixConfiguration
from hintsync.state.keys import DataKey, MasterKeys, _label, sealed_by
from hintsync.state.open import open_store
from hintsync.state.port import Connection
from hintsync.state.sql import tables
from hintsync.state.sql.store import SqlStore, open_sql_store
from tests.contract.state_examples import NOW
from tests.contract.test_state_store_crashes import Crash, before_statement, crash

SECRETS = {"hint-key": b"secret of Hint", "login": b"secret of Salesforce"}


async def filled(url: str, keys: str, connection: Connection) -> SqlStore:
    """Return a store with two secrets under some master keys."""
    store = await open_sql_store(url, MasterKeys.parse(keys))
    await store.put_connection(connection)
    for name, secret in SECRETS.items():
        await store.put_secret("con-1", name, secret)
    return store


async def secrets_of(store: SqlStore) -> dict[str, bytes | None]:
    return {name: await store.secret("con-1", name) for name in SECRETS}


async def actions(store: SqlStore) -> list[str]:
    return [entry.event.action for entry in await store.audit("con-1")]


async def test_a_new_key_is_in_force_only_once_everything_is_wrapped_under_it(
    database_url: str, connection: Connection
) -> None:
    old, new = MasterKeys.generate(), MasterKeys.generate()
    first = await filled(database_url, old, connection)
    key = first.fingerprint_key("con-1")
    both = await open_sql_store(database_url, MasterKeys.parse(f"{new}, {old}"))
    await both.put_connection(Connection("con-2", "Elm Clinic", "", False, ""))
    await both.put_secret("con-2", "login", b"of another clinic")
    before = await both.keys_in_use()
    assert (before.needed, before.settled, before.idle) == ({before.master[1]}, False, (before.master[0],))
    assert await first.secret("con-2", "login") == b"of another clinic"  # though it does not know the new key
    after = await both.rewrap("user-7", NOW)
    assert after == await both.keys_in_use()
    assert (after.needed, after.settled, after.idle) == ({after.master[0]}, True, (after.master[1],))
    assert await secrets_of(first) == SECRETS  # it goes on until it is started anew
    for store in (first, both):
        await store.aclose()
    last = await open_sql_store(database_url, MasterKeys.parse(new))
    assert await secrets_of(last) == SECRETS
    assert last.fingerprint_key("con-1") == key
    assert await actions(last) == ["keys-rewrapped"]
    await last.aclose()
    with pytest.raises(FixConfiguration, match="master key does not fit"):
        await open_store(database_url, MasterKeys.parse(old))


async def test_a_process_that_does_not_know_the_new_key_stores_nothing_that_could_not_be_opened(
    database_url: str, connection: Connection
) -> None:
    old, new = MasterKeys.generate(), MasterKeys.generate()
    left_behind = await filled(database_url, old, connection)
    both = await open_sql_store(database_url, MasterKeys.parse(f"{new} {old}"))
    await both.rewrap("user-7", NOW)
    await left_behind.put_secret("con-1", "hint-key", b"a newer one")
    assert await both.secret("con-1", "hint-key") == b"a newer one"
    await left_behind.put_connection(Connection("con-2", "Elm Clinic", "", False, ""))
    with pytest.raises(FixConfiguration, match="does not fit"):
        await left_behind.put_secret("con-2", "login", b"of another clinic")
    await left_behind.aclose()
    await both.aclose()


async def test_rewrapping_broken_off_before_any_statement_leaves_a_store_that_opens_as_before(
    database_url: str, connection: Connection
) -> None:
    old, new = MasterKeys.generate(), MasterKeys.generate()
    await (await filled(database_url, old, connection)).aclose()
    statement, reached = 0, [0]
    while reached:
        statement += 1
        store = await open_sql_store(database_url, MasterKeys.parse(f"{new} {old}"))
        with before_statement(store, statement, crash) as reached:
            try:
                await store.rewrap("user-7", NOW)
            except Crash:
                assert reached
        await store.aclose()
        for keys in (f"{new} {old}", old if reached else new):
            again = await open_sql_store(database_url, MasterKeys.parse(keys))
            assert await secrets_of(again) == SECRETS
            await again.aclose()
    assert statement > 5


async def test_renewing_a_data_key_broken_off_before_any_statement_loses_no_secret(
    database_url: str, connection: Connection
) -> None:
    keys = MasterKeys.generate()
    store = await filled(database_url, keys, connection)
    first, statement, reached = await data_keys(store), 0, [0]
    while reached:
        statement += 1
        with before_statement(store, statement, crash) as reached:
            try:
                assert await store.renew_data_key("con-1", "user-7", NOW) == 2
            except Crash:
                assert reached
        other = await open_sql_store(database_url, MasterKeys.parse(keys))
        assert await secrets_of(other) == SECRETS
        await other.aclose()
    assert statement > 12
    (last,) = await data_keys(store)
    assert last not in first
    assert await sealers(store) == {last}
    assert await actions(store) == ["data-key-renewed"]
    await store.aclose()


async def data_keys(store: SqlStore) -> list[str]:
    async with store._database.reading() as sql:
        return list((await sql.execute(select(tables.data_keys.c.id))).scalars())


async def sealers(store: SqlStore) -> set[str | None]:
    async with store._database.reading() as sql:
        return {sealed_by(token) for token in (await sql.execute(select(tables.secrets.c.token))).scalars()}


async def test_a_secret_stored_while_its_data_key_is_renewed_is_not_lost(
    database_url: str, connection: Connection
) -> None:
    keys = MasterKeys.generate()
    store = await filled(database_url, keys, connection)
    other = await open_sql_store(database_url, MasterKeys.parse(keys))
    await store.renew_data_key("con-1", "user-7", NOW)
    await other.put_secret("con-1", "login", b"newer")  # it knows the former key only, until it looks
    assert await store.secret("con-1", "login") == b"newer"
    assert len(await data_keys(store)) == 1
    await store.aclose()
    await other.aclose()


async def test_t21_secrets_from_before_there_were_data_keys_open_and_are_sealed_anew_when_keys_are_wrapped(
    database_url: str, connection: Connection
) -> None:
    old, new = MasterKeys.generate(), MasterKeys.generate()
    store = await filled(database_url, old, connection)
    async with store._database.writing() as sql:
        for name, secret in SECRETS.items():
            token = MasterKeys.parse(old).encrypt(_label("con-1", name) + secret)
            await sql.execute(tables.secrets.update().filter_by(name=name).values(token=token))
        await sql.execute(tables.data_keys.delete())
    await store.aclose()
    store = await open_sql_store(database_url, MasterKeys.parse(f"{new} {old}"))
    assert await secrets_of(store) == SECRETS
    assert (await store.keys_in_use()).old_secrets == {MasterKeys.parse(old).names[0]: 2}
    assert (await store.rewrap("user-7", NOW)).settled
    await store.aclose()
    store = await open_sql_store(database_url, MasterKeys.parse(new))
    assert await secrets_of(store) == SECRETS
    assert await sealers(store) == set(await data_keys(store))
    await store.aclose()


async def test_destroying_secrets_destroys_the_key_that_would_open_a_copy_of_them(sql_store: SqlStore) -> None:
    await sql_store.put_secret("con-1", "login", b"secret")
    assert await sql_store.drop_secrets("con-1") == 1
    assert await data_keys(sql_store) == []
    await sql_store.put_secret("con-1", "login", b"another")
    assert await sql_store.secret("con-1", "login") == b"another"


#: Sessions that wait for a lock of another one.
BLOCKED = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.mark.parametrize("first", [True, False])
async def test_a_secret_being_stored_while_the_others_are_destroyed_is_destroyed_too(
    postgres_store: SqlStore, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    if not first:
        await postgres_store.put_secret("con-1", "login", b"secret")
    seal, dropping = SqlStore._sealing_key, list[asyncio.Task[int]]()

    async def slowly(store: SqlStore, sql: AsyncConnection, connection_id: str) -> DataKey:
        key = await seal(store, sql, connection_id)  # and now its lock is held
        dropping.append(asyncio.create_task(store.drop_secrets(connection_id)))
        while not dropping[0].done() and not (await sql.execute(text(BLOCKED))).scalar_one():
            await sql.execute(text("SELECT pg_stat_clear_snapshot()"))
            await asyncio.sleep(0)
        return key

    monkeypatch.setattr(SqlStore, "_sealing_key", slowly)
    async with asyncio.timeout(30):
        await postgres_store.put_secret("con-1", "hint-key", b"another")
        assert await dropping[0] == (1 if first else 2)
    assert await postgres_store.secret("con-1", "hint-key") is None
    assert (await data_keys(postgres_store), await sealers(postgres_store)) == ([], set())


async def test_a_connection_that_is_not_known_has_no_data_key(sql_store: SqlStore) -> None:
    with pytest.raises(BadInput):
        await sql_store.renew_data_key("con-9", "user-7", NOW)
    assert await data_keys(sql_store) == []


async def test_t19_a_data_key_given_to_another_connection_opens_nothing_there(sql_store: SqlStore) -> None:
    await sql_store.put_secret("con-1", "login", b"secret")
    await sql_store.put_connection(Connection("con-2", "Elm Clinic", "", False, ""))
    async with sql_store._database.writing() as sql:
        await sql.execute(text("INSERT INTO secrets SELECT 'con-2', name, token FROM secrets"))
        await sql.execute(text("UPDATE data_keys SET connection_id = 'con-2'"))
    for connection_id in ("con-1", "con-2"):
        with pytest.raises(FixConfiguration, match="another place"):
            await sql_store.secret(connection_id, "login")


async def test_no_master_key_and_no_secret_lies_in_the_file(sqlite_url: str, connection: Connection) -> None:
    old, new = MasterKeys.generate(), MasterKeys.generate()
    await (await filled(sqlite_url, old, connection)).aclose()
    store = await open_sql_store(sqlite_url, MasterKeys.parse(f"{new} {old}"))
    await store.rewrap("user-7", NOW)
    await store.renew_data_key("con-1", "user-7", NOW)
    root, key = store._keyring.root, store.fingerprint_key("con-1")
    held = b"".join(path.read_bytes() for path in Path(str(make_url(sqlite_url).database)).parent.iterdir())
    await store.aclose()
    raw = [base64.urlsafe_b64decode(each) for each in (old, new)]
    for clear in (*raw, old.encode(), new.encode(), root, key, *SECRETS.values()):
        assert clear not in held
        assert base64.b64encode(clear) not in held
    assert connection.name.encode() in held  # the scan finds what lies there
