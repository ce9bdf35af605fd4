"""The calls of the Pub/Sub API."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, NoReturn, TypeVar

import grpc
from google.protobuf.message import Message
from grpc import aio

from hintsync_emulators.salesforce.pubsub import eventbus_pb2 as wire
from hintsync_emulators.salesforce.pubsub.errors import Problem
from hintsync_emulators.salesforce.pubsub.subscription import Subscription

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

SERVICE = "eventbus.v1.PubSub"
#: Calls that the interface has and the emulator does not answer.
_NOT_EMULATED = ("PublishStream", "Publish", "ManagedSubscribe")

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")
Topics = aio.ServicerContext[wire.TopicRequest, wire.TopicInfo]
Schemas = aio.ServicerContext[wire.SchemaRequest, wire.SchemaInfo]
Fetches = aio.ServicerContext[wire.FetchRequest, wire.FetchResponse]


class PubSub:
    """Answers for one org."""

    def __init__(self, org: Org, count: Callable[[str], None]) -> None:
        self._org, self._bus, self._count = org, org.events, count

    def handler(self) -> grpc.GenericRpcHandler:
        """Return what a gRPC server needs to know."""
        calls: dict[str, grpc.RpcMethodHandler[Message, Message]] = {
            "GetTopic": grpc.unary_unary_rpc_method_handler(self.get_topic, wire.TopicRequest.FromString, _serialize),
            "GetSchema": grpc.unary_unary_rpc_method_handler(
                self.get_schema, wire.SchemaRequest.FromString, _serialize
            ),
            "Subscribe": grpc.stream_stream_rpc_method_handler(
                self.subscribe, wire.FetchRequest.FromString, _serialize
            ),
        }
        for name in _NOT_EMULATED:
            calls[name] = grpc.stream_stream_rpc_method_handler(_refuser(name))
        return grpc.method_handlers_generic_handler(SERVICE, calls)

    async def get_topic(self, request: wire.TopicRequest, context: Topics) -> wire.TopicInfo:
        """Describe a topic; one that carries several objects has no schema of its own."""
        self._count("pubsub.topic")
        try:
            with self._org.guard:
                self._caller(context)
                return self._topic(request.topic_name)
        except Problem as problem:
            await _fail(context, problem)

    def _topic(self, name: str) -> wire.TopicInfo:
        if self._bus.channels.objects_on(name) is None:
            raise Problem("topic.not.found")
        single = self._bus.channels.object_of(name)
        return wire.TopicInfo(
            topic_name=name,
            tenant_guid=f"core/emulated/{self._org.org_id}",
            can_publish=False,
            can_subscribe=True,
            schema_id="" if single is None else self._bus.event_schema(single).id,
            rpc_id=_rpc_id(),
        )

    async def get_schema(self, request: wire.SchemaRequest, context: Schemas) -> wire.SchemaInfo:
        """Return the schema of that id, which may be one of the past."""
        self._count("pubsub.schema")
        try:
            with self._org.guard:
                self._caller(context)
                found = self._bus.schema_json(request.schema_id)
            if found is None:
                raise Problem("schema.meta.permission")
            return wire.SchemaInfo(schema_json=found, schema_id=request.schema_id, rpc_id=_rpc_id())
        except Problem as problem:
            await _fail(context, problem)

    async def subscribe(
        self, requests: AsyncIterator[wire.FetchRequest], context: Fetches
    ) -> AsyncIterator[wire.FetchResponse]:
        """Send events as they are asked for.

        The initial metadata goes out once the stream stands: what is committed after that reaches a subscriber.
        """
        self._count("pubsub.subscribe")
        try:
            with self._org.guard:
                check = self._caller(context)
            subscription = Subscription(self._bus, self._org.guard, check)
            subscription.begin(await anext(requests))
        except Problem as problem:
            await _fail(context, problem)
        except StopAsyncIteration:
            return
        reader = asyncio.create_task(_read(requests, subscription))
        try:
            await context.send_initial_metadata(())
            async for response in subscription.responses():
                yield response
        except Problem as problem:
            await _fail(context, problem)
        finally:
            reader.cancel()
            subscription.end()

    def _caller(self, context: aio.ServicerContext[Asked, Answered]) -> Callable[[], None]:
        """Return what fails as soon as the caller's session is over."""
        self._bus.faults.check_call()
        given = {name: str(value) for name, value in context.invocation_metadata() or ()}
        if not all(given.get(name) for name in ("accesstoken", "instanceurl", "tenantid")):
            raise Problem("service.auth.headers.invalid")
        if given["tenantid"][:15] != self._org.org_id[:15]:
            raise Problem("service.auth.error")

        def check() -> None:
            with self._org.guard:
                if self._org.auth.session(given["accesstoken"]) is None:
                    raise Problem("service.auth.error")

        check()
        return check


async def _read(requests: AsyncIterator[wire.FetchRequest], subscription: Subscription) -> None:
    async for request in requests:
        subscription.ask(request)


def _refuser(name: str) -> Callable[..., Awaitable[None]]:
    async def refuse(requests: AsyncIterator[bytes], context: aio.ServicerContext[bytes, bytes]) -> None:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"not emulated: {name}")

    return refuse


async def _fail(context: aio.ServicerContext[Asked, Answered], problem: Problem) -> NoReturn:
    rpc_id = _rpc_id()
    details = f"{problem.message}. rpcId: {rpc_id}"
    await context.abort(grpc.StatusCode[problem.status], details, (("error-code", problem.code), ("rpc-id", rpc_id)))


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def _rpc_id() -> str:
    return str(uuid.uuid4())
