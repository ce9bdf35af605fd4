"""Turns what became of a pair into what is remembered of it: link, base, holds, audit, reviews, log, all in one commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.lifecycle import MOVED, RESUMED
from hintsync.core.plan import Effect
from hintsync.core.quick import but
from hintsync.core.records import Base, FieldName, Fingerprint, Hold, HoldKind, Link, LinkStatus, RecordId, Values
from hintsync.core.settle import Remembered, SideResult, acknowledged, before_name
from hintsync.core.values import ABSENT, Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.settling import Settled
from hintsync.engine.pairs.writing import RecordResult, Trouble
from hintsync.engine.reviews.standing import OpenReviews
from hintsync.state.port import AuditEvent, Commit, LinkChange, LogEntry, LogLevel, Review, ReviewKind, Run, RunRow

_REVIEW_OF_HOLD = {HoldKind.REFUSED: ReviewKind.REFUSED}
#: Reasons of an active link whose first pass is still due: its records do not show it yet, and nobody edited that.
_FIRST_PASS = frozenset({MOVED, RESUMED})


@dataclass(slots=True)
class Records:
    """Everything that one commit will write; gathered record by record."""

    links: list[LinkChange] = field(default_factory=list)
    rows: list[RunRow] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    audits: list[AuditEvent] = field(default_factory=list)
    logs: list[LogEntry] = field(default_factory=list)

    def commit(self, run: Run | None = None) -> Commit:
        """Return the commit."""
        return Commit(self.links, self.rows, self.reviews, self.audits, self.logs, run)

    def add(self, more: Records) -> None:
        """Gather what belongs to another record, too."""
        self.links += more.links
        self.rows += more.rows
        self.reviews += more.reviews
        self.audits += more.audits
        self.logs += more.logs

    def empty(self) -> bool:
        """Say whether there is nothing to write."""
        return not (self.links or self.rows or self.reviews or self.audits or self.logs)


@dataclass(frozen=True, slots=True)
class Scribe:
    """Writes records for one run or one person's action."""

    engine: Engine
    #: Audit chain: "run:<id>" or "link:<id>".
    chain: str
    run_id: str | None = None
    #: What may be closed by what is recorded; None: nothing is closed.
    open_reviews: OpenReviews | None = None

    def audit(
        self,
        action: str,
        link: Link | None = None,
        *,
        rule: str | None = None,
        side: Side | None = None,
        fields: Iterable[FieldName] = (),
        reason: str | None = None,
    ) -> AuditEvent:
        """Return an audit event of this chain."""
        return AuditEvent(
            connection_id=self.engine.connection.id,
            chain=self.chain,
            at=self.engine.now(),
            actor=self.engine.actor,
            action=action,
            link_id=link.id if link else None,
            contact_id=link.contact_id if link else None,
            patient_id=link.patient_id if link else None,
            run_id=self.run_id,
            rule=rule,
            side=side,
            fields=tuple(fields),
            reason=reason,
        )

    def log(
        self,
        level: LogLevel,
        event: str,
        message: str,
        *,
        contact_id: RecordId | None = None,
        patient_id: RecordId | None = None,
        fields: Iterable[FieldName] = (),
    ) -> LogEntry:
        """Return a log entry."""
        return LogEntry(
            self.engine.connection.id,
            self.engine.now(),
            level,
            event,
            message,
            contact_id,
            patient_id,
            self.run_id,
            tuple(fields),
        )

    def review(
        self,
        kind: ReviewKind,
        side: Side,
        record_id: RecordId,
        *,
        field_name: FieldName = "",
        candidates: Iterable[RecordId] = (),
        **details: str,
    ) -> Review:
        """Return an open review."""
        return Review(
            id=self.engine.new_id("rev"),
            connection_id=self.engine.connection.id,
            kind=kind,
            side=side,
            record_id=record_id,
            field_name=field_name,
            opened_at=self.engine.now(),
            candidates=tuple(candidates),
            details=dict(details),
            run_id=self.run_id,
        )


