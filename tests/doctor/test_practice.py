"""What the doctor finds of a practice: each check well first, then broken on the emulated Hint."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import SecretStr

from hintsync.core.values import Side
from hintsync.doctor.findings import State
from hintsync.ledger import Ledger
from hintsync.replicas.hint.budget import PER_DAY
from hintsync_emulators.control import Failure
from tests.doctor.surgery import Surgery

OF_THE_PRACTICE = ("hint-token", "hint-pin", "hint-clock", "hint-calls", "hint-integration")


async def test_a_practice_that_is_well_is_found_well(surgery: Surgery) -> None:
    found = await surgery.look()
    assert {code: found[code].state for code in OF_THE_PRACTICE} == dict.fromkeys(OF_THE_PRACTICE, State.OK)
    assert found["hint-pin"].found == f"practice {surgery.practice.id}"


async def test_a_revoked_token_says_how_to_reconnect_and_hides_nothing_of_the_org(surgery: Surgery) -> None:
    surgery.practice.revoke_token()
    found = await surgery.look()
    assert found["hint-token"].state is State.WRONG
    assert "page Connection" in found["hint-token"].remedy
    assert (found["hint-calls"].state, found["hint-clock"].state) == (State.NOT_KNOWN, State.OK)
    assert (found["hint-integration"].state, found["org-token"].state) == (State.OK, State.OK)


async def test_g1_another_practice_than_the_pinned_one_is_wrong(surgery: Surgery) -> None:
    connection = await surgery.connection()
    await surgery.service.store.put_connection(replace(connection, practice_id="pra-other"))
    found = await surgery.look()
    assert found["hint-pin"].state is State.WRONG
    assert found["hint-pin"].found == f"practice {surgery.practice.id} answers; pinned is pra-other"


async def test_a_practice_that_is_not_connected_yet_is_looked_at_no_further(surgery: Surgery) -> None:
    connection = await surgery.connection()
    await surgery.service.store.put_connection(replace(connection, practice_id=""))
    found = await surgery.look()
    assert (found["hint-token"].state, found["hint-token"].found) == (State.LOOK, "Hint is not connected yet")
    assert {found[code].state for code in OF_THE_PRACTICE[1:]} == {State.NOT_KNOWN}
    assert found["org-token"].state is State.OK


@pytest.mark.parametrize(("seconds", "state"), [(10, State.OK), (45, State.LOOK), (-300, State.WRONG)])
async def test_the_clocks_are_compared(surgery: Surgery, seconds: int, state: State) -> None:
    surgery.practice.clock.advance(seconds)  # type: ignore[attr-defined]
    found = await surgery.look()
    assert (found["hint-clock"].state, found["org-clock"].state) == (state, State.OK)


@pytest.mark.parametrize(("left", "state", "case"), [(60_000, State.LOOK, "low"), (2_000, State.WRONG, "spent")])
async def test_g6_calls_of_all_workers_count_against_the_day(
    surgery: Surgery, left: int, state: State, case: str
) -> None:
    day = surgery.service.clock.now().date().isoformat()
    await Ledger(surgery.service.store, surgery.service.clock).add(day, PER_DAY - left)
    surgery.service.hint_pace = None  # as in a process that has not asked yet
    assert await surgery.state("hint-calls") == (state, case)


async def test_an_integration_that_was_switched_off_or_removed_in_hint_is_wrong(surgery: Surgery) -> None:
    surgery.practice.set_status("deactivated")
    assert await surgery.state("hint-integration") == (State.WRONG, "inactive")
    connection = await surgery.connection()
    await surgery.service.store.put_connection(replace(connection, practice_id="pra-none"))
    assert await surgery.state("hint-integration") == (State.WRONG, "gone")


async def test_without_a_partner_key_hint_is_not_asked_what_only_partners_may(surgery: Surgery) -> None:
    surgery.set(hint_partner_key=SecretStr(""))
    found = await surgery.look()
    assert (found["hint-integration"].state, found["webhook-address"].state) == (State.NOT_KNOWN,) * 2
    assert found["partner-key"].state is State.LOOK


async def test_a_hint_that_does_not_answer_is_not_known(surgery: Surgery) -> None:
    surgery.faults(Side.HINT).fail_next.append(Failure(status=503, times=1000))
    counts = surgery.faults(Side.HINT).counts
    counts.clear()
    found = await surgery.look()
    assert {found[code].state for code in OF_THE_PRACTICE} == {State.NOT_KNOWN}
    assert counts.total() == 3  # each question once: who answers, the integration, the addresses
