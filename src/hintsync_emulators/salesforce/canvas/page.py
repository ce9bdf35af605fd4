"""The page around a canvas app, as a browser gets it: a frame in which cookies do not work, and a form that fills it."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from hintsync_emulators.salesforce.canvas.apps import CanvasProblem, origin_of
from hintsync_emulators.salesforce.canvas.context import frame
from hintsync_emulators.salesforce.canvas.visit import Visit
from hintsync_emulators.salesforce.web.call import Answer

_HTML = "text/html;charset=UTF-8"
_STYLE = (
    "body{font:16px/1.5 sans-serif;margin:1rem}iframe{border:1px solid #747474;max-width:100%}"
    "#emulated{background:#fe9;padding:.5rem}dt{float:left;clear:left;width:7rem}"
)
_SCRIPT = 'document.querySelector("form[data-open]").submit()'
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>{style}</style></head>
<body>
<p id="emulated"><strong>Emulated Salesforce.</strong> This page is the emulator's own: a canvas app as a user would see
it, without third-party cookies.</p>
{content}
</body>
</html>
"""
_VISIT = """<h1>{label}</h1>
<dl><dt>User</dt><dd>{user}</dd><dt>Record</dt><dd>{record}</dd><dt>Action</dt><dd>{action}</dd>
<dt>Location</dt><dd>{location}</dd></dl>
{form}"""
#: ``credentialless`` gives the frame an empty and short-lived jar of cookies and storage of its own.
_FRAME = '<iframe name="{name}" title="{label}" width="{width}" height="{height}"{more} credentialless></iframe>'
_POST = """{frame}
<form data-open method="post" action="{url}" target="{name}">
<input type="hidden" name="signed_request" value="{signed}"><noscript><button>Open the app</button></noscript></form>"""


def show(visit: Visit, signed: str | None) -> Answer:
    """Return the page that opens an app: by a signed request, or without one by a plain GET."""
    script = "" if signed is None else f"\n<script>{_SCRIPT}</script>"
    content = _VISIT.format(
        label=escape(visit.app.label),
        user=escape(str(visit.user["Username"])),
        record=_record(visit),
        action=escape(str(visit.parameters.get("action", "none"))),
        location=escape(visit.location),
        form=framed(visit, signed) + script,
    )
    return _answer(200, f"{visit.app.label} – emulated Salesforce", content, origin_of(visit.app.url))


def framed(visit: Visit, signed: str | None, name: str = "canvas", attributes: str = "") -> str:
    """Return the HTML of the frame that an app stands in, with the form that a script of the page must send into it.

    What follows a hash mark in the app's address is cut off, as Salesforce does.

    Args:
        visit: which app is opened, and how large.
        signed: the signed request; None opens the app by a plain GET, without a form.
        name: of the frame, one for each frame of a page.
        attributes: further ones of the frame, as HTML, with a space before each.
    """
    url = escape(str(visit.app.url).partition("#")[0])
    width, height = visit.size or frame(visit.location)
    more = attributes if signed is not None else f'{attributes} src="{url}"'
    found = _FRAME.format(name=escape(name), label=escape(visit.app.label), width=width, height=height, more=more)
    return found if signed is None else _POST.format(frame=found, url=url, name=escape(name), signed=escape(signed))


def refuse(problem: CanvasProblem) -> Answer:
    """Return the page that says why an app cannot be shown."""
    content = f"<h1>The canvas app cannot be shown</h1>\n<p>{escape(problem.text)}</p>"
    return _answer(problem.status, "Cannot be shown – emulated Salesforce", content, None)


def _record(visit: Visit) -> str:
    if not visit.record:
        return "none"
    shown = [str(visit.record[name]) for name in ("Name", "Id") if visit.record.get(name)]
    return escape(", ".join(shown))


def _answer(status: int, title: str, content: str, framed: str | None) -> Answer:
    page = _PAGE.format(title=escape(title), style=_STYLE, content=content)
    headers = {
        "Content-Security-Policy": _policy(framed),
        # No path or parameter leaves; "no-referrer" would make browsers send "Origin: null", which Salesforce does not
        "Referrer-Policy": "origin",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(status, raw=page.encode(), content_type=_HTML, headers=headers)


def _policy(framed: str | None) -> str:
    """Allow our own style and script, and the app's origin in the frame; nothing else."""
    parts = ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", f"style-src {_hash(_STYLE)}"]
    if framed is None:
        return "; ".join([*parts, "form-action 'none'"])
    return "; ".join([*parts, f"script-src {_hash(_SCRIPT)}", f"form-action {framed}", f"frame-src {framed}"])


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
