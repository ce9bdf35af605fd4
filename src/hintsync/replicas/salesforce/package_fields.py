"""API names of our own fields on the contact that are not mapped fields; the package deploys them."""

from __future__ import annotations

from typing import Final

from hintsync.core.salesforce_codec import MARKED_FIELD, PATIENT_ID_FIELD
from hintsync.ports import Bookkeeping

#: External id, unique, case-sensitive: the patient's id in Hint. Labelled Hint Patient ID.
PATIENT_ID: Final = PATIENT_ID_FIELD
#: Checkbox, labelled Synced to Hint.
MARKED: Final = MARKED_FIELD
BATCH_ID: Final = "Hint_Last_Batch_Sync_Id__c"
BATCH_OUTCOME: Final = "Hint_Last_Batch_Outcome__c"
BATCH_REASON: Final = "Hint_Last_Batch_Reason__c"

#: Without these no link can be shown on the contact, and nothing is written.
BOOKKEEPING: Final = (PATIENT_ID, MARKED, BATCH_ID, BATCH_OUTCOME, BATCH_REASON)

#: Length of Hint_Last_Batch_Reason__c.
_REASON_LENGTH = 255


def bookkeeping_body(wanted: Bookkeeping) -> dict[str, object]:
    """Return the JSON body of what is written beside mapped fields: `""` empties a field, `None` leaves it alone.

    A contact has no place for a web link or an error message; those two are for patients.
    """
    reason = None if wanted.batch_reason is None else wanted.batch_reason[:_REASON_LENGTH]
    texts = {
        PATIENT_ID: wanted.peer_id,
        BATCH_ID: wanted.batch_id,
        BATCH_OUTCOME: wanted.batch_outcome,
        BATCH_REASON: reason,
    }
    body: dict[str, object] = {name: text or None for name, text in texts.items() if text is not None}
    if wanted.marked is not None:
        body[MARKED] = wanted.marked
    return body
