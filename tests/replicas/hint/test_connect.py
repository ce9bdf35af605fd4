"""Codes and tokens, on both forms of the partner routes."""

from __future__ import annotations

import pytest

from hintsync.core.errors import BadInput, FixConfiguration, ReconnectNeeded, UnknownOutcome
from hintsync.replicas.hint.client import HintClient
from hintsync.replicas.hint.connect import Connector, Routes
from hintsync.replicas.hint.names import PATIENTS
from hintsync_emulators.control import Failure
from tests.contract.hint_world import HintWorld

BOTH = pytest.mark.parametrize("routes", list(Routes))


def connector(hint: HintWorld, routes: Routes, key: str | None = None) -> Connector:
    return Connector(hint.transport, key or hint.practice.partner.key, hint.pace, base_url=hint.base_url, routes=routes)


@BOTH
async def test_a_code_becomes_the_practices_token_and_leaves_the_connection_pending(
    hint: HintWorld, routes: Routes
) -> None:
    token = await connector(hint, routes).connect(f"  {hint.practice.new_code()}\n")
    assert (token.token, token.practice_id, token.status) == (hint.practice.token, hint.practice.id, "pending")
    assert token.practice_name == hint.practice.profile["name"]
    client = HintClient(hint.transport, token.token, hint.pace, base_url=hint.base_url)
    assert await client.get(PATIENTS)


@BOTH
async def test_a_connection_is_activated_at_once_if_asked(hint: HintWorld, routes: Routes) -> None:
    assert (await connector(hint, routes).connect(hint.practice.new_code(), activate=True)).status == "active"


@BOTH
async def test_a_code_is_good_once(hint: HintWorld, routes: Routes) -> None:
    partner, code = connector(hint, routes), hint.practice.new_code()
    await partner.connect(code)
    with pytest.raises(BadInput, match="invalid or already used"):
        await partner.connect(code)


@BOTH
@pytest.mark.parametrize("status", [400, 403, 404, 422])
async def test_any_refusal_of_a_code_reads_as_a_bad_code(hint: HintWorld, routes: Routes, status: int) -> None:
    hint.practice.switches.bad_code_status = status
    expected = FixConfiguration if status == 403 else BadInput
    with pytest.raises(expected) as raised:
        await connector(hint, routes).connect("canary-code")
    assert "canary" not in str(raised.value)


async def test_an_empty_code_is_not_sent(hint: HintWorld) -> None:
    partner = connector(hint, Routes.LEGACY)
    with pytest.raises(BadInput, match="empty"):
        await partner.connect("  ")
    assert partner.calls == 0


@BOTH
async def test_a_lost_reply_to_an_exchange_is_not_repeated(hint: HintWorld, routes: Routes) -> None:
    partner = connector(hint, routes)
    hint.fail(Failure(match="^POST ", drop=True, after_commit=True, times=9))
    with pytest.raises(UnknownOutcome):
        await partner.connect(hint.practice.new_code())
    assert partner.calls == 1


@BOTH
async def test_a_wrong_partner_key_is_for_an_administrator(hint: HintWorld, routes: Routes) -> None:
    with pytest.raises(FixConfiguration, match="partner key"):
        await connector(hint, routes, "wrong").connect(hint.practice.new_code())


@BOTH
async def test_a_deactivated_connection_refuses_its_token_until_it_is_activated_again(
    hint: HintWorld, routes: Routes
) -> None:
    partner = connector(hint, routes)
    token = await partner.connect(hint.practice.new_code(), activate=True)
    assert await partner.deactivate(token.integration_id) in ("inactive", "deactivated")
    with pytest.raises(ReconnectNeeded):
        await hint.replica.identify()
    assert await partner.activate(token.integration_id) == "active"
    assert (await hint.replica.identify()).id == hint.practice.id


@BOTH
async def test_an_unknown_connection_cannot_be_activated(hint: HintWorld, routes: Routes) -> None:
    with pytest.raises(FixConfiguration, match="404"):
        await connector(hint, routes).activate("int-nobody")


async def test_a_token_is_not_in_its_representation(hint: HintWorld) -> None:
    token = await connector(hint, Routes.LEGACY).connect(hint.practice.new_code())
    assert token.token not in repr(token)
