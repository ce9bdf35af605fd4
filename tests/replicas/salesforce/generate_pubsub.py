"""Writes pubsub_pb2.py and its types from pubsub.proto: python -m tests.replicas.salesforce.generate_pubsub"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from grpc_tools import protoc

FOLDER = Path(__file__).parents[3] / "src" / "hintsync" / "replicas" / "salesforce"
PROTO = "pubsub.proto"

#: A process may hold only one definition of `eventbus.v1` in the pool that all share; another library's must find room.
_SHARED, _OWN = "_descriptor_pool.Default()", "_descriptor_pool.DescriptorPool()"
#: What protoc leaves out of the types, and mypy wants.
_BARE, _FULL = ", _Mapping]", ", _Mapping[str, object]]"


def generated() -> Mapping[str, str]:
    """Return the files that belong to the interface as it is, by name."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["protoc", f"--proto_path={FOLDER}", f"--python_out={folder}", f"--pyi_out={folder}", PROTO]
        if protoc.main(arguments) != 0:
            raise SystemExit(f"protoc does not take {PROTO}")
        files = {each.name: each.read_text() for each in Path(folder).iterdir()}
    return {name: text.replace(_SHARED, _OWN).replace(_BARE, _FULL) for name, text in files.items()}


if __name__ == "__main__":
    for name, text in generated().items():
        (FOLDER / name).write_text(text)
