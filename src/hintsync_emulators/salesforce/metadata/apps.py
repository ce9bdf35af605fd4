"""External client apps: files that together make a client that may ask for tokens."""

from __future__ import annotations

import random
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from hintsync_emulators.salesforce.assertions import read_public_key
from hintsync_emulators.salesforce.auth import App
from hintsync_emulators.salesforce.metadata.pages import need
from hintsync_emulators.salesforce.metadata.permissions import profile_of
from hintsync_emulators.salesforce.metadata.piece import Piece, Problem
from hintsync_emulators.salesforce.metadata.store import Component
from hintsync_emulators.salesforce.metadata.xml import Node, document, leaf, parse

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

_STATES = ("Local", "Packaged", "Managed", "AutoInstalled")
_ACCESS = ("Get", "Post")
_LOCATIONS = (
    "Aura", "ChatterFeed", "MobileNav", "None", "PageLayout", "Publisher", "Visualforce",
)  # fmt: skip
#: Names of scopes as metadata writes them -> as OAuth does; others are written in small letters.
_SCOPES = {"Basic": "id", "RefreshToken": "refresh_token", "OfflineAccess": "offline_access", "OpenID": "openid"}
#: Only users to whom an administrator has opened the app may use it.
PREAUTHORIZED = "AdminApprovedPreAuthorized"
_BY_SET = """
    SELECT u.Username FROM "User" u JOIN PermissionSetAssignment a ON a.AssigneeId = u.Id
    JOIN PermissionSet p ON p.Id = a.PermissionSetId WHERE p.Name IN (SELECT value FROM json_each(?))
"""
_BY_PROFILE = """
    SELECT Username FROM "User" WHERE ProfileId IN (SELECT value FROM json_each(?))
"""
_KEY_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"
_PEM = "-----BEGIN"
#: Elements that stay as they are when a deployment leaves them out.
_CREDENTIALS = ("consumerKey", "consumerSecret")


def check_app(org: Org, piece: Piece) -> None:
    """Check the header of an external client app."""
    state = piece.node.value("distributionState")
    if state is not None and state not in _STATES:
        raise Problem(f"'{state}' is not a valid value for the enum 'ExtlClntAppDistState'", piece.node.line)
    for tag in ("label", "contactEmail"):
        if piece.node.value(tag) is None:
            raise Problem(f"Required field is missing: {tag}", piece.node.line)


def check_part(org: Org, piece: Piece) -> None:
    """Check that the app exists which a settings or policies file belongs to."""
    need(
        org,
        "ExternalClientApplication",
        piece.node.value("externalClientApplication"),
        "externalClientApplication",
        piece.node,
    )


def check_global_settings(org: Org, piece: Piece) -> None:
    """Check the certificate whose owner may ask for tokens."""
    check_part(org, piece)
    certificate = piece.node.value("certificate")
    if certificate is None:
        return
    try:
        read_public_key(_pem(certificate))
    except (ValueError, TypeError):
        found = piece.node.find("certificate") or piece.node
        raise Problem("The certificate is not valid", found.line, found.column) from None


def check_policies(org: Org, piece: Piece) -> None:
    """Check the user whom client-credentials tokens act as, and the permission sets and profiles it is open to."""
    check_part(org, piece)
    policy = piece.node.value("permittedUsersPolicyType")
    if policy not in (None, PREAUTHORIZED, "AllSelfAuthorized"):
        raise Problem(f"'{policy}' is not a valid value for the enum 'PermittedUsersPolicyType'", piece.node.line)
    for name in names(piece.node, "commaSeparatedPermissionSet"):
        need(org, "PermissionSet", name, "commaSeparatedPermissionSet", piece.node)
    for name in names(piece.node, "commaSeparatedProfile"):
        if profile_of(org, name) is None:
            raise Problem(f"In field: commaSeparatedProfile - no Profile named {name} found", piece.node.line)
    if piece.node.flag("isClientCredentialsFlowEnabled"):
        user = piece.node.value("clientCredentialsFlowUser")
        if not user or not org.storage.ids_where("User", "Username", user, live_only=False):
            raise Problem("Enter a valid execution user for the OAuth client credentials flow.")


def check_canvas(org: Org, piece: Piece) -> None:
    """Check how and where a canvas app is shown."""
    check_part(org, piece)
    node = piece.node
    if node.value("accessMethod") not in _ACCESS:
        raise Problem(f"'{node.value('accessMethod')}' is not a valid value for the enum 'AccessMethod'", node.line)
    if node.value("canvasUrl") is None:
        raise Problem("Required field is missing: canvasUrl", node.line)
    for location in node.values("canvasLocationOptions"):
        if location not in _LOCATIONS:
            raise Problem(f"'{location}' is not a valid value for the enum 'CanvasLocationOptions'", node.line)


