"""How long something takes, in words."""

from __future__ import annotations


def seconds(value: float | None) -> str:
    """Say some seconds of lag: `0.4 s`; a dash for none."""
    if value is None:
        return "–"
    return f"{value:.1f} s" if value < 100 else ago(value)


def ago(duration: float) -> str:
    """Say how long something lasts: `12 seconds`, `3 minutes`, `2 hours`, `4 days`."""
    for size, word in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if duration >= size:
            count = int(duration // size)
            return f"{count} {word}{'s' if count > 1 else ''}"
    count = max(int(duration), 0)
    return f"{count} second{'' if count == 1 else 's'}"
