"""Plain-words scenarios: people as they stand, edits of either side, and what must come of it.

Each `*.toml` tells a story in steps. `given` puts people; a step makes edits and then runs something; `expect` names what
each side shows at its end. A value of `"-"` means blank. Nothing of a scenario looks at our own state but `held`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from hintsync.core.values import Canonical, Side
from hintsync.engine.batch.contacts import batch_contacts
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.options import Options
from hintsync.engine.pairs.by_hand import link_by_hand, unlink_by_hand
from hintsync.replicas.memory import MemoryReplica
from hintsync.state.port import RunStatus
from tests.engine.world import World, listing

FOLDER = Path(__file__).parent
STORIES = sorted(path.stem for path in FOLDER.glob("*.toml"))


class Stage:
    """One story under way."""

    def __init__(self, story: dict[str, Any]) -> None:
        self.world = World(options=Options(**story.get("settings", {})))
        self.ids: dict[tuple[Side, str], str] = {}

    def replica(self, side: Side) -> MemoryReplica:
        return self.world.org if side is Side.SALESFORCE else self.world.practice

    def put(self, side: Side, name: str, values: dict[str, Any]) -> None:
        self.ids[side, name] = self.replica(side).put(canonical(values))

    def edit(self, side: Side, name: str, values: dict[str, Any]) -> None:
        self.replica(side).edit(self.ids[side, name], canonical(values))

    async def run(self, what: str) -> None:
        engine = await self.world.engine()
        word, *names = what.split()
        contact = self.ids.get((Side.SALESFORCE, names[0])) if names else None
        if word == "patients-to-contacts":
            run = await batch_patients(engine)
        elif word == "contacts-to-patients":
            run = await batch_contacts(engine, listing(*(self.ids[Side.SALESFORCE, name] for name in names)))
        elif word == "sync":
            run = await sync_all(engine)
        elif word == "link" and contact:
            assert (await link_by_hand(engine, contact, self.ids[Side.HINT, names[1]])).done
            return
        elif word == "unlink" and contact:
            await unlink_by_hand(engine, contact)
            return
        else:
            raise ValueError(f"no such step: {what}")
        assert run.status is RunStatus.DONE, run.reason

    def check(self, expected: dict[str, Any]) -> None:
        for side in Side:
            for name, values in expected.get(str(side), {}).items():
                shown = self.replica(side).shown(self.ids[side, name]).values
                assert {field: shown[field] for field in values} == canonical(values), f"{side} {name}"
        for side in Side:
            if f"{side}_records" in expected:
                assert len(self.replica(side).records()) == expected[f"{side}_records"]

    async def check_held(self, held: dict[str, list[str]]) -> None:
        for name, fields in held.items():
            contact = self.ids[Side.SALESFORCE, name]
            links = await self.world.store.live_links("main", Side.SALESFORCE, [contact])
            assert sorted(links[contact].holds) == sorted(fields), name


def canonical(values: dict[str, Any]) -> dict[str, Canonical]:
    return {name: None if value == "-" else value for name, value in values.items()}


@pytest.mark.parametrize("name", STORIES)
async def test_story(name: str):
    story = tomllib.loads((FOLDER / f"{name}.toml").read_text())
    stage = Stage(story)
    for side in Side:
        for person, values in story["given"].get(str(side), {}).items():
            stage.put(side, person, values)
    for step in story["step"]:
        for side in Side:
            for person, values in step.get("edit", {}).get(str(side), {}).items():
                stage.edit(side, person, values)
        await stage.run(step["run"])
        stage.check(step.get("expect", {}))
        await stage.check_held(step.get("held", {}))


def test_there_are_stories():
    assert len(STORIES) >= 6
