"""Mass updates: Bulk API 2.0 jobs, each row's result brought back to its contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hintsync.core.errors import HintsyncError, UnknownOutcome
from hintsync.ports import Gone, Later, Moved, Refused, Unknown, WriteAnswer, Written
from hintsync.replicas.salesforce.answers import Complaints
from hintsync.replicas.salesforce.bulk_csv import fits_csv, uploads
from hintsync.replicas.salesforce.bulk_job import BulkJobs, JobResults
from hintsync.replicas.salesforce.collection_writer import CollectionWriter
from hintsync.replicas.salesforce.contact_update import ContactUpdate
from hintsync.replicas.salesforce.delivery import Again
from hintsync.replicas.salesforce.errors import read_bulk_error
from hintsync.replicas.salesforce.ids import long_id

#: Salesforce advises collections up to this many records and Bulk beyond (Bulk API 2.0 Developer Guide, introduction).
COLLECTIONS_UP_TO = 2_000


class BulkWriter:
    """Updates many contacts: by Bulk jobs, and by collections what a job cannot carry or met a lock on."""

    def __init__(self, jobs: BulkJobs, collections: CollectionWriter, complaints: Complaints) -> None:
        self._jobs = jobs
        self._collections = collections
        self._complaints = complaints

    async def update(self, updates: Sequence[ContactUpdate]) -> list[WriteAnswer]:
        """Update contacts; one answer for each, in order.

        Raises:
            HintsyncError: what stopped the first job. Later jobs' rows are answered `Later` instead.
        """
        # Contacts of one account next to one another: Salesforce cuts a job into batches that run side by side.
        ordered = sorted(filter(fits_csv, updates), key=lambda update: update.account_id or "")
        answers: dict[str, WriteAnswer | Again] = {}
        for part, upload in uploads(ordered):
            try:
                answers.update(await self._answers(part, upload))
            except HintsyncError as failure:
                if not answers:
                    raise
                answers.update((update.record_id, Later(update.record_id, failure.code)) for update in part)
        rest = [update for update in updates if isinstance(answers.get(update.record_id, _AGAIN), Again)]
        for update, answer in zip(rest, await self._rest(rest), strict=True):
            answers[update.record_id] = answer
        return [_settled(answers[update.record_id]) for update in updates]

    async def _rest(self, rest: Sequence[ContactUpdate]) -> Sequence[WriteAnswer]:
        """Send by collections what met a lock and what CSV cannot carry; their failure does not undo the job's answers."""
        try:
            return await self._collections.update(rest) if rest else ()
        except HintsyncError as failure:
            return [Later(update.record_id, failure.code) for update in rest]

    async def _answers(self, part: Sequence[ContactUpdate], upload: bytes) -> dict[str, WriteAnswer | Again]:
        try:
            results = await self._jobs.update(upload)
        except UnknownOutcome:
            return {update.record_id: Unknown(update.record_id) for update in part}
        found = self._read(results)
        return {update.record_id: found.get(update.record_id, Unknown(update.record_id)) for update in part}

    def _read(self, results: JobResults) -> dict[str, WriteAnswer | Again]:
        found: dict[str, WriteAnswer | Again] = {}
        for row in results.successful:
            found[_id(row)] = Written(_id(row))
        for row in results.failed:
            found[_id(row)] = self._failed(row)
        for row in results.unprocessed:
            found[_id(row)] = Later(_id(row), "UNPROCESSED")
        return found

    def _failed(self, row: Mapping[str, str]) -> Refused | Moved | Gone | Again:
        return self._complaints.of_update(_id(row), [read_bulk_error(row["sf__Error"])])


_AGAIN = Again("CSV")


def _id(row: Mapping[str, str]) -> str:
    """Return the contact of a result row; `sf__Id` is empty on failed ones, so the original column counts."""
    given = row.get("Id") or row.get("sf__Id") or ""
    return long_id(given) or given


def _settled(answer: WriteAnswer | Again) -> WriteAnswer:
    if isinstance(answer, Again):
        raise AssertionError("unreachable: every row to be sent again got an answer")
    return answer
