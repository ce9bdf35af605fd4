"""The deliveries of webhooks: what is due, what was tried, what became of it.

Hint shows them as ``webhook_requests``. Its pages describe two schedules of retries, and muting after a hundred
failures in a row (https://developers.hint.com/reference/webhooks); which one holds is a switch.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hintsync_emulators.hint.backends import Endpoint
from hintsync_emulators.hint.event_faults import EventFault
from hintsync_emulators.hint.switches import Switches
from hintsync_emulators.hint.webhooks import WebhookEvent

#: All that Hint documents. ``duplicate`` never occurs here: what it stands for is not said.
STATUSES = ("pending", "attempted", "delivered", "retrying", "failed", "duplicate", "non_requestable")
#: Finished rows that stay listed; Hint's own retention is not documented.
KEPT_ROWS = 10_000
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_RETRIED_FOR = timedelta(hours=72)
_MUTED_FOR = timedelta(hours=1)


@dataclass(slots=True, eq=False)
class WebhookRequest:
    """One event on its way to one endpoint."""

    event: WebhookEvent
    endpoint: Endpoint
    switches: Switches
    created_at: datetime
    due_at: datetime
    #: Later events of the same endpoint that must be sent before this one.
    behind: int = 0
    #: One of `STATUSES`.
    status: str = "pending"
    attempts: int = 0
    delivered_at: datetime | None = None
    last_attempted_at: datetime | None = None
    last_response: str | None = None
    last_status_code: int | None = None

    def to_json(self) -> dict[str, object]:
        """Returns the row as ``GET /api/partner/webhook_requests`` shows it; the payload is never in it."""
        return {
            "attempts": self.attempts,
            "created_at": self.created_at,
            "delivered_at": self.delivered_at,
            "event_type": self.event.type,
            "last_attempted_at": self.last_attempted_at,
            "last_response": self.last_response,
            "last_status_code": self.last_status_code,
            "payload": None,
            "status": self.status,
            "webhook_endpoint": self.endpoint.to_json(),
        }

    def next_try(self) -> datetime | None:
        """Returns when a failed delivery is tried again; None when it is given up."""
        assert self.last_attempted_at is not None
        pause = timedelta(hours=1)
        if self.switches.webhook_retries == "exponential":
            pause = timedelta(minutes=min(2 ** (self.attempts - 1), 72 * 60))
        due = self.last_attempted_at + pause
        return due if due <= self.created_at + _RETRIED_FOR else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a receiver answered; no status when it did not answer in time or at all."""

    status: int | None
    text: str

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Requests:
    """All deliveries of one partner. Safe to use from the serving thread and from a test at once.

    Attributes:
        faults: what happens to the next events; tried from the front, the first that strikes wins.
    """

    def __init__(self) -> None:
        self.faults: list[EventFault] = []
        self._lock = threading.RLock()
        self._waiting: list[WebhookRequest] = []
        self._finished: deque[WebhookRequest] = deque(maxlen=KEPT_ROWS)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state, _lock=threading.RLock())
        for request in list(self._waiting):
            self.put_back(request)

    def __iter__(self) -> Iterator[WebhookRequest]:
        """Yields every row, the oldest first."""
        with self._lock:
            rows = [*self._finished, *self._waiting]
        return iter(sorted(rows, key=lambda row: row.created_at))

    def waiting(self) -> list[WebhookRequest]:
        """Returns what is not delivered and not given up, in the order in which it happened."""
        with self._lock:
            return list(self._waiting)

    def record(self, event: WebhookEvent, endpoints: Iterable[Endpoint], switches: Switches, now: datetime) -> None:
        """Makes an event due at each endpoint, unless a fault has other plans."""
        for endpoint in endpoints:
            self._record(WebhookRequest(event, endpoint, switches, event.created_at, due_at=now))

    def _record(self, request: WebhookRequest) -> None:
        with self._lock:
            fault = self._fault_for(request.event)
            if fault is not None and fault.do == "drop":
                return
            if fault is not None and fault.do == "delay":
                request.due_at += timedelta(seconds=fault.seconds)
            if fault is not None and fault.do == "reorder":
                request.behind = fault.behind
            self._waiting.append(request)
            if fault is not None and fault.do == "double":
                again = (request.event, request.endpoint, request.switches, request.created_at, request.due_at)
                self._waiting.append(WebhookRequest(*again))

    def _fault_for(self, event: WebhookEvent) -> EventFault | None:
        found = next((each for each in self.faults if each.strikes(f"{event.type} {event.object_id}")), None)
        self.faults = [each for each in self.faults if each.times > 0]
        return found

    def claim(self, now: datetime, among: Callable[[WebhookRequest], bool]) -> list[WebhookRequest]:
        """Takes what is due now, so that nobody else sends it meanwhile; `settle` gives each back."""
        with self._lock:
            due = [each for each in self._waiting if self._is_due(each, now) and among(each)]
            due = [each for each in due if each.endpoint.backend.may_send(now)]
            for each in due:
                each.status = "attempted"
            return due

    def _is_due(self, request: WebhookRequest, now: datetime) -> bool:
        idle = request.status in ("pending", "retrying") and request.behind <= 0
        return idle and request.due_at <= now and request.endpoint.open_at(now)

    def settle(self, request: WebhookRequest, outcome: Outcome, now: datetime) -> None:
        """Notes what became of an attempt: delivered, to be tried again, or given up."""
        with self._lock:
            request.attempts += 1
            request.last_attempted_at = now
            request.last_status_code, request.last_response = outcome.status, outcome.text
            if request.endpoint.removed:
                self._finish(request, "non_requestable")
            elif outcome.is_success:
                self._delivered(request, now)
            else:
                self._failed(request, now)

    def put_back(self, request: WebhookRequest) -> None:
        """Gives back what was claimed and not tried, because its endpoint was muted, paused or removed meanwhile."""
        with self._lock:
            if request.endpoint.removed:
                self._finish(request, "non_requestable")
            else:
                request.status = "retrying" if request.attempts else "pending"

    def _delivered(self, request: WebhookRequest, now: datetime) -> None:
        endpoint = request.endpoint
        request.delivered_at = endpoint.last_delivered_at = now
        endpoint.failures, endpoint.muted_until = 0, None
        self._finish(request, "delivered")
        for earlier in self._waiting:
            if earlier.endpoint is endpoint and earlier.created_at < request.created_at:
                earlier.behind -= 1

    def _failed(self, request: WebhookRequest, now: datetime) -> None:
        endpoint = request.endpoint
        endpoint.failures += 1
        limit = request.switches.webhook_mute_after
        if limit and endpoint.failures >= limit:
            endpoint.muted_until = now + _MUTED_FOR
        due = request.next_try()
        if due is None:
            self._finish(request, "failed")
        else:
            request.status, request.due_at = "retrying", due

    def _finish(self, request: WebhookRequest, status: str) -> None:
        request.status = status
        if request in self._waiting:
            self._waiting.remove(request)
            self._finished.append(request)

    def cancel(self, wanted: Callable[[WebhookRequest], bool]) -> None:
        """Gives up what waits and is wanted: it is listed as ``non_requestable`` and never sent."""
        with self._lock:
            for request in [each for each in self._waiting if wanted(each)]:
                if request.status != "attempted":
                    self._finish(request, "non_requestable")

    def release(self) -> None:
        """Lets go what a fault holds back: delayed and reordered events are due at once."""
        with self._lock:
            for request in self._waiting:
                request.behind = 0
                if request.attempts == 0:
                    request.due_at = _LONG_AGO

    def end_faults(self) -> None:
        """Forgets every fault, and lets go what they hold back."""
        self.faults = []
        self.release()

    def forget(self, practice_id: str) -> None:
        """Drops every row of a practice, delivered ones too."""
        with self._lock:
            self._waiting = [each for each in self._waiting if each.event.practice_id != practice_id]
            kept = [each for each in self._finished if each.event.practice_id != practice_id]
            self._finished = deque(kept, maxlen=KEPT_ROWS)
