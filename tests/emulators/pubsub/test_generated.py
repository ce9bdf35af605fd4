"""The generated messages: those of the committed interface, and no collision with anybody else's copy of it."""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from hintsync_emulators.salesforce.pubsub import eventbus_pb2 as wire
from tests.emulators.pubsub.generate import FOLDER, generate


def test_the_generated_files_are_those_of_the_interface() -> None:
    for name, text in generate().items():
        assert (FOLDER / name).read_text() == text, "run python -m tests.emulators.pubsub.generate"


def test_a_client_may_bring_its_own_copy_of_the_interface_into_the_same_process() -> None:
    theirs = descriptor_pb2.FileDescriptorProto()
    wire.DESCRIPTOR.CopyToProto(theirs)
    theirs.name = "theirs/pubsub_api.proto"
    descriptor_pool.Default().Add(theirs)
    found = descriptor_pool.Default().FindMessageTypeByName("eventbus.v1.FetchRequest")
    request = message_factory.GetMessageClass(found)(topic_name="/data/ContactChangeEvent", num_requested=3)
    assert wire.FetchRequest.FromString(request.SerializeToString()).num_requested == 3
