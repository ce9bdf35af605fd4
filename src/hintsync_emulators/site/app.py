"""An ASGI application of pages."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from hintsync_emulators.site.frame import Frame
from hintsync_emulators.site.problem import PageProblem

Show = Callable[[Request], Awaitable[Response]]


class Pages:
    """Shows pages, and their problems as pages too.

    Args:
        routes: method, path with ``{name}`` for one segment, and what shows it; the first that fits is taken.
    """

    def __init__(self, frame: Frame, routes: Sequence[tuple[str, str, Show]]) -> None:
        self._frame = frame
        found = [Route(path, self._guarded(show), methods=[method]) for method, path, show in routes]
        self._router = Router(found, default=self._absent, redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._router(scope, receive, send)

    def _guarded(self, show: Show) -> Show:
        async def guarded(request: Request) -> Response:
            try:
                return await show(request)
            except PageProblem as problem:
                return self._frame.page(request, "problem.html", problem.status, text=problem.text)

        return guarded

    async def _absent(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = self._frame.page(request, "problem.html", 404, text="There is no such page.")
        await answer(scope, receive, send)
