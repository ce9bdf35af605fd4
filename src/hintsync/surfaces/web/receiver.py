"""Takes Hint's webhooks in: size, signature, envelope, practice, store, answer, in this order and at once.

A webhook of any age is taken, and one that comes again is harmless: it only says which record to read. Nothing of what
comes in is logged or answered but codes, and ids of a shape that can be one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from hintsync.core.errors import HintsyncError
from hintsync.engine.detect.intake import take_in as take_in_for_good
from hintsync.logins import has_ended
from hintsync.metrics import METRICS, Metrics
from hintsync.redact import safe_text
from hintsync.replicas.hint.webhook import (
    SIGNATURE_HEADER,
    BadWebhook,
    Envelope,
    Signatures,
    open_envelope,
    same_practice,
)
from hintsync.surfaces.web.closed_desk import ClosedDesk
from hintsync.surfaces.web.desk import Desk, TakeIn, Wake
from hintsync.surfaces.web.engines import Engines
from hintsync.surfaces.web.sparing import Sparing

_log = logging.getLogger(__name__)

#: Seconds a body may take to come; Hint itself gives up after some ten.
BODY_SECONDS = 10.0
#: Digits of a Content-Length that are read as a number.
_LONGEST_LENGTH = 15


class Refused(Exception):
    """A request that is answered with an error: a code of ours, nothing of what was sent."""

    def __init__(self, status: HTTPStatus, code: str, word: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        #: What is counted, of `metrics.COUNTED`.
        self.word = word


class Receiver:
    """Receives webhooks for all connections of a service."""

    def __init__(
        self,
        engines: Engines,
        signatures: Signatures,
        closed: ClosedDesk,
        *,
        max_bytes: int,
        take_in: TakeIn = take_in_for_good,
        wake: Wake | None = None,
        metrics: Metrics = METRICS,
    ) -> None:
        """Receive for the connections that the engines know.

        Args:
            engines: of all connections.
            signatures: knows the keys.
            closed: takes in what comes while a connection's engine is not open.
            max_bytes: the largest body that is read.
            take_in: stores what may matter.
            wake: told the connection after something was stored.
            metrics: what is counted in.
        """
        self._engines = engines
        self._signatures = signatures
        self._closed = closed
        self._max_bytes = max_bytes
        self._take_in = take_in
        self._wake = wake
        self._metrics = metrics
        self._desks: dict[str, Desk] = {}
        self._forged, self._strange, self._failed = Sparing(), Sparing(), Sparing()

    async def receive(self, request: Request) -> Response:
        """Answer one webhook: 2xx only once it is stored, or surely concerns nobody here."""
        try:
            body = await read_body(request, self._max_bytes)
            self._check(request, body)
            word, told = await self._take(_opened(body), request.path_params.get("connection"))
        except Refused as refused:
            self._metrics.count(refused.word)
            # The rest of a body that is too large is not read, so nothing can follow it on this connection.
            headers = {"connection": "close"} if refused.status in _UNREAD else None
            return JSONResponse({"error": refused.code}, refused.status, headers)
        self._metrics.count(word)
        return Response(b'{"status":"%s"}' % told.encode("ascii"), media_type="application/json")

    async def aclose(self) -> None:
        """Return once everything that was begun is stored, or has failed."""
        for desk in self._desks.values():
            await desk.aclose()

    def _check(self, request: Request, body: bytes) -> None:
        """Check the signature, of which there must be one.

        Raises:
            Refused: it is missing or wrong, or there are several.
        """
        claimed = request.headers.getlist(SIGNATURE_HEADER)
        if len(claimed) == 1 and self._signatures.accepts(body, claimed[0]):
            return
        left_out = self._forged.left_out()
        if left_out is not None:
            why = "its signature is missing or wrong" if self._signatures else "no signature key is set"
            _log.warning("webhook of %d bytes refused, %s (%d more since the last line)", len(body), why, left_out)
        raise Refused(HTTPStatus.UNAUTHORIZED, "bad-signature", "webhook-bad-signature")

    async def _take(self, envelope: Envelope, named: str | None) -> tuple[str, str]:
        """Store what an envelope says with every connection of its practice; return what is counted and answered.

        Raises:
            Refused: it cannot be stored now; Hint sends it again.
        """
        concerned = self._of_practice(envelope.practice_id, named) or await self._look_again(
            envelope.practice_id, named
        )
        if not concerned:
            left_out = self._strange.left_out()
            if left_out is not None:
                told = "webhook of practice %s left alone: it is not connected here (%d more since the last line)"
                _log.warning(told, envelope.practice_id, left_out)
            return "webhook-unknown-practice", "unknown-practice"
        try:
            ours = await self._take_for_all(concerned, envelope)
        except HintsyncError as error:
            raise self._unstored(error.code, error) from None
        except Exception as error:
            raise self._unstored("unforeseen", error) from None
        return ("webhook-taken", "taken") if any(ours) else ("webhook-ignored", "ignored")

    def _of_practice(self, practice_id: str, named: str | None) -> Sequence[str]:
        """Return the connections that an event concerns; one named in the address only if it is of that practice.

        One that was uninstalled is none any more: its practice is as good as unknown.
        """
        ours = [each for each in self._engines.connections if not has_ended(each.facts)]
        known = [each for each in ours if same_practice(each.practice_id, practice_id)]
        return [each.id for each in known if named is None or named in (each.id, each.name)]

    async def _look_again(self, practice_id: str, named: str | None) -> Sequence[str]:
        """Look for a connection that was added just now: what is answered with a 2xx is not sent again.

        Raises:
            Refused: the store does not answer, so nobody can say whose practice it is.
        """
        try:
            await self._engines.recognise()
        except HintsyncError as error:
            raise self._unstored(error.code, error) from None
        return self._of_practice(practice_id, named)

    async def _take_for_all(self, connection_ids: Sequence[str], envelope: Envelope) -> Sequence[bool]:
        if len(connection_ids) == 1:  # as nearly always: without a task of its own
            return [await self._take_for(connection_ids[0], envelope)]
        return await asyncio.gather(*(self._take_for(each, envelope) for each in connection_ids))

    async def _take_for(self, connection_id: str, envelope: Envelope) -> bool:
        """Store what an envelope says with one connection, whether or not its engine is open."""
        engine = self._engines.engine(connection_id)
        if engine is None:
            return await self._closed.take(connection_id, envelope)
        desk = self._desks.get(connection_id)
        if desk is None or desk.engine is not engine:
            desk = self._desks[connection_id] = Desk(engine, self._take_in, self._wake, self._metrics)
        return await desk.take(envelope)

    def _unstored(self, code: str, error: Exception) -> Refused:
        left_out = self._failed.left_out()
        if left_out is not None:
            _log.error("webhooks cannot be stored: %s (%d more since the last line)", safe_text(error), left_out)
        return Refused(HTTPStatus.SERVICE_UNAVAILABLE, code, "webhook-not-stored")


#: Answered before the body was read to its end.
_UNREAD = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT)


async def read_body(request: Request, most: int) -> bytes:
    """Return a request's body.

    Raises:
        Refused: it is larger than `most` bytes (what is beyond is not read), was cut off, or came too slowly.
    """
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and (len(length) > _LONGEST_LENGTH or int(length) > most):
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise _too_large()
    except ClientDisconnect:
        raise Refused(HTTPStatus.BAD_REQUEST, "cut-off", "webhook-unreadable") from None
    except TimeoutError:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "too-slow", "webhook-unreadable") from None
    return bytes(body)


def _too_large() -> Refused:
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", "webhook-too-large")


def _opened(body: bytes) -> Envelope:
    try:
        return open_envelope(body)
    except BadWebhook as error:
        _log.warning("a signed webhook of %d bytes cannot be read: %s", len(body), error)
        raise Refused(HTTPStatus.BAD_REQUEST, str(error), "webhook-unreadable") from None
