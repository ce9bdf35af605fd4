"""Finds out at connect what Hint's documents leave open about lists; see `HintFacts`.

Hint ignores parameters it does not know and answers as if they were not there, so each probe asks a question whose
answer differs when the parameter is ignored. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from hintsync.core.errors import FixConfiguration
from hintsync.replicas.hint.client import HintClient, Query, expect, record_path
from hintsync.replicas.hint.errors import Rejection
from hintsync.replicas.hint.facts import BRACKETS, JSON, HintFacts
from hintsync.replicas.hint.names import PATIENTS

#: A day on which nobody who is alive was born, and a real one, so that a strict server takes it.
_NOBODYS_BIRTHDAY = "1801-01-01"
_EVERYBODY: Query = (("filter", "all"),)


class _List(NamedTuple):
    """The start of a list and how many it has."""

    rows: list[dict[str, object]]
    total: int | None


async def probe(client: HintClient, known: HintFacts | None = None) -> HintFacts:
    """Ask eight to ten questions and return the facts.

    Args:
        client: with the practice's token.
        known: facts of an earlier probe; what only writes can tell is taken over, and so is a `title` once seen.

    Raises:
        RetryLater: Hint could not be reached; probe again, the careful facts hold until then.
        ReconnectNeeded: the token was refused.
        FixConfiguration: this is not Hint's API.
    """
    known = known or HintFacts()
    active = await _ask(client, ())
    archived = await _ask(client, (("filter", "archived"),))
    both = await _ask(client, _EVERYBODY)
    return replace(
        known,
        updated_at_filter=await _updated_at_spelling(client),
        dob_filter=await _is_honoured(client, (("dob", _NOBODYS_BIRTHDAY),)),
        filter_all=_adds_up(active, archived, both),
        sort_created_at=await _sorts_by_creation(client),
        title_echoed=_shows_title([*active.rows, *both.rows], known.title_echoed),
        totals_told=active.total is not None,
        archived_by_id=await _shows_archived(client, archived),
        probed_at=client.clock.now().isoformat(timespec="seconds"),
    )


def range_query(spelling: str, since: datetime) -> Query:
    """Return the parameter that asks for patients changed at or after a time (zone-aware)."""
    text = since.isoformat(timespec="microseconds")
    return (("updated_at[gte]", text),) if spelling == BRACKETS else (("updated_at", f'{{"gte":"{text}"}}'),)


async def _ask(client: HintClient, query: Query) -> _List:
    answer = await client.get(PATIENTS, (*query, ("limit", "1")))
    if isinstance(answer, Rejection):
        if not query:
            raise FixConfiguration(f"hint: the list of patients was rejected with {answer.status}; check the base URL")
        return _List([], None)
    return _List(answer.rows(), answer.total)


async def _updated_at_spelling(client: HintClient) -> str | None:
    future = client.clock.now() + timedelta(days=365)
    for spelling in (BRACKETS, JSON):
        if await _is_honoured(client, range_query(spelling, future)):
            return spelling
    return None


async def _is_honoured(client: HintClient, impossible: Query) -> bool:
    """Ask for what no patient can be: any row means that the parameter was ignored, and so does an empty practice.

    The impossible question goes first and the plain one after it, so that a patient created in between cannot make an
    ignored parameter look honoured.
    """
    answer = await client.get(PATIENTS, (*impossible, ("filter", "all"), ("limit", "1")))
    if isinstance(answer, Rejection) or answer.rows():
        return False
    return bool(expect(await client.get(PATIENTS, (("limit", "1"),)), "the list of patients").rows())


def _adds_up(active: _List, archived: _List, both: _List) -> bool:
    """Say whether `filter=all` surely brought both lists; without an archived patient that cannot be seen."""
    if not active.total or not archived.total or not both.total:
        return False
    return both.total == active.total + archived.total


async def _shows_archived(client: HintClient, archived: _List) -> bool | None:
    """Ask for an archived patient by id; a list that also shows active ones has not shown one for sure."""
    found = [row for row in archived.rows if row.get("membership_status") == "archived" and row.get("id")]
    if not found:
        return None
    answer = await client.get(record_path(PATIENTS, str(found[0]["id"])))
    return not isinstance(answer, Rejection) and answer.record().get("id") == found[0]["id"]


async def _sorts_by_creation(client: HintClient) -> bool:
    """Compare both ends of the list; in a sandbox, where all were created at once, that cannot be seen."""
    first = _created((await _ask(client, (*_EVERYBODY, ("sort", "created_at")))).rows)
    last = _created((await _ask(client, (*_EVERYBODY, ("sort", "-created_at")))).rows)
    return first is not None and last is not None and first < last


def _created(rows: Sequence[dict[str, object]]) -> datetime | None:
    stamp = rows[0].get("created_at") if rows else None
    try:
        return datetime.fromisoformat(stamp) if isinstance(stamp, str) else None
    except ValueError:
        return None


def _shows_title(rows: Sequence[dict[str, object]], before: bool | None) -> bool | None:
    if any("title" in row for row in rows):
        return True
    return before if before or not rows else False