def remove_app(org: Org, name: str) -> None:
    """Refuse to remove the header of an app whose other files are still there."""
    for kind, found in _parts(org, name):
        raise Problem(f"This external client app is referenced elsewhere: {kind} - {found.name}")


def _parts(org: Org, app: str) -> list[tuple[str, Component]]:
    return [
        (one.kind, one)
        for one in org.components.everything()
        if one.kind.startswith("ExtlClntApp") and parse(one.xml).value("externalClientApplication") == app
    ]


def register_apps(org: Org) -> None:
    """Let the deployed apps ask for tokens, each as its files say, and those that are gone no more."""
    found = [client_of(org, name) for name in org.components.names("ExternalClientApplication")]
    made = {app.client_id: app for app in found if app is not None}
    for client_id in org.deployed_apps - set(made):
        org.auth.apps.pop(client_id, None)
    org.auth.register(made.values())
    org.deployed_apps = frozenset(made)


def client_of(org: Org, name: str) -> App | None:
    """Return the client that an app's files make; None while it has no global OAuth settings."""
    files = {kind: parse(one.xml) for kind, one in _parts(org, name)}
    settings = files.get("ExtlClntAppGlobalOauthSettings")
    if settings is None:
        return None
    policies = files.get("ExtlClntAppOauthConfigurablePolicies", Node("none"))
    key, secret = credentials(org, name)
    certificate = settings.value("certificate")
    return App(
        client_id=settings.value("consumerKey") or key,
        client_secret=settings.value("consumerSecret") or secret,
        run_as=_run_as(settings, policies),
        certificate=_pem(certificate) if certificate else None,
        approved=_approved(org, policies),
        rotate=settings.flag("isRefreshTokenRotationEnabled"),
        scope=_scope(files.get("ExtlClntAppOauthSettings", Node("none"))),
        redirect_uris=tuple((settings.value("callbackUrl") or "").split()),
        requires_secret=not settings.flag("isConsumerSecretOptional"),
        requires_pkce=settings.flag("isPkceRequired"),
    )


def keyed(org: Org, piece: Piece) -> Piece:
    """Return global OAuth settings with a consumer key: those that name none keep theirs, or get one from the org."""
    if org.takes_consumer_keys and piece.node.value("consumerKey") is not None:
        return piece
    known = org.components.get(piece.kind, piece.name)
    kept = {one.tag: one for one in parse(known.xml).children if one.tag in _CREDENTIALS} if known else {}
    key, _ = credentials(org, piece.node.value("externalClientApplication") or "")
    kept.setdefault("consumerKey", leaf("consumerKey", key))
    children = [*(one for one in piece.node.children if one.tag not in _CREDENTIALS), *kept.values()]
    children.sort(key=lambda one: one.tag)
    return replace(piece, xml=document(piece.kind, children))


def credentials(org: Org, name: str) -> tuple[str, str]:
    """Return the consumer key and secret that the org makes up for an app that names none: always the same."""
    chance = random.Random(f"{org.org_id} {name}")
    key = "3MVG9" + "".join(chance.choices(_KEY_ALPHABET, k=80))
    return key, "".join(chance.choices("0123456789ABCDEF", k=64))


def _run_as(settings: Node, policies: Node) -> str | None:
    if policies.find("isClientCredentialsFlowEnabled") is not None:
        allowed = policies.flag("isClientCredentialsFlowEnabled")
    else:
        allowed = settings.flag("isClientCredentialsFlowEnabled")
    return policies.value("clientCredentialsFlowUser") if allowed else None


def _approved(org: Org, policies: Node) -> frozenset[str] | None:
    """Return the users to whom the app is open, by the permission sets and profiles it names; None for everybody."""
    if policies.value("permittedUsersPolicyType") != PREAUTHORIZED:
        return None
    profiles = [profile_of(org, name) for name in names(policies, "commaSeparatedProfile")]
    found = [
        *org.storage.rows(_BY_SET, (orjson.dumps(names(policies, "commaSeparatedPermissionSet")).decode(),)),
        *org.storage.rows(_BY_PROFILE, (orjson.dumps(profiles).decode(),)),
    ]
    return frozenset(str(row[0]) for row in found)


def names(node: Node, tag: str) -> list[str]:
    """Return the names of a list that is separated by commas."""
    return [one.strip() for one in (node.value(tag) or "").split(",") if one.strip()]


def _scope(settings: Node) -> str:
    return " ".join(_SCOPES.get(one, one.lower()) for one in names(settings, "commaSeparatedOauthScopes"))


def _pem(certificate: str) -> str:
    """Return a certificate as PEM; metadata may hold its base64 text alone."""
    if certificate.startswith(_PEM):
        return certificate
    body = "\n".join(textwrap.wrap("".join(certificate.split()), 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
