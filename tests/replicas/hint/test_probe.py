"""What is found out at run time, switch by switch of the emulator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hintsync.core.errors import BadInput, ReconnectNeeded
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.values import Side
from hintsync.replicas.hint.facts import BRACKETS, HintFacts
from hintsync.replicas.hint.probe import probe
from hintsync_emulators.control import Failure
from tests.contract.hint_world import HintWorld, people_of

ADA = {"first_name": "Ada", "last_name": "Moor", "birth_date": "1980-02-29"}


@pytest.fixture
def staffed(hint: HintWorld) -> HintWorld:
    """A practice with two patients in its list and one archived."""
    for _ in range(3):
        hint.clock.elapsed += 1
        record_id = hint.seed(ADA)
    hint.archive(record_id)
    return hint


async def test_a_practice_as_documented_shows_everything(staffed: HintWorld) -> None:
    found = await probe(staffed.client)
    assert found == HintFacts(
        updated_at_filter=BRACKETS,
        dob_filter=True,
        filter_all=True,
        sort_created_at=True,
        title_echoed=False,
        totals_told=True,
        archived_by_id=True,
        names_required=None,
        probed_at=staffed.clock.now().isoformat(timespec="seconds"),
    )


@pytest.mark.parametrize(
    ("switch", "value", "fact", "found"),
    [
        ("updated_at_filter", False, "updated_at_filter", None),
        ("dob_filter", False, "dob_filter", False),
        ("filter_all", False, "filter_all", False),
        ("title_echoed", True, "title_echoed", True),
        ("archived_by_id", False, "archived_by_id", False),
    ],
)
async def test_a_practice_that_differs_is_found_to_differ_in_that_alone(
    staffed: HintWorld, switch: str, value: bool, fact: str, found: object
) -> None:
    usual = await probe(staffed.client)
    staffed.practice.switches.set(switch, value)
    assert replace(await probe(staffed.client), **{fact: getattr(usual, fact)}) == usual
    assert getattr(await probe(staffed.client), fact) == found


async def test_a_probe_writes_nothing(staffed: HintWorld) -> None:
    before = people_of(staffed.practice)
    await probe(staffed.client)
    assert people_of(staffed.practice) == before
    assert set(staffed.app.faults.counts) == {"patients.list", "patients.show"}


async def test_an_empty_practice_shows_nothing_for_certain(hint: HintWorld) -> None:
    assert replace(await probe(hint.client), probed_at="") == HintFacts(totals_told=True)


async def test_a_practice_without_archived_patients_leaves_filter_all_open(hint: HintWorld) -> None:
    hint.seed(ADA)
    assert (await probe(hint.client)).filter_all is False


async def test_patients_created_at_one_moment_leave_the_order_open(hint: HintWorld) -> None:
    hint.practice.clock = lambda: hint.clock.start
    hint.seed(ADA)
    assert (await probe(hint.client)).sort_created_at is False


async def test_a_filter_that_is_refused_counts_as_not_honoured(staffed: HintWorld) -> None:
    staffed.fail(Failure(status=400, match="dob=|updated_at", times=99))
    found = await probe(staffed.client)
    assert (found.updated_at_filter, found.dob_filter) == (None, False)


async def test_what_was_learned_before_is_kept_where_a_probe_cannot_tell(hint: HintWorld) -> None:
    found = await probe(hint.client, HintFacts(title_echoed=True, names_required=True))
    assert (found.title_echoed, found.names_required) == (True, True)


async def test_a_refused_token_ends_the_probe(hint: HintWorld) -> None:
    hint.revoke()
    with pytest.raises(ReconnectNeeded):
        await probe(hint.client)


def test_facts_come_back_from_the_store_as_they_went_in() -> None:
    facts = HintFacts(updated_at_filter=BRACKETS, title_echoed=True, probed_at="2026-03-02T09:00:00+00:00")
    assert HintFacts.from_json(facts.to_json()) == facts
    assert HintFacts.from_json({"from_another_version": 1}) == HintFacts()


@pytest.mark.parametrize(
    "raw", [{"dob_filter": "yes"}, {"updated_at_filter": "curly"}, {"probed_at": None}, {"filter_all": None}]
)
def test_facts_that_cannot_be_are_not_believed(raw: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        HintFacts.from_json(raw)


@pytest.mark.parametrize(("echoed", "write_only"), [(True, False), (False, True), (None, True)])
def test_f6a_the_name_prefix_is_write_only_until_an_answer_shows_it(echoed: bool | None, write_only: bool) -> None:
    table = HintFacts(title_echoed=echoed).adapt(DEFAULT_MAPPING)
    assert (Side.HINT in table["name_prefix"].write_only) is write_only
    assert table.without(["name_prefix"]) == DEFAULT_MAPPING.without(["name_prefix"])
