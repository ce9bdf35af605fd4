from __future__ import annotations

import pytest

from hintsync.core.errors import BadInput, UnknownOutcome
from tests.replicas.salesforce.office import Office


async def test_an_account_is_created_found_by_name_and_known_by_id(office: Office) -> None:
    accounts = office.replica.accounts
    created = await accounts.create("O'Neil \\ Household")
    assert await accounts.find("O'Neil \\ Household") == [created]
    assert await accounts.exists(created.id)
    assert await accounts.exists(created.id[:15])


async def test_a_deleted_account_is_not_there(office: Office) -> None:
    account = await office.replica.accounts.create("Default")
    office.org.delete("Account", account.id)
    assert not await office.replica.accounts.exists(account.id)
    assert await office.replica.accounts.find("Default") == []


async def test_what_is_no_id_is_refused_before_a_call(office: Office) -> None:
    with pytest.raises(BadInput, match="15 or 18"):
        await office.replica.accounts.exists("Default")
    assert office.faults.total == 0


async def test_a_lost_reply_is_not_followed_by_a_second_account(office: Office) -> None:
    office.lose(match="^POST ", carried_out=True)
    with pytest.raises(UnknownOutcome):
        await office.replica.accounts.create("Default")
    assert len(await office.replica.accounts.find("Default")) == 1
