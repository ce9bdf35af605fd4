"""T17 over the pages: what people's records hold is shown, and stays nowhere else: no database, no log, no metrics, no address."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.surfaces.web.pages.desk import at_desk
from tests.surfaces.web.pages.robot import BORN, fill, pages, sent

CANARY = "qxzcanary"
#: How every phone number here begins.
DIALLED = "41555790"


def marked(name: str, most: int) -> str:
    """Return a value that nobody has by chance."""
    if name.endswith("email"):
        return f"{CANARY}{name}@example.org"
    if name.removeprefix("hint-") in ("mobile", "home", "office"):
        return f"({DIALLED[:3]}) {DIALLED[3:6]}-{DIALLED[6:]}{len(name):02d}"
    return f"{CANARY}{name.replace('-', '')}"[:most].capitalize()


def kept(text: str) -> list[str]:
    """Return which marks a text holds, however it is written."""
    found = text.lower().replace("-", "")
    return [each for each in (CANARY, DIALLED, BORN.replace("-", "")) if each in found]


async def test_t17_a_walk_over_every_page_leaves_no_value_of_a_person_anywhere(
    tmp_path: Path, sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown, addresses = 0, set[str]()
    async with at_desk(tmp_path / "state", database_url=sqlite_url) as desk:
        filled = await fill(desk, marked)
        await desk.administrator.open()
        found = [each async for each in pages(desk.administrator, filled)]
        for path, answer in found:
            shown += CANARY in answer.text.lower()
            addresses |= {str(answer.url), answer.headers.get("location", "")}
            if path.startswith("/contacts/"):
                async for _, sent_answer in sent(desk.administrator, answer, marked("first3", 40)):
                    addresses |= {str(sent_answer.url), sent_answer.headers.get("location", "")}
        metrics = (await desk.house.http.get("/metrics")).text
        health = (await desk.house.http.get("/readyz")).text
        files = {path: path.read_bytes() for path in Path(sqlite_url.removeprefix("sqlite:///")).parent.iterdir()}
        files |= {path: path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()}
    assert shown > 10, "the pages do show it"
    assert any(len(content) > 10_000 for content in files.values()), "the database is among the files"
    assert [str(path) for path, content in files.items() if kept(content.decode("latin-1"))] == []
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("hintsync.")]
    assert [line for line in ours if kept(line)] == []
    assert kept(metrics + health) == []
    assert kept(" ".join(addresses)) == []
