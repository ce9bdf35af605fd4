"""What becomes of a link that came out of a backup, judged by what the records of both sides show by now (decision 0099).

The backup is older than reality: people may have linked and unlinked since. A link that was restored says so in its reason, with
what it was before, and is frozen until it was judged. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from hintsync.core.records import Link, LinkStatus, RecordId

#: `Link.reason` of a link out of a backup begins so; behind it the status and the reason that it had, unless it was just active.
RESTORED: Final = "restored"
#: `Link.reason` of a link of which the records do not say whether it was ended since the backup: frozen until a person does.
DOUBTED: Final = "doubted"


def restored_reason(status: LinkStatus, reason: str | None) -> str:
    """Return the reason of a link as it comes out of a backup; one that was not judged since the last restore keeps its own."""
    if _is_restored(reason):
        return reason or RESTORED
    return RESTORED if status is LinkStatus.ACTIVE else f"{RESTORED}>{status}>{reason or ''}"


def is_restored(link: Link) -> bool:
    """Say whether a link came out of a backup and was not judged yet."""
    return link.status is LinkStatus.FROZEN and _is_restored(link.reason)


def _is_restored(reason: str | None) -> bool:
    return (reason or "").partition(">")[0] == RESTORED


def before_restore(link: Link) -> tuple[LinkStatus, str | None]:
    """Return the status and the reason that a restored link had when the backup was taken."""
    status, _, reason = (link.reason or "").partition(">")[2].partition(">")
    return LinkStatus(status or LinkStatus.ACTIVE), reason or None


class Verdict(StrEnum):
    """What the records say of a restored link."""

    GOES_ON = "goes-on"
    #: Both records say that it was ended since.
    ENDED = "ended"
    #: One of them says so and the other does not.
    DOUBTED = "doubted"


@dataclass(slots=True)
class Shown:
    """What the records of both sides say of links."""

    #: Contact id to the patient that it shows and whether it is marked; contacts that show nothing are in here, too.
    contacts: dict[RecordId, tuple[RecordId | None, bool]] = field(default_factory=dict)
    #: Patient id to the contact that it shows; "" where it shows none.
    patients: dict[RecordId, RecordId] = field(default_factory=dict)
    #: Patients that a marked contact shows which is there.
    claimed: set[RecordId] = field(default_factory=set)

    def is_free_for(self, contact_id: RecordId, patient_id: RecordId) -> bool:
        """Say whether a patient is there and no other contact has anything to do with it."""
        return patient_id not in self.claimed and self.patients.get(patient_id) in ("", contact_id)


def judge(contact_id: RecordId, patient_id: RecordId, shown: Shown) -> Verdict:
    """Judge a restored link by what its records, and those that they show, say now.

    It was ended if two records say so: another pair shows each other, or neither of the two shows the other. A record that is not
    there says nothing: the ordinary path finds out what became of it (rows D1 to D9). A contact that has lost its tick
    alone, or its id alone, was edited by hand, and the mark comes back (row U2). Where it has lost both and the patient
    still shows it nobody can tell: Hint may have kept our id when the two were unlinked (row U1).
    """
    if _shows_another(contact_id, patient_id, shown):
        return Verdict.ENDED
    peer_id, marked = shown.contacts.get(contact_id, (None, True))
    if peer_id == patient_id:
        return Verdict.GOES_ON
    if peer_id:
        return Verdict.ENDED if shown.patients.get(peer_id) == contact_id else Verdict.DOUBTED
    holder = shown.patients.get(patient_id)
    if not marked:
        return Verdict.DOUBTED if holder in (None, contact_id) else Verdict.ENDED
    missing = contact_id not in shown.contacts and holder in (
        None,
        contact_id,
    )  # a merge may have left its id elsewhere
    return Verdict.DOUBTED if patient_id in shown.claimed and not missing else Verdict.GOES_ON


def _shows_another(contact_id: RecordId, patient_id: RecordId, shown: Shown) -> bool:
    """Say whether the patient and another, marked contact show each other."""
    holder = shown.patients.get(patient_id)
    return bool(holder) and holder != contact_id and shown.contacts.get(holder or "") == (patient_id, True)
