"""Which handler answers which path, where no session is needed to come in."""

from __future__ import annotations

from hintsync_emulators.salesforce.web.router import Late, Route, late


def _outside(method: str, path: str, handler: Late, kind: str) -> Route:
    return Route(method, path, handler, kind, guarded=False, counted=False)


ROUTES = (
    _outside("GET", "/services/oauth2/authorize", late("authorize.show"), "oauth.authorize"),
    _outside("POST", "/services/oauth2/authorize", late("authorize.decide"), "oauth.authorize"),
    _outside("POST", "/services/oauth2/token", late("oauth.token"), "oauth.token"),
    _outside("POST", "/services/oauth2/revoke", late("oauth.revoke"), "oauth.revoke"),
    _outside("GET", "/services/oauth2/revoke", late("oauth.revoke"), "oauth.revoke.get"),
    _outside("POST", "/services/oauth2/introspect", late("oauth.introspect"), "oauth.introspect"),
    _outside("GET", "/services/oauth2/userinfo", late("identity.userinfo"), "oauth.userinfo"),
    _outside("POST", "/services/oauth2/userinfo", late("identity.userinfo"), "oauth.userinfo"),
    _outside("GET", "/.well-known/openid-configuration", late("identity.discovery"), "oauth.discovery"),
    _outside("GET", "/id/keys", late("identity.keys"), "oauth.keys"),
    _outside("GET", "/id/{org}/{user}", late("identity.identity"), "oauth.identity"),
    _outside("POST", "/services/Soap/u/{version}", late("soap_login.partner"), "soap.login"),
    _outside("POST", "/services/Soap/u/{version}/{org}", late("soap_login.partner"), "soap.login"),
    _outside("POST", "/services/Soap/c/{version}", late("soap_login.enterprise"), "soap.login.enterprise"),
    _outside("POST", "/services/Soap/c/{version}/{org}", late("soap_login.enterprise"), "soap.login.enterprise"),
)
