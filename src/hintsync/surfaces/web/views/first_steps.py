"""The article's steps for a connection that is new, with those ticked that are done."""

from __future__ import annotations

from dataclasses import dataclass

from hintsync.engine.options import Options
from hintsync.surfaces.web.views.overview import Stands, has_dry_run


@dataclass(frozen=True, slots=True)
class Step:
    """One step."""

    title: str
    words: str
    done: bool
    #: Below the connection's root, where it is done.
    path: str


def first_steps(stands: Stands, batches: str) -> tuple[Step, ...]:
    """Return the steps in their order.

    Args:
        stands: how the connection stands.
        batches: path of the page of batches.
    """
    options = Options.from_json(stands.lines.connection.settings)
    registered, seen = stands.lines.webhook.registration is not None, stands.lines.webhook.seen_at is not None
    told = "Hint was told the address. Edit a patient in Hint to see that it arrives."
    return (
        Step(
            "Connect Hint",
            "Paste the Authorization Code that Hint shows under Admin, Integrations, Salesforce.",
            bool(stands.lines.connection.practice_id),
            "/connection",
        ),
        Step(
            "Name the Default Account",
            "Contacts that are created from Hint patients belong to it.",
            options.default_account_id is not None,
            "/connection",
        ),
        Step(
            "Tell Hint the webhook address",
            told if registered and not seen else "Changes in Hint then show in Salesforce within seconds.",
            registered and seen,
            "/connection/webhook",
        ),
        Step(
            "Look at a dry run of a batch",
            "It lists every link, new record and changed field, and writes nothing.",
            has_dry_run(stands.runs),
            batches,
        ),
    )
