"""What came of a person's action, in words for that person."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.link_by_hand import Step
from hintsync.core.plan import Outcome
from hintsync.core.records import LinkStatus, RecordId
from hintsync.core.values import Side
from hintsync.engine.pairs.by_hand import HandResult
from hintsync.surfaces.web.views.comparison import not_created
from hintsync.surfaces.web.views.rule_words import SYSTEM

_DONE: Final = {
    Outcome.LINKED: "The contact and the patient are linked, and are kept in step from now on.",
    Outcome.CREATED: "A new patient was created in Hint and linked with the contact.",
    Outcome.SYNCED: "The contact and the patient are in step.",
    Outcome.DECLINED: "That was noted: none of them is suggested for this person again.",
    Outcome.SUSPENDED: "That was noted: the link goes on waiting for its record.",
}
_NOT_DONE: Final = {
    Outcome.NOT_FOUND: "A record of this pair is gone, so the link is suspended. It goes on when the record is back.",
    Outcome.FAILED: "A system did not take what was to be written.",
    Outcome.DUPLICATE_RULE: "A duplicate rule stands in the way.",
}


@dataclass(frozen=True, slots=True)
class Done:
    """What is told after an action."""

    headline: str
    #: "good", "warn" or "error".
    kind: str
    lines: tuple[str, ...] = ()
    #: Systems and their own words; shown to the person acting, now and never again.
    shown_once: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    #: Records that a duplicate rule names.
    duplicates: tuple[RecordId, ...] = ()


def done(result: HandResult, table: FieldTable) -> Done:
    """Return what came of a sync, a link, a create or a decision."""
    frozen = result.link is not None and result.link.status is LinkStatus.FROZEN
    lines = [*_written(result, table), *_beside(result, table)]
    return Done(
        headline=_headline(result, frozen=frozen),
        kind="error" if not result.done else "warn" if frozen or result.held or result.left_over else "good",
        lines=tuple(lines),
        shown_once=tuple((SYSTEM[side], text) for side, text in sorted(result.shown_once.items())),
        duplicates=result.duplicates,
    )


def unlinked(result: HandResult, table: FieldTable) -> Done:
    """Return what came of an unlink."""
    cleared = result.written.get(Side.SALESFORCE, ())
    lines = [f"Emptied on the contact: {_labels(cleared, table)}."] if cleared else []
    lines += [_LEFT_OVER] if result.left_over else []
    headline = "The contact is unlinked. Neither record was deleted; both keep their own data."
    return Done(headline, "warn" if result.left_over else "good", tuple(lines))


_LEFT_OVER: Final = "Hint kept our id on the former patient. The link ended all the same; the log lists it."


def _headline(result: HandResult, *, frozen: bool) -> str:
    if frozen:
        return "The pair waits for a decision; nothing was written."
    if result.step is Step.ASK:
        return "Something must be confirmed first; nothing was done."
    if result.done and result.held and result.outcome is Outcome.SYNCED:
        return "The contact and the patient are in step, but for what waits for a decision."
    if result.done:
        return _DONE.get(result.outcome, f"Done ({result.outcome}).")
    if result.outcome in _NOT_DONE:
        return _NOT_DONE[result.outcome]
    return not_created(result.outcome)


def _written(result: HandResult, table: FieldTable) -> list[str]:
    told = [f"Written to {SYSTEM[side]}: {_labels(names, table)}." for side, names in result.written.items() if names]
    return told or (["No field had to be written."] if result.done else [])


def _beside(result: HandResult, table: FieldTable) -> list[str]:
    told = [f"Waiting for a decision: {_labels(result.held, table)}."] if result.held else []
    told += [f"The reason, as a code: {result.reason}."] if result.reason and not result.done else []
    told += [_LEFT_OVER] if result.left_over else []
    return told


def _labels(names: tuple[str, ...], table: FieldTable) -> str:
    return ", ".join(row.label for row in table if row.name in names)
