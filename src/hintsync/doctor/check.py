"""The noun of the tables: a check, with a remedy for each case in which it is not well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Area(StrEnum):
    """What a check belongs to; each area is looked at by itself."""

    #: The machine and the settings; the same for all connections.
    SERVICE = "service"
    SALESFORCE = "salesforce"
    HINT = "hint"
    WEBHOOKS = "webhooks"
    #: What of a connection waits, stands still or was not heard of.
    WORK = "work"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at."""

    #: Stable; what `--json` calls it.
    code: str
    area: Area
    title: str
    #: What is compared with what.
    looks_at: str
    #: Case -> what to do, and where.
    remedies: Mapping[str, str]


#: The remedy of a clock that is wrong; the same for both systems.
OUR_CLOCK: Final = (
    "If both systems differ by the same, the clock of this machine is wrong: switch on NTP (chrony, systemd-timesyncd)."
)
