"""What rest costs: nobody edits, and the calls and processor seconds of some minutes are reckoned up to a day."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.live.service import Site, served

DAY = 86_400.0
#: Bars: share of an allowance of 100,000 calls with events and with polling, and of one core.
ALLOWANCE, WITH_EVENTS, POLLING, CPU = 100_000, 0.01, 0.05, 0.02
#: Calls that happen once a day, not in these minutes: the nightly check reads every contact, 2,000 a page.
_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Rest:
    """A day at rest."""

    what: str
    org_calls: float
    hint_calls: float
    #: Share of one core.
    cpu: float
    most: float

    def told(self) -> str:
        """Say it in words."""
        return (
            f"{self.what}: {self.org_calls:,.0f} Salesforce calls a day ({self.org_calls / ALLOWANCE:.2%} of {ALLOWANCE:,}), "
            f"{self.hint_calls:,.0f} Hint calls, {self.cpu:.2%} of a core"
        )

    @property
    def reaches_bars(self) -> bool:
        """Whether it is cheap enough."""
        return self.org_calls / ALLOWANCE <= self.most and self.cpu <= CPU


def rest(site: Site, links: int, *, seconds: float, settle: float, events: bool) -> Rest:
    """Measure after some seconds in which the start settles.

    For five minutes and a little more a new process reads the overlap of its position again and again, the batch's own
    changes perhaps among it; a shorter settling time shows the cost of that, not of rest.
    """
    site.limit(20)
    site.configure(**({} if events else {"salesforce_events": ""}))
    with served(site) as running:
        time.sleep(settle)
        before, used = (site.hint.count(), site.org.count()), running.cpu()
        began = time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - began
        org = len([call for call in site.org.calls(before[1]) if not call.is_login]) / took * DAY + 2 + links / _PAGE
        hint = len(site.hint.calls(before[0])) / took * DAY + links / 100
        cpu = (running.cpu() - used) / took
    what = "with change events" if events else "polling"
    return Rest(what, org, hint, cpu, WITH_EVENTS if events else POLLING)
