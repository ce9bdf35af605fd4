"""How a connection stands, in words, from records alone."""

from __future__ import annotations

import pytest

from hintsync.core.fields import DEFAULT_MAPPING, ConflictPolicy
from hintsync.core.values import Side
from hintsync.engine.detect.way import Way
from hintsync.engine.detect.webhooks import Registration, WebhookState
from hintsync.engine.options import Options
from hintsync.ports import Described
from hintsync.state.live import Stop
from hintsync.state.port import Connection, Run, RunKind, RunStatus
from hintsync.surfaces.web.views.field_table import POLICIES, FieldRow, field_rows
from hintsync.surfaces.web.views.overview import Lines, has_dry_run, runs_of, sides_of, stops_of

NOW = "2026-11-22T10:00:00Z"
REGISTRATION = Registration("https://sync.example.org/webhooks/hint", "whep-1", "int-1", NOW)


def lines(
    *, webhook: WebhookState | None = None, way: Way | None = None, trouble: dict[Side, float] | None = None
) -> Lines:
    connection = Connection("c", "clinic", "00D000000000001AAA", True, "sbx-pra-1", Options().to_json())
    return Lines(
        connection,
        webhook or WebhookState(None, None),
        way or Way("/data/Contact__chn"),
        {Side.SALESFORCE: None, Side.HINT: NOW},
        trouble or {},
    )


def a_run(kind: RunKind, status: RunStatus, *, dry: bool = False, total: int | None = None) -> Run:
    return Run("run-1", "c", kind, status, dry, NOW, "x", total=total, done=1200)


def test_both_sides_say_whether_they_are_sandboxes_and_how_their_changes_are_noticed() -> None:
    org, practice = sides_of(lines())
    assert (org.sandbox, practice.sandbox, practice.last_event) == (True, True, NOW)
    assert org.noticed == "Change events of /data/Contact__chn."
    assert "was not told" in practice.noticed
    _, practice = sides_of(lines(webhook=WebhookState(REGISTRATION, None)))
    assert "none has come yet" in practice.noticed
    _, practice = sides_of(lines(webhook=WebhookState(REGISTRATION, NOW)))
    assert practice.noticed.startswith("Webhooks; ")
    org, _ = sides_of(lines(way=Way("", "G8: the deliveries are spent")))
    assert org.noticed == "Polling every 30 seconds: G8: the deliveries are spent."


def test_a_side_that_does_not_answer_says_so_and_the_other_does_not() -> None:
    org, practice = sides_of(lines(trouble={Side.HINT: 12.4}))
    assert (org.trouble, "last tried 12 seconds ago" in practice.trouble) == ("", True)


@pytest.mark.parametrize("status", RunStatus)
@pytest.mark.parametrize("kind", RunKind)
def test_every_kind_and_state_of_a_run_has_words(kind: RunKind, status: RunStatus) -> None:
    (shown,) = runs_of([a_run(kind, status, total=3400)])
    assert shown.kind
    assert shown.state
    assert shown.progress == "1,200 of 3,400"


def test_a_dry_run_is_called_one_and_counts_once_it_is_done() -> None:
    (shown,) = runs_of([a_run(RunKind.BATCH_PATIENTS, RunStatus.RUNNING, dry=True)])
    assert (shown.kind, shown.progress) == ("Batch Sync Patients to Contacts, dry run", "1,200")
    assert not has_dry_run([a_run(RunKind.BATCH_PATIENTS, RunStatus.RUNNING, dry=True)])
    assert has_dry_run([a_run(RunKind.BATCH_CONTACTS, RunStatus.DONE, dry=True)])
    assert not has_dry_run([a_run(RunKind.PARITY, RunStatus.DONE)])


def test_a_stop_says_who_or_what_stopped_which_changes() -> None:
    stops = [
        Stop("c", "pause", None, "moving", NOW),
        Stop("c", "G3", Side.HINT, "too many", NOW),
        Stop("c", "G1", None, "another org", NOW),
    ]
    assert [each.title for each in stops_of(stops)] == [
        "Paused by a person",
        "Stopped by guard G3 for changes from Hint",
        "Stopped by guard G1",
    ]


def rows(described: dict[Side, Described]) -> dict[str, FieldRow]:
    return {row.name: row for row in field_rows(DEFAULT_MAPPING, described, {"city": "hint"})}


def test_m7_a_row_names_both_systems_fields_the_direction_and_the_policy() -> None:
    found = rows({})
    assert (found["mobile_phone"].hint, found["gender"].hint) == ("phones, type mobile", "sex (or gender)")
    assert found["street"].hint == "address_line1, address_line2"
    assert (found["city"].policy, found["zip"].policy) == ("hint", "hold")
    assert {found["city"].direction, found["insurance_payer"].direction} == {"Both ways", "Hint to Salesforce"}
    assert {value for value, _ in POLICIES} == set(ConflictPolicy)


def test_m7_limits_and_remedies_come_from_what_the_systems_say_of_their_fields() -> None:
    org = Described(
        "d",
        missing=frozenset({"gender", "middle_name", "email"}),
        read_only=frozenset({"city"}),
        max_length={"zip": 20},
        choices={"state": frozenset({"TX", "OK"})},
    )
    found = rows({Side.SALESFORCE: org, Side.HINT: Described("d", max_length={"zip": 10})})
    assert (found["zip"].limit, found["state"].limit, found["last_name"].limit) == ("10 characters", "2 choices", "")
    remedies = {name: " ".join(note.remedy for note in row.notes) for name, row in found.items() if row.in_trouble}
    assert remedies.keys() == {"gender", "middle_name", "email", "city"}
    assert "Install our package" in remedies["gender"]
    assert "middle names" in remedies["middle_name"]
    assert "field-level security" in remedies["email"]
    assert "permission set Hint Sync" in remedies["city"]
