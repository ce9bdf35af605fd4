"""Connecting Hint on a page: code and Default Account in one form, and whatever may go wrong on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape

import httpx
import pytest
from pydantic import SecretStr

from hintsync.engine.options import Options
from hintsync.logins import HINT_TOKEN
from hintsync.state.port import Connection, RunKind, RunStatus
from tests.surfaces.web.house import PUBLIC
from tests.surfaces.web.pages.desk import Desk

EXCHANGE = "/api/oauth/tokens"


class Failing(httpx.AsyncBaseTransport):
    """Passes requests on; those that are meant are carried out, and their answer is lost or another."""

    def __init__(
        self, below: httpx.AsyncBaseTransport, meant: Callable[[httpx.Request], bool], answer: httpx.Response | None
    ) -> None:
        self._below, self._meant, self._answer = below, meant, answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self._meant(request):
            return await self._below.handle_async_request(request)
        if self._answer is not None:
            return self._answer
        await self._below.handle_async_request(request)
        raise httpx.ReadTimeout("lost", request=request)


@pytest.fixture
async def half(desk: Desk) -> Desk:
    """Return a desk whose connection has its org, and no practice yet."""
    service = desk.house.wire.service
    set_up(desk, hint_partner_key=SecretStr(desk.house.wire.practice.partner.key))
    await service.store.put_connection(replace(await stored(desk), practice_id=""))
    await desk.house.engines.refresh()
    await desk.administrator.open()
    return desk


def set_up(desk: Desk, **settings: object) -> None:
    service = desk.house.wire.service
    service.settings = service.settings.model_copy(update=settings)


async def stored(desk: Desk) -> Connection:
    return await desk.house.wire.service.connection("demo")


def accounts(desk: Desk, name: str) -> list[str]:
    return list(desk.house.wire.org.storage.ids_where("Account", "Name", name, live_only=True))


async def save(desk: Desk, **form: str) -> tuple[int, str]:
    answer = await desk.administrator.act("/connection", form)
    return answer.status_code, unescape(answer.text)


@pytest.mark.parametrize("routes", ["legacy", "installations"])
async def test_m3_m4_a_code_and_the_name_of_an_account_connect_hint(half: Desk, routes: str) -> None:
    set_up(half, hint_routes=routes)
    house = half.house
    status, page = await save(half, code=f"  {house.wire.practice.new_code()} ", account="Hint Patients")
    assert (status, "Hint is connected: Example Family Medicine. Status Active." in page) == (200, True)
    connection = await stored(half)
    assert connection.practice_id == house.practice_id
    (account,) = accounts(half, "Hint Patients")
    assert Options.from_json(connection.settings).default_account_id == account
    assert await house.wire.service.store.secret("demo", HINT_TOKEN) == house.wire.practice.token.encode()
    assert house.engines.engine("demo") is not None, "it is open at once"
    assert "At present" in page
    assert "Hint Patients" in page


async def test_b8_the_audit_trail_says_who_connected_and_who_chose_the_account(half: Desk) -> None:
    code = half.house.wire.practice.new_code()
    await save(half, code=code, account="Hint Patients")
    events = [kept.event for kept in await half.house.wire.service.store.audit("demo", chain="connection")]
    actor = f"user:{half.administrator.user_id}"
    assert [(each.actor, each.action) for each in events] == [(actor, "connected"), (actor, "set")]
    assert not [each for each in events if code in str(each) or "Hint Patients" in str(each)]


async def test_m4_an_account_of_that_name_is_taken_and_none_is_made(half: Desk) -> None:
    known = half.house.wire.org.insert("Account", {"Name": "Hint Patients"})
    await save(half, code=half.house.wire.practice.new_code(), account="hint patients")
    assert Options.from_json((await stored(half)).settings).default_account_id == known
    assert accounts(half, "Hint Patients") == [known]


async def test_m4_several_accounts_of_that_name_are_asked_about_before_the_code_is_used(half: Desk) -> None:
    both = [half.house.wire.org.insert("Account", {"Name": "Hint Patients"}) for _ in range(2)]
    code = half.house.wire.practice.new_code()
    status, page = await save(half, code=code, account="Hint Patients")
    assert (status, "Which account?" in page) == (409, True)
    assert all(each in page for each in both)
    assert (await stored(half)).practice_id == ""
    status, page = await save(half, code=code, account="Hint Patients", account_id=both[1])
    assert (status, "Status Active" in page) == (200, True)
    assert Options.from_json((await stored(half)).settings).default_account_id == both[1]


async def test_m4_an_account_that_was_not_among_those_shown_is_not_taken(half: Desk) -> None:
    other = half.house.wire.org.insert("Account", {"Name": "Somebody Else"})
    half.house.wire.org.insert("Account", {"Name": "Hint Patients"})
    status, page = await save(half, code=half.house.wire.practice.new_code(), account="Hint Patients", account_id=other)
    assert (status, "The chosen account is gone" in page) == (422, True)
    assert (await stored(half)).practice_id == ""


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"account": "Hint Patients"}, "Paste the code that Hint shows"),
        ({"code": "0815"}, "Enter the name of an account"),
        ({"code": "0815", "account": "Hint Patients"}, "Hint does not take this code"),
        ({"code": "0815", "account": "x" * 256}, "at most 255 characters"),
        ({"code": "0815", "account": "Hint\nPatients"}, "in one line"),
    ],
)
async def test_m3_what_cannot_be_used_is_said_beside_its_field_and_nothing_typed_is_lost(
    half: Desk, form: dict[str, str], told: str
) -> None:
    status, page = await save(half, **form)
    assert (status, told in page) == (422, True)
    assert all(value in page for value in form.values())
    assert 'aria-invalid="true"' in page
    assert (await stored(half)).practice_id == ""
    assert accounts(half, "Hint Patients") == []


async def test_m3_without_the_partner_key_it_is_asked_for_first_and_the_code_is_not_used(half: Desk) -> None:
    set_up(half, hint_partner_key=SecretStr(""))
    page = (await half.administrator.get("/connection")).text
    assert "First: Hint’s partner API key" in page
    assert "HINTSYNC_HINT_WEBHOOK_KEYS" in page
    status, page = await save(half, code="0815", account="Hint Patients")
    assert (status, "hint_partner_key is not set" in page) == (409, True)


async def test_m3_a_refused_partner_key_is_said_and_is_not_shown(half: Desk) -> None:
    set_up(half, hint_partner_key=SecretStr("wrong-key-4711"))
    status, page = await save(half, code="0815", account="Hint Patients")
    assert (status, "the partner key was refused" in page, "4711" in page) == (409, True, False)


async def test_m3_a_code_whose_answer_was_lost_is_said_to_be_used_up(half: Desk) -> None:
    transports = half.house.wire.service.transports
    assert transports.hint is not None
    transports.hint = Failing(transports.hint, lambda request: request.url.path == EXCHANGE, None)
    status, page = await save(half, code=half.house.wire.practice.new_code(), account="Hint Patients")
    assert (status, "the code may be used up" in page) == (422, True)


async def test_m4_an_account_that_the_org_refuses_leaves_hint_connected_and_asks_for_another(half: Desk) -> None:
    transports = half.house.wire.service.transports
    assert transports.salesforce is not None
    refusal = [{"errorCode": "REQUIRED_FIELD_MISSING", "message": "Required: [Industry]", "fields": ["Industry"]}]
    transports.salesforce = Failing(
        transports.salesforce,
        lambda request: request.method == "POST" and request.url.path.endswith("/sobjects/Account"),
        httpx.Response(400, json=refusal),
    )
    status, page = await save(half, code=half.house.wire.practice.new_code(), account="Hint Patients")
    assert (status, "Salesforce does not let us create this account" in page) == (422, True)
    assert (await stored(half)).practice_id == half.house.practice_id
    assert Options.from_json((await stored(half)).settings).default_account_id is None


async def test_g1_a_code_of_another_practice_is_refused_and_the_connection_stays(half: Desk) -> None:
    service = half.house.wire.service
    pinned = replace(await stored(half), practice_id="pra-another00001")
    await service.store.put_connection(pinned)
    before = await service.store.secret("demo", HINT_TOKEN)
    status, page = await save(half, code=half.house.wire.practice.new_code(), account="Hint Patients")
    assert (status, f"G1: this is practice {half.house.practice_id}" in page) == (422, True)
    assert await stored(half) == pinned
    assert await service.store.secret("demo", HINT_TOKEN) == before


async def test_m3_a_new_code_of_the_same_practice_connects_it_again_and_keeps_the_account(half: Desk) -> None:
    await save(half, code=half.house.wire.practice.new_code(), account="Hint Patients")
    before, engine = await stored(half), half.house.engines.engine("demo")
    status, page = await save(half, code=half.house.wire.practice.new_code())
    assert (status, "Status Active" in page) == (200, True)
    after = await stored(half)
    assert (after.practice_id, after.settings) == (before.practice_id, before.settings)
    assert half.house.engines.engine("demo") is not engine


async def test_m4_another_account_is_named_without_a_code(half: Desk) -> None:
    await save(half, code=half.house.wire.practice.new_code(), account="Hint Patients")
    status, page = await save(half, account="Members")
    assert (status, "The Default Account was set" in page) == (200, True)
    assert [Options.from_json((await stored(half)).settings).default_account_id] == accounts(half, "Members")
    status, page = await save(half)
    assert (status, "Nothing was entered" in page) == (422, True)


async def test_m4_an_account_that_is_gone_is_said_so(half: Desk) -> None:
    await save(half, code=half.house.wire.practice.new_code(), account="Hint Patients")
    half.house.wire.org.delete("Account", accounts(half, "Hint Patients")[0])
    page = (await half.administrator.get("/connection")).text
    assert "is not in Salesforce any more" in page


async def test_m3_a_connection_that_waits_for_the_practice_says_so(half: Desk) -> None:
    half.house.wire.practice.partner.backend.activation_type = "practice_activate"
    half.house.wire.practice.installation.practice_activated = False
    status, page = await save(half, code=half.house.wire.practice.new_code(), account="Hint Patients")
    assert (status, "Status Pending. Hint sends webhooks once it is Active." in page) == (200, True)


async def test_an_account_is_escaped_wherever_it_is_shown(half: Desk) -> None:
    name = "<script>alert(1)</script>"
    for _ in range(2):
        half.house.wire.org.insert("Account", {"Name": name})
    answer = await half.administrator.act("/connection", {"code": "0815", "account": name})
    assert (answer.status_code, name in answer.text, "&lt;script&gt;" in answer.text) == (409, False, True)


async def test_m5_the_webhook_is_told_to_hint_when_hint_is_connected(half: Desk) -> None:
    practice = half.house.wire.practice
    status, page = await save(half, code=practice.new_code(), account="Hint Patients")
    assert (status, "Not reached yet" in page) == (200, True)
    assert [each.webhook_url for each in practice.installation.endpoints] == [f"{PUBLIC}/webhooks/hint"]


async def test_m5_without_a_public_address_the_page_says_what_is_missing(half: Desk) -> None:
    set_up(half, public_url="")
    _, page = await save(half, code=half.house.wire.practice.new_code(), account="Hint Patients")
    assert "HINTSYNC_PUBLIC_URL is not set" in page
    assert half.house.wire.practice.installation.endpoints == []


async def test_m3_routes_that_the_partner_account_has_not_are_told_before_the_code_is_used(half: Desk) -> None:
    transports = half.house.wire.service.transports
    assert transports.hint is not None
    below, code = transports.hint, half.house.wire.practice.new_code()
    missing = httpx.Response(404, json={"status": 404, "message": "Not found"})
    transports.hint = Failing(below, lambda request: request.url.path == "/api/integrations", missing)
    status, page = await save(half, code=code, account="Hint Patients")
    assert (status, "HINTSYNC_HINT_ROUTES=installations" in page) == (409, True)
    transports.hint = below
    assert (await save(half, code=code, account="Hint Patients"))[0] == 200


async def test_a_first_dry_run_is_offered_once_hint_is_connected_and_leads_to_its_page(half: Desk) -> None:
    assert "Start a dry run" not in unescape((await half.administrator.get("/connection")).text)
    _, page = await save(half, code=half.house.wire.practice.new_code(), account="Hint Patients")
    assert "Start a dry run" in page
    answer = await half.administrator.post("/connection/dry-run")
    (run,) = await half.house.wire.service.store.runs("demo")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/c/demo/runs/{run.id}")
    assert (run.kind, run.dry, run.started_by) == (
        RunKind.BATCH_PATIENTS,
        True,
        f"user:{half.administrator.user_id}",
    )
    assert (await half.administrator.get(f"/runs/{run.id}")).status_code == 200
    await half.house.wire.service.store.save_run(replace(run, status=RunStatus.DONE))
    assert "Start a dry run" not in unescape((await half.administrator.get("/connection")).text)


async def test_what_was_seen_of_hint_is_told_with_what_follows(half: Desk) -> None:
    half.house.wire.practice.switches.set("dob_filter", False)
    half.house.patient()
    _, page = await save(half, code=half.house.wire.practice.new_code(), account="Hint Patients")
    shown = " ".join(page.split())
    assert re.search(r"narrowed to what changed <span[^>]*>Yes</span><br><small>So changes that no webhook", shown)
    assert re.search(r"narrowed to a birth date <span[^>]*>No</span><br><small>So people are looked up among", shown)
    assert re.search(r"first and last name <span[^>]*>Not seen yet</span>", shown)
    assert "answered: installations, legacy" in shown


async def test_g1_the_page_says_which_command_is_for_another_org(half: Desk) -> None:
    page = unescape((await half.administrator.get("/connection")).text)
    assert "hintsync connect NAME --salesforce-url" in page
    assert "hintsync resume --guard G1 --repin" in page
