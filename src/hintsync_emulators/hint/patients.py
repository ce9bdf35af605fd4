"""One patient: compact as stored, complete as answered.

A list page, a single read, a create, an update, a match and a webhook all show the same object
(https://developers.hint.com/reference, Patient).
"""

from dataclasses import dataclass
from datetime import date, datetime

from hintsync_emulators.hint.phones import Phone

#: Attributes that are objects, lists or secrets, in Hint's order.
_COMPOUND = (
    "account",
    "company",
    "emergency_contact",
    "external_records",
    "known_practice",
    "lead_source",
    "location",
    "location_group",
    "membership_members",
    "memberships",
    "merged_into",
    "phones",
    "practitioner",
    "practitioner_group",
    "sponsorships",
    "ssn",
)
#: Every key of an answer in Hint's order, with the value of a patient nobody has filled in.
_BLANK: dict[str, object] = dict.fromkeys(
    [
        "id",
        "address_city",
        "address_country",
        "address_line1",
        "address_line2",
        "address_state",
        "address_zip",
        "age",
        "chosen_first_name",
        "chosen_last_name",
        "chosen_middle_name",
        "chosen_suffix",
        "chosen_title",
        "created_at",
        "dob",
        "electronic_communication_consent_accepted",
        "electronic_communication_consent_accepted_at",
        "email",
        "email_marketing_authorization",
        "engaged",
        "external_link_id",
        "first_name",
        "gender",
        "gender_identity",
        "gender_other",
        "health_insurance_group_id",
        "health_insurance_member_id",
        "health_insurance_payer_id",
        "health_insurance_payer_name",
        "hipaa_authorization_accepted",
        "hipaa_authorization_accepted_at",
        "import_id",
        "import_source",
        "joined_practice_date",
        "last_engagement_date",
        "last_name",
        "lead_source_other",
        "master_record_sponsor",
        "membership_status",
        "middle_name",
        "name",
        "patient_agreement_accepted",
        "patient_agreement_accepted_at",
        "preferred_language",
        "pronouns",
        "provider_web_link",
        "sex",
        "suffix",
        "terms_accepted",
        "terms_accepted_at",
        "updated_at",
        "uses_tobacco",
        *_COMPOUND,
        "integration_error_message",
        "integration_last_synced_at",
        "integration_record_id",
        "integration_sync_status",
        "integration_web_link",
    ]
) | {
    "electronic_communication_consent_accepted": False,
    "engaged": False,
    "external_records": [],
    "hipaa_authorization_accepted": False,
    "integration_sync_status": "enabled",
    "membership_members": [],
    "membership_status": "unconfirmed",
    "memberships": [],
    "patient_agreement_accepted": False,
    "phones": (),
    "preferred_language": "en",
    "sponsorships": [],
    "terms_accepted": False,
    "uses_tobacco": False,
}
#: The two consents, each with the older pair of names that always showed the same value in published examples.
_CONSENT_ALIASES = {
    "electronic_communication_consent_accepted": "hipaa_authorization_accepted",
    "electronic_communication_consent_accepted_at": "hipaa_authorization_accepted_at",
    "patient_agreement_accepted": "terms_accepted",
    "patient_agreement_accepted_at": "terms_accepted_at",
}
#: Attributes a list cannot be filtered or sorted by: those that are no plain value, or computed at each answer.
_UNSEARCHABLE = frozenset(("age", "provider_web_link", *_COMPOUND))
PLAIN_ATTRIBUTES = frozenset(_BLANK) - _UNSEARCHABLE
_WITH_MEMBERSHIP = frozenset(("pending", "active", "unpaid", "inactive", "ended"))


