"""What the tests of webhooks say often."""

import httpx

from hintsync_emulators.hint import Practice

GLOBAL = "/api/global_webhook_endpoints"


async def register(partner_api: httpx.AsyncClient, base: str = GLOBAL, **more: object) -> str:
    body = {"webhook_url": "https://example.com/hook", **more}
    return str((await partner_api.post(base, json=body)).raise_for_status().json()["id"])


def person(practice: Practice, name: str = "Ada") -> str:
    return practice.create_patient(first_name=name, last_name="Moor")
