"""Sets logging up, in one place: JSON lines on standard error, ids and field names only.

Our own lines are written with structlog. Lines of libraries are cut down to who spoke and how loudly, because a library
quotes what it was given, and that may be a person.
"""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_OURS = "hintsync"


def set_up_logging(level: int = logging.WARNING) -> None:
    """Send what is at least of a level to standard error; called once by each surface, again by tests.

    Args:
        level: of our own lines; a library's are written from warnings on, for the lines below tell nothing once cut down.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, without_texts_of_errors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, only_who_spoke],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger(_OURS).setLevel(level if level < logging.WARNING else logging.NOTSET)


def only_who_spoke(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Cut a library's line down to its logger and the class of its error."""
    record: logging.LogRecord = event["_record"]
    kept = {key: event[key] for key in ("level", "timestamp", "_record", "_from_structlog") if key in event}
    kept["logger"] = record.name
    kept["event"] = event["event"] if record.name.partition(".")[0] == _OURS else "a library logged"
    if record.exc_info and record.exc_info[0] is not None:
        kept["error"] = record.exc_info[0].__name__
    record.exc_info, record.exc_text = None, None  # the formatter would print the traceback, values and all
    return kept


def without_texts_of_errors(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Name an error by its class; its text and its frames may hold values."""
    told = event.pop("exc_info", None)
    error = told if isinstance(told, BaseException) else sys.exc_info()[1] if told else None
    if error is not None:
        event["error"] = type(error).__name__
    return event
