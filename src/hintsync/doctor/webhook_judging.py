"""What the facts of the webhooks' way mean: pure judgements, one check each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from hintsync.doctor.certificates import Certificate
from hintsync.doctor.findings import Finding, look, not_known, ok, wrong
from hintsync.doctor.known import Known, Unknown
from hintsync.doctor.webhook_facts import WebhookFacts
from hintsync.surfaces.web.reaching import Reach

#: How long before its end a certificate should have been renewed.
_SOON: Final = timedelta(days=14)


def judge_webhooks(facts: WebhookFacts) -> list[Finding]:
    """Return what is found of a connection's webhooks."""
    return [
        registered(facts),
        reach(facts.reach),
        certificate(facts.certificate, facts.now),
        heard(facts),
    ]


def registered(facts: WebhookFacts) -> Finding:
    """Judge whether Hint sends the webhooks to the address that it was told, and whether that is ours."""
    known, endpoints = facts.stands.registration, facts.endpoints
    if known is None:
        return look("webhook-address", "unregistered", "Hint was not told an address yet")
    if isinstance(endpoints, Unknown):
        return not_known("webhook-address", endpoints)
    if known.url not in {each.url for each in endpoints}:
        return wrong("webhook-address", "gone", f"Hint no longer sends to {known.url}")
    if facts.public_url and not known.url.startswith(facts.public_url.rstrip("/") + "/"):
        return look(
            "webhook-address", "elsewhere", f"Hint sends to {known.url}; the public address is {facts.public_url}"
        )
    return ok("webhook-address", f"Hint sends to {known.url}")


def reach(known: Known[Reach]) -> Finding:
    """Judge whether the address leads here."""
    if isinstance(known, Unknown):
        return not_known("webhook-reach", known)
    if known.reached:
        return ok("webhook-reach", "the service reaches itself there, through DNS and TLS")
    return wrong("webhook-reach", known.code, known.words)


def certificate(known: Known[Certificate | None], now: datetime) -> Finding:
    """Judge how long the certificate is good for."""
    if isinstance(known, Unknown):
        return not_known("certificate", known)
    if known is None:
        return ok("certificate", "none: plain http, for trials on this machine only")
    day = f"{known.ends:%d %B %Y}"
    if known.ends <= now:
        return wrong("certificate", "expired", f"it ended on {day}")
    left = f"it is good until {day}, {(known.ends - now).days:,} days more"
    return look("certificate", "soon", left) if known.ends - now < _SOON else ok("certificate", left)


def heard(facts: WebhookFacts) -> Finding:
    """Judge whether webhooks come."""
    if facts.stands.registration is not None and facts.stands.seen_at is None:
        return look("webhook-heard", "never", "none came since the address was registered")
    if facts.heard is None:
        return look("webhook-heard", "never", "none has come yet")
    return ok("webhook-heard", "the latest signed one came", at=facts.heard)
