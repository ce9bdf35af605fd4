"""Which of Hint's partner keys the installation has, and how to get those that are missing."""

from __future__ import annotations

from dataclasses import dataclass

from hintsync.settings import Settings


@dataclass(frozen=True, slots=True)
class PartnerKeys:
    """What the settings hold."""

    #: Exchanges authorization codes and registers webhooks.
    partner: bool
    #: Keys that webhooks are checked with, the partner key not counted.
    signature: int

    @property
    def is_signed_by_partner(self) -> bool:
        """Whether the partner key checks webhooks, as Hint falls back to it."""
        return self.partner and not self.signature


def partner_keys(settings: Settings) -> PartnerKeys:
    """Return which keys there are; never a key."""
    given = settings.hint_webhook_keys.get_secret_value()
    return PartnerKeys(
        bool(settings.hint_partner_key.get_secret_value()), len([k for k in given.split(",") if k.strip()])
    )
