"""What an administrator may choose for one connection, as kept in its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers

from hintsync.core.errors import BadInput
from hintsync.core.fields import DEFAULT_MAPPING, ConflictPolicy, FieldMapping
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.guards import Tolerance
from hintsync.core.match import DEFAULT_PLACEHOLDER_DATES
from hintsync.core.records import FieldName
from hintsync.state.port import Json, LogLevel

#: In place of a level: no entry is copied.
OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of one connection; every one has a default that is safe."""

    #: "Create new Contact for Patients without Demographics Matches During Sync of Patients to Contacts" (M13).
    create_contacts: bool = False
    #: Link a new patient to a single free exact match (M13).
    link_new_automatically: bool = True
    #: Write integration_record_id and the web link to the Hint patient (B12).
    write_back: bool = True
    #: Account of contacts created from Hint (M4), by id.
    default_account_id: str | None = None
    #: Extra API fields of contacts created from Hint.
    contact_defaults: Mapping[str, str] = field(default_factory=dict)
    #: ISO code of the country whose phone numbers come without a country code.
    phone_region: str = "US"
    #: Birth dates that mean "unknown" and make no match key.
    placeholder_dates: frozenset[str] = DEFAULT_PLACEHOLDER_DATES
    #: Field name to conflict policy, where it is not `hold`.
    policies: Mapping[FieldName, ConflictPolicy] = field(default_factory=dict)
    #: Start of a contact's web address, shown on the Hint patient; empty: no link is written.
    contact_url: str = ""
    #: Start of a patient's web address in Hint, for links on our pages; empty: made from the address of Hint's API.
    patient_url: str = ""
    #: Calls of the org's daily allowance that are left to its other applications (guard G6), as a share.
    salesforce_reserve: float = 0.2
    #: Topic of change events that is followed, such as /data/Contact__chn; empty: the first of those we know that is there.
    topic: str = ""
    #: Seconds between two polls of a side that sends no events.
    poll_seconds: float = 30.0
    #: Part of the linked pairs that the changes of one side may touch within an hour (guard G3).
    guard_share: float = 0.05
    #: Linked pairs that they may touch however few there are (guard G3).
    guard_at_least: int = 20
    #: Zone of the clinic's clock, as in the tz database, such as "America/Chicago".
    time_zone: str = "UTC"
    #: Hour of that clock, 0 to 23, from which on the nightly parity check is due.
    parity_hour: int = 3
    #: Log entries less grave than this are not kept (M18).
    log_level: LogLevel = LogLevel.DEBUG
    #: Days that log entries are kept.
    log_days: int = 90
    #: Log entries that are kept at most, the newest.
    log_most: int = 100_000
    #: Days that a run's results are kept, record by record; the run itself stays.
    result_days: int = 400
    #: Days that settled reviews are kept.
    review_days: int = 400
    #: Least grave entries that are copied to the Hint Log of the org; None: none are.
    hint_log_level: LogLevel | None = LogLevel.ERROR
    #: Days that they are kept there.
    hint_log_days: int = 30
    #: Entries that are kept there at most; Salesforce counts 2 KB of the org's storage for each.
    hint_log_most: int = 5_000

    def table(self, base: FieldTable = DEFAULT_MAPPING) -> FieldTable:
        """Return a mapping table with this connection's policies in it."""
        policies = {row.name: row.policy for row in DEFAULT_MAPPING} | dict(self.policies)
        return FieldTable(tuple(_with_policy(row, policies[row.name]) for row in base))

    @property
    def tolerance(self) -> Tolerance:
        """How much the changes of one side may touch (guard G3)."""
        return Tolerance(self.guard_share, self.guard_at_least)

    @property
    def levels_dropped(self) -> tuple[LogLevel, ...]:
        """The levels of log entries that are not kept."""
        return tuple(level for level in LogLevel if level not in _from(self.log_level))

    @property
    def levels_copied(self) -> tuple[LogLevel, ...]:
        """The levels of log entries that are copied to the org."""
        return _from(self.hint_log_level) if self.hint_log_level else ()

    def to_json(self) -> dict[str, Json]:
        """Return the settings as the store keeps them."""
        return {
            "create_contacts": self.create_contacts,
            "link_new_automatically": self.link_new_automatically,
            "write_back": self.write_back,
            "default_account_id": self.default_account_id,
            "contact_defaults": dict(self.contact_defaults),
            "phone_region": self.phone_region,
            "placeholder_dates": [*map(_json, sorted(self.placeholder_dates))],
            "policies": {name: str(policy) for name, policy in self.policies.items()},
            "contact_url": self.contact_url,
            "patient_url": self.patient_url,
            "salesforce_reserve": self.salesforce_reserve,
            "topic": self.topic,
            "poll_seconds": self.poll_seconds,
            "guard_share": self.guard_share,
            "guard_at_least": self.guard_at_least,
            "time_zone": self.time_zone,
            "parity_hour": self.parity_hour,
            "log_level": str(self.log_level),
            "log_days": self.log_days,
            "log_most": self.log_most,
            "result_days": self.result_days,
            "review_days": self.review_days,
            "hint_log_level": str(self.hint_log_level or OFF),
            "hint_log_days": self.hint_log_days,
            "hint_log_most": self.hint_log_most,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Options:
        """Read settings back; what is missing takes its default.

        Raises:
            BadInput: a setting that does not exist, or a value that cannot be; the text names the setting and what was expected.
        """
        known = {item.name for item in fields(cls)}
        if unknown := sorted(set(stored) - known):
            raise BadInput(f"connection settings: no such setting: {', '.join(unknown)}")
        values = dict(stored)
        if "placeholder_dates" in values:
            values["placeholder_dates"] = _dates(values["placeholder_dates"])
        if "policies" in values:
            values["policies"] = _policies(values["policies"])
        for name in ("create_contacts", "link_new_automatically", "write_back"):
            _check_box(name, values.get(name, False))
        for name in ("salesforce_reserve", "guard_share"):
            _check_share(name, values.get(name, 0.0))
        for name in ("contact_url", "patient_url"):
            _check_url(name, values.get(name, ""))
        _check_defaults("contact_defaults", values.get("contact_defaults", {}))
        _check_region("phone_region", values.get("phone_region", "US"))
        for name in ("guard_at_least", "log_most"):
            _check_count(name, values.get(name, 1))
        _check_changes(values.get("topic", ""), values.get("poll_seconds", 30.0))
        _check_zone("time_zone", values.get("time_zone", "UTC"))
        _check_hour("parity_hour", values.get("parity_hour", 0))
        values["log_level"] = _level(values.get("log_level", LogLevel.DEBUG))
        values["hint_log_level"] = _level_or_off(values.get("hint_log_level", LogLevel.ERROR))
        for name in ("log_days", "hint_log_days", "result_days", "review_days"):
            _check_days(name, values.get(name, 1))
        _check_most("hint_log_most", values.get("hint_log_most", 5_000))
        return cls(**values)  # type: ignore[arg-type]  # names are checked above, values come from our own to_json


def _with_policy(row: FieldMapping, policy: ConflictPolicy) -> FieldMapping:
    return row if row.policy is policy else replace(row, policy=policy)


def _json(value: str) -> Json:
    return value


def _strings(value: object, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadInput(f"connection settings: {name}: expected a list of texts")
    return value


def _policies(value: object) -> dict[FieldName, ConflictPolicy]:
    if not isinstance(value, dict):
        raise BadInput("connection settings: policies: expected field names with hold, hint or salesforce")
    names = set(DEFAULT_MAPPING.names)
    for name, policy in value.items():
        if name not in names or policy not in set(ConflictPolicy):
            raise BadInput(f"connection settings: policies: {name}: expected a field with hold, hint or salesforce")
    return {name: ConflictPolicy(policy) for name, policy in value.items()}


def _dates(value: object) -> frozenset[str]:
    days = _strings(value, "placeholder_dates")
    for day in days:
        try:
            date.fromisoformat(day)
        except ValueError:
            raise BadInput("connection settings: placeholder_dates: expected days such as 1900-01-01") from None
    return frozenset(days)


def _check_box(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise BadInput(f"connection settings: {name}: expected true or false")


def _check_defaults(name: str, value: object) -> None:
    named = isinstance(value, Mapping) and all(
        isinstance(field_name, str) and field_name.isidentifier() and isinstance(text, str)
        for field_name, text in value.items()
    )
    if not named:
        raise BadInput(f"connection settings: {name}: expected API names of fields, each with a text")


def _check_region(name: str, value: object) -> None:
    if value not in phonenumbers.SUPPORTED_REGIONS:
        raise BadInput(f"connection settings: {name}: expected a two-letter country code, such as US")


def _check_share(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadInput(f"connection settings: {name}: expected a share from 0 to 1")


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadInput(f"connection settings: {name}: expected a whole number from 1 on")


def _check_url(name: str, value: object) -> None:
    if not isinstance(value, str) or (
        value and not value.startswith(("https://", "http://127.0.0.1", "http://localhost"))
    ):
        raise BadInput(f"connection settings: {name}: expected an address that begins with https://")


def _check_zone(name: str, value: object) -> None:
    try:
        ZoneInfo(value if isinstance(value, str) else "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"connection settings: {name}: expected a zone such as America/Chicago") from None


def _check_hour(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 23:
        raise BadInput(f"connection settings: {name}: expected an hour from 0 to 23")


def _level(value: object) -> LogLevel:
    if value not in set(LogLevel):
        raise BadInput(f"connection settings: log_level: expected one of {', '.join(LogLevel)}")
    return LogLevel(str(value))


def _level_or_off(value: object) -> LogLevel | None:
    if value == OFF:
        return None
    if value not in set(LogLevel):
        raise BadInput(f"connection settings: hint_log_level: expected one of {OFF}, {', '.join(LogLevel)}")
    return LogLevel(str(value))


def _from(level: LogLevel) -> tuple[LogLevel, ...]:
    """Return a level and those that are graver."""
    gravity = list(LogLevel)
    return tuple(gravity[gravity.index(level) :])


def _check_most(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 200 <= value <= 100_000:
        raise BadInput(f"connection settings: {name}: expected 200 to 100000 entries")


def _check_days(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 3650:
        raise BadInput(f"connection settings: {name}: expected 1 to 3650 days")


def _check_changes(topic: object, poll_seconds: object) -> None:
    if not isinstance(topic, str) or (topic and not topic.startswith("/")):
        raise BadInput("connection settings: topic: expected a topic such as /data/ContactChangeEvent")
    if not isinstance(poll_seconds, int | float) or not 1 <= poll_seconds <= 3600:
        raise BadInput("connection settings: poll_seconds: expected 1 to 3600 seconds")
