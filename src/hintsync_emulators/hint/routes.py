"""The table of routes: what is emulated, which credential opens it, and the kind under which its calls are counted."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from hintsync_emulators.hint import endpoint_routes as endpoints
from hintsync_emulators.hint import key_routes as keys
from hintsync_emulators.hint import partner_routes as partner
from hintsync_emulators.hint import provider_routes as provider
from hintsync_emulators.hint.http import Answer, Call
from hintsync_emulators.hint.partner_routes import Account
from hintsync_emulators.hint.practice import Practice

NOT_EMULATED = "not_emulated"


@dataclass(frozen=True, slots=True)
class ProviderRoute:
    """A route that a practice access token opens."""

    kind: str
    handle: Callable[[Practice, Call], Answer]


@dataclass(frozen=True, slots=True)
class PartnerRoute:
    """A route that the partner key opens."""

    kind: str
    handle: Callable[[Account, Call], Answer]
    #: Answers 404 to clients that do not name a version of the API.
    newer: bool = False


Route = ProviderRoute | PartnerRoute

_PATIENT = "/api/provider/patients/{id}"
_PRACTITIONER = "/api/provider/practitioners"
_INTEGRATION = "/api/integrations/{id}"
_INSTALLATION = "/api/partner/installations/{id}"

_PROVIDER_ROUTES: dict[tuple[str, str], ProviderRoute] = {
    ("GET", "/api/provider/patients"): ProviderRoute("patients.list", provider.list_patients),
    ("POST", "/api/provider/patients"): ProviderRoute("patients.create", provider.create_patient),
    ("POST", "/api/provider/patients/matching"): ProviderRoute("patients.matching", provider.match_patients),
    ("GET", _PATIENT): ProviderRoute("patients.show", provider.show_patient),
    ("PATCH", _PATIENT): ProviderRoute("patients.update", provider.update_patient),
    ("PUT", _PATIENT): ProviderRoute("patients.update", provider.update_patient),
    ("DELETE", _PATIENT): ProviderRoute("patients.delete", provider.delete_patient),
    ("GET", f"{_PATIENT}/integration_records"): ProviderRoute("patients.records", provider.integration_records),
    ("GET", _PRACTITIONER): ProviderRoute("practitioners.list", provider.list_practitioners),
    ("POST", _PRACTITIONER): ProviderRoute("practitioners.create", provider.create_practitioner),
    ("GET", f"{_PRACTITIONER}/{{id}}"): ProviderRoute("practitioners.show", provider.show_practitioner),
    ("PATCH", f"{_PRACTITIONER}/{{id}}"): ProviderRoute("practitioners.update", provider.update_practitioner),
    ("DELETE", f"{_PRACTITIONER}/{{id}}"): ProviderRoute("practitioners.delete", provider.delete_practitioner),
    ("GET", "/api/provider/practice"): ProviderRoute("practice.show", provider.show_practice),
    ("PATCH", "/api/provider/practice"): ProviderRoute("practice.update", provider.update_practice),
    ("PUT", "/api/provider/practice"): ProviderRoute("practice.update", provider.update_practice),
}

_PARTNER_ROUTES: dict[tuple[str, str], PartnerRoute] = {
    ("POST", "/api/oauth/tokens"): PartnerRoute("oauth.exchange", partner.exchange_legacy),
    ("GET", "/api/integrations"): PartnerRoute("integrations.list", partner.list_integrations),
    ("GET", _INTEGRATION): PartnerRoute("integrations.show", partner.show_integration),
    ("PATCH", _INTEGRATION): PartnerRoute("integrations.update", partner.update_integration),
    ("POST", f"{_INTEGRATION}/activate"): PartnerRoute(
        "integrations.activate", partner.set_status("active", partner.integration_json)
    ),
    ("POST", f"{_INTEGRATION}/deactivate"): PartnerRoute(
        "integrations.deactivate", partner.set_status("deactivated", partner.integration_json)
    ),
    ("GET", "/api/partner"): PartnerRoute("partner.show", partner.show_partner),
    ("PATCH", "/api/partner"): PartnerRoute("partner.update", partner.update_partner),
    ("GET", "/api/partner/webhook_events"): PartnerRoute("webhooks.events", endpoints.webhook_events),
    ("GET", "/api/partner/webhook_requests"): PartnerRoute("webhooks.requests", endpoints.webhook_requests),
    ("POST", "/api/partner/installations/connect"): PartnerRoute(
        "installations.connect", partner.exchange_newer, newer=True
    ),
    ("GET", "/api/partner/installations"): PartnerRoute("installations.list", partner.list_installations, newer=True),
    ("GET", _INSTALLATION): PartnerRoute("installations.show", partner.show_installation, newer=True),
    ("POST", f"{_INSTALLATION}/activate"): PartnerRoute(
        "installations.activate", partner.set_status("active", partner.installation_json), newer=True
    ),
    ("POST", f"{_INSTALLATION}/deactivate"): PartnerRoute(
        "installations.deactivate", partner.set_status("deactivated", partner.installation_json), newer=True
    ),
    ("GET", f"{_INSTALLATION}/api_keys"): PartnerRoute("installation_keys.list", keys.list_keys, newer=True),
    ("POST", f"{_INSTALLATION}/api_keys"): PartnerRoute("installation_keys.create", keys.create_key, newer=True),
    ("PATCH", f"{_INSTALLATION}/api_keys/{{id}}"): PartnerRoute(
        "installation_keys.update", keys.update_key, newer=True
    ),
    ("DELETE", f"{_INSTALLATION}/api_keys/{{id}}"): PartnerRoute(
        "installation_keys.delete", keys.delete_key, newer=True
    ),
    ("GET", "/api/partner/api_keys"): PartnerRoute("partner_keys.list", keys.list_partner_keys, newer=True),
    ("POST", "/api/partner/api_keys"): PartnerRoute("partner_keys.create", keys.create_partner_key, newer=True),
    ("GET", "/api/partner/backends"): PartnerRoute("backends.list", keys.list_backends, newer=True),
    ("GET", "/api/partner/backends/{id}"): PartnerRoute("backends.show", keys.show_backend, newer=True),
    ("PATCH", "/api/partner/backends/{id}"): PartnerRoute("backends.update", keys.update_backend, newer=True),
}


def _endpoint_routes(base: str, *, of_connection: bool, newer: bool) -> dict[tuple[str, str], PartnerRoute]:
    handlers = endpoints.EndpointRoutes(of_connection=of_connection, newer=newer)
    one = f"{base}/{{id}}"
    table: dict[tuple[str, str], tuple[str, endpoints.Handler]] = {
        ("GET", base): ("list", handlers.listing),
        ("POST", base): ("create", handlers.create),
        ("PATCH", one): ("update", handlers.update),
        ("DELETE", one): ("delete", handlers.delete),
    }
    if not newer:
        table["GET", one] = ("show", handlers.show)
    return {key: PartnerRoute(f"webhook_endpoints.{verb}", handle, newer) for key, (verb, handle) in table.items()}


ROUTES: dict[tuple[str, str], Route] = {
    **_PROVIDER_ROUTES,
    **_PARTNER_ROUTES,
    **_endpoint_routes("/api/global_webhook_endpoints", of_connection=False, newer=False),
    **_endpoint_routes(f"{_INTEGRATION}/webhook_endpoints", of_connection=True, newer=False),
    **_endpoint_routes("/api/partner/webhook_endpoints", of_connection=False, newer=True),
    **_endpoint_routes(f"{_INSTALLATION}/webhook_endpoints", of_connection=True, newer=True),
}


def resolve(method: str, path: str) -> tuple[Route | None, tuple[str, ...]]:
    """Finds the route of a call and the variable parts of its path; a fixed path goes before a variable one.

    Args:
        path: as it was sent: ``%2F`` inside an id does not part it.
    """
    path = path.rstrip("/")
    route = ROUTES.get((method, path))
    if route is not None:
        return route, ()
    front, _, last = path.rpartition("/")
    route = ROUTES.get((method, f"{front}/{{id}}"))
    if route is not None:
        return route, (unquote(last),)
    base, _, middle = front.rpartition("/")
    route = ROUTES.get((method, f"{base}/{{id}}/{last}"))
    if route is not None:
        return route, (unquote(middle),)
    root, _, first = base.rpartition("/")
    return ROUTES.get((method, f"{root}/{{id}}/{middle}/{{id}}")), (unquote(first), unquote(last))


def classify(method: str, path: str) -> str:
    """Names the kind of a call, for instance ``patients.list``."""
    route, _ = resolve(method, path)
    return route.kind if route else NOT_EMULATED
