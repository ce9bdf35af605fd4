"""From edit to visible on the other side: people edit at a steady rate, and the emulators' logs tell when it arrived."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import httpx

from bench.live.office import EDITOR, Call, Office
from bench.live.service import Site, served, until
from hintsync.core.values import Side

#: Seconds that an edit has to arrive before it counts as lost.
ARRIVAL = 30.0
#: Rounds of edits before the measuring, at most: a machine that is too busy is measured as it is.
_WARM_UPS = 8
#: Bars, seconds.
P50, P95 = 1.0, 2.0
_API = "/services/data/v66.0/sobjects/Contact"


@dataclass(slots=True)
class Lags:
    """What came of the edits of one side."""

    seconds: list[float] = field(default_factory=list)
    lost: int = 0

    def at(self, share: float) -> float:
        """Return the lag that a share of the edits did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("inf")

    def told(self) -> str:
        """Say it in words."""
        return f"p50 {self.at(0.5):5.2f} s, p95 {self.at(0.95):5.2f} s, max {self.at(1):5.2f} s, {self.lost} lost"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The lags of the edits of each side, and the calls for each edit."""

    lags: dict[Side, Lags]
    calls: dict[Side, float]
    edits: int

    @property
    def reaches_bars(self) -> bool:
        """Whether both ways are fast enough and nothing was lost."""
        return all(lag.at(0.5) <= P50 and lag.at(0.95) <= P95 and not lag.lost for lag in self.lags.values())


class Editors:
    """People who edit on both sides, each person once, with a value that is seen nowhere else."""

    def __init__(self, hint: Office, org: Office, pairs: Iterator[tuple[str, str]], mark: str) -> None:
        """Take the pairs that may be edited; each is used up, for who edits the same again and again wakes guard G7."""
        self._hint, self._org = hint, org
        self._pairs = pairs
        self._mark = mark
        headers = {**EDITOR, "Authorization": f"Bearer {org.facts['token']}"}
        self._http = httpx.Client(timeout=30, headers=headers)
        #: Value to side and moment.
        self.made: dict[str, tuple[Side, float]] = {}

    def edit(self, number: int) -> tuple[Side, str, str, str]:
        """Edit somebody; returns the side, contact, patient and value."""
        contact, patient = next(self._pairs)
        side = Side.HINT if number % 2 else Side.SALESFORCE
        value = f"{self._mark}{number:05}e Row"
        if side is Side.HINT:
            url, body = f"{self._hint.url}/_control/patients/{patient}", {"address_city": value}
        else:
            url, body = f"{self._org.url}{_API}/{contact}", {"MailingCity": value}
        self._http.patch(url, json=body).raise_for_status()
        self.made[value] = side, time.monotonic()
        return side, contact, patient, value

    def edit_steadily(
        self, rate: float, count: int, told: Callable[[tuple[Side, str, str, str]], object] | None = None
    ) -> None:
        """Edit at a rate a second."""
        began = time.monotonic()
        for number in range(count):
            time.sleep(max(began + number / rate - time.monotonic(), 0))
            made = self.edit(number)
            if told:
                told(made)


def arrivals(calls: Sequence[Call], mark: str) -> dict[str, float]:
    """Return when each value of a mark was written; the last time, for an earlier one may have been refused."""
    found: dict[str, float] = {}
    size = len(mark) + 10
    for call in calls:
        if call.is_write and call.status < 300:
            place = call.body.find(mark)
            while place >= 0:
                found[call.body[place : place + size]] = call.ended
                place = call.body.find(mark, place + 1)
    return found


def measured(hint: Office, org: Office, editors: Editors, mark: str, run: Callable[[], None]) -> Outcome:
    """Run some edits and gather what became of them from the emulators' logs."""
    before = {Side.HINT: hint.count(), Side.SALESFORCE: org.count()}
    run()

    def seen() -> dict[str, float]:
        return arrivals([*hint.calls(before[Side.HINT]), *org.calls(before[Side.SALESFORCE])], mark)

    with contextlib.suppress(TimeoutError):  # counted as lost below
        until(lambda: len(set(seen()) & set(editors.made)) >= len(editors.made), seconds=ARRIVAL, look=0.5)
    arrived = seen()
    lags = {side: Lags() for side in Side}
    for value, (side, moment) in editors.made.items():
        if value in arrived:
            lags[side].seconds.append(max(arrived[value] - moment, 0.0))
        else:
            lags[side].lost += 1
    counts = {
        side: sum(not call.is_login for call in office.calls(before[side]))
        for side, office in ((Side.HINT, hint), (Side.SALESFORCE, org))
    }
    edits = max(len(editors.made), 1)
    return Outcome(lags, {side: number / edits for side, number in counts.items()}, edits)


def lag_of_ours(site: Site, pairs: Iterator[tuple[str, str]], *, rate: float, limit: float, seconds: float) -> Outcome:
    """Measure hintsync, started by itself, with the emulators' own limits and a limiter of ours."""
    site.limit(20)
    site.configure(hint_requests_per_second=limit)
    mark = f"R{rate:g}L{limit:g}-".replace(".", "")
    with served(site):
        _warm_up(site, pairs)
        editors = Editors(site.hint, site.org, pairs, mark)
        return measured(site.hint, site.org, editors, mark, lambda: editors.edit_steadily(rate, int(rate * seconds)))


def _warm_up(site: Site, pairs: Iterator[tuple[str, str]]) -> None:
    """Edit on both sides until an edit of each arrives by event: the stream is followed then, the catch-up is over."""
    for turn in range(_WARM_UPS):
        mark = f"W{turn}{time.monotonic_ns() % 10**9:09}-"
        editors = Editors(site.hint, site.org, pairs, mark)
        outcome = measured(site.hint, site.org, editors, mark, partial(editors.edit_steadily, 2.0, 4))
        if turn and all(lag.at(1) < P95 for lag in outcome.lags.values()):
            return
