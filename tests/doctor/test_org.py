"""What the doctor finds of an org: each check well first, then broken on the emulated org, by what a clinic would see."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hintsync.core.values import Side
from hintsync.doctor.findings import State, worst
from hintsync.engine.detect.way import WAY, Way
from hintsync.logins import CANVAS_APP, SALESFORCE_LOGIN, WithJwt, WithToken, pack_login
from hintsync.replicas.salesforce.key_pair import LIFE, new_signing_key
from hintsync.replicas.salesforce.page_names import ADMIN_SET, CHANNEL_MEMBER, PERMISSION_SET, USER_SET
from hintsync.replicas.salesforce.removal import Ours, remove_ours
from hintsync.setup.installation import open_org
from hintsync.setup.signing_keys import make_key
from hintsync.setup.taking_over import end_other
from hintsync.state.traffic import Tally, slot_of
from hintsync_emulators.control import Failure
from hintsync_emulators.salesforce.managed import install_managed
from tests.doctor.surgery import AdvancedClock, Surgery
from tests.engine.wire import INSTANCE, TOKEN

OF_THE_ORG = (
    "org-token",
    "org-pin",
    "org-api",
    "org-clock",
    "org-permissions",
    "org-fields",
    "org-calls",
    "org-events",
    "org-pages",
    "canvas-key",
)


def unassign(surgery: Surgery, permission_set: str) -> None:
    """Take a permission set from everybody who has it."""
    [set_id] = surgery.org.storage.ids_where("PermissionSet", "Name", permission_set, live_only=False)
    for each in surgery.org.storage.ids_where("PermissionSetAssignment", "PermissionSetId", set_id, live_only=False):
        surgery.org.purge("PermissionSetAssignment", each)


def permissions_on(surgery: Surgery, field: str) -> list[str]:
    """Return the ids of all permissions on a field of the contact."""
    return surgery.org.storage.ids_where("FieldPermissions", "Field", f"Contact.{field}", live_only=False)


async def test_an_org_that_is_well_is_found_well(surgery: Surgery) -> None:
    found = await surgery.look()
    assert {code: found[code].state for code in OF_THE_ORG} == dict.fromkeys(OF_THE_ORG, State.OK)
    assert found["org-pin"].found == f"org {surgery.org.org_id}, no sandbox"
    assert found["org-fields"].found == "all 29 fields can be read and edited"


async def test_a_revoked_token_says_how_to_reconnect_and_hides_no_other_area(surgery: Surgery) -> None:
    surgery.org.expire_tokens()
    found = await surgery.look()
    assert found["org-token"].state is State.WRONG
    assert "hintsync connect" in found["org-token"].remedy
    assert found["org-fields"].state is State.NOT_KNOWN
    assert "connect it again" in found["org-fields"].found
    assert (found["hint-token"].state, found["stops"].state, found["canvas-key"].state) == (State.OK,) * 3


async def test_a_refused_credential_is_tried_once(surgery: Surgery) -> None:
    surgery.org.expire_tokens()
    counts = surgery.faults(Side.SALESFORCE).counts
    counts.clear()
    await surgery.look()
    assert counts.total() == 1


async def test_g1_another_org_than_the_pinned_one_is_wrong(surgery: Surgery) -> None:
    connection = await surgery.connection()
    await surgery.service.store.put_connection(replace(connection, org_sandbox=True))
    assert await surgery.state("org-pin") == (State.WRONG, "other")


async def test_an_org_that_no_longer_speaks_our_version_is_wrong(surgery: Surgery) -> None:
    older = [{"label": "Winter '24", "url": "/services/data/v59.0", "version": "59.0"}]
    surgery.faults(Side.SALESFORCE).fail_next.append(Failure(200, older, match="^GET /services/data$"))
    assert await surgery.state("org-api") == (State.WRONG, "gone")


@pytest.mark.parametrize(
    ("seconds", "state", "case"), [(8, State.OK, ""), (-60, State.LOOK, "off"), (400, State.WRONG, "far")]
)
async def test_the_clocks_are_compared(surgery: Surgery, seconds: int, state: State, case: str) -> None:
    surgery.org.auth.clock = lambda: datetime.now(UTC) + timedelta(seconds=seconds)
    assert await surgery.state("org-clock") == (state, case)
    assert (await surgery.look())["hint-clock"].state is State.OK


async def test_the_clock_is_heard_from_a_refused_login_too(surgery: Surgery) -> None:
    surgery.org.auth.clock = lambda: datetime.now(UTC) - timedelta(seconds=400)
    surgery.org.expire_tokens()
    found = (await surgery.look())["org-clock"]
    assert (found.state, found.found) == (State.WRONG, "ours is 400 seconds ahead")


async def test_rights_that_our_user_lost_are_named(surgery: Surgery) -> None:
    unassign(surgery, PERMISSION_SET)
    found = (await surgery.look())["org-permissions"]
    assert found.state is State.WRONG
    assert "Edit on Contact" in found.found
    assert "Create on Account" in found.found


async def test_a_user_who_may_not_see_the_setup_is_told_what_it_lacks(surgery: Surgery) -> None:
    surgery.org.withheld.add("ViewSetup")
    found = (await surgery.look())["org-permissions"]
    assert (found.state, found.found) == (State.WRONG, "our user lacks View Setup and Configuration")


async def test_a_field_that_is_hidden_from_our_user_is_named(surgery: Surgery) -> None:
    surgery.org.enable("FieldLevelSecurity")
    assert (await surgery.look())["org-fields"].state is State.OK
    for each in permissions_on(surgery, "Hint_Gender__c"):
        surgery.org.purge("FieldPermissions", each)
    found = (await surgery.look())["org-fields"]
    assert (found.state, found.found) == (State.WRONG, "not there, or hidden from our user: Hint_Gender__c")


async def test_a_field_that_our_user_may_not_edit_is_named(surgery: Surgery) -> None:
    surgery.org.enable("FieldLevelSecurity")
    for each in permissions_on(surgery, "Synced_to_Hint__c"):
        surgery.org.storage.update("FieldPermissions", each, {"PermissionsEdit": 0})
    found = (await surgery.look())["org-fields"]
    assert (found.state, found.found) == (State.WRONG, "our user may not edit Synced_to_Hint__c")


async def test_a_standard_field_that_the_org_has_not_is_for_a_person_to_look_at(surgery: Surgery) -> None:
    surgery.org.enable("MiddleName", on=False)
    found = (await surgery.look())["org-fields"]
    assert (found.state, found.found) == (State.LOOK, "not there, or hidden from our user: MiddleName")


@pytest.mark.parametrize(
    ("left", "state", "case"), [(900, State.OK, ""), (150, State.LOOK, "low"), (15, State.WRONG, "spent")]
)
async def test_g6_the_calls_that_are_left_are_judged_by_our_reserve(
    surgery: Surgery, left: int, state: State, case: str
) -> None:
    surgery.org.set_daily_limit(1000, 1000 - left)
    assert await surgery.state("org-calls") == (state, case)


async def test_g6_our_own_share_of_the_calls_is_told(surgery: Surgery) -> None:
    now = int(surgery.service.clock.now().timestamp())
    told = [Tally(slot_of(now - back), "called", side, 40) for back in (60, 7200, 200_000) for side in Side]
    await surgery.service.store.add_tallies("demo", told)
    found = await surgery.look()
    for check in ("org-calls", "hint-calls"):
        assert "; we made 80 in the last 24 hours;" in found[check].found


async def test_g6_an_org_without_any_call_left_is_told_as_such_and_not_as_silent(surgery: Surgery) -> None:
    surgery.org.set_daily_limit(1000, 1000)
    found = await surgery.look()
    assert (found["org-calls"].state, found["org-calls"].found) == (State.WRONG, "the day's calls are used up")
    assert found["org-token"].state is State.NOT_KNOWN


async def test_a_channel_that_was_dropped_is_wrong(surgery: Surgery) -> None:
    member = ("PlatformEventChannelMember", CHANNEL_MEMBER)
    async with open_org(surgery.service, WithToken(INSTANCE, TOKEN)) as client:
        await remove_ours(client, surgery.service.clock, Ours((member,)))
    assert await surgery.state("org-events") == (State.WRONG, "no-channel")


async def test_polling_is_told_with_its_reason(surgery: Surgery) -> None:
    store = surgery.service.store
    await store.put_cursor("demo", WAY, Way("", "G8: 900 of 1000 event deliveries of the day").pack())
    found = (await surgery.look())["org-events"]
    assert found.state is State.LOOK
    assert "G8: 900 of 1000" in found.found
    await store.put_cursor("demo", WAY, Way("/data/Hint_Sync__chn").pack())
    await store.put_cursor("demo", "salesforce:heard", "")
    assert await surgery.state("org-events") == (State.LOOK, "waiting")


async def test_pages_that_lead_elsewhere_are_wrong(surgery: Surgery) -> None:
    surgery.set(public_url="https://new.hintsync.invalid")
    assert await surgery.state("org-pages") == (State.WRONG, "elsewhere")


async def test_without_pages_and_key_it_says_to_install(surgery: Surgery) -> None:
    connection = await surgery.connection()
    facts = {name: fact for name, fact in connection.facts.items() if name != "pages"}
    await surgery.service.store.put_connection(replace(connection, facts=facts))
    await surgery.service.store.put_secret("demo", CANVAS_APP, b"nonsense")
    found = await surgery.look()
    assert found["org-pages"].state is State.LOOK
    assert (found["canvas-key"].state, "install again" in found["canvas-key"].found) == (State.LOOK, True)
    await surgery.service.store.put_secret("demo", CANVAS_APP, b"")  # as after an installation that found another one
    assert await surgery.state("canvas-key") == (State.LOOK, "absent")


async def test_permission_sets_are_counted_by_who_has_them(surgery: Surgery) -> None:
    found = (await surgery.look())["permission-sets"]
    assert (found.state, found.found) == (State.OK, "1 administrator, 0 at the front desk")
    unassign(surgery, ADMIN_SET)
    assert await surgery.state("permission-sets") == (State.LOOK, "nobody")
    [set_id] = surgery.org.storage.ids_where("PermissionSet", "Name", USER_SET, live_only=False)
    surgery.org.purge("PermissionSet", set_id)
    assert await surgery.state("permission-sets") == (State.LOOK, "absent")


async def test_an_org_that_does_not_answer_is_not_known_and_asks_nobody_to_act(surgery: Surgery) -> None:
    surgery.faults(Side.SALESFORCE).fail_next.append(Failure(drop=True, times=1000))
    found = await surgery.look()
    of_org = [found[code] for code in ("org-token", "org-pin", "org-api", "org-fields", "org-calls", "org-clock")]
    assert worst(of_org) is State.NOT_KNOWN
    assert found["hint-token"].state is State.OK


async def test_a_question_that_is_refused_hides_no_other(surgery: Surgery) -> None:
    refusal = [{"message": "insufficient access", "errorCode": "INSUFFICIENT_ACCESS"}]
    surgery.faults(Side.SALESFORCE).fail_next.append(Failure(403, refusal, match="/limits", times=10))
    found = await surgery.look()
    assert (found["org-calls"].state, "INSUFFICIENT_ACCESS" in found["org-calls"].found) == (State.LOOK, True)
    assert found["org-fields"].state is State.OK


async def test_a_key_of_ours_that_waits_or_grows_old_is_told_before_it_ends(surgery: Surgery) -> None:
    assert (await surgery.look())["signing-key"].state is State.OK  # none of ours
    await make_key(surgery.service, "demo")
    assert await surgery.state("signing-key") == (State.LOOK, "waiting")
    key = new_signing_key("hintsync demo", surgery.service.clock.now())
    login = WithJwt(INSTANCE, "our-app", "integration@clinic.example", key.private_key, key.certificate)
    await surgery.service.store.put_secret("demo", SALESFORCE_LOGIN, pack_login(login))
    for left, state, case in ((90, State.OK, ""), (40, State.LOOK, "soon"), (-2, State.LOOK, "expired")):
        surgery.service.clock = AdvancedClock(LIFE - timedelta(days=left))
        assert await surgery.state("signing-key") == (state, case), left


async def test_m21_another_integration_is_wrong_until_somebody_says_that_it_was_ended(surgery: Surgery) -> None:
    install_managed(surgery.org, "Hint Health", "hh")
    found = (await surgery.look())["other-sync"]
    assert (found.state, "Hint Health" in found.found) == (State.WRONG, True)
    await end_other(surgery.service, await surgery.connection(), "tests")
    assert (await surgery.look())["other-sync"].state is State.OK
