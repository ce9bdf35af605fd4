"""Which page lies at which address; most are Lightning's own."""

from __future__ import annotations

import re

from hintsync_emulators.salesforce.web.router import Late, Route

_HANDLERS = "hintsync_emulators.salesforce.pages"
_OBJECT = "/lightning/o/{object}"
_RECORD = "/lightning/r/{object}/{id}"
_SETUP = "/lightning/setup"


def _page(method: str, path: str, handler: str, guarded: bool = True) -> Route:
    module, _, name = handler.rpartition(".")
    return Route(method, path, Late(f"{_HANDLERS}.{module}", name), "page", guarded=guarded, counted=False)


#: Literal segments come before placeholders of the same length.
ROUTES = (
    _page("GET", "/", "home.front"),
    _page("GET", "/lightning", "home.front"),
    _page("GET", "/login", "login.ask", guarded=False),
    _page("POST", "/login", "login.enter", guarded=False),
    _page("POST", "/logout", "login.leave", guarded=False),
    _page("GET", "/_emulator/pages/{file}", "frame.asset", guarded=False),
    _page("GET", "/{record_id}", "home.by_id"),
    _page("GET", "/{prefix}/o", "home.by_prefix"),
    _page("GET", "/lightning/page/home", "home.home"),
    _page("GET", "/home/showAllTabs.jsp", "home.all_tabs"),
    _page("GET", "/lightning/o/DeleteEvent/home", "remove.show_bin"),
    _page("GET", "/lightning/o/Report/home", "reports.pages.home"),
    _page("GET", "/lightning/o/Report/new", "reports.builder.ask"),
    _page("POST", "/lightning/o/Report/new", "reports.builder.save"),
    _page("GET", f"{_OBJECT}/list", "lists.show_list"),
    _page("GET", f"{_OBJECT}/new", "edit.ask_new"),
    _page("POST", f"{_OBJECT}/new", "edit.create"),
    _page("GET", "/lightning/r/Report/{id}/view", "reports.pages.view"),
    _page("GET", "/lightning/r/Report/{id}/export", "reports.pages.export"),
    _page("GET", f"{_RECORD}/view", "record.view"),
    _page("GET", f"{_RECORD}/edit", "edit.ask_edit"),
    _page("POST", f"{_RECORD}/edit", "edit.save"),
    _page("GET", f"{_RECORD}/delete", "remove.ask"),
    _page("POST", f"{_RECORD}/delete", "remove.delete"),
    _page("POST", f"{_RECORD}/undelete", "remove.undelete"),
    _page("GET", f"{_RECORD}/merge", "merging.ask"),
    _page("POST", f"{_RECORD}/merge", "merging.merge"),
    _page("GET", "/lightning/n/{tab}", "actions.tab"),
    _page("GET", "/lightning/action/quick/{action}", "actions.quick"),
    _page("GET", "/apex/{page}", "apex.view"),
    _page("GET", f"{_SETUP}/SetupOneHome/home", "setup.home"),
    _page("GET", f"{_SETUP}/ManageUsers/home", "setup.users"),
    _page("GET", f"{_SETUP}/ManageUsers/{{id}}/view", "setup.user"),
    _page("POST", f"{_SETUP}/ManageUsers/{{id}}/assign", "setup.assign"),
    _page("POST", f"{_SETUP}/ManageUsers/{{id}}/remove", "setup.unassign"),
    _page("GET", f"{_SETUP}/PermSets/home", "setup.permission_sets"),
    _page("GET", f"{_SETUP}/DeployStatus/home", "setup.components"),
    _page("GET", f"{_SETUP}/ManageExternalClientApplication/home", "setup.apps"),
    # Last, as it takes every address that is left.
    _page("GET", "/lightning/{rest...}", "home.missing"),
    _page("GET", "/apex/{rest...}", "home.missing"),
)
_EXACT = frozenset(route.path for route in ROUTES if "{" not in route.path)
_BELOW = ("/lightning/", "/apex/", "/_emulator/pages/")
#: Short addresses are the pages' only when they look like an id or the beginning of one.
_SHORT = re.compile(r"/[A-Za-z0-9]{15}([A-Za-z0-9]{3})?|/[A-Za-z0-9]{3}/o")


def owns(path: str) -> bool:
    """Say whether a path is one of the pages'; asked before each call of the API, so that it must be quick."""
    return path.startswith(_BELOW) or path.rstrip("/") in _EXACT or path == "/" or _SHORT.fullmatch(path) is not None
