"""What a person chose: the two records as both sides show them now, what is linked of them, and how their first sync is to go."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from hintsync.core.errors import BadInput
from hintsync.core.fingerprints import pair_salt
from hintsync.core.first_sync import inherited_fields
from hintsync.core.link import OwnLink
from hintsync.core.link_by_hand import ChosenPair, decide_create_by_hand
from hintsync.core.plan import Match, Mode
from hintsync.core.records import (
    FieldName,
    Fingerprint,
    LinkState,
    LinkStatus,
    RecordId,
    RecordState,
    Snapshot,
)
from hintsync.core.values import ABSENT, Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.settling import is_gone

#: A contact that was linked with nobody before has nothing from a former patient.
NOTHING_INHERITED: Mapping[FieldName, Fingerprint] = MappingProxyType({})


async def read_both(engine: Engine, contact_id: RecordId, patient_id: RecordId) -> tuple[Snapshot, Snapshot]:
    """Read a live contact and a patient.

    Raises:
        BadInput: there is no such contact, or no such patient.
    """
    contacts, patients = await asyncio.gather(engine.salesforce.read([contact_id]), engine.hint.read([patient_id]))
    contact, patient = contacts.get(contact_id), patients.get(patient_id)
    if contact is None or contact.state is not RecordState.LIVE:
        raise BadInput(f"no contact {contact_id}")
    if patient is None:
        raise BadInput(f"no patient {patient_id}")
    return contact, patient


async def states_of(engine: Engine, contact_id: RecordId, patient_id: RecordId) -> dict[Side, LinkState | None]:
    """Return the live link of the contact and that of the patient, by side."""
    store, connection_id = engine.store, engine.connection.id
    by_contact = await store.live_links(connection_id, Side.SALESFORCE, [contact_id])
    by_patient = await store.live_links(connection_id, Side.HINT, [patient_id])
    return {Side.SALESFORCE: by_contact.get(contact_id), Side.HINT: by_patient.get(patient_id)}


async def chosen_pair(
    engine: Engine, contact: Snapshot, patient: Snapshot, states: Mapping[Side, LinkState | None]
) -> ChosenPair:
    """Gather what decides whether the two may be linked (`core.link_by_hand`)."""
    return ChosenPair(
        contact.id,
        patient.id,
        contact_link=own_link(states[Side.SALESFORCE], Side.SALESFORCE),
        patient_link=own_link(states[Side.HINT], Side.HINT),
        patient_state=patient.state,
        person_account=contact.person_account,
        declined=await engine.store.declined(engine.connection.id, contact.id, patient.id),
    )


def own_link(state: LinkState | None, side: Side) -> OwnLink | None:
    """Return a record's link as the decision tables see it."""
    if state is None:
        return None
    peer = state.link.patient_id if side is Side.SALESFORCE else state.link.contact_id
    return OwnLink(state.link.status, peer, state.link.reason)


def unfinished_of(states: Mapping[Side, LinkState | None]) -> LinkState | None:
    """Return the link of this very pair if it was cut off in its first sync."""
    state = states[Side.SALESFORCE]
    ours = state is not None and state == states[Side.HINT] and state.link.status is LinkStatus.RESERVED
    return state if ours else None


async def look_before_create(engine: Engine, contact_id: RecordId) -> tuple[Snapshot, LinkState | None, Match]:
    """Read a contact, and decide whether a patient may be created from it."""
    contact = (await engine.salesforce.read([contact_id])).get(contact_id)
    if contact is None or is_gone(contact):
        raise BadInput(f"no contact {contact_id}")
    state = (await engine.store.live_links(engine.connection.id, Side.SALESFORCE, [contact_id])).get(contact_id)
    first, last = contact.values.get("first_name"), contact.values.get("last_name")
    match = decide_create_by_hand(
        own_link(state, Side.SALESFORCE),
        first_name=first if isinstance(first, str) else None,
        last_name=last if isinstance(last, str) else None,
        person_account=contact.person_account,
    )
    return contact, state, match


def inherited_prints(
    engine: Engine, contact: Snapshot, old: LinkState, patient_id: RecordId
) -> Mapping[FieldName, Fingerprint]:
    """Return the fields that a contact has from its former patient (row U3), with prints that the new link can compare.

    Names alone would not do: the first sync may come later, and somebody may edit the contact until then.
    """
    names = inherited_fields(contact, old.base, engine.fingerprinter(old.link.salt))
    fp = engine.fingerprinter(pair_salt(contact.id, patient_id))
    shown = {name: value for name in names if (value := contact.values[name]) is not ABSENT}
    return {name: fp.of(name, value) for name, value in shown.items()}


def reason_of_first_sync(inherited: Mapping[FieldName, Fingerprint] = NOTHING_INHERITED) -> str:
    """Return how the first sync of a link made by hand is to go, fields of a former patient included (row U3)."""
    mode = str(Mode.FIRST_SALESFORCE_WINS)
    told = ",".join(f"{name}={print_.hex()}" for name, print_ in sorted(inherited.items()))
    return f"{mode}|{told}" if told else mode