@dataclass(slots=True, eq=False)
class Patient:
    """A stored patient; only what differs from a blank one takes room."""

    id: str
    #: Position in the order of creation.
    serial: int
    created_at: datetime
    updated_at: datetime
    values: dict[str, object]
    archived: bool = False
    #: The patient this one was merged into.
    merged_into: "Patient | None" = None

    def get(self, name: str) -> object:
        """Returns a plain attribute as answers show it, None where there is nothing."""
        if name in self.values:
            return self.values[name]
        if name in ("id", "created_at", "updated_at"):
            return getattr(self, name)
        if name == "name":
            return self.name
        if name == "membership_status" and self.archived:
            return "archived"
        return _BLANK.get(name)

    @property
    def name(self) -> str:
        parts = (self.values.get("first_name"), self.values.get("middle_name"), self.values.get("last_name"))
        return " ".join(str(part) for part in parts if part)

    @property
    def phones(self) -> tuple[Phone, ...]:
        phones = self.values.get("phones", ())
        assert isinstance(phones, tuple)
        return phones

    def apply(self, changes: dict[str, object]) -> None:
        """Takes over normalised changes; None clears."""
        for name, value in changes.items():
            if value is None or value == ():
                self.values.pop(name, None)
            else:
                self.values[name] = value


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of the practice shows in every patient."""

    today: date
    practitioners: dict[str, dict[str, object]]
    locations: dict[str, dict[str, object]]
    lead_sources: dict[str, dict[str, object]]
    location_group: dict[str, object]
    plan: dict[str, object]
    title_echoed: bool


def with_consent_times(changes: dict[str, object], now: datetime, *, terms_alias: bool) -> dict[str, object]:
    """Adds to a change of a consent the time at which it was given, or takes the time away, in both spellings.

    Args:
        terms_alias: ``terms_…`` is the older spelling of ``patient_agreement_…``, and not a consent of its own.
    """
    full = dict(changes)
    for name in ("electronic_communication_consent_accepted", "patient_agreement_accepted"):
        if name in changes and f"{name}_at" not in changes:
            full[f"{name}_at"] = now if changes[name] else None
    repeated = {_CONSENT_ALIASES[name]: value for name, value in full.items() if name in _CONSENT_ALIASES}
    full |= {name: value for name, value in repeated.items() if terms_alias or not name.startswith("terms")}
    return full


def render(patient: Patient, around: Surroundings) -> dict[str, object]:
    """Returns the whole answer for one patient, ready for orjson (dates and phones as objects)."""
    values = patient.values
    name = patient.name
    answer = {**_BLANK, **values}
    answer["id"] = patient.id
    answer["created_at"] = patient.created_at
    answer["updated_at"] = patient.updated_at
    answer["age"] = _age(values.get("dob"), around.today)
    answer["name"] = name
    answer["account"] = {"name": name, "past_due_in_cents": 0}
    answer["provider_web_link"] = f"https://app.hint.com/patients/{patient.id}"
    _show_associations(answer, around)
    title = answer.pop("title", None)
    if around.title_echoed:
        answer["title"] = title
    if "membership_status" in values:
        answer["memberships"] = _memberships(patient, name, around)
    if patient.archived:
        answer["membership_status"] = "archived"
    if patient.merged_into is not None:
        answer["merged_into"] = {"id": patient.merged_into.id, "name": patient.merged_into.name}
    return answer


def _show_associations(answer: dict[str, object], around: Surroundings) -> None:
    for name, known in (
        ("practitioner", around.practitioners),
        ("location", around.locations),
        ("lead_source", around.lead_sources),
    ):
        chosen = answer[name]
        if chosen is not None:
            answer[name] = known.get(str(chosen))
    if answer["location"] is not None:
        answer["location_group"] = around.location_group
    if answer["ssn"] is not None:
        answer["ssn"] = {"masked_number": f"***-**-{answer['ssn']}"}


def _age(born: object, today: date) -> int | None:
    if not isinstance(born, str):
        return None
    before_birthday = (today.month, today.day) < (int(born[5:7]), int(born[8:10]))
    return today.year - int(born[:4]) - before_birthday


def _memberships(patient: Patient, name: str, around: Surroundings) -> list[dict[str, object]]:
    """A patient with a membership status has one membership, paid by himself."""
    status = patient.values["membership_status"]
    if status not in _WITH_MEMBERSHIP:
        return []
    start = patient.values.get("joined_practice_date") or patient.created_at.date().isoformat()
    return [
        {
            "start_date": start,
            "end_date": None,
            "enrollment_requested_on": None,
            "enrollment_status": "enrolled",
            "status": status,
            "member_type": "subscriber",
            "uses_tobacco": patient.values.get("uses_tobacco", False),
            "company": None,
            "division": None,
            "payer": {"id": patient.id, "name": name},
            "plan": around.plan,
        }
    ]
