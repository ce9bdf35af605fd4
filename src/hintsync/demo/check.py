"""The demo's verdict, from what the two APIs show: every linked pair agrees, every link is whole, nothing was lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from hintsync.demo.compare import FIELDS, Difference, differences
from hintsync.demo.edits import Conflict
from hintsync.demo.wire import Seen


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check found."""

    contacts: int
    patients: int
    pairs: int
    #: Values that were compared: pairs times fields.
    compared: int
    #: Differences that nobody made on purpose.
    unexpected: tuple[Difference, ...]
    #: Conflicts that were made on purpose and are still there as they were made, on both sides.
    held: tuple[Conflict, ...]
    #: Conflicts of which a side was overwritten.
    lost: tuple[Conflict, ...]
    #: Links that one side shows and the other does not, in words.
    broken: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything is as it should be, and there was something to look at."""
        return self.pairs > 0 and not (self.unexpected or self.lost or self.broken)


def check(seen: Seen, conflicts: Collection[Conflict] = ()) -> Verdict:
    """Judge both systems by what they show.

    Args:
        seen: Everybody on both sides.
        conflicts: Fields that were edited differently on both sides on purpose, and must stay as they were made.
    """
    pairs = seen.pairs()
    meant = {(conflict.contact_id, conflict.field) for conflict in conflicts}
    found = [each for contact, patient in pairs for each in differences(contact, patient)]
    held = tuple(conflict for conflict in conflicts if conflict.stands(seen))
    return Verdict(
        contacts=len(seen.contacts),
        patients=len(seen.patients),
        pairs=len(pairs),
        compared=len(pairs) * len(FIELDS),
        unexpected=tuple(each for each in found if (each.contact_id, each.field) not in meant),
        held=held,
        lost=tuple(conflict for conflict in conflicts if conflict not in held),
        broken=tuple(broken_links(seen)),
    )


def broken_links(seen: Seen) -> list[str]:
    """Return what is wrong with the links as the two systems show them; names ids only."""
    problems = []
    claimed = Counter(each["Hint_Patient_Id__c"] for each in seen.contacts.values() if each["Hint_Patient_Id__c"])
    problems += [f"patient {patient_id} is named by {n} contacts" for patient_id, n in claimed.items() if n > 1]
    for contact in seen.contacts.values():
        patient_id = contact["Hint_Patient_Id__c"]
        if bool(patient_id) != bool(contact["Synced_to_Hint__c"]):
            problems.append(f"contact {contact['Id']}: Synced to Hint and Hint Patient ID contradict each other")
        if patient_id and not _names_back(seen, patient_id, contact["Id"]):
            problems.append(f"patient {patient_id} does not name contact {contact['Id']}")
    for patient in seen.patients.values():
        if patient["integration_record_id"] and not claimed[patient["id"]]:
            problems.append(f"patient {patient['id']} names a contact that does not name him")
    return problems


def _names_back(seen: Seen, patient_id: str, contact_id: str) -> bool:
    patient = seen.patients.get(patient_id)
    return patient is not None and str(patient["integration_record_id"] or "").startswith(contact_id)


def changed_records(before: Seen, after: Seen) -> list[str]:
    """Return the ids of records that are not exactly what they were, made or gone ones included.

    Patients count with every key, their time stamp too; contacts without stamps, since a batch stamps the contacts it
    went over.
    """
    ids = {*before.contacts, *after.contacts}
    changed = [i for i in ids if before.contacts.get(i) != after.contacts.get(i)]
    ids = {*before.patients, *after.patients}
    return sorted(changed + [i for i in ids if before.patients.get(i) != after.patients.get(i)])
