"""The pages: answers of each, a search among 100,000 patients as keys are pressed, and what a page weighs.

`hintsync serve` and both emulators are processes of their own; requests go over a real socket, one after the other. The
floor is /healthz of the same server, asked between the pages: what no page can be quicker than.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx

from bench.pages.clinic import Clinic, open_clinic
from hintsync.surfaces.web.pages.places import PLACES

#: Bars: milliseconds of a page and from a key to its results, both at the median; bytes of a page with all it fetches.
PAGE_MS, KEY_MS, WEIGHT = 100.0, 150.0, 150_000
#: Milliseconds that the script waits for another key.
PAUSE_MS = 90.0
#: Streams last as long as a run; files are as large as what they tell of.
_NO_PAGES = ("/progress", ".csv", "/export")
#: Answered by pages about what this clinic has none of, such as a plan that a guard held back.
_NONE_OF_THESE = 422
#: Seconds after which a search looks for what changed, and some more.
_STALE = 11.0
_PARTS = re.compile(r'(?:src|href)="(/static/[^"]+)"|from "(\./[^"]+)"')
#: What is typed, as far as somebody got.
_SYLLABLES = ["ma", "jo", "an", "el", "chr", "wil", "ro", "sa", "da", "li", "ste", "be", "th", "ka", "pe"]


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of the same request again and again."""

    what: str
    milliseconds: Sequence[float]
    size: int = 0

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.milliseconds)

    def row(self) -> str:
        """Format a line of the table."""
        ranked = sorted(self.milliseconds)
        worst = ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))]
        weight = f"{self.size / 1000:>9.1f} kB" if self.size else ""
        return f"  {self.what:<40}{len(ranked):>5}{self.median:>9.1f}{worst:>9.1f}{weight}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; the exit code is 1 if a bar was missed."""
    options = _options(argv)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # so that every process started here is ended
    parts: dict[str, Callable[[argparse.Namespace], bool]] = {"pages": _pages, "search": _search}
    good = [parts[name](options) for name in options.part or parts]
    return 0 if all(good) else 1


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench pages", description=__doc__.partition("\n")[0])
    parser.add_argument("--part", choices=("pages", "search"), action="append", help="only this one; may be repeated")
    parser.add_argument("--people", type=int, default=1_000, help="linked pairs behind the pages (default 1,000)")
    parser.add_argument("--patients", type=int, default=100_000, help="patients to search among (default 100,000)")
    parser.add_argument("--times", type=int, default=50, help="requests of each page (default 50)")
    parser.add_argument("--searches", type=int, default=300, help="searches (default 300)")
    parser.add_argument("--seed", type=int, default=20_261)
    parser.add_argument("--quick", action="store_true", help="smaller and shorter; figures mean little")
    options = parser.parse_args(argv)
    if options.quick:
        options.people, options.patients, options.times, options.searches = 100, 3_000, 5, 30
    return options


def _pages(options: argparse.Namespace) -> bool:
    with open_clinic(options.people, options.people) as clinic:
        print(
            f"{options.people:,} linked pairs; milliseconds\n  {'page':<40}{'n':>5}{'median':>9}{'p95':>9}{'HTML':>12}"
        )
        _await_patients(clinic, 1)
        _warm(clinic, 1.0 if options.quick else 20.0)
        times, left_out, floor = list[Times](), list[str](), list[float]()
        for path in dict.fromkeys(place.path for place in PLACES if place.method == "GET"):
            address = clinic.address(path)
            if address is None or path.endswith(_NO_PAGES) or clinic.http.get(address).status_code == _NONE_OF_THESE:
                left_out += [path]
                continue
            times.append(_timed(path, clinic.http, address, options.times))
            floor += _timed("", clinic.http, f"{clinic.url}/healthz", 10).milliseconds
            print(times[-1].row(), flush=True)
        print(Times("floor: /healthz", floor).row())
        print(f"  left out: {', '.join(left_out)}")
        weight = max(_weight(clinic, each) for each in _addresses(clinic))
    slowest = max(times, key=lambda each: each.median)
    good = _told(f"slowest page, {slowest.what}, ms at the median", slowest.median, PAGE_MS)
    return _told("heaviest page with style and script, kB", weight / 1000, WEIGHT / 1000) and good


