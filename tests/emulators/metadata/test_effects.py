"""What components change beyond their files: change events, apps, settings, and what a kept database holds."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from hintsync_emulators.salesforce import ManualClock, Org, create_app
from hintsync_emulators.salesforce.metadata.apps import credentials
from hintsync_emulators.salesforce.steering import OrgSteering
from tests.emulators.metadata.deploying import Deployer, RestDeployer, SoapDeployer, zipped
from tests.emulators.metadata.zoo import FILES, TYPES, app_part, xml
from tests.emulators.salesforce.conftest import ROOT, TOKEN

MEMBER = "platformEventChannelMembers/{}.platformEventChannelMember"


def _member(name: str, entity: str, channel: str = "ChangeEvents") -> dict[str, str | bytes]:
    inner = f"<eventChannel>{channel}</eventChannel><selectedEntity>{entity}</selectedEntity>"
    return {MEMBER.format(name): xml("PlatformEventChannelMember", inner)}


async def _deploy_member(deployer: Deployer, name: str, entity: str, channel: str = "ChangeEvents") -> list[str]:
    raw = zipped(_member(name, entity, channel), {"PlatformEventChannelMember": [name]})
    return (await deployer.deploy(raw)).problems


async def test_a_member_of_the_standard_channel_switches_change_events_on_and_off(deployer: Deployer, org: Org) -> None:
    name = "ChangeEvents_ContactChangeEvent"
    assert org.events.channels.members() == []
    assert await _deploy_member(deployer, name, "ContactChangeEvent") == []
    assert org.events.channels.members() == ["Contact"]
    assert "Contact" in org.storage.journal.watched
    gone = zipped({}, {}, destructiveChanges={"PlatformEventChannelMember": [name]})
    assert (await deployer.deploy(gone)).success
    assert org.events.channels.members() == []
    assert "Contact" not in org.storage.journal.watched


async def test_a_custom_channel_carries_custom_objects(rest: RestDeployer, org: Org) -> None:
    await rest.deploy(zipped(FILES, TYPES))
    assert org.events.channels.members("Sync__chn") == ["Contact"]
    assert await _deploy_member(rest, "Sync_chn_Log", "Sync_Log__ChangeEvent", "Sync__chn") == []
    assert org.events.channels.members("Sync__chn") == ["Contact", "Sync_Log__c"]


@pytest.mark.parametrize(
    ("entity", "channel", "problem"),
    [
        ("NopeChangeEvent", "ChangeEvents", "In field: selectedEntity - no change event named NopeChangeEvent found"),
        ("Contact", "ChangeEvents", "In field: selectedEntity - no change event named Contact found"),
        ("ContactChangeEvent", "Nope__chn", "In field: eventChannel - no PlatformEventChannel named Nope__chn found"),
    ],
)
async def test_a_member_names_a_channel_and_a_change_event(
    rest: RestDeployer, entity: str, channel: str, problem: str
) -> None:
    assert await _deploy_member(rest, "M", entity, channel) == [problem]


async def test_a_member_never_changes_and_five_objects_are_the_most(rest: RestDeployer, org: Org) -> None:
    assert await _deploy_member(rest, "M", "ContactChangeEvent") == []
    assert "can't be changed" in (await _deploy_member(rest, "M", "AccountChangeEvent"))[0]
    for number in range(4):
        note = xml("CustomObject", "<label>N</label><pluralLabel>Ns</pluralLabel>")
        await rest.deploy(zipped({f"objects/N{number}__c.object": note}, {"CustomObject": [f"N{number}__c"]}))
        assert await _deploy_member(rest, f"M{number}", f"N{number}__ChangeEvent") == []
    assert "maximum number" in (await _deploy_member(rest, "Sixth", "AccountChangeEvent"))[0]
    assert len(org.events.channels.selected) == 5


async def test_name_settings_bring_and_take_the_fields(deployer: Deployer, api: httpx.AsyncClient, org: Org) -> None:
    async def switch(on: bool) -> set[str]:
        inner = f"<enableMiddleName>{str(on).lower()}</enableMiddleName><enableNameSuffix>true</enableNameSuffix>"
        raw = zipped({"settings/Name.settings": xml("NameSettings", inner)}, {"Settings": ["Name"]})
        assert (await deployer.deploy(raw)).success
        return {one["name"] for one in (await api.get("/sobjects/Contact/describe")).json()["fields"]}

    assert {"MiddleName", "Suffix"} <= await switch(True)
    assert "MiddleName" not in await switch(False)
    assert "NameSuffix" in org.schema.features


async def test_name_settings_are_read_as_the_org_stands(soap: SoapDeployer, org: Org) -> None:
    org.enable("MiddleName")
    files, _ = await soap.retrieve({"Settings": ["Name"]})
    text = files["unpackaged/settings/Name.settings"].decode()
    assert "<enableMiddleName>true</enableMiddleName>" in text
    assert "<enableNameSuffix>false</enableNameSuffix>" in text


def _app(user: str, policy: str = "AllSelfAuthorized", more: str = "", certificate: str = "") -> bytes:
    files: dict[str, str | bytes] = {
        "externalClientApps/A.eca": FILES["externalClientApps/Sync_App.eca"],
        "extlClntAppGlobalOauthSets/A_g.ecaGlblOauth": app_part(
            "ExtlClntAppGlobalOauthSettings",
            f"<callbackUrl>https://e.com/cb</callbackUrl>{certificate}"
            "<consumerKey>KEY</consumerKey><consumerSecret>SECRET</consumerSecret>",
        ),
        "extlClntAppOauthSettings/A_o.ecaOauth": app_part(
            "ExtlClntAppOauthSettings", "<commaSeparatedOauthScopes>Api</commaSeparatedOauthScopes>"
        ),
        "extlClntAppOauthPolicies/A_p.ecaOauthPlcy": app_part(
            "ExtlClntAppOauthConfigurablePolicies",
            f"<clientCredentialsFlowUser>{user}</clientCredentialsFlowUser>{more}"
            f"<isClientCredentialsFlowEnabled>true</isClientCredentialsFlowEnabled>"
            f"<permittedUsersPolicyType>{policy}</permittedUsersPolicyType>",
        ),
    }
    named = {
        name: content.replace("Sync_App", "A") if isinstance(content, str) else content
        for name, content in files.items()
    }
    return zipped(
        named,
        {
            "ExternalClientApplication": ["A"],
            "ExtlClntAppGlobalOauthSettings": ["A_g"],
            "ExtlClntAppOauthSettings": ["A_o"],
            "ExtlClntAppOauthConfigurablePolicies": ["A_p"],
        },
    )


@pytest.mark.parametrize(
    "text", ["nonsense", "TUlJQg==", "-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----"]
)
async def test_a_certificate_that_holds_no_key_is_refused(deployer: Deployer, text: str) -> None:
    raw = _app("integration@example.org", certificate=f"<certificate>{text}</certificate>")
    assert "The certificate is not valid" in (await deployer.deploy(raw)).problems


async def _token(outside: httpx.AsyncClient) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": "KEY", "client_secret": "SECRET"}
    return await outside.post("/services/oauth2/token", data=form)


async def test_a_deployed_app_may_ask_for_tokens_until_it_is_destroyed(
    deployer: Deployer, outside: httpx.AsyncClient
) -> None:
    assert (await _token(outside)).status_code == 400
    assert (await deployer.deploy(_app("integration@example.org"))).problems == []
    answer = await _token(outside)
    assert (answer.status_code, answer.json()["scope"]) == (200, "api")
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await outside.get(f"{ROOT}/sobjects", headers=headers)).status_code == 200
    kinds = {
        "ExternalClientApplication": ["A"],
        "ExtlClntAppGlobalOauthSettings": ["A_g"],
        "ExtlClntAppOauthSettings": ["A_o"],
        "ExtlClntAppOauthConfigurablePolicies": ["A_p"],
    }
    assert (await deployer.deploy(zipped({}, {}, destructiveChanges=kinds))).problems == []
    assert (await _token(outside)).status_code == 400


async def test_an_app_needs_a_user_that_exists(rest: RestDeployer) -> None:
    result = await rest.deploy(_app("nobody@example.org"))
    assert result.problems == ["Enter a valid execution user for the OAuth client credentials flow."]
    odd = await rest.deploy(_app("integration@example.org", "AdminApproved"))
    assert odd.problems == ["'AdminApproved' is not a valid value for the enum 'PermittedUsersPolicyType'"]


async def test_an_app_for_some_is_open_to_those_with_its_permission_set(rest: RestDeployer, org: Org) -> None:
    sync = {"permissionsets/Sync.permissionset": xml("PermissionSet", "<label>Sync</label>")}
    await rest.deploy(zipped(sync, {"PermissionSet": ["Sync"]}))
    more = "<commaSeparatedPermissionSet>Sync</commaSeparatedPermissionSet>"
    result = await rest.deploy(_app("integration@example.org", "AdminApprovedPreAuthorized", more))
    assert result.problems == []
    assert org.auth.apps["KEY"].approved == frozenset()
    found = org.rows("PermissionSet")
    set_id = next(str(one["Id"]) for one in found if one["Name"] == "Sync")
    body = {"PermissionSetId": set_id, "AssigneeId": org.user_id}
    assert (await rest.api.post("/sobjects/PermissionSetAssignment", json=body)).status_code == 201
    assert org.auth.app("KEY", None).approved == frozenset({"integration@example.org"})


async def test_a_kept_database_holds_everything(tmp_path: Path, clock: ManualClock) -> None:
    def opened() -> tuple[Org, httpx.AsyncClient]:
        org = Org(seed=3, clock=clock, database=str(tmp_path / "org.db"), token=TOKEN)
        return org, httpx.AsyncClient(transport=httpx.ASGITransport(create_app(org)), base_url="http://emulated")

    first, http = opened()
    await SoapDeployer(http).deploy(zipped(FILES, TYPES))
    await SoapDeployer(http).deploy(_app("integration@example.org"))
    before, _ = await SoapDeployer(http).retrieve(TYPES)
    ids = {one.id for one in first.components.everything()}
    first.close()
    second, http = opened()
    assert (await SoapDeployer(http).retrieve(TYPES))[0] == before
    assert {one.id for one in second.components.everything()} == ids
    assert second.events.channels.members("Sync__chn") == ["Contact"]
    assert second.definition("Sync_Log__c").fields["contact__c"].reference_to == ("Contact",)
    assert (await _token(http)).status_code == 200
    tab = xml("CustomTab", "<label>T</label><motif>Custom57: Desert</motif><url>https://e.com</url>")
    made = await SoapDeployer(http).deploy(zipped({"tabs/T.tab": tab}, {"CustomTab": ["T"]}))
    assert made.passed["T"]["id"] not in ids
    second.close()


async def test_a_snapshot_put_back_is_the_org_as_it_was(
    rest: RestDeployer, soap: SoapDeployer, api: httpx.AsyncClient, org: Org
) -> None:
    steering = OrgSteering(org)
    empty = steering.snapshot()
    await rest.deploy(zipped(FILES, TYPES))
    full = steering.snapshot()
    steering.restore(empty)
    assert org.components.names("ApexPage") == []
    assert (await api.get("/sobjects/Sync_Log__c/describe")).status_code == 404
    steering.restore(full)
    assert (await api.get("/sobjects/Sync_Log__c/describe")).status_code == 200
    files, problems = await soap.retrieve(TYPES)
    assert (problems, files["unpackaged/pages/Panel.page"].decode()) == ([], FILES["pages/Panel.page"])
    steering.empty()
    assert (org.count("ApexPage"), org.count("FieldPermissions")) == (1, 1)


async def test_an_app_that_names_no_key_is_given_one_that_can_be_read(
    rest: RestDeployer, soap: SoapDeployer, org: Org
) -> None:
    await rest.deploy(zipped(FILES, TYPES))
    files, _ = await soap.retrieve({"ExtlClntAppGlobalOauthSettings": ["Sync_App_glbloauth"]})
    text = files["unpackaged/extlClntAppGlobalOauthSets/Sync_App_glbloauth.ecaGlblOauth"].decode()
    key = text.partition("<consumerKey>")[2].partition("<")[0]
    app = org.auth.apps[key]
    assert (app.requires_pkce, app.redirect_uris) == (True, ("https://sync.example.com/callback",))
    assert credentials(org, "Sync_App") == (key, app.client_secret)
    assert "consumerSecret" not in text
