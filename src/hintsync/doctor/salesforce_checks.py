"""The checks of a connection's org."""

from __future__ import annotations

from typing import Final

from hintsync.doctor.check import OUR_CLOCK, Area, Check

_SALESFORCE: Final = Area.SALESFORCE

SALESFORCE_CHECKS: Final = (
    Check(
        "org-token",
        _SALESFORCE,
        "Salesforce lets us in",
        "One harmless question with our own credential is answered.",
        {
            "absent": "Connect the org: hintsync connect NAME --salesforce-url https://YOUR-DOMAIN.my.salesforce.com "
            "--client-id KEY --salesforce-only.",
            "refused": "In Salesforce see Setup, External Client App Manager (is the app on, is its user allowed?) and Setup, "
            "Login History of that user. Then run hintsync connect NAME, which asks for the app's secret, or signs in by our "
            "key again.",
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
            "off": f"{OUR_CLOCK} JWT logins fail once it is more than three minutes.",
            "far": f"{OUR_CLOCK} JWT logins fail beyond three minutes.",
        },
    ),
    Check(
        "org-permissions",
        _SALESFORCE,
        "Permissions of our user",
        "The user that hintsync signs in as has the permission set Hint Sync, may read, create and edit all contacts, may read "
        "and create accounts, and has View Setup and Configuration.",
        {
            "lacking": "Run hintsync install, which assigns Hint Sync; or assign it by hand: Setup, Users, "
            "Permission Set Assignments. View Setup and Configuration: in a permission set of its own, or the user's profile."
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
