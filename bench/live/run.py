"""Live sync as a service: how soon an edit arrives, what a burst costs, what rest costs, what many workers do.

Emulators in processes of their own, hintsync as `hintsync serve` and `hintsync worker`. When an edit arrived is read from the
emulators' own log of requests, so that nobody who watches uses up a limit.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests import postgres

from bench.live.burst import burst
from bench.live.crowd import crowd
from bench.live.lag import Outcome, lag_of_ours
from bench.live.office import offices
from bench.live.others import floor, script
from bench.live.rest import rest
from bench.live.service import Site

#: Edits a second, and what our limiter to Hint is set to then; its own limit is 20.
RATES = ((2.0, 8.0), (5.0, 18.0))
#: How many workers, and whether one of them is killed.
CROWDS = ((2, False), (4, False), (8, False), (4, True))
PARTS = ("lag", "burst", "rest", "crowd")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; the exit code is 1 if a bar was missed."""
    parser = argparse.ArgumentParser(prog="bench live", description=__doc__.partition("\n")[0])
    parser.add_argument("--part", choices=PARTS, action="append", help="only this one; may be repeated")
    parser.add_argument("--seconds", type=float, default=60, help="of edits at each rate (default 60)")
    parser.add_argument("--links", type=int, default=5_000, help="linked pairs (default 5,000)")
    parser.add_argument("--events", type=int, default=10_000, help="webhooks of the burst (default 10,000)")
    parser.add_argument("--rest", type=float, default=180, help="seconds of rest (default 180)")
    parser.add_argument("--settle", type=float, default=380, help="seconds before those (default 380)")
    parser.add_argument("--crowd-links", type=int, default=6_000, help="links for all the workers (default 6,000)")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter; figures mean little")
    options = parser.parse_args(argv)
    if options.quick:
        options.links, options.events, options.seconds, options.crowd_links = 500, 1_000, 15, 1_200
        options.rest, options.settle = 30, 15
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # so that every process started here is ended
    parts = {"lag": _lag, "burst": _burst, "rest": _rest, "crowd": _crowd}
    good = [parts[name](options) for name in options.part or PARTS]
    return 0 if all(good) else 1


@contextmanager
def _site(links: int, database_url: str = "") -> Iterator[tuple[Site, list[tuple[str, str]]]]:
    with offices(links) as (hint, org), tempfile.TemporaryDirectory(prefix="hintsync-bench-") as name:
        site = Site(Path(name), hint, org, database_url)
        site.link_everybody()
        yield site, site.linked()


def _lag(options: argparse.Namespace) -> bool:
    good = True
    needed = int(options.seconds * 3 * sum(rate for rate, _ in RATES)) + 100
    with _site(needed) as (site, everybody):
        pairs = iter(everybody)
        for rate, limit in RATES:
            ours = lag_of_ours(site, pairs, rate=rate, limit=limit, seconds=options.seconds)
            good &= ours.reaches_bars
            _tell(f"{rate:g} edits a second, limiter at {limit:g} {_word(ours.reaches_bars)}", ours)
        site.limit(20)
        for rate, _ in RATES:
            plain = floor(site.hint, site.org, pairs, rate=rate, seconds=options.seconds)
            _tell(f"{rate:g} a second, floor", plain)
            written = script(site.hint, site.org, pairs, everybody, rate=rate, seconds=options.seconds)
            _tell(f"{rate:g} a second, script", written)
    return good


def _tell(title: str, outcome: Outcome) -> None:
    print(f"{title}; calls an edit: " + ", ".join(f"{side} {n:.2f}" for side, n in sorted(outcome.calls.items())))
    for side, lags in sorted(outcome.lags.items()):
        print(f"  {side:>10} to {side.other:<11}{lags.told()}", flush=True)


def _burst(options: argparse.Namespace) -> bool:
    with _site(options.links) as (site, pairs):
        found = burst(site, pairs, events=options.events)
    print(f"burst {_word(found.reaches_bars)}", *(f"  {line}" for line in found.told()), sep="\n", flush=True)
    return found.reaches_bars


def _rest(options: argparse.Namespace) -> bool:
    good = True
    with _site(options.links) as (site, _):
        for events in (True, False):
            found = rest(site, options.links, seconds=options.rest, settle=options.settle, events=events)
            good &= found.reaches_bars
            print(f"at rest {_word(found.reaches_bars)} {found.told()}", flush=True)
    return good


def _crowd(options: argparse.Namespace) -> bool:
    good = True
    server = postgres.Server(postgres.new_folder())
    server.ensure_running()
    try:
        with postgres.database(server.url) as url, _site(options.crowd_links, url) as (site, pairs):
            for number, (workers, kill) in enumerate(CROWDS):
                found = crowd(site, pairs[number :: len(CROWDS)], workers, kill=kill)
                good &= found.reaches_bars
                print(f"{_word(found.reaches_bars)} {found.told()}", flush=True)
    finally:
        server.stop()
    return good


def _word(good: bool) -> str:
    return "[ok]" if good else "[MISSED]"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
