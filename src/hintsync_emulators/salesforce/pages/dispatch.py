"""From an address to a page: who may see it, whose form it is, and what people are told when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast
from urllib.parse import quote, unquote, urlencode

from hintsync_emulators.salesforce.errors import ApiError, Refused
from hintsync_emulators.salesforce.org import Org
from hintsync_emulators.salesforce.pages.click import Click, Form, person_of, read_form
from hintsync_emulators.salesforce.pages.frame import moved, show
from hintsync_emulators.salesforce.pages.urls import ROUTES
from hintsync_emulators.salesforce.web.call import Answer, Call
from hintsync_emulators.salesforce.web.router import Late, Router

Handler = Callable[[Click], Answer]
_ROUTER = Router(ROUTES)
#: What people are told, by the code of an error.
_HEADS = {
    "NOT_FOUND": "Page not found",
    "ENTITY_IS_DELETED": "This record was deleted",
    "INSUFFICIENT_ACCESS": "Insufficient privileges",
    "METHOD_NOT_ALLOWED": "This page does not take that",
    "INVALID_FORM": "This form cannot be used any more",
    "NOT_EMULATED": "Not emulated",
}


class PageDispatcher:
    """Answers browsers of one org."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def dispatch(self, call: Call) -> Answer:
        """Answer a request for a page; whatever is wrong with it is a page too."""
        click = Click(call, person_of(call), Form({}))
        try:
            return self._answer(click)
        except ApiError as problem:
            return _problem(click, problem)
        except Refused as refusal:
            return _problem(click, ApiError.of(refusal.fault))

    def _answer(self, click: Click) -> Answer:
        call = click.call
        found = _ROUTER.find(call.method, call.path)
        if found.route is None:
            raise ApiError(405, "METHOD_NOT_ALLOWED", f"It is there for {' and '.join(found.allowed) or 'nothing'}.")
        call.names = {name: unquote(value) for name, value in found.names.items() if value is not None}
        if found.route.guarded and click.someone is None:
            return moved(_login(call))
        if call.method == "POST":
            click.form = self._form(call)
        with self._org.seen_by(None if click.someone is None else click.someone.session):
            return handler_of(found.route.handler)(click)

    def _form(self, call: Call) -> Form:
        """Return the form that a request brings.

        Raises:
            ApiError: it was not made by a page of ours in this browser.
        """
        form = read_form(call.body)
        if not self._org.visitors.is_ours(call, form.get("csrf")):
            text = "It was opened before the last login, or sent by another site. Open its page again."
            raise ApiError(403, "INVALID_FORM", text)
        return form


def handler_of(late: Late) -> Handler:
    """Return the handler of a page, imported when it is first needed."""
    return cast(Handler, getattr(import_module(late.module), late.name))


def _login(call: Call) -> str:
    """Return the address of the login page, which leads back here; a form that was sent is lost."""
    if call.method != "GET":
        return "/login"
    query = f"?{urlencode(call.params)}" if call.params else ""
    return f"/login?startURL={quote(call.path + query, safe='')}"


def _problem(click: Click, problem: ApiError) -> Answer:
    fault = problem.faults[0]
    head = _HEADS.get(fault.code, "That did not work")
    bare = click.params.get("inline") == "1"
    return show(click, "problem.html", status=problem.status, bare=bare, title=head, text=fault.message)
