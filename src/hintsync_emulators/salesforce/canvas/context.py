"""What a signed request says (Canvas Developer Guide, "CanvasRequest" and the objects in it)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.canvas.signing import signed_request
from hintsync_emulators.salesforce.canvas.visit import ROOT, Visit
from hintsync_emulators.salesforce.web.versions import LAST_VERSION

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

_API = f"{LAST_VERSION}.0"
#: Three versions a year; version 66 came in spring.
_SEASONS = ("SPRING", "SUMMER", "WINTER")
_DAY = 86_400
#: Frame of a publisher action, and of any other place, in pixels.
_PUBLISHER, _FRAME = (522, 500), (800, 900)
#: The largest that an app may ask for.
_LARGEST = (1000, 2000)


def open_app(org: Org, visit: Visit) -> str:
    """Begin a session for an app and return the signed request that carries it.

    The faults of the org's canvas are applied and counted here.
    """
    wrong = org.canvas.faults.take()
    text = signed_request(
        envelope(org, visit, _organization_id(org, wrong), _issued(org, wrong)), _secret(visit, wrong)
    )
    return text[: len(text) // 2] if "truncated" in wrong else text


def envelope(org: Org, visit: Visit, org_id: str, issued_at: int | None) -> dict[str, object]:
    """Return the whole content, with tokens that were not there before."""
    return {
        "algorithm": "HMACSHA256",
        "issuedAt": issued_at,
        "userId": visit.user_id,
        "client": _client(org, visit),
        "context": {
            "user": _user(visit),
            "links": _links(visit, org_id),
            "application": _application(visit),
            "organization": _organization(org, org_id),
            "environment": _environment(visit),
        },
    }


def _organization_id(org: Org, wrong: frozenset[str]) -> str:
    """Return the org's id, or one like it that belongs to nobody here."""
    if "other_org" not in wrong:
        return org.org_id
    last = "A" if org.org_id[14] != "A" else "B"
    return ids.to_18(org.org_id[:14] + last)


def _issued(org: Org, wrong: frozenset[str]) -> int | None:
    """Return epoch milliseconds; the guide keeps the field for internal use, and its samples hold null."""
    return int((org.auth.now() - _DAY) * 1000) if "old" in wrong else None


def _secret(visit: Visit, wrong: frozenset[str]) -> str:
    secret = visit.client.client_secret
    return f"not-{secret}" if "wrong_secret" in wrong else secret


def _client(org: Org, visit: Visit) -> dict[str, object]:
    """Return the tokens; the one that refreshes is there only if the app's scope allows it."""
    session = org.auth.issue(visit.user_id, visit.client.client_id, scope=visit.client.scope)
    found: dict[str, object] = {
        "instanceId": f"_:{visit.app.name}:emulated",
        "targetOrigin": visit.origin,
        "instanceUrl": visit.origin,
        "oauthToken": session.token,
    }
    if session.may("refresh_token"):
        found["refreshToken"] = org.auth.issue_refresh(session)
    return found


def _user(visit: Visit) -> dict[str, object]:
    user = visit.user
    return {
        "userId": visit.user_id,
        "userName": user["Username"],
        "firstName": user["FirstName"],
        "lastName": user["LastName"],
        "fullName": user["Name"],
        "email": user["Email"],
        "language": user["LanguageLocaleKey"],
        "locale": user["LocaleSidKey"],
        "timeZone": user["TimeZoneSidKey"],
        "profileId": str(user["ProfileId"])[:15],
        "roleId": None,
        "userType": str(user["UserType"]).upper(),
        "currencyISOCode": "USD",
        "accessibilityModeEnabled": False,
        "isDefaultNetwork": True,
        "networkId": None,
        "siteUrl": None,
        "siteUrlPrefix": None,
        "profilePhotoUrl": f"{visit.origin}/profilephoto/005/F",
        "profileThumbnailUrl": f"{visit.origin}/profilephoto/005/T",
    }


def _links(visit: Visit, org_id: str) -> dict[str, object]:
    """Return where the APIs are, below the instance."""
    chatter = f"{ROOT}/chatter"
    return {
        "loginUrl": visit.origin,
        "restUrl": f"{ROOT}/",
        "sobjectUrl": f"{ROOT}/sobjects/",
        "queryUrl": f"{ROOT}/query/",
        "searchUrl": f"{ROOT}/search/",
        "recentItemsUrl": f"{ROOT}/recent/",
        "userUrl": f"/{visit.user_id}",
        "metadataUrl": f"/services/Soap/m/{_API}/{org_id[:15]}",
        "enterpriseUrl": f"/services/Soap/c/{_API}/{org_id[:15]}",
        "partnerUrl": f"/services/Soap/u/{_API}/{org_id[:15]}",
        "chatterFeedsUrl": f"{chatter}/feeds",
        "chatterFeedItemsUrl": f"{chatter}/feed-items",
        "chatterGroupsUrl": f"{chatter}/groups",
        "chatterUsersUrl": f"{chatter}/users",
    }


def _application(visit: Visit) -> dict[str, object]:
    app = visit.app
    return {
        "applicationId": app.application_id,
        "name": app.label,
        "developerName": app.name,
        "namespace": "",
        "canvasUrl": app.url,
        "authType": "SIGNED_REQUEST",
        "referenceId": app.reference_id,
        "version": "1.0",
        "options": list(app.options),
        "samlInitiationMethod": app.saml,
        "isInstalledPersonalApp": False,
    }


def _organization(org: Org, org_id: str) -> dict[str, object]:
    return {
        "organizationId": org_id,
        "name": org.raw("Organization", org.org_id)["Name"],
        "namespacePrefix": None,
        "multicurrencyEnabled": False,
        "currencyIsoCode": "USD",
    }


def _environment(visit: Visit) -> dict[str, object]:
    return {
        "displayLocation": visit.location,
        "subLocation": None,
        "locationUrl": _address(visit),
        "uiTheme": visit.theme,
        "parameters": visit.parameters,
        "record": visit.record,
        "dimensions": _dimensions(visit),
        "version": {"api": _API, "season": _SEASONS[LAST_VERSION % 3]},
    }


def _address(visit: Visit) -> str:
    """Return the address of the page in Salesforce that the app is part of."""
    record_id, attributes = visit.record.get("Id", ""), visit.record.get("attributes")
    if visit.theme == "Theme3":
        return f"{visit.origin}/{record_id or 'home/home.jsp'}"
    if not isinstance(attributes, Mapping):
        return f"{visit.origin}/lightning/page/home"
    return f"{visit.origin}/lightning/r/{attributes['type']}/{record_id}/view"


def _dimensions(visit: Visit) -> dict[str, str]:
    width, height = visit.size or frame(visit.location)
    largest = _PUBLISHER if visit.location == "Publisher" else _LARGEST
    return {
        "width": f"{width}px",
        "height": f"{height}px",
        "maxWidth": f"{largest[0]}px",
        "maxHeight": f"{largest[1]}px",
        "clientWidth": f"{width}px",
        "clientHeight": f"{height}px",
    }


def frame(location: str) -> tuple[int, int]:
    """Return how wide and how high a place shows an app, in pixels."""
    return _PUBLISHER if location == "Publisher" else _FRAME
