"""What is compared of two histories: everything that people or a later pass could tell apart, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.records import LinkState, RecordId
from hintsync.core.values import Side
from hintsync.state.port import Run
from tests.crash.population import Town

Ending = dict[str, Any]


async def ending(town: Town, run: Run) -> Ending:
    """Return how both systems, the run's rows and the memory of the links stand.

    Ids are named by whom they stand for: a created contact by its patient, and all runs alike.
    """
    named = _namer(town)
    return {
        "counts": (run.done, run.total),
        "contacts": _contacts(town, named),
        "patients": _patients(town, named),
        "rows": {row.record_id: _row(row, named) async for row in town.store.rows(run.id)},
        "links": _keyed([_link(town, state, named) for state in await town.store.links(town.name)]),
        "reviews": _keyed([_review(review, named) for review in await town.store.reviews(town.name)]),
        "broken audit chains": list(await town.store.verify_audit(town.name)),
        "created twice": _twice(town),
    }


def written_state(found: Ending) -> Ending:
    """Return what a run must leave alone if there is nothing to do: both systems without their batch stamps, and links."""
    contacts = {
        name: {key: value for key, value in contact.items() if key != "beside"}
        for name, contact in found["contacts"].items()
    }
    links = {
        name: {key: link[key] for key in ("contact", "patient", "status")}
        for name, link in found["links"].items()
        if link["status"] != "ended"
    }
    return {"contacts": contacts, "patients": found["patients"], "links": links}


def _keyed(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Key items by whom they are about; a second one about the same gets a number."""
    keyed: dict[str, dict[str, Any]] = {}
    for item in sorted(items, key=repr):
        about = " ".join(str(value) for key, value in item.items() if key in ("contact", "patient", "kind", "record"))
        number = sum(1 for name in keyed if name.startswith(about))
        keyed[f"{about} {number}"] = item
    return keyed


def differences(expected: Ending, found: Ending) -> list[str]:
    """Name what differs, in words that show where to look."""
    return list(_differ("", expected, found))


def _differ(path: str, expected: Any, found: Any) -> Iterable[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted({*expected, *found}, key=repr):
            yield from _differ(f"{path}/{key}", expected.get(key, "(none)"), found.get(key, "(none)"))
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for place, pair in enumerate(zip(expected, found, strict=True)):
            yield from _differ(f"{path}/{place}", *pair)
    elif expected != found:
        yield f"{path}: expected {expected!r}, found {found!r}"


def _namer(town: Town) -> Callable[[object], object]:
    born = {
        record.id: f"created for {record.peer_id}" for record in town.org.records() if record.id not in town.contacts
    }

    def named(value: object) -> object:
        if not isinstance(value, str):
            return value
        return born.get(value, "a run" if value.startswith(f"{town.name}.run-") else value)

    return named


def _twice(town: Town) -> list[str | None]:
    peers = [record.peer_id for record in town.org.records() if record.id not in town.contacts]
    return [peer for peer in peers if peers.count(peer) > 1 or peer is None]


def _contacts(town: Town, named: Callable[[object], object]) -> dict[object, dict[str, object]]:
    return {
        named(record.id): {
            "values": dict(record.values),
            "peer": record.peer_id,
            "marked": record.marked,
            "account": record.account_id,
            "beside": {key: named(value) for key, value in record.beside.items()},
        }
        for record in town.org.records()
    }


def _patients(town: Town, named: Callable[[object], object]) -> dict[RecordId, dict[str, object]]:
    return {
        record.id: {
            "values": dict(record.values),
            "phones": list(record.phones),
            "peer": named(record.peer_id),
            "web link": named((record.beside.get("web_link") or "").rpartition("/")[2]),  # type: ignore[attr-defined]
        }
        for record in town.practice.records()
    }


def _row(row: Any, named: Callable[[object], object]) -> dict[str, object]:
    return {
        "outcome": str(row.outcome),
        "rule": row.rule,
        "peers": [named(peer) for peer in row.peers],
        "held": list(row.held),
    }


def _link(town: Town, state: LinkState, named: Callable[[object], object]) -> dict[str, object]:
    link = state.link
    fp = Fingerprinter(town.store.fingerprint_key(town.name), link.salt)
    shown = _shown(town, link.contact_id, link.patient_id)

    def who(name: str, wanted: bytes | None) -> list[str]:
        """Say which sides show the value of a fingerprint: keys differ from history to history."""
        seen = [side for side, values in shown.items() if name in values and fp.of(name, values[name]) == wanted]
        return [str(side) for side in seen] + (["blank"] if fp.of(name, None) == wanted else [])

    return {
        "contact": named(link.contact_id),
        "patient": link.patient_id,
        "status": str(link.status),
        "origin": link.origin,
        "reason": link.reason,
        # What one side never shows is noted when a pair is looked at, not when it is made: no value depends on when.
        "base": {name: who(name, wanted) for name, wanted in state.base.items() if not name.endswith("#noted")},
        "holds": {
            name: (str(hold.kind), hold.row, hold.reason, [who(name, seen) for _, seen in sorted(hold.seen.items())])
            for name, hold in state.holds.items()
        },
    }


def _shown(town: Town, contact_id: str | None, patient_id: str | None) -> dict[Side, Any]:
    found = {}
    if contact_id is not None:
        found[Side.SALESFORCE] = town.org.shown(contact_id).values
    if patient_id is not None:
        found[Side.HINT] = town.practice.shown(patient_id).values
    return found


def _review(review: Any, named: Callable[[object], object]) -> dict[str, object]:
    return {
        "kind": str(review.kind),
        "record": named(review.record_id),
        "field": review.field_name,
        "candidates": [named(each) for each in review.candidates],
        "details": dict(review.details),
    }
