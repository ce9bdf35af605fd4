"""Which handler answers which path, where no session is needed to come in."""

from __future__ import annotations

from hintsync_emulators.salesforce.responses import authorize, identity, oauth, soap_login
from hintsync_emulators.salesforce.web.router import Handler, Route


def _outside(method: str, path: str, handler: Handler, kind: str) -> Route:
    return Route(method, path, handler, kind, guarded=False, counted=False)


ROUTES = (
    _outside("GET", "/services/oauth2/authorize", authorize.show, "oauth.authorize"),
    _outside("POST", "/services/oauth2/authorize", authorize.decide, "oauth.authorize"),
    _outside("POST", "/services/oauth2/token", oauth.token, "oauth.token"),
    _outside("POST", "/services/oauth2/revoke", oauth.revoke, "oauth.revoke"),
    _outside("GET", "/services/oauth2/revoke", oauth.revoke, "oauth.revoke.get"),
    _outside("POST", "/services/oauth2/introspect", oauth.introspect, "oauth.introspect"),
    _outside("GET", "/services/oauth2/userinfo", identity.userinfo, "oauth.userinfo"),
    _outside("POST", "/services/oauth2/userinfo", identity.userinfo, "oauth.userinfo"),
    _outside("GET", "/.well-known/openid-configuration", identity.discovery, "oauth.discovery"),
    _outside("GET", "/id/keys", identity.keys, "oauth.keys"),
    _outside("GET", "/id/{org}/{user}", identity.identity, "oauth.identity"),
    _outside("POST", "/services/Soap/u/{version}", soap_login.partner, "soap.login"),
    _outside("POST", "/services/Soap/u/{version}/{org}", soap_login.partner, "soap.login"),
    _outside("POST", "/services/Soap/c/{version}", soap_login.enterprise, "soap.login.enterprise"),
    _outside("POST", "/services/Soap/c/{version}/{org}", soap_login.enterprise, "soap.login.enterprise"),
)
