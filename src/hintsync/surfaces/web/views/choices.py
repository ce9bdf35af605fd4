"""The settings form: every choice with its label, a sentence, and how it is typed; read back with an error beside each field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum, auto
from functools import cache
from zoneinfo import available_timezones

from hintsync.core.errors import BadInput
from hintsync.engine.options import OFF, Options
from hintsync.state.port import Json, LogLevel


class Shape(Enum):
    """How a choice is typed."""

    BOX = auto()
    TEXT = auto()
    #: A share, shown as so many of a hundred.
    PERCENT = auto()
    WHOLE = auto()
    SECONDS = auto()
    #: One value a line.
    LINES = auto()
    #: `Name = value`, one a line.
    PAIRS = auto()
    ZONE = auto()
    HOUR = auto()
    LEVEL = auto()
    #: A level, or off.
    COPIED = auto()


@dataclass(frozen=True, slots=True)
class Choice:
    """One field of the form."""

    #: As in `Options`.
    name: str
    label: str
    #: One sentence or two.
    words: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Group:
    """Choices under one heading."""

    title: str
    choices: tuple[Choice, ...]


GROUPS: tuple[Group, ...] = (
    Group(
        "New patients",
        (
            Choice(
                "create_contacts",
                "Create new Contact for Patients without Demographics Matches During Sync of Patients to Contacts",
                "A new patient whom no contact matches gets a contact of the Default Account; without it nothing is created.",
                Shape.BOX,
            ),
            Choice(
                "link_new_automatically",
                "Link new patients automatically",
                "A new patient is linked to the one contact with the same first name, last name and date of birth, if neither "
                "is linked yet.",
                Shape.BOX,
            ),
            Choice(
                "placeholder_dates",
                "Birth dates that mean “unknown”",
                "People with one of these dates are never matched by themselves. One date a line, such as 1900-01-01.",
                Shape.LINES,
            ),
            Choice(
                "contact_defaults",
                "Default values of created contacts",
                "Fields that contacts created from Hint are given besides, one a line: LeadSource = Hint.",
                Shape.PAIRS,
            ),
        ),
    ),
    Group(
        "What is shown where",
        (
            Choice(
                "write_back",
                "Show the link on the Hint patient",
                "Writes the contact’s id and web address to the patient, where Hint’s staff see them.",
                Shape.BOX,
            ),
            Choice(
                "contact_url",
                "Start of a contact’s web address",
                "The contact’s id follows it. Empty: no address is written to the patient.",
                Shape.TEXT,
            ),
            Choice(
                "patient_url",
                "Start of a patient’s web address in Hint",
                "For the links to Hint on our pages; the patient’s id follows it. Empty: Hint’s usual address.",
                Shape.TEXT,
            ),
            Choice(
                "phone_region",
                "Country of phone numbers",
                "For numbers that come without a country code: two letters, such as US.",
                Shape.TEXT,
            ),
        ),
    ),
    Group(
        "Safety",
        (
            Choice(
                "guard_share",
                "Stop when one side changes more than this share of the linked pairs within an hour",
                "Guard G3: what is held back waits as a plan to be approved. In per cent.",
                Shape.PERCENT,
            ),
            Choice(
                "guard_at_least",
                "But never below this many pairs",
                "A small clinic’s share would be a handful; up to this many changes pass in any case.",
                Shape.WHOLE,
            ),
            Choice(
                "salesforce_reserve",
                "Salesforce’s daily calls left to other applications",
                "Batches stop before less than this share of the org’s daily allowance is left. In per cent.",
                Shape.PERCENT,
            ),
        ),
    ),
    Group(
        "Clock and changes",
        (
            Choice(
                "time_zone",
                "Time zone of the clinic",
                "Times on these pages, and the hour below, are in it.",
                Shape.ZONE,
            ),
            Choice(
                "parity_hour",
                "Hour of the nightly check",
                "From this hour on everybody on both sides is compared, and the result is signed.",
                Shape.HOUR,
            ),
            Choice(
                "poll_seconds",
                "Seconds between two polls of Salesforce",
                "Only where the org sends no change events; each poll costs a call. 1 to 3600.",
                Shape.SECONDS,
            ),
            Choice(
                "topic",
                "Topic of change events",
                "Such as /data/Contact__chn. Empty: the first of those we know that the org has.",
                Shape.TEXT,
            ),
        ),
    ),
    Group(
        "Log",
        (
            Choice(
                "log_level",
                "Entries that are kept",
                "Debug keeps all that happens; the others only what went wrong.",
                Shape.LEVEL,
            ),
            Choice("log_days", "Days that entries are kept", "The audit trail is kept for good.", Shape.WHOLE),
            Choice("log_most", "Entries that are kept at most", "The oldest go first.", Shape.WHOLE),
        ),
    ),
    Group(
        "Results and reviews",
        (
            Choice(
                "result_days",
                "Days that a run’s results are kept",
                "Record by record; that it was, and its figures, stay.",
                Shape.WHOLE,
            ),
            Choice("review_days", "Days that settled reviews are kept", "Open ones stay.", Shape.WHOLE),
        ),
    ),
    Group(
        "Log in Salesforce",
        (
            Choice(
                "hint_log_level",
                "Entries that are copied to the Hint Log in Salesforce",
                "Ids and field names only. Debug may be thousands of entries a day.",
                Shape.COPIED,
            ),
            Choice(
                "hint_log_days",
                "Days that copies are kept in Salesforce",
                "Older ones are deleted there within hours.",
                Shape.WHOLE,
            ),
            Choice(
                "hint_log_most",
                "Copies that are kept in Salesforce at most",
                "Each takes 2 KB of the org’s data storage; the oldest go first. 200 to 100000.",
                Shape.WHOLE,
            ),
        ),
    ),
)
CHOICES: Mapping[str, Choice] = {choice.name: choice for group in GROUPS for choice in group.choices}
#: Choices that other pages hold: the Default Account with the connection, the policies with the fields.
ELSEWHERE = frozenset({"default_account_id", "policies"})
_LEVELS = (
    (str(LogLevel.DEBUG), "Debug, Error and Exception"),
    (str(LogLevel.ERROR), "Error and Exception"),
    (str(LogLevel.EXCEPTION), "Exception only"),
)


@dataclass(frozen=True, slots=True)
class Field:
    """A field as the form shows it."""

    choice: Choice
    #: As typed, or as stored.
    text: str
    ticked: bool = False
    #: What is wrong with it.
    error: str = ""
    #: What somebody else set it to while the form was open.
    overtaken: str = ""
    options: tuple[tuple[str, str], ...] = ()


def typed_of(values: Mapping[str, Json]) -> dict[str, str]:
    """Return stored choices as a person would type them."""
    return {name: _typed(choice.shape, values[name]) for name, choice in CHOICES.items()}


def sent(form: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed into the form, by choice; a box that was left empty is not sent at all."""
    return {name: form.get(name, "").replace("\r\n", "\n") for name in CHOICES}


