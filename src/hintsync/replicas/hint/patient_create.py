"""Creates one patient, once: the same request carries our key, so that a lost reply can be looked up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from hintsync.core.codec import Codec
from hintsync.core.errors import FixConfiguration, HintsyncError, UnknownOutcome
from hintsync.core.records import RecordId, Snapshot
from hintsync.core.values import Side
from hintsync.ports import CreateAnswer, Created, CreateRefused, CreateUnknown, Draft, KeyTaken
from hintsync.replicas.hint.client import HintClient
from hintsync.replicas.hint.errors import Rejection
from hintsync.replicas.hint.names import PATIENTS
from hintsync.replicas.hint.patient_write import acknowledged, checked, kept_beside

_KEY = "integration_record_id"


class PatientCreator:
    """Creates patients one at a time. Hint rejects a second record with a key that is taken, which keeps it at one."""

    def __init__(
        self,
        client: HintClient,
        codec: Codec,
        find_by_key: Callable[[Sequence[str]], Awaitable[Mapping[str, Snapshot]]],
    ) -> None:
        self._client = client
        self._codec = codec
        self._find_by_key = find_by_key

    async def create(self, draft: Draft) -> CreateAnswer:
        """Create one patient.

        Raises:
            HintsyncError: trouble with the side as a whole; surely not created.
        """
        try:
            answer = await self._client.post(PATIENTS, self._body(draft))
        except UnknownOutcome:
            return CreateUnknown(draft.key)
        if isinstance(answer, Rejection):
            return await self._judge(draft, answer)
        shown = acknowledged(self._codec, answer)
        return Created(draft.key, shown.id, shown) if shown else CreateUnknown(draft.key)

    def _body(self, draft: Draft) -> dict[str, object]:
        given = {name: value for name, value in draft.values.items() if value is not None}
        return checked({**self._codec.hint_body(given), **kept_beside(draft.bookkeeping), _KEY: draft.key})

    async def _judge(self, draft: Draft, answer: Rejection) -> CreateAnswer:
        if answer.status == 404:
            raise FixConfiguration("hint: creating a patient answered 404; check the base URL")
        named = self._codec.refused(Side.HINT, answer.keys) & draft.values.keys()
        # The text of a rejected key is not documented: whatever names no field of the draft may be about the key.
        holder = None if named else await self._holder(draft.key)
        if holder is not None or _KEY in answer.keys:
            return KeyTaken(draft.key, holder)
        missing = self._codec.refused(Side.HINT, answer.keys)
        return CreateRefused(draft.key, str(answer.status), named or missing, shown_once=answer.text)

    async def _holder(self, key: str) -> RecordId | None:
        try:
            found = await self._find_by_key([key])
        except HintsyncError:
            # Rejected is certain; who holds the key can be asked again.
            return None
        return found[key].id if key in found else None
