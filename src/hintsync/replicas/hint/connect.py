"""Connects a practice: exchanges its code for a token, activates and deactivates the connection.

The flow always starts inside Hint, which shows the code to the practice's administrator or appends it to our redirect
address; both documented forms of the partner routes are spoken, and a setting picks one
(https://developers.hint.com/docs/integration-activation).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import httpx

from hintsync.core.errors import BadInput, FixConfiguration, ReconnectNeeded
from hintsync.core.values import Side
from hintsync.replicas.hint.client import LIVE_URL, Answer, HintClient, Pace, record_path
from hintsync.replicas.hint.errors import Rejection

#: Without it the newer routes may answer 404 to partners pinned to an older version.
VERSION = (("Hint-Version", "marketplace_endpoints"),)


class Routes(StrEnum):
    """Which form of Hint's partner routes is used."""

    #: `/oauth/tokens`, `/integrations`.
    LEGACY = "legacy"
    #: `/partner/installations`, of API version 2026-07-01.
    INSTALLATIONS = "installations"


@dataclass(frozen=True, slots=True)
class PracticeToken:
    """What a code was exchanged for. Hint's tokens do not expire, so this one is kept encrypted."""

    token: str = field(repr=False)
    #: Id of the connection on the routes it was made by: `int-…` or `inst-…`.
    integration_id: str
    practice_id: str
    practice_name: str
    #: Hint's word, open-ended: active, connected, pending, requested, inactive, onboarding, deactivated.
    status: str


class Connector:
    """Speaks to Hint as the partner."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        partner_key: str,
        pace: Pace,
        *,
        base_url: str = LIVE_URL,
        routes: Routes = Routes.LEGACY,
    ) -> None:
        headers = VERSION if routes is Routes.INSTALLATIONS else ()
        self._client = HintClient(transport, partner_key, pace, base_url=base_url, extra_headers=headers)
        self._routes = routes

    async def connect(self, code: str, *, activate: bool = False) -> PracticeToken:
        """Exchange an authorization code, once; a code is good for one exchange and the request is never repeated.

        Args:
            code: as Hint showed it to the practice's administrator; white space around it is dropped.
            activate: activate the connection at once, so that webhooks flow. The token works before that, which lets
                the first import run first.

        Raises:
            BadInput: the code is empty, invalid or already used.
            UnknownOutcome: the reply was lost and the code may be used up: the administrator makes a new one.
            FixConfiguration: the partner key was refused.
        """
        code = code.strip()
        if not code:
            raise BadInput("authorization code: it is empty; copy it from Hint's integration page")
        body: dict[str, object] = {"code": code, "activate": activate}
        if self._routes is Routes.LEGACY:
            body["grant_type"] = "authorization_code"
        path = "/api/oauth/tokens" if self._routes is Routes.LEGACY else "/api/partner/installations/connect"
        answer = await self._post(path, body)
        if isinstance(answer, Rejection):
            # Hint documents no status or text for a bad code, so any rejection counts as one.
            raise BadInput("authorization code: invalid or already used; make a new one in Hint and enter that")
        return _practice_token(answer.record())

    async def activate(self, integration_id: str) -> str:
        """Let webhooks flow, and return the status that Hint shows then (repeating it is harmless)."""
        return await self._set_status(integration_id, "activate")

    async def deactivate(self, integration_id: str) -> str:
        """End the connection on Hint's side: its token is refused from now on. Return the status Hint shows."""
        return await self._set_status(integration_id, "deactivate")

    @property
    def calls(self) -> int:
        """Requests sent, repetitions included."""
        return self._client.calls

    async def _set_status(self, integration_id: str, verb: str) -> str:
        collection = "/api/integrations" if self._routes is Routes.LEGACY else "/api/partner/installations"
        answer = await self._post(f"{record_path(collection, integration_id)}/{verb}", None)
        if isinstance(answer, Rejection):
            raise FixConfiguration(
                f"hint: {verb} of connection {integration_id} was rejected with {answer.status}; "
                "the practice may have to finish the set-up in Hint first"
            )
        return str(answer.record().get("status") or "")

    async def _post(self, path: str, body: dict[str, object] | None) -> Answer | Rejection:
        try:
            return await self._client.post(path, body)
        except ReconnectNeeded:
            raise FixConfiguration("hint: the partner key was refused; check the setting") from None


def _practice_token(raw: dict[str, object]) -> PracticeToken:
    """Read either form of the answer: the newer one has no `access_token`, its token is the first live key's."""
    practice = raw.get("practice")
    token = raw.get("access_token") or _first_key(raw.get("api_keys"))
    if not isinstance(practice, dict) or not isinstance(token, str) or not token or not practice.get("id"):
        raise ReconnectNeeded(Side.HINT, "the answer to the authorization code shows no token or no practice")
    return PracticeToken(
        token=token,
        integration_id=str(raw.get("id") or ""),
        practice_id=str(practice["id"]),
        practice_name=str(practice.get("name") or ""),
        status=str(raw.get("status") or ""),
    )


def _first_key(keys: object) -> object:
    live = (
        [key for key in keys if isinstance(key, dict) and not key.get("deactivated_at")]
        if isinstance(keys, list)
        else []
    )
    return live[0].get("token") if live else None
