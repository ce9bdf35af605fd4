"""From something that happened in a practice to the webhooks that are due for it."""

from typing import TYPE_CHECKING

from hintsync_emulators.hint.backends import Endpoint
from hintsync_emulators.hint.webhooks import WebhookEvent, envelope

if TYPE_CHECKING:
    from hintsync_emulators.hint.practice import Practice


def endpoints_of(practice: "Practice") -> list[Endpoint]:
    """Returns all addresses of a practice: the partner's, its own, and the deprecated single one."""
    single = practice.installation.override or practice.partner.oldest_endpoint
    return [*practice.partner.endpoints, *practice.installation.endpoints, *([single] if single else [])]


def announce(
    practice: "Practice", kind: str, object_id: str, shown: object, *, by_api: bool, whatever_status: bool = False
) -> None:
    """Records an event for every endpoint that is to hear of it.

    Nobody hears of it while the connection is not active, of what a backend does not listen to, or of what the
    partner's own calls caused, unless that is unmuted.

    Args:
        whatever_status: also when the connection is not active, since the event is about just that.
    """
    if practice.installation.status != "active" and not whatever_status:
        return
    due = [each for each in endpoints_of(practice) if _hears(practice, each, kind, by_api=by_api)]
    if not due:
        return
    event_id, now = practice.new_id("evt"), practice.tick()
    body = envelope(event_id, kind, practice.id, now, shown, practice.switches)
    event = WebhookEvent(event_id, kind, now, practice.id, object_id, body, tuple(each.id for each in due))
    practice.partner.requests.record(event, due, practice.switches, practice.partner.now())


def _hears(practice: "Practice", endpoint: Endpoint, kind: str, *, by_api: bool) -> bool:
    backend = endpoint.backend
    unmuted = practice.switches.unmute_self_webhooks or backend.unmute_self_webhooks
    return not backend.webhooks_disabled and backend.listens_to(kind) and (unmuted or not by_api)


def outbox_of(practice: "Practice") -> list[WebhookEvent]:
    """Returns the events of a practice that some endpoint has not got yet, in the order they happened."""
    waiting = (each.event for each in practice.partner.requests.waiting())
    return list(dict.fromkeys(event for event in waiting if event.practice_id == practice.id))