def record_pair(scribe: Scribe, settled: Settled, records: Records) -> Remembered:
    """Add to `records` all that must be remembered of a pair; return what was acknowledged of it."""
    pair, plan = settled.pair, settled.plan
    answers = {side: _side_result(plan.writes.get(side, {}), result) for side, result in settled.results.items()}
    fp = scribe.engine.fingerprinter(pair.state.link.salt)
    read = (pair.hint, pair.salesforce, pair.state.base)
    told = acknowledged(plan, scribe.engine.table, *read, answers, fp, settled.known)
    if scribe.run_id is None:
        told = replace(told, base={**told.base, **_befores(settled, told.base, fp)})
    link = _after(settled)
    if link != pair.state.link or told.base or told.holds:
        records.links.append(LinkChange(link, told.base, holds=told.holds, before=pair.state))
    records.audits.extend(_audits(scribe, settled, link, told))
    records.reviews.extend(_reviews(scribe, settled, told))
    records.reviews.extend(_closings(scribe, settled, link, told))
    records.logs.extend(_logs(scribe, settled))
    return told


def _befores(settled: Settled, moved: Base, fp: Fingerprinter) -> Base:
    """Return what Hint showed of the fields that were written to it, or may have been: a reply that was lost leaves agreement.

    A pair that was read again shows them written already; what it showed before is the base then.
    """
    result, befores = settled.results.get(Side.HINT), dict[FieldName, Fingerprint]()
    written = result.written if result is not None else frozenset[FieldName]()
    for name in written | (settled.plan.agreed.keys() & moved.keys()):
        value, agreed = settled.pair.hint.values.get(name, ABSENT), settled.pair.state.base.get(name)
        shown = None if value is ABSENT else fp.of(name, value)
        before = agreed if shown is None or shown == moved.get(name) else shown
        if before is not None:
            befores[before_name(name)] = before
    return befores


def _closings(scribe: Scribe, settled: Settled, link: Link, told: Remembered) -> list[Review]:
    """Close the reviews whose question is answered: fields that wait no longer, records that are linked now."""
    known, pair = scribe.open_reviews, settled.pair
    if known is None or not known.by_record:
        return []
    at = scribe.engine.now()
    released = [name for name, hold in told.holds.items() if hold is None]
    closed = known.fields_settled(pair.salesforce.id, released, at)
    if link.status is LinkStatus.ACTIVE and pair.state.link.status is not LinkStatus.ACTIVE:
        closed += known.matching_settled([(Side.SALESFORCE, pair.salesforce.id), (Side.HINT, pair.hint.id)], at)
    return closed


def _side_result(values: Values, result: RecordResult) -> SideResult:
    if result.trouble is Trouble.REFUSED:  # the record as a whole: nothing of it was written (row F9)
        return SideResult(frozenset(), frozenset(values), result.code or "", named=False)
    code = next(iter(result.refused.values()), "")
    return SideResult(result.written, frozenset(result.refused), code)


def _after(settled: Settled) -> Link:
    """Return the link as it stands after the pass."""
    link = settled.pair.state.link
    if settled.plan.frozen:
        return replace(link, status=LinkStatus.FROZEN, reason=settled.plan.frozen)
    if settled.marks_left:
        return link  # stays reserved, so that whoever looks next takes them back (`engine.live.reserved`)
    if settled.gone is not None:
        status = LinkStatus.ENDED if link.status is LinkStatus.RESERVED else LinkStatus.SUSPENDED
        return replace(link, status=status, reason=f"{settled.gone} record not found")
    if link.status is LinkStatus.RESERVED and not settled.failed:
        return but(link, status=LinkStatus.ACTIVE, reason=None)
    if link.reason in _FIRST_PASS and not settled.failed and not settled.barred:
        return replace(link, reason=None)
    return link


