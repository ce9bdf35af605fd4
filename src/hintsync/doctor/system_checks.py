"""The checks of the two systems of a connection, and of the way that Hint's webhooks take."""

from __future__ import annotations

from typing import Final

from hintsync.doctor.check import Area, Check

_SALESFORCE, _HINT, _WEBHOOKS = Area.SALESFORCE, Area.HINT, Area.WEBHOOKS
_OURS_IS_WRONG = (
    "If both systems differ by the same, the clock of this machine is wrong: switch on NTP (chrony, systemd-timesyncd)."
)

SALESFORCE_CHECKS: Final = (
    Check(
        "org-token",
        _SALESFORCE,
        "Salesforce lets us in",
        "One harmless question with our own credential is answered.",
        {
            "absent": "Connect the org: hintsync connect NAME --salesforce-url https://YOUR-DOMAIN.my.salesforce.com "
            "--client-id KEY.",
            "refused": "Run hintsync connect NAME again with a credential that works. In Salesforce see Setup, External Client "
            "App Manager (is the app on, is its user allowed?) and Setup, Login History of that user.",
        },
    ),
    Check(
        "signing-key",
        _SALESFORCE,
        "Key that signs in",
        "The certificate of the key that signs in to Salesforce is good for another 45 days at least, if we made one.",
        {
            "soon": "Run hintsync salesforce-key NAME, upload the new certificate to the external client app, "
            "and run it again: the old key works until the new one does.",
            "expired": "Run hintsync salesforce-key NAME, upload the new certificate to the external client app, "
            "and run it again.",
            "waiting": "Upload the certificate to the external client app, then run hintsync salesforce-key NAME again.",
        },
    ),
    Check(
        "org-pin",
        _SALESFORCE,
        "The pinned org",
        "The org that answers is the one that the connection was made with (guard G1).",
        {
            "other": "Connect with a credential of the pinned org. If its sandbox was refreshed on purpose: "
            "hintsync resume --guard G1 --repin."
        },
    ),
    Check(
        "org-api",
        _SALESFORCE,
        "API version",
        "The org serves the API version that hintsync speaks.",
        {"gone": "Upgrade hintsync: the org no longer serves the version that this one speaks."},
    ),
    Check(
        "org-clock",
        _SALESFORCE,
        "Clock against Salesforce",
        "The time in the org's answers and our own differ by at most 30 seconds.",
        {
            "off": f"{_OURS_IS_WRONG} JWT logins fail once it is more than three minutes.",
            "far": f"{_OURS_IS_WRONG} JWT logins fail beyond three minutes.",
        },
    ),
    Check(
        "org-permissions",
        _SALESFORCE,
        "Permissions of our user",
        "The user that hintsync signs in as has the permission set Hint Sync, and may read, create and edit all contacts "
        "and read and create accounts.",
        {
            "lacking": "Run hintsync install, which assigns Hint Sync; or assign it by hand: Setup, Users, "
            "Permission Set Assignments."
        },
    ),
    Check(
        "org-fields",
        _SALESFORCE,
        "Fields of the contact",
        "Our 15 fields and the mapped fields of Contact are there, and our user may read and edit them.",
        {
            "missing": "Run hintsync install, which deploys our fields and the permissions on them. For a standard field: Setup, "
            "Object Manager, Contact, Fields & Relationships, Set Field-Level Security. Middle name: "
            "Setup, User Interface.",
            "read-only": "Run hintsync install, or give our user Edit on them: Setup, Object Manager, Contact, "
            "Fields & Relationships, Set Field-Level Security.",
        },
    ),
    Check(
        "org-calls",
        _SALESFORCE,
        "API calls of the org",
        "What is left of the org's calls of the last 24 hours is more than our reserve.",
        {
            "low": "Batches and the nightly comparison wait by themselves. See who else calls: Setup, Company Information, "
            "API Requests; or lower hintsync settings salesforce_reserve.",
            "spent": "Nothing can be read or written until calls come back, within 24 hours; nothing is lost. "
            "See who uses them: Setup, Company Information, API Requests.",
        },
    ),
    Check(
        "org-events",
        _SALESFORCE,
        "Change events",
        "The channel Hint_Sync is in the org and carries contacts, it is followed, and events come.",
        {
            "polled": "Works, and costs more calls. If the org has change data capture, run hintsync install, which deploys the "
            "channel; the reason that is named goes first.",
            "no-channel": "Run hintsync install, which deploys the channel and its member for Contact. Until then "
            "contacts are found by polling.",
            "waiting": "Start the service, or its role subscriber; then edit a contact and check again.",
        },
    ),
    Check(
        "org-pages",
        _SALESFORCE,
        "Pages in Salesforce",
        "Our pages are in the org, and lead to the public address of the settings.",
        {
            "absent": "Run hintsync install --public-url https://….",
            "elsewhere": "Run hintsync install again with the public address of now.",
        },
    ),
    Check(
        "canvas-key",
        _SALESFORCE,
        "Key of our app",
        "Key and secret of the external client app are stored: our pages open by them.",
        {
            "absent": "Run hintsync install; if the org makes the key, copy it from Setup, External Client App Manager, "
            "as install says."
        },
    ),
    Check(
        "other-sync",
        _SALESFORCE,
        "Other integrations with Hint",
        "No other integration between this org and Hint works beside ours, such as Hint's own package.",
        {
            "active": "hintsync take-over imports its links; end it in Hint, say so with hintsync take-over --other-ended, "
            "and uninstall its package.",
        },
    ),
    Check(
        "permission-sets",
        _SALESFORCE,
        "Permission sets",
        "Hint Sync User and Hint Sync Administrator are in the org, and somebody has them.",
        {
            "absent": "Run hintsync install, which deploys them.",
            "nobody": "Assign Hint Sync Administrator to somebody: Setup, Permission Sets, Manage Assignments; "
            "or run hintsync install.",
        },
    ),
)

HINT_CHECKS: Final = (
    Check(
        "hint-token",
        _HINT,
        "Hint lets us in",
        "One harmless question with the practice's token is answered.",
        {
            "absent": "Connect the practice: in Salesforce, tab Hint Health, page Connection, paste the code that Hint shows; "
            "or hintsync connect NAME.",
            "refused": "Connect the practice again: page Connection with a new code from Hint (Admin, Integrations), "
            "or hintsync connect NAME.",
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
        {"off": _OURS_IS_WRONG, "far": _OURS_IS_WRONG},
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
