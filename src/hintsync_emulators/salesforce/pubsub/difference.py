"""Long text that travels as a difference (Change Data Capture Developer Guide, "Data Differences")."""

from __future__ import annotations

import hashlib
from difflib import SequenceMatcher

#: Shorter values travel whole.
LEAST_LENGTH = 1_000
#: Largest change of length, and largest share of changed lines, that still travels as a difference.
_LENGTH_CHANGE, _CHANGED_LINES = 0.5, 0.25


def difference(old: str, new: str) -> str | None:
    """Return what is sent instead of a new value, or None when the value itself is sent.

    Hunks have no lines of context. The first two lines are those of a unified diff, where the name of the new file is
    the SHA-256 of the whole new value.
    """
    if min(len(old), len(new)) < LEAST_LENGTH or abs(len(old) - len(new)) > _LENGTH_CHANGE * len(old):
        return None
    before, after = old.split("\n"), new.split("\n")
    hunks, changed = _hunks(before, after)
    if changed > _CHANGED_LINES * (len(before) + len(after)):
        return None
    text = "\n".join(["--- ", f"+++ {hashlib.sha256(new.encode()).hexdigest()}", *hunks])
    return text if len(text) <= len(new) else None


def _hunks(before: list[str], after: list[str]) -> tuple[list[str], int]:
    """Return the lines of all hunks and how many lines of both values they touch."""
    lines, changed = [], 0
    for tag, start, end, new_start, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        removed, added = before[start:end], after[new_start:new_end]
        lines.append(f"@@ -{_range(start, removed)} +{_range(new_start, added)} @@")
        lines += [f"-{line}" for line in removed]
        lines += [f"+{line}" for line in added]
        changed += len(removed) + len(added)
    return lines, changed


def _range(start: int, lines: list[str]) -> str:
    """Write where a hunk lies: first line counted from one, and length; an empty one names the line before it."""
    return f"{start + 1 if lines else start},{len(lines)}"
