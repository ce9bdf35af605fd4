"""The page about how true the emulators are."""

from inspect import signature
from pathlib import Path

from hintsync_emulators.fidelity import TABLE, page, read_table
from hintsync_emulators.salesforce.responses.urls import ROUTES

ROOT = Path(__file__).parents[2]


def test_the_page_is_current() -> None:
    kept = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")
    assert kept == page(read_table(ROOT / TABLE)), "run: python -m hintsync_emulators fidelity > docs/fidelity.md"


def test_clients_exercise_only_endpoints_that_exist() -> None:
    endpoints = {f"{route.method} {route.path}" for route in ROUTES} | {
        "pubsub.topic",
        "pubsub.schema",
        "pubsub.subscribe",
    }
    table = read_table(ROOT / TABLE)
    assert table
    assert {called for tests in table.values() for seen in tests.values() for called in seen} <= endpoints


def test_every_late_handler_is_there_under_a_name_of_its_own() -> None:
    found = [route.handler.found() for route in ROUTES]
    assert all(list(signature(handler).parameters) == ["call"] for handler in found)
    assert all((handler.__doc__ or "").strip() for handler in found)


def test_without_the_table_no_client_is_claimed(tmp_path: Path) -> None:
    bare = page(read_table(tmp_path / "absent.json"))
    assert "simple-salesforce" not in bare
    assert "`GET /api/provider/patients`" in bare
