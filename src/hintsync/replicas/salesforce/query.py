"""Queries over REST: rows page by page, the next page fetched while this one is worked on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import quote_plus

from hintsync.core.errors import RetryLater
from hintsync.core.values import Side
from hintsync.replicas.salesforce.client import Reply, Row, SalesforceClient
from hintsync.replicas.salesforce.errors import Rejected

#: The largest page Salesforce gives; it may choose to give less (SOQL and SOSL Reference, "Change the Batch Size").
PAGE_SIZE = 2_000


@dataclass(frozen=True, slots=True)
class QueryPage:
    """One page of a query's answer."""

    rows: list[Row]
    #: Rows of all pages together, as the first answer counted them.
    total: int
    #: Seconds on the monotonic clock when the page was asked for.
    read_at: float


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
    resource = "queryAll" if deleted_too else "query"
    coming: asyncio.Task[Reply] | None = asyncio.create_task(_fetch(client, f"{resource}?q={quote_plus(soql)}", what))
    try:
        while coming is not None:
            reply = await coming
            following = _following(reply)
            coming = asyncio.create_task(_fetch(client, following, what)) if following else None
            await asyncio.sleep(0)  # or the request would go out only when the caller is done with this page
            yield QueryPage(reply.data["records"], reply.data["totalSize"], reply.sent_at)
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


async def rows(client: SalesforceClient, soql: str, what: str, *, deleted_too: bool = False) -> list[Row]:
    """Return all rows of a query; for answers that fit into memory."""
    return [row async for page in pages(client, soql, what, deleted_too=deleted_too) for row in page.rows]


async def _fetch(client: SalesforceClient, path: str, what: str) -> Reply:
    try:
        reply = await client.get(path, what, {"Sforce-Query-Options": f"batchSize={PAGE_SIZE}"})
    except Rejected as refusal:
        if refusal.has("INVALID_QUERY_LOCATOR"):
            raise RetryLater(Side.SALESFORCE, f"{what}: the cursor is gone") from None
        raise
    if not _is_page(reply.data):
        raise RetryLater(Side.SALESFORCE, f"{what}: the answer is no page of rows")
    return reply


def _following(reply: Reply) -> str | None:
    return None if reply.data["done"] else str(reply.data["nextRecordsUrl"])


def _is_page(data: object) -> bool:
    """Say whether an answer is a page of rows, and the last one or one that names the next: a scan must not end early."""
    if not isinstance(data, dict) or not isinstance(data.get("records"), list) or "totalSize" not in data:
        return False
    return data.get("done") is True or isinstance(data.get("nextRecordsUrl"), str)