def _warm(clinic: Clinic, seconds: float) -> None:
    """Open each page once, then let the service finish what it does after a start."""
    for address in _addresses(clinic):
        clinic.http.get(address)
    time.sleep(seconds)


def _addresses(clinic: Clinic) -> list[str]:
    paths = (place.path for place in PLACES if place.method == "GET" and not place.path.endswith(_NO_PAGES))
    return [address for path in paths if (address := clinic.address(path))]


def _timed(what: str, http: httpx.Client, address: str, times: int) -> Times:
    taken, size = [], 0
    for number in range(times + 2):
        began = time.perf_counter()
        answer = http.get(address)
        taken.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{what} answered {answer.status_code} the {number + 1}. time")
        size = len(answer.content)
    return Times(what, taken[2:], size)


def _weight(clinic: Clinic, address: str) -> int:
    """Return the bytes of a page and of everything it fetches, none of it compressed."""
    waiting, seen, weight = [address], set[str](), 0
    while waiting:
        url = waiting.pop()
        if url.partition("?")[0] in seen:
            continue
        seen.add(url.partition("?")[0])
        answer = clinic.http.get(url, headers={"Accept-Encoding": "identity"})
        weight += len(answer.content)
        waiting += [urljoin(url, one or other) for one, other in _PARTS.findall(answer.text)]
    return weight


def _search(options: argparse.Namespace) -> bool:
    rng = random.Random(options.seed)
    with open_clinic(options.patients, 50) as clinic:
        seconds = _await_patients(clinic, options.patients)
        print(f"{options.patients:,} patients, read in {seconds:.0f} s; milliseconds")
        sync = clinic.address("/contacts/{contact}/sync")
        assert sync is not None
        fresh = _timed("sync page", clinic.http, sync, options.times)
        typed = _typed(clinic, f"{sync}/results", [_keys(rng) for _ in range(options.searches)])
        stale = _stale(clinic, sync, 2 if options.quick else 6)
        floor = _timed("floor: /healthz", clinic.http, f"{clinic.url}/healthz", 100)
        for each in (fresh, stale, typed, floor):
            print(each.row())
    good = _told("key to results (with the script's pause), ms at the median", PAUSE_MS + typed.median, KEY_MS)
    return _told("sync page, ms at the median", max(fresh.median, stale.median), PAGE_MS) and good


def _await_patients(clinic: Clinic, least: int) -> float:
    """Wait until the service has read all patients; return the seconds that took."""
    sync = clinic.address("/contacts/{contact}/sync")
    assert sync is not None
    began = time.monotonic()
    while time.monotonic() - began < 1_800:
        text = clinic.http.get(sync).text
        if "patients are being read" not in text and 'data-tell="' in text:
            return time.monotonic() - began
        time.sleep(0.5)
    raise RuntimeError(f"{least:,} patients were not read in half an hour")


def _stale(clinic: Clinic, sync: str, times: int) -> Times:
    """Open the page when nobody searched for a while, so that what changed meanwhile is looked for first."""
    taken = []
    for _ in range(times):
        time.sleep(_STALE)
        taken += _once(lambda: clinic.http.get(sync))
    return Times("sync page, after a pause of 11 s", taken)


def _typed(clinic: Clinic, address: str, texts: Sequence[str]) -> Times:
    taken: list[float] = []
    for text in texts:
        taken += _once(lambda text=text: clinic.http.post(address, data={"q": text}))  # type: ignore[misc]
    return Times("search, from request to answer", taken)


def _once(ask: Callable[[], httpx.Response]) -> list[float]:
    began = time.perf_counter()
    ask().raise_for_status()
    return [(time.perf_counter() - began) * 1000]


def _keys(rng: random.Random) -> str:
    """Return what somebody typed so far: the beginning of a name, perhaps of a second one, perhaps a date of birth."""
    text = rng.choice(_SYLLABLES) + rng.choice(["", *_SYLLABLES])
    more = rng.choice(["", f" {rng.choice(_SYLLABLES)}", f" {rng.randint(1930, 2015)}"])
    return text + more


def _told(what: str, figure: float, bar: float) -> bool:
    print(f"{what}: {figure:.1f}, bar {bar:g}: {'met' if figure <= bar else 'MISSED'}", flush=True)
    return figure <= bar


if __name__ == "__main__":
    sys.exit(main())
