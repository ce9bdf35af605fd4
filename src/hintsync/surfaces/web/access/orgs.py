"""Keeps a way open into the org of each connection, for asking about people; also while Hint is not connected yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hintsync.bootstrap import Service, open_people
from hintsync.core.errors import BadInput, FixConfiguration
from hintsync.replicas.salesforce.people import OrgPeople


class Orgs:
    """The orgs of a service's connections, opened when they are first asked."""

    def __init__(self, service: Service) -> None:
        """Take the service; nothing is opened yet."""
        self._service = service
        self._open: dict[str, OrgPeople] = {}
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def asked(self, connection_id: str) -> AsyncIterator[OrgPeople]:
        """Hand an org out; one that refuses our credential is opened anew next time, when it may have been renewed.

        Raises:
            BadInput: no such connection.
            FixConfiguration: the org is not connected.
        """
        org = await self._opened(connection_id)
        try:
            yield org
        except FixConfiguration:
            if self._open.get(connection_id) is org:
                del self._open[connection_id]
                await org.aclose()
            raise

    async def aclose(self) -> None:
        """Close them all."""
        orgs = list(self._open.values())
        self._open.clear()
        for org in orgs:
            await org.aclose()

    async def _opened(self, connection_id: str) -> OrgPeople:
        async with self._turn:
            if connection_id not in self._open:
                connection = await self._service.store.connection(connection_id)
                if connection is None:
                    raise BadInput("there is no such connection")
                self._open[connection_id] = await open_people(self._service, connection)
            return self._open[connection_id]
