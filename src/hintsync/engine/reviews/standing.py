"""The reviews that are open, by record, so that whatever settles their question can close them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from hintsync.core.records import FieldName, RecordId
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.state.port import Review, ReviewKind, ReviewStatus

#: Questions that end when the record is linked.
OF_MATCHING = frozenset(
    {
        ReviewKind.AMBIGUOUS,
        ReviewKind.NEAR_MATCH,
        ReviewKind.INCOMPLETE,
        ReviewKind.DUPLICATE_RULE,
        ReviewKind.CREATE_UNKNOWN,
    }
)
#: Questions about one field of a pair.
OF_FIELDS = frozenset({ReviewKind.CONFLICT, ReviewKind.REFUSED, ReviewKind.OVERWRITTEN})
#: Questions that end when the pair is parted.
OF_PAIRS = OF_FIELDS | {ReviewKind.OVERLAY}
#: More than any clinic has people.
_ALL = 10_000_000


@dataclass(slots=True)
class OpenReviews:
    """The open reviews of a connection, as they were when they were loaded."""

    by_record: dict[tuple[Side, RecordId], list[Review]] = field(default_factory=lambda: defaultdict(list))

    def matching_settled(self, ids: Iterable[tuple[Side, RecordId]], at: str) -> list[Review]:
        """Return the reviews to be closed now that these records are linked."""
        return [
            closed(review, at) for key in ids for review in self.by_record.get(key, ()) if review.kind in OF_MATCHING
        ]

    def fields_settled(self, contact_id: RecordId, names: Iterable[FieldName], at: str) -> list[Review]:
        """Return the reviews to be closed now that these fields of a pair wait no longer."""
        settled = set(names)
        known = self.by_record.get((Side.SALESFORCE, contact_id), ())
        return [closed(r, at) for r in known if r.kind in OF_FIELDS and r.field_name in settled]

    def asked_no_more(
        self, side: Side, record_id: RecordId, kinds: Collection[ReviewKind], at: str, *, but: ReviewKind | None = None
    ) -> list[Review]:
        """Return the reviews of some kinds to be closed now that a record was decided anew, one kind left open."""
        known = self.by_record.get((side, record_id), ())
        return [closed(review, at) for review in known if review.kind in kinds and review.kind is not but]


async def load_open_reviews(engine: Engine) -> OpenReviews:
    """Read the open reviews."""
    found = OpenReviews()
    for review in await engine.store.reviews(engine.connection.id, limit=_ALL):
        found.by_record[review.side, review.record_id].append(review)
    return found


def closed(review: Review, at: str) -> Review:
    """Return a review whose question was settled by something else than a decision about it."""
    return replace(
        review, status=ReviewStatus.OBSOLETE, decided_at=at, decided_by="hintsync", decision="settled itself"
    )
