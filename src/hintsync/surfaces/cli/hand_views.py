"""How the result of a person's action on one pair looks, and what it would do (values are shown to that person only)."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import RenderableType
from rich.text import Text

from hintsync.core.errors import BadInput
from hintsync.core.link_by_hand import Step
from hintsync.core.plan import Effect, Outcome
from hintsync.core.records import LinkStatus, RecordId
from hintsync.core.values import ABSENT, Seen, Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.by_hand import HandResult
from hintsync.engine.pairs.settling import Settled
from hintsync.surfaces.cli.answer import Answer, Exit, table

_EFFECTS = {
    Effect.WRITE_HINT: "goes to Hint",
    Effect.WRITE_SALESFORCE: "goes to Salesforce",
    Effect.HOLD: "held for a person",
}
#: Nothing is written and nobody is asked.
_SILENT = frozenset({Effect.NOTHING, Effect.AGREE})
_TRY_AGAIN = frozenset({Outcome.FAILED})


async def linked_peer(engine: Engine, side: Side, record_id: RecordId) -> tuple[RecordId, RecordId]:
    """Return contact and patient of a linked record.

    Raises:
        BadInput: it is not linked.
    """
    state = (await engine.store.live_links(engine.connection.id, side, [record_id])).get(record_id)
    if state is None or state.link.contact_id is None or state.link.patient_id is None:
        raise BadInput(f"{side} {record_id} is not linked; link it first")
    return state.link.contact_id, state.link.patient_id


def hand_data(result: HandResult) -> dict[str, object]:
    """Return a result for JSON; a vendor's own words stay out, they may quote values."""
    link = result.link
    return {
        "done": result.done,
        "step": result.step,
        "rule": result.rule,
        "outcome": result.outcome,
        "reason": result.reason,
        "contact_id": link.contact_id if link else None,
        "patient_id": link.patient_id if link else None,
        "link_status": link.status if link else None,
        "written": {side: list(names) for side, names in result.written.items()},
        "held": list(result.held),
        "to_confirm": list(result.warnings) if result.step is Step.ASK else [],
        "linked_to": result.linked_to,
        "duplicates": list(result.duplicates),
        "left_over": result.left_over,
    }


def hand_answer(result: HandResult) -> Answer:
    """Return the answer of a command that did something to one pair."""
    return Answer(hand_data(result), (_told(result),), _code(result))


def unlinked_answer(result: HandResult) -> Answer:
    """Return the answer of an unlink."""
    ended = result.link
    whom = f"contact {ended.contact_id} from patient {ended.patient_id}" if ended else "the contact"
    cleared = result.written.get(Side.SALESFORCE, ())
    lines = [f"unlinked {whom} ({result.rule})"]
    lines += [f"emptied on the contact: {', '.join(cleared)}"] if cleared else []
    lines += ["Hint kept our id on the patient (hintsync log)"] if result.left_over else []
    return Answer({**hand_data(result), "outcome": "unlinked"}, (Text("\n".join(lines)),), _code(result))


def _code(result: HandResult) -> Exit:
    frozen = result.link is not None and result.link.status is LinkStatus.FROZEN
    if result.step is Step.ASK or result.held or frozen or result.duplicates:
        return Exit.PERSON
    if result.outcome in _TRY_AGAIN:
        return Exit.AGAIN
    return Exit.DONE if result.done else Exit.PERSON


def _told(result: HandResult) -> RenderableType:
    lines = [_headline(result)]
    for side, names in sorted(result.written.items()):
        if names:
            lines.append(f"written to {side}: {', '.join(names)}")
    if result.held:
        lines.append(f"held for a person: {', '.join(result.held)} (hintsync review)")
    if result.duplicates:
        lines.append(f"a duplicate rule names: {' '.join(result.duplicates)}; --allow-duplicate creates all the same")
    if result.left_over:
        lines.append("Hint kept our id on the patient")
    lines += [f"{side} says: {text}" for side, text in result.shown_once.items()]
    return Text("\n".join(lines))


def _headline(result: HandResult) -> str:
    if result.step is Step.ASK:
        options = " ".join(f"--confirm {warning}" for warning in result.warnings)
        whom = f" (linked with {result.linked_to} now)" if result.linked_to else ""
        return f"not done, to be confirmed{whom}: {options}"
    why = f": {result.reason}" if result.reason else ""
    whom = f", linked with {result.linked_to}" if result.linked_to else ""
    verb = "" if result.done else "not done, "
    return f"{verb}{result.outcome} ({result.rule}){why}{whom}"


def preview_answer(engine: Engine, settled: Settled) -> Answer:
    """Return what would be done to a pair, field by field."""
    contact, patient = settled.pair.salesforce, settled.pair.hint
    labels = {row.name: row.label for row in engine.table}
    made = table("field", "contact", "patient", "what happens", "rule")
    agreed = sum(1 for each in settled.plan.decisions if each.effect in _SILENT)
    for each in settled.plan.decisions:
        if each.effect not in _SILENT:
            values = (_shown(contact.values, each.field), _shown(patient.values, each.field))
            made.add_row(labels[each.field], *map(Text, values), _EFFECTS[each.effect], each.row)
    frozen = (Text(f"the pair would be frozen: {settled.plan.frozen}"),) if settled.plan.frozen else ()
    head = Text(f"contact {contact.id} and patient {patient.id}: {agreed} fields stay; nothing was written")
    return Answer(_preview_data(settled), (head, *((made,) if made.row_count else ()), *frozen))


def _preview_data(settled: Settled) -> dict[str, object]:
    contact, patient = settled.pair.salesforce, settled.pair.hint
    fields = [
        {
            "field": each.field,
            "contact": _json(contact.values.get(each.field, ABSENT)),
            "patient": _json(patient.values.get(each.field, ABSENT)),
            "effect": each.effect,
            "rule": each.row,
        }
        for each in settled.plan.decisions
        if each.effect not in _SILENT
    ]
    ids = {"contact_id": contact.id, "patient_id": patient.id}
    return {"dry": True, **ids, "frozen": settled.plan.frozen, "fields": fields}


def _shown(values: Mapping[str, Seen], name: str) -> str:
    value = values.get(name, ABSENT)
    if value is ABSENT:
        return "not shown"
    return "" if value is None else str(value)


def _json(value: Seen) -> object:
    return None if value is ABSENT else value
