"""The sealed stream: whatever is done to the file is found, and nothing of it shows."""

from __future__ import annotations

import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hintsync.backup.sealed import CHUNK, SealedWriter, read_sealed
from hintsync.core.errors import BadInput

KEY = bytes(range(32))
HEADER = b"the header\n"
#: Pieces that compress to several chunks, and to a length that ends with a chunk.
CONTENT = [os.urandom(CHUNK), b"Marlow" * 100_000, os.urandom(2 * CHUNK + 17)]


def sealed(content: list[bytes], *, key: bytes = KEY, header: bytes = HEADER) -> bytes:
    file = io.BytesIO()
    writer = SealedWriter(file, key, header)
    for piece in content:
        writer.write(piece)
    writer.close()
    return file.getvalue()


def opened(data: bytes, *, key: bytes = KEY, header: bytes = HEADER) -> bytes:
    return b"".join(read_sealed(io.BytesIO(data), key, header))


def chunks(data: bytes) -> list[bytes]:
    found, place = [], 0
    while place < len(data):
        length = 4 + int.from_bytes(data[place : place + 4], "big")
        found.append(data[place : place + length])
        place += length
    return found


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=2000), max_size=10))
def test_what_was_sealed_comes_back(content: list[bytes]) -> None:
    assert opened(sealed(content)) == b"".join(content)


def test_a_long_content_goes_into_several_chunks_and_comes_back() -> None:
    data = sealed(CONTENT)
    assert len(chunks(data)) == 4
    assert opened(data) == b"".join(CONTENT)
    assert b"Marlow" not in data


def test_a_content_that_unpacks_to_much_more_is_handed_on_in_pieces() -> None:
    zeros = bytes(20_000_000)
    pieces = list(read_sealed(io.BytesIO(sealed([zeros])), KEY, HEADER))
    assert b"".join(pieces) == zeros
    assert max(map(len, pieces)) <= 1024 * 1024


def test_cut_off_at_every_chunk_it_does_not_open() -> None:
    whole = chunks(sealed(CONTENT))
    for left in range(len(whole)):
        with pytest.raises(BadInput, match="cut off or damaged"):
            opened(b"".join(whole[:left]))
    with pytest.raises(BadInput, match="cut off or damaged"):
        opened(b"".join(whole)[:-1])


@pytest.mark.parametrize(
    "order",
    [[1, 0, 2, 3], [0, 2, 3], [0, 1, 1, 2, 3], [0, 1, 3, 2], [0, 1, 2, 3, 3], [3]],
    ids=["swapped", "one left out", "one doubled", "end moved", "end doubled", "end alone"],
)
def test_chunks_in_another_order_do_not_open(order: list[int]) -> None:
    whole = chunks(sealed(CONTENT))
    with pytest.raises(BadInput, match=r"was changed|does not open|damaged"):
        opened(b"".join(whole[number] for number in order))


def test_a_chunk_of_another_file_does_not_open() -> None:
    ours, theirs = chunks(sealed(CONTENT)), chunks(sealed(CONTENT, header=b"another header\n"))
    with pytest.raises(BadInput, match="changed at chunk 2"):
        opened(b"".join([ours[0], theirs[1], *ours[2:]]))


def test_any_bit_that_is_turned_is_found() -> None:
    data = sealed([os.urandom(300)])
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << (place % 8)
        with pytest.raises(BadInput):
            opened(bytes(changed))


def test_another_key_or_another_header_opens_nothing() -> None:
    data = sealed([b"content"])
    with pytest.raises(BadInput, match="backup key is another one"):
        opened(data, key=bytes(32))
    with pytest.raises(BadInput, match="does not open"):
        opened(data, header=b"the heedar\n")


def test_what_stands_behind_the_end_is_found() -> None:
    with pytest.raises(BadInput, match="damaged behind chunk 1"):
        opened(sealed([b"content"]) + b"\0")
