"""Keeps request lines out of the logs: an address may hold a birth date, a name or a key."""

from __future__ import annotations

import logging

#: They log each request's whole address (httpx at INFO) or its parts (httpcore at DEBUG).
_TALKERS = ("httpx", "httpcore")


def hush_request_lines() -> None:
    """Let the HTTP libraries log warnings only; every client calls this before its first request."""
    for name in _TALKERS:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
