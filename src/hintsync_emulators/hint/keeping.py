"""Keeping a practice in a file, so that it is there again after the emulator was stopped."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hintsync_emulators.hint.patients import Patient
from hintsync_emulators.hint.phones import Phone
from hintsync_emulators.hint.practice import Practice

#: Seconds between two looks at whether there is something new to keep.
_EVERY = 1.0
#: A save may take this share of the time at most; a large practice is saved less often.
_SHARE = 0.1
_TIME_KEY = "$at"


class KeptFileError(ValueError):
    """The file does not hold a kept practice."""


def save(practice: Practice, path: Path) -> None:
    """Writes the practice's patients, practitioners and ids to a file, whole or not at all.

    Webhook events that wait, switches and revoked tokens are not kept.
    """
    with practice.lock:
        raw = orjson.dumps(practice.to_kept(_patient), default=_tagged, option=orjson.OPT_PASSTHROUGH_DATETIME)
    partial = path.with_name(f"{path.name}.part")
    partial.write_bytes(raw)
    partial.replace(path)


def load(practice: Practice, path: Path) -> None:
    """Fills an empty practice, made with the same seed, from a file.

    Raises:
        KeptFileError: the file is none of ours, or broken.
    """
    try:
        practice.restore_kept(_untagged(orjson.loads(path.read_bytes())), _patients)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise KeptFileError(f"{path}: not a practice that was kept ({type(error).__name__})") from error


class Kept:
    """Wraps a Hint emulator so that its practice is saved while it is served and when it is stopped."""

    def __init__(self, app: ASGIApp, practice: Practice, path: Path) -> None:
        self.app = app
        self._practice = practice
        self._path = path
        self._saved: datetime | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        saving = asyncio.create_task(self._save_now_and_then())

        async def save_before_the_end() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                saving.cancel()
                self.save_changes()
            return message

        await self.app(scope, save_before_the_end, send)

    def save_changes(self) -> None:
        """Saves the practice if anything changed since it was saved last."""
        latest = self._practice.latest
        if latest != self._saved:
            save(self._practice, self._path)
            self._saved = latest

    async def _save_now_and_then(self) -> None:
        while True:
            began = time.monotonic()
            self.save_changes()
            await asyncio.sleep(max(_EVERY, (time.monotonic() - began) / _SHARE))


def _tagged(value: object) -> object:
    if isinstance(value, datetime):
        return {_TIME_KEY: value.isoformat()}
    raise TypeError(type(value).__name__)


def _untagged(value: Any) -> Any:
    """Turns tagged times back, however deep they lie."""
    if isinstance(value, list):
        return [_untagged(each) for each in value]
    if isinstance(value, dict):
        if value.keys() == {_TIME_KEY}:
            return datetime.fromisoformat(value[_TIME_KEY])
        return {name: _untagged(each) for name, each in value.items()}
    return value


def _patient(patient: Patient) -> dict[str, object]:
    return {
        "id": patient.id,
        "serial": patient.serial,
        "created_at": patient.created_at,
        "updated_at": patient.updated_at,
        "values": patient.values,
        "archived": patient.archived,
        "merged_into": patient.merged_into.id if patient.merged_into else None,
    }


def _patients(rows: list[dict[str, Any]]) -> list[Patient]:
    found = {row["id"]: _read_patient(row) for row in rows}
    for row in rows:
        if row["merged_into"] is not None:
            found[row["id"]].merged_into = found[row["merged_into"]]
    return list(found.values())


def _read_patient(row: Mapping[str, Any]) -> Patient:
    values = dict(row["values"])
    if "phones" in values:
        values["phones"] = tuple(Phone(**each) for each in values["phones"])
    return Patient(row["id"], row["serial"], row["created_at"], row["updated_at"], values, row["archived"])
