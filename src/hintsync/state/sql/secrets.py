"""The secrets of connections, the data keys that seal them, and the master keys that wrap those (decision 0098)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.clock import utc_text
from hintsync.core.errors import FixConfiguration
from hintsync.state.key_store import KeysInUse
from hintsync.state.keys import DataKey, Keyring, MasterKeys, new_root, sealed_by
from hintsync.state.port import AuditEvent
from hintsync.state.sql import tables
from hintsync.state.sql.audit import write_audit
from hintsync.state.sql.codec import Found
from hintsync.state.sql.connections import know_connections
from hintsync.state.sql.database import Database
from hintsync.state.sql.part import Part, uninterrupted

_SECRETS, _DATA_KEYS, _ROOT = tables.secrets, tables.data_keys, tables.keyring.c.root


class SecretsPart(Part):
    """The port's methods about secrets, and those of `KeyStore`."""

    @uninterrupted
    async def put_secret(self, connection_id: str, name: str, secret: bytes) -> None:
        """Store a secret, sealed under the connection's data key."""
        async with self._database.writing() as sql:
            await know_connections(sql, [connection_id])
            key = await self._sealing_key(sql, connection_id)
            row = {"connection_id": connection_id, "name": name, "token": key.seal(connection_id, name, secret)}
            await self._database.bulk.upsert(sql, _SECRETS, [row])

    @uninterrupted
    async def secret(self, connection_id: str, name: str) -> bytes | None:
        """Return a secret, decrypted."""
        wanted = select(_SECRETS).filter_by(connection_id=connection_id, name=name)
        async with self._database.snapshot() as sql:
            found = (await sql.execute(wanted)).one_or_none()
            return None if found is None else await self._opened(sql, found)

    async def every_secret(self, sql: AsyncConnection) -> Sequence[tuple[str, str, bytes]]:
        """Return connection, name and content of every secret, as a transaction sees them: for a backup."""
        rows = (await sql.execute(select(_SECRETS).order_by(*_SECRETS.primary_key))).all()
        return [(row.connection_id, row.name, await self._opened(sql, row)) for row in rows]

    @uninterrupted
    async def drop_secrets(self, connection_id: str) -> int:
        """Destroy every secret of a connection, and the keys that could open a copy of them; see the port."""
        async with self._database.writing() as sql:
            # Whoever stores a secret meanwhile holds the lock of the root or of a data key: what it stores goes, too.
            await sql.execute(select(_ROOT).with_for_update())
            await sql.execute(select(_DATA_KEYS.c.id).filter_by(connection_id=connection_id).with_for_update())
            dropped = (await sql.execute(delete(_SECRETS).filter_by(connection_id=connection_id))).rowcount
            await sql.execute(delete(_DATA_KEYS).filter_by(connection_id=connection_id))
            return dropped

    def fingerprint_key(self, connection_id: str) -> bytes:
        """Return the 32 bytes that key a connection's fingerprints."""
        return self._keyring.fingerprint_key(connection_id)

    @uninterrupted
    async def keys_in_use(self) -> KeysInUse:
        """Say what each master key closes; see `KeyStore`."""
        async with self._database.snapshot() as sql:
            return await self._in_use(sql)

    @uninterrupted
    async def rewrap(self, actor: str, at: str) -> KeysInUse:
        """Wrap root and data keys under the first master key; see `KeyStore`."""
        async with self._database.writing() as sql:
            await sql.execute(select(_ROOT).with_for_update())
            await sql.execute(tables.keyring.update().values(root=self._keyring.master.encrypt(self._keyring.root)))
            for row in (await sql.execute(select(_DATA_KEYS))).all():
                wrapped = self._keyring.data_key(row.id, row.wrapped).wrapped(self._keyring.master)
                await sql.execute(_DATA_KEYS.update().filter_by(id=row.id).values(wrapped=wrapped))
            for row in (await sql.execute(select(_SECRETS))).all():
                if sealed_by(row.token) is None:
                    await self._seal_anew(sql, row)
            name = self._keyring.master.names[0]
            await self._note(sql, actor, at, "keys-rewrapped", f"under master key {name}")
            return await self._in_use(sql)

    @uninterrupted
    async def renew_data_key(self, connection_id: str, actor: str, at: str) -> int:
        """Seal a connection's secrets under a new data key and destroy the old ones; see `KeyStore`."""
        async with self._database.writing() as sql:
            await know_connections(sql, [connection_id])
            await self._new_data_key(sql, connection_id)
        for row in await self._secrets_of(connection_id):
            async with self._database.writing() as sql:
                await self._seal_anew(sql, row)
        async with self._database.writing() as sql:
            count = await self._destroy_old_keys(sql, connection_id)
            await self._note(sql, actor, at, "data-key-renewed", f"{count} secrets", connection_id)
        return count

    async def _secrets_of(self, connection_id: str) -> Sequence[Found]:
        async with self._database.reading() as sql:
            return (await sql.execute(select(_SECRETS).filter_by(connection_id=connection_id))).all()

    async def _destroy_old_keys(self, sql: AsyncConnection, connection_id: str) -> int:
        """Delete every data key but the newest, after a last look for what others sealed under them meanwhile."""
        own = select(_DATA_KEYS).filter_by(connection_id=connection_id).order_by(_DATA_KEYS.c.generation)
        *old, newest = (await sql.execute(own.with_for_update())).all()  # waits for whoever seals under one of them
        rows = (await sql.execute(select(_SECRETS).filter_by(connection_id=connection_id))).all()
        for row in rows:
            if sealed_by(row.token) != newest.id:
                await self._seal_anew(sql, row)
        await sql.execute(delete(_DATA_KEYS).where(_DATA_KEYS.c.id.in_([key.id for key in old])))
        return len(rows)

    async def _seal_anew(self, sql: AsyncConnection, row: Found) -> None:
        """Seal a secret under the connection's newest data key, unless somebody stored another one meanwhile."""
        key = await self._sealing_key(sql, row.connection_id)
        token = key.seal(row.connection_id, row.name, await self._opened(sql, row))
        same = _SECRETS.update().filter_by(connection_id=row.connection_id, name=row.name, token=row.token)
        await sql.execute(same.values(token=token))

    async def _opened(self, sql: AsyncConnection, row: Found) -> bytes:
        key_id = sealed_by(row.token)
        if key_id is None:
            return self._keyring.open_old(row.connection_id, row.name, row.token)
        key = (await sql.execute(select(_DATA_KEYS).filter_by(id=key_id))).one_or_none()
        if key is None or key.connection_id != row.connection_id:
            raise FixConfiguration(
                f"the secret {row.name!r} of connection {row.connection_id} was stored for another place"
            )
        return self._keyring.data_key(key.id, key.wrapped).open(row.connection_id, row.name, row.token)

    async def _sealing_key(self, sql: AsyncConnection, connection_id: str) -> DataKey:
        """Return the newest data key, locked until the transaction ends so that nobody destroys it meanwhile."""
        own = select(_DATA_KEYS).filter_by(connection_id=connection_id).order_by(_DATA_KEYS.c.generation.desc())
        newest = own.limit(1).with_for_update()
        found = (await sql.execute(newest)).one_or_none()
        if found is None:
            return await self._new_data_key(sql, connection_id, only_first=True)
        return self._keyring.data_key(found.id, found.wrapped)

    async def _new_data_key(self, sql: AsyncConnection, connection_id: str, *, only_first: bool = False) -> DataKey:
        """Make a connection's next data key, under the master key that closes the root now: every process knows that one.

        With `only_first`, return the one that somebody else made just before, if there is one.
        """
        root = (await sql.execute(select(_ROOT).with_for_update())).scalar_one()
        own = (
            select(_DATA_KEYS).filter_by(connection_id=connection_id).order_by(_DATA_KEYS.c.generation.desc()).limit(1)
        )
        newest = (await sql.execute(own)).one_or_none()
        if newest is not None and only_first:
            return self._keyring.data_key(newest.id, newest.wrapped)
        key = DataKey.generate()
        generation = 1 if newest is None else newest.generation + 1
        wrapped = key.wrapped(self._keyring.master, like=root)
        row = {"id": key.id, "connection_id": connection_id, "generation": generation, "wrapped": wrapped}
        await sql.execute(_DATA_KEYS.insert().values(**row, made_at=utc_text(datetime.now(UTC))))
        return self._keyring.data_key(key.id, wrapped)

    async def _in_use(self, sql: AsyncConnection) -> KeysInUse:
        master = self._keyring.master
        keys = (await sql.execute(select(_DATA_KEYS).order_by(_DATA_KEYS.c.generation))).all()
        tokens = (await sql.execute(select(_SECRETS.c.token))).scalars()
        return KeysInUse(
            master=master.names,
            root=_name(master, (await sql.execute(select(_ROOT))).scalar_one()),
            data_keys=Counter(_name(master, key.wrapped) for key in keys),
            old_secrets=Counter(_name(master, token) for token in tokens if sealed_by(token) is None),
            made_at={key.connection_id: key.made_at for key in keys},
        )

    async def _note(
        self, sql: AsyncConnection, actor: str, at: str, action: str, reason: str, connection_id: str | None = None
    ) -> None:
        """Write into the audit trail of a connection, or of all, what was done to keys."""
        ids = [connection_id] if connection_id else (await sql.execute(select(tables.connections.c.id))).scalars().all()
        events = [AuditEvent(each, "connection", at, actor, action, reason=reason) for each in ids]
        await write_audit(sql, self._database, events)


