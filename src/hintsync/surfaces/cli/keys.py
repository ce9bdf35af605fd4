"""`hintsync keys` and `hintsync rotate-keys`: which keys the store lies under, and how they are changed while it is worked on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from hintsync.bootstrap import Service, open_service
from hintsync.clock import utc_text
from hintsync.core.errors import AskPerson, BadInput
from hintsync.master_key_file import MasterKeyFile
from hintsync.settings import Settings, load_settings
from hintsync.state.key_store import KeysInUse, KeyStore
from hintsync.surfaces.cli.answer import Answer, table
from hintsync.surfaces.cli.options import AsJson, StateFolder
from hintsync.surfaces.cli.perform import ACTOR, Asked, perform, with_service


def keys(state: StateFolder = None, as_json: AsJson = False) -> None:
    """Show which master key closes what, and which may be removed; keys are called by names that tell nothing of them."""

    async def work(service: Service) -> Answer:
        seen = await _key_store(service).keys_in_use()
        return Answer(_data(seen), _shown(seen), remarks=_next_steps(seen, service.settings))

    with_service(Asked(state, None, as_json), work)


def rotate_keys(
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Forget the old key, once every process was started anew.")
    ] = False,
    data_keys: Annotated[
        bool, typer.Option("--data-keys", help="Seal all secrets under new data keys instead; destroys the old ones.")
    ] = False,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Put a new master key in force while the service goes on; repeatable, and finishes what was cut off."""
    if drop_old and data_keys:
        raise typer.BadParameter("one of --drop-old and --data-keys")

    async def work() -> Answer:
        settings = load_settings(state=state)
        rotation = _Rotation(settings)
        if drop_old:
            return await rotation.drop_old()
        return await rotation.renew_data_keys() if data_keys else await rotation.put_in_force()

    perform(Asked(state, None, as_json), work)


@dataclass(frozen=True, slots=True)
class _Rotation:
    """The steps; after each, every key that is needed is known to everybody."""

    settings: Settings

    @property
    def _file(self) -> MasterKeyFile | None:
        """The file of the master keys; None where the settings give them."""
        return None if self.settings.master_keys.get_secret_value() else MasterKeyFile(self.settings)

    async def put_in_force(self) -> Answer:
        """Wrap everything under the first key; a file with one key gets a new one before it."""
        file = self._file
        if file is not None and len(file.load().names) == 1:
            async with open_service(self.settings) as service:
                _key_store(service)  # a store that has no keys needs none
            file.add_new()
        async with open_service(self.settings) as service:
            store = _key_store(service)
            seen = await store.keys_in_use()
            if file is None and len(seen.master) == 1 and seen.settled:
                raise AskPerson(
                    "only one master key is set; set the new one before it, start every process anew, and call again"
                )
            if not seen.settled:
                seen = await store.rewrap(ACTOR, utc_text(service.clock.now()))
        told = Text(f"everything lies under master key {seen.master[0]}")
        return Answer(_data(seen), (told,), remarks=_next_steps(seen, self.settings))

    async def drop_old(self) -> Answer:
        """Forget the keys that close nothing any more."""
        async with open_service(self.settings) as service:
            seen = await _key_store(service).keys_in_use()
        if not seen.settled:
            raise AskPerson("something still lies under an old key; call rotate-keys without --drop-old first")
        if not seen.idle:
            return Answer(_data(seen), (Text("there is no old key"),))
        if self._file is None:
            raise BadInput(
                f"the settings give the master keys: remove {', '.join(seen.idle)} there, which comes behind the first"
            )
        self._file.keep_first()
        return Answer({**_data(seen), "dropped": seen.idle}, (Text(f"forgotten: {', '.join(seen.idle)}"),))

    async def renew_data_keys(self) -> Answer:
        """Seal every connection's secrets under a new data key."""
        async with open_service(self.settings) as service:
            store, at = _key_store(service), utc_text(service.clock.now())
            done = {
                each.id: await store.renew_data_key(each.id, ACTOR, at) for each in await service.store.connections()
            }
        lines = [f"{connection_id}: {count} secrets under a new data key" for connection_id, count in done.items()]
        return Answer({"secrets": done}, (Text("\n".join(lines) or "there are no connections"),))


def _key_store(service: Service) -> KeyStore:
    if not isinstance(service.store, KeyStore):
        raise BadInput("a store in memory keeps no keys")
    return service.store


def _data(seen: KeysInUse) -> dict[str, object]:
    return {
        "master_keys": list(seen.master),
        "root": seen.root,
        "data_keys": dict(seen.data_keys),
        "old_secrets": dict(seen.old_secrets),
        "data_keys_made_at": dict(seen.made_at),
        "settled": seen.settled,
        "removable": list(seen.idle),
    }


def _shown(seen: KeysInUse) -> Sequence[RenderableType]:
    made = table("master key", "closes")
    for name in seen.master:
        made.add_row(name, _closes(seen, name))
    return (made, *(Text(f"{connection}: data key of {at}") for connection, at in sorted(seen.made_at.items())))


def _closes(seen: KeysInUse, name: str) -> str:
    parts = ["the root of all fingerprints"] if seen.root == name else []
    if count := seen.data_keys.get(name):
        parts.append(f"{count} data keys")
    if count := seen.old_secrets.get(name):
        parts.append(f"{count} secrets from before there were data keys")
    return ", ".join(parts) or "nothing"


def _next_steps(seen: KeysInUse, settings: Settings) -> tuple[str, ...]:
    if not seen.settled:
        return ("not everything lies under the first key: call `hintsync rotate-keys`",)
    if not seen.idle:
        return ()
    first = "start every process of the service anew"
    if settings.master_keys.get_secret_value():
        return (f"{first}, then remove {', '.join(seen.idle)} from the settings",)
    return (f"{first}, then call `hintsync rotate-keys --drop-old`",)
