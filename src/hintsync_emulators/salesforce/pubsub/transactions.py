"""From the writes of a transaction to one change per record, as Change Data Capture sees a commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from hintsync_emulators.salesforce.dml.journal import Change, origin_of

#: Records that the Bulk API commits together.
_BULK_COMMIT = 200
_BULK = origin_of("bulkapi", "", None)


def commits(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """Split what an emulated transaction wrote into the transactions that Salesforce would have made of it."""
    if not changes[0].origin.startswith(_BULK):
        yield changes
        return
    for start in range(0, len(changes), _BULK_COMMIT):
        yield changes[start : start + _BULK_COMMIT]


def fold(changes: Iterable[Change]) -> list[Change]:
    """Return one change per record, in the order of first changes; a record that came and went leaves none."""
    found: dict[tuple[str, str], Change] = {}
    for change in changes:
        key = change.object, change.record_id
        first = found.pop(key, None)
        folded = change if first is None else _then(first, change)
        if folded is not None:
            found[key] = folded
    return list(found.values())


def _then(first: Change, second: Change) -> Change | None:
    """Return what two changes of one record in one transaction come to."""
    if second.kind == "DELETE":
        return None if first.kind in ("CREATE", "UNDELETE") else second
    if first.kind == "DELETE" and second.kind == "UPDATE":
        # The platform's own marks on a deleted row, e.g. the master it was merged into.
        return first
    kind = "UPDATE" if first.kind == "DELETE" else first.kind
    return replace(first, kind=kind, after=second.after, touches=first.touches or second.touches)
