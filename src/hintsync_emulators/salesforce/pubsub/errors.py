"""Errors of the Pub/Sub API: a gRPC status, and a code of their own in the trailers."""

from __future__ import annotations

#: What every code begins with (Pub/Sub API Developer Guide, "Handle Errors").
PREFIX = "sfdc.platform.eventbus.grpc."

#: Code without its beginning -> name of the gRPC status, and what is wrong.
PROBLEMS: dict[str, tuple[str, str]] = {
    "service.auth.headers.invalid": ("UNAUTHENTICATED", "The request needs accesstoken, instanceurl and tenantid"),
    "service.auth.error": ("UNAUTHENTICATED", "Authentication exception occurred"),
    "service.unavailable": ("UNAVAILABLE", "The service is temporarily unavailable"),
    "service.protection.triggered": ("UNAVAILABLE", "The service has refused the request to protect itself"),
    "service.tenant.license": ("PERMISSION_DENIED", "The org has no license for this API"),
    "concurrent.client.limit.exceeded": ("RESOURCE_EXHAUSTED", "Too many clients are connected"),
    "topic.not.found": ("NOT_FOUND", "The topic does not exist"),
    "topic.meta.permission": ("PERMISSION_DENIED", "The topic does not exist or you may not see it"),
    "topic.api.unavailable": ("UNAVAILABLE", "The topic cannot be read at present"),
    "schema.meta.permission": ("PERMISSION_DENIED", "The schema does not exist or you may not see it"),
    "schema.api.unavailable": ("UNAVAILABLE", "The schema cannot be read at present"),
    "subscription.topic.cannot.subscribe": ("PERMISSION_DENIED", "The topic cannot be subscribed to"),
    "subscription.limit.exceeded": ("RESOURCE_EXHAUSTED", "You have exceeded the event delivery limit for your org."),
    "subscription.internal.error": ("INTERNAL", "An internal error ended the subscription"),
    "subscription.fetch.replayid.corrupted": ("INVALID_ARGUMENT", "The replay ID is invalid or has expired"),
    "subscription.fetch.replayid.validation.failed": ("INVALID_ARGUMENT", "The preset CUSTOM needs a replay ID"),
    "subscription.fetch.requested.events.invalid": (
        "INVALID_ARGUMENT",
        "The number of requested events must be greater than zero",
    ),
    "subscription.fetch.topic.mismatch": ("INVALID_ARGUMENT", "A subscription cannot change its topic"),
}


class Problem(Exception):
    """A call that fails.

    Args:
        code: a key of `PROBLEMS`.
    """

    def __init__(self, code: str) -> None:
        self.status, self.message = PROBLEMS[code]
        super().__init__(self.message)
        self.code = PREFIX + code