def read(typed: Mapping[str, str]) -> tuple[dict[str, Json], dict[str, str]]:
    """Read what was typed.

    Returns:
        The choices that can be, and what is wrong with each of the others.
    """
    values: dict[str, Json] = {}
    errors: dict[str, str] = {}
    for name, choice in CHOICES.items():
        try:
            values[name] = _read(choice.shape, typed[name].strip())
            Options.from_json({name: values[name]})
        except BadInput as error:
            values.pop(name, None)
            errors[name] = _plain(name, str(error))
    return values, errors


def fields_of(
    typed: Mapping[str, str], errors: Mapping[str, str], overtaken: Mapping[str, Json]
) -> tuple[tuple[Group, tuple[Field, ...]], ...]:
    """Return the form's groups with their fields."""
    return tuple((group, tuple(_field(each, typed, errors, overtaken) for each in group.choices)) for group in GROUPS)


def _field(choice: Choice, typed: Mapping[str, str], errors: Mapping[str, str], overtaken: Mapping[str, Json]) -> Field:
    text = typed[choice.name]
    meanwhile = ""
    if choice.name in overtaken:
        meanwhile = _shown(choice.shape, overtaken[choice.name])
    return Field(
        choice,
        text,
        ticked=choice.shape is Shape.BOX and text == "on",
        error=errors.get(choice.name, ""),
        overtaken=meanwhile,
        options=_options(choice.shape, text),
    )


