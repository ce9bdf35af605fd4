"""The checks of what waits, what stands still, and what was not heard of."""

from __future__ import annotations

from typing import Final

from hintsync.doctor.check import Area, Check

_WORK: Final = Area.WORK

WORK_CHECKS: Final = (
    Check(
        "stops",
        _WORK,
        "Safety stops",
        "No guard has stopped the connection, and nobody has paused it.",
        {
            "tripped": "Read the reason on page Safety stops, or with hintsync status; approve what was held back, or resume.",
            "other": "hintsync take-over says what its links come to. End it in Hint, then hintsync take-over --other-ended.",
            "paused": "hintsync resume, or page Safety stops, once whoever paused it is done.",
        },
    ),
    Check(
        "paused-writes",
        _WORK,
        "Kinds of writes",
        "No kind of write is paused because the first of its kind was not kept as it was sent.",
        {"paused": "See the log for the kind that is named: a flow or rule in the org changes what is written."},
    ),
    Check(
        "queue",
        _WORK,
        "Queue",
        "No change waits longer than HINTSYNC_ALERT_QUEUE_MINUTES.",
        {"long": "See Processes above, and whether both systems answer; hintsync log says what work meets."},
    ),
    Check(
        "parked",
        _WORK,
        "Parked records",
        "No record was set aside after it failed again and again.",
        {"some": "hintsync parked, or page Parked, says why. Mend the cause, then hintsync parked --replay."},
    ),
    Check(
        "last-success",
        _WORK,
        "Last success",
        "Something went well within HINTSYNC_ALERT_SILENCE_HOURS.",
        {
            "never": "Start the service: hintsync serve. Nothing of this connection was worked yet.",
            "silent": "See whether both systems let us in, and whether a worker gives signs of life; hintsync log says more.",
        },
    ),
    Check(
        "hint-log",
        _WORK,
        "Log in Salesforce",
        "Log entries are copied to the Hint Log of the org, if that is switched on.",
        {
            "never": "Start the service: a worker copies them. To switch it off: hintsync settings hint_log_level off.",
            "trouble": "Mend what is named, or switch it off: hintsync settings hint_log_level off.",
        },
    ),
    Check(
        "comparison",
        _WORK,
        "Nightly comparison",
        "Everybody was compared within the last two days, and the report is as it was signed.",
        {
            "never": "It runs at night while a worker runs; or run hintsync verify.",
            "late": "Run hintsync verify, and see in hintsync log why it did not end at night.",
            "forged": "Somebody changed the report in the database: see docs/howto/verify.md.",
        },
    ),
)
