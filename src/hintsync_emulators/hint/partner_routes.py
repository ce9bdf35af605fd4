"""The routes that the partner key opens: exchange of codes, connections, webhook endpoints.

Sources: https://developers.hint.com/reference, OAuth, Integration, GlobalWebhookEndpoint and the newer partner
endpoints of version 2026-07-01. Old and new routes show the same connection under two ids.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hintsync_emulators.hint.errors import HintError, not_found, validation_failed
from hintsync_emulators.hint.http import Answer, Call, answer
from hintsync_emulators.hint.listing import Listing
from hintsync_emulators.hint.partner import Partner
from hintsync_emulators.hint.practice import Practice
from hintsync_emulators.hint.switches import Switches

#: What the older routes call the states of a connection.
_LEGACY_STATUS = {"deactivated": "inactive"}


@dataclass(frozen=True, slots=True)
class Account:
    """The partner with the practices that are connected to him."""

    partner: Partner
    practices: Sequence[Practice]

    def find(self, connection_id: str) -> Practice:
        """Finds a practice by either id of its connection.

        Raises:
            HintError: 404.
        """
        for practice in self.practices:
            if connection_id in (practice.installation.id, practice.installation.integration_id):
                return practice
        raise not_found("Integration")

    @property
    def switches(self) -> Switches:
        """Which Hint this is, for what is no practice's own matter."""
        return self.practices[0].switches


def exchange_legacy(account: Account, call: Call) -> Answer:
    body = call.body()
    if body.get("grant_type") != "authorization_code":
        raise HintError(400, "Invalid grant_type")
    practice = _exchange(account, body)
    token = practice.token
    return answer(
        {
            **integration_json(practice),
            "access_token": token,
            "activated_by": {"id": account.partner.ids.new("user"), "name": "Alex Office", "email": "alex@example.com"},
            "api_keys": [
                {"deactivated_at": None, "description": account.partner.name, "last_used_at": None, "token": token}
            ],
        }
    )


def exchange_newer(account: Account, call: Call) -> Answer:
    practice = _exchange(account, call.body())
    live_first = sorted(practice.installation.keys, key=lambda key: key.deactivated_at is not None)
    keys = [key.to_json(with_token=True) for key in live_first]
    return answer({**installation_json(practice), "api_keys": keys})


def _exchange(account: Account, body: dict[str, object]) -> Practice:
    code, activate = body.get("code"), body.get("activate", True)
    if not code:
        raise validation_failed(["Code can't be blank"])
    for practice in account.practices:
        if isinstance(code, str) and code in practice.installation.codes:
            account.partner.exchange(practice.installation, code, activate=activate not in (False, "false"))
            return practice
    raise HintError(account.switches.bad_code_status, "Validation failed: Code is invalid")


def list_integrations(account: Account, call: Call) -> Answer:
    return _INTEGRATIONS.legacy_answer(call, account.practices, account.switches)


def show_integration(account: Account, call: Call) -> Answer:
    return answer(integration_json(account.find(call.ids[0])))


def update_integration(account: Account, call: Call) -> Answer:
    practice = account.find(call.ids[0])
    body = call.body()
    if "webhook_url_override" in body:
        connection = practice.installation
        connection.override = account.partner.replaced(connection.override, body["webhook_url_override"])
    return answer(integration_json(practice))


def list_installations(account: Account, call: Call) -> Answer:
    return _INSTALLATIONS.answer(call, account.practices, account.switches)


def show_installation(account: Account, call: Call) -> Answer:
    return answer(installation_json(account.find(call.ids[0])))


def set_status(status: str, show: Callable[[Practice], dict[str, object]]) -> Callable[[Account, Call], Answer]:
    """Returns the route that activates or deactivates a connection."""

    def route(account: Account, call: Call) -> Answer:
        practice = account.find(call.ids[0])
        practice.set_status(status, by_api=True)
        return answer(show(practice))

    return route


def integration_json(practice: Practice) -> dict[str, object]:
    """Returns a connection as the older routes show it."""
    connection = practice.installation
    return {
        "id": connection.integration_id,
        "expires_in": None,
        "refresh_token": None,
        "status": _LEGACY_STATUS.get(connection.status, connection.status),
        "token_type": "bearer",
        "webhook_url_default": connection.webhook_url_default,
        "webhook_url_override": connection.override.webhook_url if connection.override else None,
        "practice": _practice(practice),
        "product": product_json(practice.partner),
    }


def installation_json(practice: Practice) -> dict[str, object]:
    """Returns a connection as the newer routes show it."""
    connection = practice.installation
    return {
        "id": connection.id,
        "auto_grant_partner_app_access": True,
        "default_partner_app_admin_role": None,
        "default_partner_app_non_admin_role": None,
        "status": connection.status,
        "practice": _practice(practice),
        "product": product_json(practice.partner),
    }


#: The older list, which documents neither paging nor filters.
_INTEGRATIONS: Listing[Practice] = Listing(integration_json, {})
_INSTALLATIONS: Listing[Practice] = Listing(
    installation_json,
    {
        "status": lambda practice: practice.installation.status,
        "created_at": lambda practice: practice.installation.created_at,
        "partner_product": lambda practice: practice.partner.product_id,
    },
)


def _practice(practice: Practice) -> dict[str, object]:
    return {"id": practice.id, "name": practice.profile["name"]}


def product_json(partner: Partner) -> dict[str, object]:
    return {"id": partner.product_id, "name": partner.name, "slug": "-".join(partner.name.lower().split())}


def show_partner(account: Account, call: Call) -> Answer:
    partner = account.partner
    oldest = partner.oldest_endpoint
    return answer({"id": partner.id, "name": partner.name, "webhook_url": oldest.webhook_url if oldest else None})


def update_partner(account: Account, call: Call) -> Answer:
    body = call.body()
    wrapped = body.get("partner")
    values = wrapped if isinstance(wrapped, dict) else body
    if "webhook_url" in values:
        account.partner.oldest_endpoint = account.partner.replaced(
            account.partner.oldest_endpoint, values["webhook_url"]
        )
    return show_partner(account, call)