def _name(master: MasterKeys, token: bytes) -> str:
    """Return the name of the master key that closed a token.

    Raises:
        FixConfiguration: it is none of those that are set.
    """
    place = master.closer_of(token)
    if place is None:
        raise FixConfiguration("some of the store lies under a master key that is not set; set it beside the others")
    return master.names[place]


async def open_keyring(database: Database, keys: MasterKeys) -> Keyring:
    """Return the keys of a store; a new store gets its root.

    Which key closes what stays as it is: other processes may not know the new one yet (`rewrap` changes it).

    Raises:
        FixConfiguration: the master key does not fit.
    """
    async with database.reading() as sql:
        keyring = await _known(sql, keys)
    if keyring is not None:
        return keyring
    async with database.writing() as sql:
        first = database.insert(tables.keyring).values(id=1, root=keys.encrypt(new_root()))
        await sql.execute(first.on_conflict_do_nothing())
        return Keyring(keys, keys.decrypt((await sql.execute(select(_ROOT))).scalar_one()))


async def _known(sql: AsyncConnection, keys: MasterKeys) -> Keyring | None:
    root = (await sql.execute(select(_ROOT))).scalar_one_or_none()
    if root is None:
        return None
    keyring = Keyring(keys, keys.decrypt(root))
    for row in await sql.execute(select(_DATA_KEYS)):
        if keys.closer_of(row.wrapped) is not None:  # one that is not is told when its secret is asked for
            keyring.data_key(row.id, row.wrapped)
    return keyring
