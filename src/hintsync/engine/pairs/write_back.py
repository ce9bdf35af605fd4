"""Tells Hint, on the patient itself, that a pair waits for a decision; field labels and codes only (B12).

What was told last is remembered beside the base, so that a message is sent when the state changes and at no other time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from hintsync.core.errors import RetryLater
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.records import FieldName, Fingerprint, HoldKind, Link, LinkState, LinkStatus, RecordId
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.outcomes import Records
from hintsync.engine.pairs.settling import LOOKS
from hintsync.engine.pairs.writing import Trouble, write_side
from hintsync.ports import Bookkeeping, Update, WriteMode
from hintsync.state.port import LinkChange

#: Pseudo-field of a base: the message that the patient shows.
MESSAGE = "/message"
_TRY_AGAIN = frozenset({Trouble.LOOK_AGAIN, Trouble.LATER})
#: Characters of the longest message; more fields are counted, not named.
_LONGEST = 200


def message_for(state: LinkState, table: FieldTable) -> str:
    """Return what a patient is to show of its link; empty if nothing waits."""
    if state.link.status is LinkStatus.FROZEN:
        return "hintsync: this patient waits for a decision before anything is synced"
    asked = [name for name in table.names if name in state.holds and state.holds[name].kind is not HoldKind.REFUSED]
    refused = [name for name in table.names if name in state.holds and state.holds[name].kind is HoldKind.REFUSED]
    parts = [_part("waiting for a decision", asked, table), _part("not taken by a system", refused, table)]
    told = "; ".join(part for part in parts if part)
    return f"hintsync: {told}" if told else ""


def _part(what: str, names: Sequence[FieldName], table: FieldTable) -> str:
    if not names:
        return ""
    labels = ", ".join(table[name].label for name in names)
    return f"{what}: {labels}" if len(labels) <= _LONGEST else f"{what}: {len(names)} fields"


async def write_back(engine: Engine, pairs: Sequence[tuple[LinkState, Records]]) -> frozenset[str]:
    """Bring the messages on patients up to date, and add to each pair's records what its base remembers of that.

    Args:
        engine: The connection.
        pairs: Links as they are stored, with what is about to be remembered of each; their patients exist.

    Returns:
        Links whose message could not be sent now; whoever can works them again. A message that Hint refuses is left.
    """
    if not engine.options.write_back:
        return frozenset()
    updates: dict[RecordId, Update] = {}
    told: dict[RecordId, tuple[Link, Records, Fingerprint]] = {}
    for before, records in pairs:
        state = remembered(before, records)
        text, patient_id = message_for(state, engine.table), state.link.patient_id
        print_, known = engine.fingerprinter(state.link.salt).of(MESSAGE, text), state.base.get(MESSAGE)
        if patient_id is None or known == print_ or (known is None and not text):
            continue
        updates[patient_id] = Update(patient_id, {}, None, Bookkeeping(error_message=text))
        told[patient_id] = state.link, records, print_
    taken, unsent = await _send(engine, updates)
    for patient_id in taken:
        link, records, print_ = told[patient_id]
        _remember(records, link, {MESSAGE: print_})
    return frozenset(told[patient_id][0].id for patient_id in unsent)


def remembered(state: LinkState, records: Records) -> LinkState:
    """Return a link's state as it will be once these records are committed."""
    for change in records.links:
        if change.link.id == state.link.id:
            base = {**({} if change.clear_base else state.base), **change.base}
            holds = {name: hold for name, hold in {**state.holds, **change.holds}.items() if hold is not None}
            state = LinkState(change.link, base, holds)
    return state


def _remember(records: Records, link: Link, base: Mapping[FieldName, Fingerprint]) -> None:
    for place, change in enumerate(records.links):
        if change.link.id == link.id:
            records.links[place] = replace(change, base={**change.base, **base})
            return
    records.links.append(LinkChange(link, base))


async def _send(
    engine: Engine, updates: Mapping[RecordId, Update]
) -> tuple[Collection[RecordId], Collection[RecordId]]:
    """Send the messages; return the patients that took theirs, and those that could not be reached.

    A message is never worth failing a pass for, and sent twice it does no harm, so a lost reply needs no look.
    """
    taken, left = list[RecordId](), dict(updates)
    for _ in range(LOOKS):
        if not left:
            break
        try:
            results = await write_side(engine, Side.HINT, list(left.values()), WriteMode.LIVE)
        except RetryLater:
            break
        taken += [record_id for record_id, result in results.items() if result.bookkept]
        left = {record_id: left[record_id] for record_id, r in results.items() if r.trouble in _TRY_AGAIN}
    return taken, left
