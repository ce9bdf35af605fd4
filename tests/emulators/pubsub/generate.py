"""Writes eventbus_pb2.py and its types from eventbus.proto: python -m tests.emulators.pubsub.generate"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from grpc_tools import protoc

FOLDER = Path(__file__).parents[3] / "src" / "hintsync_emulators" / "salesforce" / "pubsub"
_PROTO = "eventbus.proto"
#: Generated messages register themselves in the pool of the whole process, where a client's own copy of the interface
#: would collide with them. Ours live in a pool of their own.
_SHARED_POOL, _OWN_POOL = "_descriptor_pool.Default()", "_descriptor_pool.DescriptorPool()"


def generate() -> Mapping[str, str]:
    """Return the generated files by name, as they are to be committed."""
    with tempfile.TemporaryDirectory() as out:
        if protoc.main(["protoc", f"-I{FOLDER}", f"--python_out={out}", f"--pyi_out={out}", _PROTO]) != 0:
            raise RuntimeError("protoc refuses eventbus.proto; its complaint is on standard error")
        return {path.name: _adapted(path.read_text()) for path in Path(out).iterdir()}


def _adapted(text: str) -> str:
    return text.replace(_SHARED_POOL, _OWN_POOL).replace(", _Mapping]", ", _Mapping[str, object]]")


def main() -> None:
    """Write the files into the package."""
    for name, text in generate().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