def _options(shape: Shape, text: str) -> tuple[tuple[str, str], ...]:
    """Return what there is to choose from; what was sent is kept in it, even if nobody could choose that."""
    offered: tuple[tuple[str, str], ...] = ()
    if shape is Shape.HOUR:
        offered = tuple((str(hour), f"{hour:02}:00") for hour in range(24))
    if shape is Shape.LEVEL:
        offered = _LEVELS
    if shape is Shape.COPIED:
        offered = (*_LEVELS, (OFF, "None"))
    if shape is Shape.ZONE:
        offered = tuple((zone, zone.replace("_", " ")) for zone in _zones())
    return offered if not offered or text in dict(offered) else ((text, text), *offered)


@cache
def _zones() -> tuple[str, ...]:
    """Return the zones that people name, such as America/Chicago."""
    other = ("Etc/", "posix/", "right/")
    return ("UTC", *sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(other)))


def _typed(shape: Shape, value: Json) -> str:
    if shape is Shape.BOX:
        return "on" if value else ""
    if shape is Shape.PERCENT and isinstance(value, int | float):
        return f"{round(value * 100, 6):g}"
    if shape is Shape.SECONDS and isinstance(value, int | float):
        return f"{value:g}"
    if shape is Shape.LINES and isinstance(value, list):
        return "\n".join(map(str, value))
    if shape is Shape.PAIRS and isinstance(value, dict):
        return "\n".join(f"{name} = {text}" for name, text in value.items())
    return str(value)


def _shown(shape: Shape, value: Json) -> str:
    if shape is Shape.BOX:
        return "ticked" if value else "not ticked"
    return ", ".join(_typed(shape, value).splitlines()) or "empty"


def _read(shape: Shape, text: str) -> Json:
    """Read one choice.

    Raises:
        BadInput: it has not the form that was asked for.
    """
    if shape is Shape.BOX:
        return text == "on"
    if shape is Shape.LINES:
        return [*dict.fromkeys(line.strip() for line in text.splitlines() if line.strip())]
    if shape is Shape.PAIRS:
        return dict(_pair(line) for line in text.splitlines() if line.strip())
    if shape is Shape.PERCENT:
        return float(_number(text.removesuffix("%").strip(), "a number from 0 to 100") / 100)
    if shape is Shape.SECONDS:
        return float(_number(text, "a number of seconds"))
    if shape in (Shape.WHOLE, Shape.HOUR):
        return _whole(text)
    return text


def _number(text: str, expected: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise BadInput(f"expected {expected}") from None
    if not number.is_finite():
        raise BadInput(f"expected {expected}")
    return number


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadInput("expected a whole number")
    return int(text)


def _pair(line: str) -> tuple[str, str]:
    name, sign, value = line.partition("=")
    if not sign or not value.strip():
        raise BadInput("expected one field a line, such as LeadSource = Hint")
    return name.strip(), value.strip()


def _plain(name: str, text: str) -> str:
    """Return an error of the options without the place that it stands beside anyway."""
    plain = text.removeprefix("connection settings: ").removeprefix(f"{name}: ")
    if CHOICES[name].shape is Shape.PERCENT:
        plain = plain.replace("a share from 0 to 1", "a number from 0 to 100")
    return plain[:1].upper() + plain[1:] + "."
