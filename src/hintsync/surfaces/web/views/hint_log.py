"""The copy of the log in Salesforce as the page of the log tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hintsync.engine.audit.anchors import Anchor
from hintsync.engine.hint_log.copying import Standing
from hintsync.engine.options import Options
from hintsync.state.port import LogLevel

_COPIED: Final[Mapping[LogLevel, str]] = {
    LogLevel.DEBUG: "Debug, Error and Exception entries are copied",
    LogLevel.ERROR: "Error and Exception entries are copied",
    LogLevel.EXCEPTION: "Exception entries are copied",
}


@dataclass(frozen=True, slots=True)
class HintLogShown:
    """What is said of the copy."""

    #: What is copied, and how long it stays.
    rule: str
    #: Copies that the org holds, as last known; None: nobody has looked yet.
    kept: int | None
    #: When entries were last copied; empty: not yet.
    wrote_at: str
    #: Why nothing is copied; empty: nothing is in the way.
    trouble: str
    #: Entries that the org would not take.
    left_out: int
    #: The latest anchor of the audit trail.
    anchor: Anchor | None
    #: Where the org lists them; empty: not known now.
    address: str


def shown(options: Options, standing: Standing | None, anchor: Anchor | None, address: str) -> HintLogShown:
    """Put the copying of a connection's log into words."""
    at_all = standing if standing is not None and standing.looked_at else None
    return HintLogShown(
        _rule(options),
        at_all.kept if at_all else None,
        standing.wrote_at if standing else "",
        standing.trouble if standing and options.hint_log_level else "",
        standing.left_out if standing else 0,
        anchor,
        address,
    )


def _rule(options: Options) -> str:
    bounds = f"for {options.hint_log_days} days, {options.hint_log_most:,} at most"
    if options.hint_log_level is None:
        return f"No entries are copied. Those that are there are kept {bounds}."
    return f"{_COPIED[options.hint_log_level]} and kept {bounds}."
