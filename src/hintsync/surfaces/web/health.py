"""Says how the service is: alive, ready, and in figures. Shows codes only, for anybody who gets through may ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hintsync.bootstrap import Service
from hintsync.core.errors import HintsyncError, NotConnected
from hintsync.engine.health.figures import Figures, read_figures
from hintsync.metrics import Metrics
from hintsync.surfaces.web.engines import Engines
from hintsync.surfaces.web.exposition import CONTENT_TYPE, exposition
from hintsync.surfaces.web.reaching import answer_to

_FRESH = {"cache-control": "no-store"}


class Health:
    """The answers that supervisors, monitors and the test of reachability ask for."""

    def __init__(self, service: Service, engines: Engines, metrics: Metrics) -> None:
        """Look at a service and its engines."""
        self._service = service
        self._engines = engines
        self._metrics = metrics

    async def alive(self, request: Request) -> Response:
        """Say that the process answers, whatever else may be wrong: a supervisor restarts it otherwise."""
        return JSONResponse({"status": "alive"}, headers=_FRESH)

    async def ready(self, request: Request) -> Response:
        """Say whether webhooks can be stored: the store answers and every connection is open; 503 with codes if not.

        A connection that waits to be connected to Hint is no reason to take the service away: it is connected on a page.
        """
        closed = [code for code in self._engines.closed.values() if code != NotConnected.code]
        problems = [f"connection:{code}" for code in closed]
        try:
            await self._figures()
        except HintsyncError as error:
            problems.append(f"store:{error.code}")
        counted = dict(sorted(Counter(problems).items()))
        body = {
            "status": "not-ready" if problems else "ready",
            "problems": counted,
            "connections": len(self._engines.open),
        }
        return JSONResponse(body, 503 if problems else 200, _FRESH)

    async def metrics(self, request: Request) -> Response:
        """Show the figures as Prometheus text; those of the store are left out while it does not answer."""
        answers, figures = True, list[Figures]()
        try:
            figures = [*await self._figures()]
        except HintsyncError:
            answers = False
        self._learn_budgets()
        opened = {each.id: self._engines.engine(each.id) is not None for each in self._engines.connections}
        text = exposition(self._metrics, figures, opened, store_answers=answers)
        return Response(text, headers=_FRESH, media_type=CONTENT_TYPE)

    async def reach(self, request: Request) -> Response:
        """Answer the question of `check_reachability`."""
        told = answer_to(self._service.store, request.query_params.get("nonce", ""))
        return JSONResponse(told or {"error": "no-nonce"}, 200 if told else 400, _FRESH)

    def _learn_budgets(self) -> None:
        for engine in self._engines.open:
            for side, replica in engine.replicas.items():
                if replica.budget is not None:
                    self._metrics.learned_budget(engine.connection.id, side, replica.budget.left)

    async def _figures(self) -> Sequence[Figures]:
        """Read every connection's figures.

        Raises:
            HintsyncError: the store does not answer as it should.
        """
        store, now = self._service.store, self._service.clock.now().timestamp()
        return [await read_figures(store, connection.id, now) for connection in await store.connections()]
