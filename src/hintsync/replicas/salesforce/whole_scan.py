"""Reads every contact of an org: by one cursor, in a large org by several, each over a range of record ids."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.errors import Rejected
from hintsync.replicas.salesforce.id_ranges import IdRange, id_ranges
from hintsync.replicas.salesforce.ids import long_id
from hintsync.replicas.salesforce.query import QueryPage, first_page, follow
from hintsync.replicas.salesforce.soql import select
from hintsync.replicas.side_by_side import all_of

#: Contacts above which an org is large: a chain of a hundred pages.
LARGE = 200_000
#: Cursors of a large org, at most. A user may have ten open (SOAP API Developer Guide, "QueryLocator"); the first, which
#: is given up, counts until it lapses.
CURSORS = 4

#: Complaints about the statement itself: the org does not compare ids as we ask it to.
_NOT_COMPARED = ("MALFORMED_QUERY", "INVALID_FIELD", "INVALID_QUERY_FILTER_OPERATOR", "MALFORMED_ID")


async def every_contact(client: SalesforceClient, fields: Sequence[str], what: str) -> AsyncGenerator[QueryPage, None]:
    """Yield every contact once, in pages of up to 2,000; in a large org as they come from several cursors.

    A record id never changes, so a contact lies in exactly one of the ranges. The first has no lower bound and the last
    no upper one, so nobody is lost, wherever the others lie and whoever is created meanwhile: later ids are higher. A
    large org costs three calls more, and a page that is not full for each range.

    Args:
        client: the org.
        fields: API names to select.
        what: what it is for, in our words.

    Raises:
        RetryLater: a cursor was lost half-way.
    """
    begun = [await first_page(client, select(fields, "Contact"), what)]
    if begun[0].total > LARGE:
        begun = await _begun_in_ranges(client, fields, what) or begun
    async with aclosing(follow(client, begun, what)) as found:
        async for page in found:
            yield page


async def _begun_in_ranges(client: SalesforceClient, fields: Sequence[str], what: str) -> list[QueryPage]:
    """Return the first page of each range, all of them before any is worked on; none if there is nothing to be gained."""
    most = CURSORS if client.at_once is None else min(CURSORS, client.at_once - 1)
    if most < 2:
        return []
    try:
        ranges = await _ranges(client, most, what)
        statements = [select(fields, "Contact", each.condition) for each in ranges]
        return await all_of(first_page(client, soql, what) for soql in statements) if len(ranges) > 1 else []
    except Rejected as refusal:
        if refusal.has(*_NOT_COMPARED):
            return []
        raise


async def _ranges(client: SalesforceClient, most: int, what: str) -> list[IdRange]:
    """Ask for the lowest and the highest id, and cut what lies between."""
    ends = [f"SELECT Id FROM Contact ORDER BY Id{order} LIMIT 1" for order in ("", " DESC")]
    found = [row["Id"] for page in await all_of(first_page(client, soql, what) for soql in ends) for row in page.rows]
    if len(found) != len(ends) or not all(isinstance(each, str) and long_id(each) for each in found):
        return []
    return id_ranges(found[0], found[1], most)
