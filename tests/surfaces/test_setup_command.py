"""`hintsync setup`: the code that opens the guided first start."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hintsync.bootstrap import open_service
from hintsync.settings import load_settings
from hintsync.surfaces.cli.main import app
from hintsync.surfaces.web.access.setup_code import BadCode, use_code


def printed(state: Path) -> dict[str, str]:
    result = CliRunner().invoke(app, ["setup", "--state", str(state), "--json"])
    assert result.exit_code == 0, result.stderr
    told: dict[str, str] = json.loads(result.stdout)
    return told


def test_it_prints_a_code_that_another_process_takes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HINTSYNC_PUBLIC_URL", "https://sync.clinic.example")
    told = printed(tmp_path)
    assert told["address"] == "https://sync.clinic.example/setup"

    async def use() -> None:
        async with open_service(load_settings(state=tmp_path)) as service:
            await use_code(service.store, service.clock, told["code"])

    asyncio.run(use())
    with pytest.raises(BadCode, match="used already"):
        asyncio.run(use())


def test_codes_of_another_installation_open_nothing(tmp_path: Path) -> None:
    foreign = printed(tmp_path / "other")["code"]
    assert foreign != printed(tmp_path / "other")["code"]

    async def use() -> None:
        async with open_service(load_settings(state=tmp_path / "ours")) as service:
            await use_code(service.store, service.clock, foreign)

    with pytest.raises(BadCode, match="not a code of this service"):
        asyncio.run(use())
