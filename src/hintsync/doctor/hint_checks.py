"""The checks of a connection's practice, and of the way that Hint's webhooks take."""

from __future__ import annotations

from typing import Final

from hintsync.doctor.check import OUR_CLOCK, Area, Check

_HINT, _WEBHOOKS = Area.HINT, Area.WEBHOOKS

HINT_CHECKS: Final = (
    Check(
        "hint-token",
        _HINT,
        "Hint lets us in",
        "One harmless question with the practice's token is answered.",
        {
            "absent": "Connect the practice: in Salesforce, tab Hint Health, page Connection, paste the code that Hint shows; "
            "or run hintsync connect NAME --hint-code.",
            "refused": "Connect the practice again: page Connection with a new code from Hint (Admin, Integrations), "
            "or hintsync connect NAME --hint-code.",
        },
    ),
    Check(
        "hint-pin",
        _HINT,
        "The pinned practice",
        "The practice that answers is the one that the connection was made with (guard G1).",
        {"other": "Connect with a code of the pinned practice. Another practice is another connection."},
    ),
    Check(
        "hint-clock",
        _HINT,
        "Clock against Hint",
        "The time in Hint's answers and our own differ by at most 30 seconds.",
        {"off": OUR_CLOCK, "far": OUR_CLOCK},
    ),
    Check(
        "hint-calls",
        _HINT,
        "API calls to Hint",
        "What is left of the partner account's calls of today (UTC) is more than our reserve.",
        {
            "low": "Batches and the nightly comparison wait until midnight UTC by themselves. Other practices of the "
            "partner account share the day's calls.",
            "spent": "Nothing can be read or written until midnight UTC; nothing is lost. Ask Hint for a larger allowance.",
        },
    ),
    Check(
        "hint-integration",
        _HINT,
        "Integration in Hint",
        "Hint knows the practice's integration with our partner account, and it is active.",
        {
            "gone": "Connect the practice again: page Connection with a new code from Hint (Admin, Integrations).",
            "inactive": "Page Connection, Activate; or in Hint: Admin, Integrations. Webhooks come only while it is active.",
        },
    ),
)

WEBHOOK_CHECKS: Final = (
    Check(
        "webhook-address",
        _WEBHOOKS,
        "Webhook address",
        "Hint sends this practice's webhooks to the address of ours that was registered.",
        {
            "unregistered": "Run hintsync webhook --update, or page Webhook, Update Webhook. Until then Hint is polled.",
            "gone": "Hint no longer has our address. Run hintsync webhook --update.",
            "elsewhere": "The registered address is not below HINTSYNC_PUBLIC_URL. Run hintsync webhook --update, "
            "or correct the setting.",
        },
    ),
    Check(
        "webhook-reach",
        _WEBHOOKS,
        "Way to the webhook address",
        "Asked from here, through DNS and TLS, the address is answered by this very installation.",
        {
            "bad-address": "Set HINTSYNC_PUBLIC_URL to an https:// address, then hintsync webhook --update.",
            "no-such-host": "Enter the name in DNS, or correct HINTSYNC_PUBLIC_URL.",
            "no-connection": "Start the service and the proxy in front of it; open port 443 in the firewall.",
            "bad-certificate": "Get a certificate for that name from an authority that everybody trusts; Caddy does so by itself.",
            "no-answer": "See whether the proxy reaches the service (HINTSYNC_LISTEN_HOST, HINTSYNC_LISTEN_PORT), and its log.",
            "redirected": "Register the final address: hintsync webhook --url.",
            "status": "Let the proxy pass /webhooks/ on to the service, unchanged.",
            "somebody-else": "Point DNS and the proxy at this service.",
            "other-installation": "Point DNS and the proxy at this installation, or stop the other one.",
        },
    ),
    Check(
        "certificate",
        _WEBHOOKS,
        "Certificate",
        "The certificate of the public address is good for another two weeks at least.",
        {
            "soon": "Renew it, and see why that did not happen by itself (the proxy's log).",
            "expired": "Renew it now: Hint and browsers refuse it.",
        },
    ),
    Check(
        "webhook-heard",
        _WEBHOOKS,
        "Webhooks that came",
        "A signed webhook came since the address was registered.",
        {
            "never": "Edit a patient in Hint, such as a phone number, and check again. If none comes: is the integration active, "
            "and is the Webhooks Signature Key of the settings the Partner Portal's?"
        },
    ),
)
