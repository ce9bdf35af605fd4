"""Queries over REST: rows page by page, the next page fetched while this one is worked on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from hintsync.core.errors import RetryLater
from hintsync.core.values import Side
from hintsync.replicas.salesforce.client import Reply, Row, SalesforceClient
from hintsync.replicas.salesforce.errors import Rejected
from hintsync.replicas.side_by_side import end_all, take_earliest

#: The largest page Salesforce gives; it may choose to give less (SOQL and SOSL Reference, "Change the Batch Size").
PAGE_SIZE = 2_000


@dataclass(frozen=True, slots=True)
class QueryPage:
    """One page of a query's answer."""

    rows: list[Row] = field(repr=False)
    #: Rows of all pages together, as the first answer counted them.
    total: int
    #: Seconds on the monotonic clock when the page was asked for.
    read_at: float
    #: Address of the page that follows; `None`: this is the last.
    following: str | None


async def pages(
    client: SalesforceClient, soql: str, what: str, *, deleted_too: bool = False
) -> AsyncGenerator[QueryPage, None]:
    """Run a query and yield its pages until it is done, whatever size Salesforce gives them.

    Args:
        client: the org.
        soql: the statement.
        what: what it is for, in our words.
        deleted_too: rows in the recycle bin and merged ones too (`queryAll`).

    Raises:
        RetryLater: the cursor was lost between two pages (they live for a limited time); start again.
    """
    begun = [await first_page(client, soql, what, deleted_too=deleted_too)]
    async with aclosing(follow(client, begun, what)) as found:
        async for page in found:
            yield page


async def first_page(client: SalesforceClient, soql: str, what: str, *, deleted_too: bool = False) -> QueryPage:
    """Run a query and return its first page; arguments as for `pages`. `follow` brings the others."""
    resource = "queryAll" if deleted_too else "query"
    return await _fetch(client, f"{resource}?q={quote_plus(soql)}", what)


async def follow(client: SalesforceClient, begun: list[QueryPage], what: str) -> AsyncGenerator[QueryPage, None]:
    """Yield the pages of queries that were begun, as they come from any of them, until all are done.

    Of each query one page at most is under way or waits to be taken, so a fast one does not pile up pages. The first
    failure ends all of them; so does closing this.

    Args:
        client: the org.
        begun: the first page of each; taken out of the list as they are yielded, for the list to keep none in memory.
        what: what they are for, in our words.

    Raises:
        RetryLater: a cursor was lost between two pages.
    """
    coming: dict[asyncio.Task[QueryPage], None] = {}
    try:
        while begun or coming:
            page = begun.pop(0) if begun else await take_earliest(coming)
            if page.following is not None:
                coming[asyncio.create_task(_fetch(client, page.following, what))] = None
            await asyncio.sleep(0)  # or the request would go out only when the caller is done with this page
            yield page
    finally:
        await end_all(coming)


async def rows(client: SalesforceClient, soql: str, what: str, *, deleted_too: bool = False) -> list[Row]:
    """Return all rows of a query; for answers that fit into memory."""
    return [row async for page in pages(client, soql, what, deleted_too=deleted_too) for row in page.rows]


async def _fetch(client: SalesforceClient, path: str, what: str) -> QueryPage:
    try:
        reply = await client.get(path, what, {"Sforce-Query-Options": f"batchSize={PAGE_SIZE}"})
    except Rejected as refusal:
        if refusal.has("INVALID_QUERY_LOCATOR"):
            raise RetryLater(Side.SALESFORCE, f"{what}: the cursor is gone") from None
        raise
    if not _is_page(reply.data):
        raise RetryLater(Side.SALESFORCE, f"{what}: the answer is no page of rows")
    return QueryPage(reply.data["records"], reply.data["totalSize"], reply.sent_at, _following(reply))


def _following(reply: Reply) -> str | None:
    return None if reply.data["done"] else str(reply.data["nextRecordsUrl"])


def _is_page(data: object) -> bool:
    """Say whether an answer is a page of rows, and the last one or one that names the next: a scan must not end early."""
    if not isinstance(data, dict) or not isinstance(data.get("records"), list) or "totalSize" not in data:
        return False
    return data.get("done") is True or isinstance(data.get("nextRecordsUrl"), str)
