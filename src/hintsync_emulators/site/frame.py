"""Draws pages with the headers that keep them to themselves: own style and script only, and in nobody's frame."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hintsync_emulators.site.guard import Guard

_HERE = "hintsync_emulators.site"
#: Copies what a button names; without it the text beside the button can be marked and copied by hand.
_SCRIPT = files(_HERE).joinpath("copy.js").read_text(encoding="utf-8")
_STYLE = files(_HERE).joinpath("style.css").read_text(encoding="utf-8")


class Frame:
    """Draws the pages of one emulator.

    Args:
        system: which system is emulated, for instance ``Hint``.
        package: where the templates are, in a folder of that name.
        links: what stands in the bar above every page: addresses with their names.
    """

    def __init__(self, system: str, package: str, links: Mapping[str, str]) -> None:
        self._guard = Guard(package.replace(".", "_"))
        self._templates = _templates(package)
        self._everywhere = {"system": system, "links": links, "style": _STYLE, "script": _SCRIPT}

    def page(self, request: Request, template: str, status: int = 200, **values: object) -> Response:
        """Draws a page; its forms carry the token ``csrf``."""
        visitor, is_new = self._guard.visitor(request)
        text = self._templates.get_template(template).render(
            **self._everywhere, **values, csrf=self._guard.token(visitor), path=request.scope["path"]
        )
        answer = HTMLResponse(text, status, dict(_HEADERS))
        if is_new:
            self._guard.remember(answer, visitor)
        return answer

    async def form(self, request: Request) -> dict[str, str]:
        """Reads a form that one of these pages has sent.

        Raises:
            PageProblem: it did not come from one of these pages, or is no form.
        """
        return await self._guard.form(request)


@cache
def _templates(package: str) -> jinja2.Environment:
    """Returns the templates of a package, which may build on ours; compiled once for all emulators of a process."""
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package), jinja2.PackageLoader(_HERE)]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def go_to(address: str) -> Response:
    """Leads the browser on after a form was carried out, so that a reload does not send it again."""
    return RedirectResponse(address, 303, dict(_HEADERS))


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; "
        "img-src data:; "
        f"style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}"
    ),
    # Not "no-referrer": with it browsers would send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
