"""What must hold once a town is quiet (semantics section 10; T1 to T3, T5, T6 of the reliability tests)."""

from __future__ import annotations

from collections import Counter

from hintsync.core.records import LinkStatus, RecordState
from hintsync.core.values import ABSENT, Side
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.detect.catch_up import catch_up
from hintsync.engine.parity.check import check_parity
from hintsync.state.port import ReviewKind, Run, RunStatus
from tests.live.town import LiveTown

#: Hint takes it and never shows it.
NOT_VERIFIABLE = frozenset({"name_prefix"})


async def problems(town: LiveTown) -> list[str]:
    """Name everything that is wrong with a quiet town."""
    return [
        *town.trespasses,
        *await _differences(town),
        *await _asleep(town),
        *await _lost_edits(town),
        *await _taken_in_the_dark(town),
        *await _doubles(town),
        *await _restless(town),
    ]


async def _differences(town: LiveTown) -> list[str]:
    """T1: each linked pair agrees on every field, or the field waits for a person."""
    found = []
    for state in await town.store.links("main", statuses=[LinkStatus.ACTIVE]):
        contact, patient = state.link.contact_id, state.link.patient_id
        if contact is None or patient is None:
            found.append(f"active link {state.link.id} lacks a record")
            continue
        for row in town.options.table():
            if row.name in NOT_VERIFIABLE or row.name in state.holds:
                continue
            here, there = town.show(Side.SALESFORCE, contact, row.name), town.show(Side.HINT, patient, row.name)
            if here != there and ABSENT not in (here, there):
                found.append(f"T1 {contact} {patient}: {row.name} differs and waits for nobody")
        shown = town.org.shown(contact)
        if shown.state is RecordState.LIVE and (shown.peer_id, shown.marked) != (patient, True):
            found.append(f"T1 {contact}: does not show its link")
    return found


async def _lost_edits(town: LiveTown) -> list[str]:
    """T2: each edit has arrived, waits with its value intact, or was superseded."""
    town.look()
    links = {}
    for state in await town.store.links("main", statuses=[*LinkStatus]):
        if state.link.status is not LinkStatus.ENDED:
            links[Side.SALESFORCE, state.link.contact_id] = state
            links[Side.HINT, state.link.patient_id] = state
    found = []
    for edit in town.oracle.open():
        state = links.get((edit.side, edit.record_id))
        if state is None or state.link.status in (LinkStatus.FROZEN, LinkStatus.SUSPENDED):
            continue  # nobody to sync with, or a person must look first
        intact = town.show(edit.side, edit.record_id, edit.field) == edit.value
        if not (intact and edit.field in state.holds):
            found.append(
                f"T2 edit {edit.number} of {edit.side} {edit.record_id} {edit.field}: "
                f"{'not held' if intact else 'overwritten'}"
            )
    return found


async def _taken_in_the_dark(town: LiveTown) -> list[str]:
    """An edit in Hint that our write took away is put to review, unless its event was lost."""
    found = []
    for edit in town.oracle.taken_away:
        state = (await town.store.live_links("main", Side.HINT, [edit.record_id])).get(edit.record_id)
        there = town.show(Side.HINT, edit.record_id, edit.field) == edit.value  # somebody entered it in Salesforce, too
        if state is None or state.link.status is not LinkStatus.ACTIVE or there or edit.record_id in town.lost:
            continue
        reviews = await town.store.reviews(
            "main", kind=ReviewKind.OVERWRITTEN, record_ids=[state.link.contact_id or ""]
        )
        if edit.field not in {review.field_name for review in reviews}:
            found.append(
                f"section 10: edit {edit.number} of {edit.record_id} {edit.field} was taken away, and nobody asks"
            )
    return found


async def _asleep(town: LiveTown) -> list[str]:
    """T9: a link is suspended only while one of its records is gone."""
    there = {r.id for side in Side for r in town.side(side).records() if r.state is not RecordState.MERGED}
    return [
        f"T9 {state.link.id} is suspended ({state.link.reason}) although both records are there"
        for state in await town.store.links("main", statuses=[LinkStatus.SUSPENDED])
        if {state.link.contact_id, state.link.patient_id} <= there
    ]


async def _doubles(town: LiveTown) -> list[str]:
    """T5, T6: nobody is made twice, and no patient is shown by two contacts unless one of them could not be released."""
    parted = Counter(s.link.patient_id for s in await town.store.links("main", statuses=[LinkStatus.ENDED]))
    found = [f"T5 {n} contacts were made of {patient}" for patient, n in town.made.items() if n > 1 + parted[patient]]
    live = {k.contact_id for k in await town.store.live_pairs("main")}
    there = {r.id for r in town.practice.records()}
    for contact in town.org.records():
        shows = contact.state is RecordState.LIVE and contact.marked and contact.peer_id in there
        if shows and contact.id not in live and contact.id not in town.were_deleted:
            found.append(f"T5 {contact.id} shows {contact.peer_id}, and no link says so")
    return found


async def _restless(town: LiveTown) -> list[str]:
    """T3: further rounds of every kind write nothing, whatever comes back as an event."""
    before = dict(town.written)
    found = []
    for side in Side:
        found += badly_ended(town, await catch_up(await town.live(), side), "catch-up")
    found += badly_ended(town, await check_parity(await town.live()), "parity")
    found += badly_ended(town, await sync_all(await town.live()), "sync")
    await town.settle()
    if dict(town.written) != before:
        found.append(f"T3 quiet towns were written to: {before} became {dict(town.written)}")
    return found


def badly_ended(town: LiveTown, run: Run, what: str) -> list[str]:
    """Say that a round did not end well; where really nobody is left on a side, guard G2 rightly ends it."""
    stopped = run.status is RunStatus.STOPPED and "G2:" in (run.reason or "")
    well = run.status is RunStatus.DONE or (stopped and any(town.shows_nobody(side) for side in Side))
    return [] if well else [f"{what} ended as {run.status}: {run.reason}"]
