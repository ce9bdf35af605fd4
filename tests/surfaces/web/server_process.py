"""A web process of its own, to be killed: `python -m tests.surfaces.web.server_process FOLDER PATIENTS`.

Serves both emulators within itself, keeps its store in FOLDER (SQLite), links PATIENTS pairs, and prints one line of JSON:
its URL, the practice and the ids of the linked patients. Ends by itself when its standard input closes.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from pydantic import SecretStr

from hintsync.engine.batch.patients import batch_patients
from hintsync.runtime import run
from hintsync.surfaces.web.app import create_app
from hintsync.surfaces.web.serving import listen, serve
from tests.engine.wire import Wire, wired
from tests.surfaces.web.house import KEY


async def main(folder: Path, patients: int) -> None:
    async with wired(folder) as wire:
        ids = await _linked(wire, patients)
        update = {"hint_webhook_keys": SecretStr(KEY)}
        wire.service.settings = wire.service.settings.model_copy(update=update)
        listener, stop = listen("127.0.0.1", 0), asyncio.Event()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        print(json.dumps({"url": url, "practice_id": wire.practice.id, "patients": ids}), flush=True)  # noqa: T201
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _read, stop)
        await serve(create_app(wire.service), listener, stop)


def _read(stop: asyncio.Event) -> None:
    if not sys.stdin.readline():
        stop.set()


async def _linked(wire: Wire, patients: int) -> list[str]:
    people = [{"first_name": f"Ada{number}", "last_name": "Moor", "dob": "1980-02-29"} for number in range(patients)]
    for person in people:
        named = {"FirstName": person["first_name"], "LastName": "Moor", "Birthdate": "1980-02-29"}
        wire.org.insert("Contact", named)
    ids = wire.practice.load(people)
    async with wire.engine() as engine:
        if people:
            await batch_patients(engine)
    return ids


if __name__ == "__main__":
    run(main(Path(sys.argv[1]), int(sys.argv[2])))
