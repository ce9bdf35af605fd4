"""The connection to Salesforce's Pub/Sub API: topics, schemas, and the opening of streams, each call with our token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import grpc
from google.protobuf.message import Message
from grpc import aio

from hintsync.core.errors import ReconnectNeeded
from hintsync.core.values import Side
from hintsync.replicas.salesforce import pubsub_pb2 as wire
from hintsync.replicas.salesforce.auth import Authenticator, Session
from hintsync.replicas.salesforce.pubsub_errors import TokenRefused, failure

_SERVICE = "/eventbus.v1.PubSub/"
#: Seconds after which a look-up is given up.
_TIMEOUT = 20.0
#: An event has up to a megabyte, and up to a hundred come together.
_OPTIONS = (("grpc.max_receive_message_length", 128 * 1024 * 1024),)

Stream = aio.StreamStreamCall[Message, wire.FetchResponse]
Metadata = tuple[tuple[str, str], ...]
Answer = TypeVar("Answer")


class PubSubClient:
    """Makes calls for one org."""

    def __init__(self, address: str, authorities: bytes | None, sessions: Authenticator, tenant: str) -> None:
        """Prepare the connection; it is made with the first call.

        Args:
            address: `host:port`, always TLS.
            authorities: certificate authorities to believe, as PEM; None: those of the system.
            sessions: gives tokens; shared with the REST client.
            tenant: the org's id.
        """
        credentials = grpc.ssl_channel_credentials(authorities)
        self._channel = aio.secure_channel(address, credentials, options=_OPTIONS)
        self._sessions = sessions
        self._tenant = tenant
        self._get_topic = self._channel.unary_unary(
            f"{_SERVICE}GetTopic", wire.TopicRequest.SerializeToString, wire.TopicInfo.FromString
        )
        self._get_schema = self._channel.unary_unary(
            f"{_SERVICE}GetSchema", wire.SchemaRequest.SerializeToString, wire.SchemaInfo.FromString
        )
        self._subscribe = self._channel.stream_stream(
            f"{_SERVICE}Subscribe", wire.FetchRequest.SerializeToString, wire.FetchResponse.FromString
        )

    async def topic(self, name: str) -> wire.TopicInfo:
        """Look a topic up; see `pubsub_errors` for what is raised."""
        request = wire.TopicRequest(topic_name=name)
        return await self._ask(
            lambda metadata: self._get_topic(request, metadata=metadata, timeout=_TIMEOUT), f"topic {name}"
        )

    async def schema(self, schema_id: str) -> str:
        """Fetch a schema by its id, as JSON; one never changes under its id."""
        request = wire.SchemaRequest(schema_id=schema_id)
        found = await self._ask(
            lambda metadata: self._get_schema(request, metadata=metadata, timeout=_TIMEOUT), f"schema {schema_id}"
        )
        return found.schema_json

    async def subscribe(self, requests: AsyncIterator[wire.FetchRequest]) -> tuple[Stream, Session]:
        """Begin a stream that sends these requests; also says with which session, should it be refused."""
        session = await self._sessions.session()
        return self._subscribe(requests, metadata=self._metadata(session)), session

    async def renew(self, refused: Session) -> None:
        """Take another session than the one that was refused."""
        await self._sessions.renewed(refused)

    async def aclose(self) -> None:
        """Close the connection and every stream on it."""
        await self._channel.close()

    async def _ask(self, call: Callable[[Metadata], Awaitable[Answer]], about: str) -> Answer:
        """Make a call, and once more with a new token if the first was refused."""
        session = await self._sessions.session()
        try:
            return await self._once(call, session, about)
        except TokenRefused:
            renewed = await self._sessions.renewed(session)
        try:
            return await self._once(call, renewed, about)
        except TokenRefused:
            raise ReconnectNeeded(Side.SALESFORCE, "a new access token was refused for change events too") from None

    async def _once(self, call: Callable[[Metadata], Awaitable[Answer]], session: Session, about: str) -> Answer:
        try:
            return await call(self._metadata(session))
        except aio.AioRpcError as error:
            raise failure(error, about) from None

    def _metadata(self, session: Session) -> Metadata:
        """Return the headers of every call (Pub/Sub API Developer Guide, "gRPC authentication"); no `Bearer`."""
        return (
            ("accesstoken", session.access_token),
            ("instanceurl", session.instance_url),
            ("tenantid", self._tenant),
        )
