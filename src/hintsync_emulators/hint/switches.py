"""Named switches for what Hint's documents leave open or contradict.

Each default is the behaviour that the documents make likeliest; a test flips a switch to meet the other one.
"""

from dataclasses import Field, dataclass, field, fields
from typing import Any


def _switch(default: Any, about: str, *choices: str) -> Any:
    return field(default=default, metadata={"about": about, "choices": choices})


@dataclass(slots=True)
class Switches:
    """Which of the possible Hints this emulator is."""

    # Lists
    updated_at_filter: bool = _switch(True, "Lists of patients honour a range on updated_at; off: everybody comes.")
    dob_filter: bool = _switch(True, "Lists of patients honour dob=; off: ignored.")
    filter_all: bool = _switch(True, "filter=all adds archived patients to the active ones; off: it means nothing.")
    limit_clamped: bool = _switch(True, "A limit above 100 counts as 100; off: it answers 400.")
    legacy_lists_paged: bool = _switch(
        False, "The older lists of integrations, practitioners and endpoints honour limit and offset, with counts."
    )
    # Patients, as shown
    title_echoed: bool = _switch(False, "title shows in answers; off: it is accepted and stored, and never shown.")
    terms_alias: bool = _switch(
        True, "terms_accepted repeats patient_agreement_accepted; off: it is a third consent, never given here."
    )
    utc_timestamps: bool = _switch(False, "New time stamps of records end in Z; off: in -08:00.")
    # Patients, as written
    dob_required: bool = _switch(False, "A patient cannot be created without a birth date.")
    strict_unknown_fields: bool = _switch(False, "A body field that Hint does not know is refused; off: ignored.")
    address_line_1_accepted: bool = _switch(
        False, "address_line_1 and _2, as go-hint sends them, are taken for address_line1 and 2; off: unknown fields."
    )
    names_required_on_patch: bool = _switch(False, "An update through the API must carry first and last name.")
    null_clears: bool = _switch(True, "Null or an empty string clears a field; off: it leaves the field as it was.")
    phones_merge: bool = _switch(
        False, "phones in an update replaces only entries of the types it names; off: the whole list."
    )
    email_checked: bool = _switch(True, "The e-mail address must look like one.")
    max_length: int = _switch(255, "Longest text a field takes, in characters; 0 means any.")
    quiet_fields: str = _switch(
        "", 'Fields whose change alone does not move updated_at, separated by blanks ("phones practitioner").'
    )
    # Archived and merged patients
    archived_by_id: bool = _switch(True, "A GET, PATCH or PUT by id reaches archived patients; off: 404.")
    merged_by_id: bool = _switch(True, "A GET, PATCH or PUT by id reaches patients merged into another; off: 404.")
    archive_event: str = _switch(
        "patient.updated", "The event of an archived patient.", "patient.updated", "patient.inactive", "none"
    )
    merge_event: str = _switch(
        "patient.updated", "The event of a patient merged into another.", "patient.updated", "patient.destroyed", "none"
    )
    # Connections
    version_header_required: bool = _switch(True, "The newer partner routes answer 404 without Hint-Version.")
    bad_code_status: int = _switch(422, "Status for an authorization code that is unknown or already used.")
    practice_token_on_partner_status: int = _switch(403, "Status for a practice token on a route of the partner.")
    # Webhooks
    unmute_self_webhooks: bool = _switch(
        False, "Changes made through the API cause webhooks too, whatever the backend says."
    )
    webhook_retries: str = _switch(
        "hourly",
        "When a failed delivery is tried again: every hour, or after 1, 2, 4, 8 … minutes; for 72 hours either way.",
        "hourly",
        "exponential",
    )
    webhook_mute_after: int = _switch(
        100, "Consecutive failures after which an endpoint is muted for an hour; 0: never muted."
    )
    webhook_timeout_seconds: float = _switch(10.0, "Seconds a receiver has for its answer.")
    destroyed_in_full: bool = _switch(False, "patient.destroyed shows the whole patient; off: the id only.")
    envelope_timestamp: bool = _switch(False, "The envelope repeats created_at as timestamp, as one page reads it.")
    webhook_practice_prefix: str = _switch("pra", "How practice_id begins in the envelope of a webhook.", "pra", "prc")

    def set(self, name: str, value: object) -> None:
        """Sets one switch by name.

        Raises:
            KeyError: there is no such switch.
            TypeError: the value is not of the switch's type, or none of its choices.
        """
        switch = {each.name: each for each in fields(self)}[name]
        expected = type(switch.default)
        if expected is float and type(value) is int:
            value = float(value)
        if type(value) is not expected:
            raise TypeError(f"{name} must be of type {expected.__name__}")
        choices = switch.metadata["choices"]
        if choices and value not in choices:
            raise TypeError(f"{name} must be one of {', '.join(choices)}")
        setattr(self, name, value)

    def to_json(self) -> list[dict[str, object]]:
        """Returns every switch with its value, its default and what it decides."""
        return [{**_described(each), "value": getattr(self, each.name)} for each in fields(self)]


def _described(each: "Field[Any]") -> dict[str, object]:
    described = {"name": each.name, "about": each.metadata["about"], "default": each.default}
    choices = each.metadata["choices"]
    return {**described, "choices": list(choices)} if choices else described


def descriptions() -> list[dict[str, object]]:
    """Returns what each switch decides, without values."""
    return [_described(each) for each in fields(Switches)]
