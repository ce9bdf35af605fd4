"""Bounds on what callers send: whole numbers of a sane length, JSON of a sane depth."""

#: Digits that a number in an address, a header or a statement may have.
_LONGEST = 18
#: How deep JSON bodies may nest; nothing that either system takes comes near.
_DEEPEST = 100


def whole(text: str) -> int | None:
    """Return the number that a text of ASCII digits is; None for any other text and for one that is absurdly long."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST else None


def is_too_deep(raw: bytes, value: object) -> bool:
    """Say whether a JSON value, read from these bytes, nests so deep that handling it would exhaust the stack."""
    if raw.count(b"[") + raw.count(b"{") <= _DEEPEST:
        return False
    level, depth = [value], 0
    while level and depth <= _DEEPEST:
        depth += 1
        level = [inner for one in level for inner in _inside(one)]
    return bool(level)


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
