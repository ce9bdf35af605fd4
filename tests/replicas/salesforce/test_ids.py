from __future__ import annotations

import pytest

from hintsync.replicas.salesforce.ids import long_id

#: Pairs that appear in Salesforce's own documentation and recorded answers.
KNOWN = ["001D000000IRFmaIAH", "0038c00002XoT5bAAF", "00D000000000062EAA"]


@pytest.mark.parametrize("known", KNOWN)
def test_a_short_id_gets_its_suffix(known: str) -> None:
    assert long_id(known[:15]) == long_id(known) == known


@pytest.mark.parametrize("wrong", ["", "003", "0038c00002XoT5b!", "0038c00002XoT5bAAA", "0038C00002XOT5BAAF", "pat-x1"])
def test_what_is_no_record_id_is_none(wrong: str) -> None:
    assert long_id(wrong) is None