def _audits(scribe: Scribe, settled: Settled, link: Link, told: Remembered) -> list[AuditEvent]:
    events = []
    before = settled.pair.state.link
    agreed = sorted(settled.plan.agreed) if told.base else []
    if link.status is not before.status:
        action = "linked" if link.status is LinkStatus.ACTIVE else str(link.status)
        reason = link.reason or link.origin
        # a new link's fields that were equal from the start are told with it
        events.append(scribe.audit(action, link, rule=settled.plan.frozen, fields=agreed, reason=reason))
        agreed = []
    for side, result in settled.results.items():
        if result.written:
            events.append(
                scribe.audit("wrote", link, side=side, fields=sorted(result.written), reason=_rules(settled, side))
            )
    if agreed:
        events.append(scribe.audit("agreed", link, fields=agreed))
    new_holds = {name: hold for name, hold in told.holds.items() if hold is not None}
    if new_holds:
        reasons = sorted({f"{hold.row} {hold.reason}" for hold in new_holds.values()})
        events.append(scribe.audit("held", link, fields=sorted(new_holds), reason="; ".join(reasons)))
    return events


def _rules(settled: Settled, side: Side) -> str:
    effect = Effect.WRITE_HINT if side is Side.HINT else Effect.WRITE_SALESFORCE
    return " ".join(sorted({decision.row for decision in settled.plan.decisions if decision.effect is effect}))


def _reviews(scribe: Scribe, settled: Settled, told: Remembered) -> list[Review]:
    contact_id, patient_id = settled.pair.salesforce.id, settled.pair.hint.id
    if settled.plan.frozen:
        return [scribe.review(ReviewKind.OVERLAY, Side.SALESFORCE, contact_id, candidates=[patient_id], rule="G4")]
    holds = {name: hold for name, hold in told.holds.items() if hold is not None}
    return reviews_of_holds(scribe, contact_id, patient_id, holds)


def reviews_of_holds(
    scribe: Scribe, contact_id: RecordId, patient_id: RecordId, holds: Mapping[FieldName, Hold]
) -> list[Review]:
    """Return the reviews that fields of a pair, held now, are put to."""
    return [
        scribe.review(
            _REVIEW_OF_HOLD.get(hold.kind, ReviewKind.CONFLICT),
            Side.SALESFORCE,
            contact_id,
            field_name=name,
            candidates=[patient_id],
            rule=hold.row,
            reason=hold.reason,
        )
        for name, hold in holds.items()
    ]


def _logs(scribe: Scribe, settled: Settled) -> list[LogEntry]:
    contact_id, patient_id = settled.pair.salesforce.id, settled.pair.hint.id
    logs = [
        scribe.log(
            LogLevel.ERROR,
            "write-refused",
            f"{side} refused the record: {result.code}",
            contact_id=contact_id,
            patient_id=patient_id,
        )
        for side, result in settled.results.items()
        if result.trouble is Trouble.REFUSED
    ]
    back = settled.results.get(Side.HINT)
    if back is not None and back.trouble is None and back.code is not None and not back.written:
        message = f"Hint did not take the contact's id: {back.code}; the link stands all the same"
        logs.append(
            scribe.log(LogLevel.ERROR, "write-back-refused", message, contact_id=contact_id, patient_id=patient_id)
        )
    if _edited_by_hand(settled):
        message = "Hint Patient ID or Synced to Hint was edited in Salesforce; set back (U2)"
        logs.append(
            scribe.log(LogLevel.ERROR, "link-fields-reverted", message, contact_id=contact_id, patient_id=patient_id)
        )
    reverted = sorted(d.field for d in settled.plan.decisions if d.row == "W3" and d.effect is Effect.WRITE_SALESFORCE)
    if reverted:
        message = "one-way fields were edited in Salesforce; set back to what Hint says"
        logs.append(
            scribe.log(
                LogLevel.DEBUG,
                "one-way-reverted",
                message,
                contact_id=contact_id,
                patient_id=patient_id,
                fields=reverted,
            )
        )
    return logs


def _edited_by_hand(settled: Settled) -> bool:
    pair = settled.pair
    linked = pair.state.link.status is LinkStatus.ACTIVE and pair.state.link.reason not in _FIRST_PASS
    return linked and not (pair.salesforce.marked and pair.salesforce.peer_id == pair.hint.id)


def written_by_side(settled: Settled) -> Mapping[Side, tuple[FieldName, ...]]:
    """Return the names of the fields that were written, for a run's row; a side written without them has none."""
    sides = {side: result for side, result in settled.results.items() if result.written or result.bookkept}
    return {side: tuple(sorted(result.written)) for side, result in sides.items()}
