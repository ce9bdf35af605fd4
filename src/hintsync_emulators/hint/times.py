"""Time as Hint writes it."""

from datetime import datetime, timedelta, timezone

#: Hint's examples show time stamps in Pacific time, so that nobody may take them for UTC.
SHOWN_ZONE = timezone(timedelta(hours=-8))


def as_shown(moment: datetime) -> datetime:
    """Returns the same moment in the zone Hint shows."""
    return moment.astimezone(SHOWN_ZONE)
