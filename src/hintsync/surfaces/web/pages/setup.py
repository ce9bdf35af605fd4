"""The guided first start: a code from the console, the org's address and app, a login as administrator, and the installation.

Nobody can log in with Salesforce before an org is connected and our app is in it. So the way in is a code that is good once.
What it opens is remembered in the browser alone, sealed; the administrator's session in the org is used for the
installation and revoked at its end.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

import httpx
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hintsync.bootstrap import Service
from hintsync.core.errors import HintsyncError
from hintsync.redact import safe_text
from hintsync.replicas.wire import transport_without_proxy
from hintsync.settings import check_public_url
from hintsync.setup.signing_keys import make_key
from hintsync.surfaces.web.access.oidc import Attempt, NotLoggedIn, Opened, authorize_url, redeem_session
from hintsync.surfaces.web.access.setup_code import BadCode, TooManyTries, use_code
from hintsync.surfaces.web.access.setup_session import SetupSession, open_session
from hintsync.surfaces.web.access.tokens import Tokens
from hintsync.surfaces.web.install_choices import read_choices, wish_of
from hintsync.surfaces.web.installing import Installer, progress_of
from hintsync.surfaces.web.pages.cookies import cookie_name, drop_cookie, keep_cookie
from hintsync.surfaces.web.pages.doors import Problem, problem_of, problem_page
from hintsync.surfaces.web.pages.login import LOGIN
from hintsync.surfaces.web.pages.place import read_form
from hintsync.surfaces.web.pages.render import html
from hintsync.surfaces.web.receiver import Refused
from hintsync.surfaces.web.setting_up import begin_connection, check_daily_login, daily_login, set_up
from hintsync.surfaces.web.views.install import findings_view, progress_view

_log = logging.getLogger(__name__)

SETUP = "/setup"
ORG, GO, LEAVE, CALLBACK = f"{SETUP}/org", f"{SETUP}/go", f"{SETUP}/leave", f"{SETUP}/callback"
INSTALL, PROGRESS = f"{SETUP}/install", f"{SETUP}/progress"
_COOKIE = ".setup"
#: What the administrator's session may do: call the API, and tell who it is.
_SCOPE = "api openid"
#: Seconds after which the page of an installation that goes on is loaded again.
_AGAIN = 2
_LONGEST_NAME = 60

Handler = Callable[[Request, SetupSession], Awaitable[Response]]


class SetupDoor:
    """The way in before anybody can log in."""

    def __init__(self, service: Service, tokens: Tokens, installer: Installer) -> None:
        """Guard the set-up of a service."""
        self._service = service
        self._tokens = tokens
        self._installer = installer

    async def ask(self, request: Request) -> Response:
        """Ask for the code; who has brought one goes on where they were."""
        if not self._is_reachable(request):
            return problem_page(_NOWHERE)
        session = self._session(request)
        if session is not None:
            return _see(INSTALL if session.token else ORG)
        return _page("setup_code.html", problem="")

    async def take(self, request: Request) -> Response:
        """Take a code."""
        if not self._is_reachable(request):
            return problem_page(_NOWHERE)
        try:
            typed = dict(await read_form(request)).get("code", "")
            await use_code(self._service.store, self._service.clock, typed)
        except BadCode as error:
            _log.warning("a set-up code was not taken")
            status = HTTPStatus.TOO_MANY_REQUESTS if isinstance(error, TooManyTries) else HTTPStatus.FORBIDDEN
            return _page("setup_code.html", status=status, problem=str(error))
        except (HintsyncError, Refused) as error:
            return problem_page(problem_of(error))
        return self._kept(request, SetupSession(self._now()), ORG)

    def guarded(self, handler: Handler, *, form: bool = False) -> Callable[[Request], Awaitable[Response]]:
        """Return a step's answer to who has brought a code; a form must be of the same session."""

        async def answer(request: Request) -> Response:
            session = self._session(request)
            if session is None or not self._is_reachable(request):
                return _see(SETUP)
            try:
                if form:
                    request.state.form = await read_form(request)
                    if not session.is_proved(self._tokens, dict(request.state.form).get("proof", "")):
                        return problem_page(_FOREIGN)
                return await handler(request, session)
            except NotLoggedIn as error:
                return problem_page(_not_in(str(error)))
            except (HintsyncError, Refused) as error:
                _log.warning("the set-up: %s", safe_text(error))
                return problem_page(problem_of(error))

        return answer

    # --- the org and its app
    async def org(self, request: Request, session: SetupSession) -> Response:
        """Ask for the org's address and the app that hintsync signs in with."""
        return self._org(request, session, {})

    async def save_org(self, request: Request, session: SetupSession) -> Response:
        """Take the org's address and the app."""
        typed = _typed(request.state.form, session)
        problems = _problems(typed)
        if problems:
            return self._org(request, typed, problems, HTTPStatus.UNPROCESSABLE_ENTITY)
        if not typed.client_secret:
            await make_key(self._service, typed.name)
        return self._kept(request, typed, GO)

    async def go(self, request: Request, session: SetupSession) -> Response:
        """Say what comes next: the certificate, if one is to be uploaded, and the login."""
        if not session.origin:
            return _see(ORG)
        certificate = "" if session.client_secret else (await make_key(self._service, session.name)).waiting
        return _page("setup_go.html", session=session, certificate=certificate, leave=LEAVE, back=ORG)

    # --- the login
    async def leave(self, request: Request, session: SetupSession) -> Response:
        """Leave for Salesforce."""
        if not session.origin:
            return _see(ORG)
        attempt = Attempt(session.name, INSTALL)
        begun = replace(session, state=attempt.state, nonce=attempt.nonce, verifier=attempt.verifier, token="")
        url = authorize_url(session.origin, session.app, attempt, self._callback(request), _SCOPE)
        return self._kept(request, begun, url)

    async def back(self, request: Request, session: SetupSession) -> Response:
        """Take an administrator who comes back from Salesforce."""
        if not session.state:
            raise NotLoggedIn("it was not begun in this browser, or long ago")
        opened = await self._redeemed(request, session)
        await begin_connection(self._service, session, opened.person.org_id)
        arrived = replace(
            session,
            state="",
            nonce="",
            verifier="",
            token=opened.access_token,
            user_id=opened.person.user_id,
            person=opened.person.name,
        )
        return self._kept(request, arrived, INSTALL)

    # --- the installation
    async def choose(self, request: Request, session: SetupSession) -> Response:
        """Show how the org is, and what there is to choose from."""
        if not session.token:
            return _see(GO)
        problem = await self._trouble(session)
        login = await daily_login(self._service, session)
        choices = await read_choices(self._service, login, session.installer)
        return _page(
            "setup_install.html",
            session=session,
            problem=problem,
            choices=choices,
            findings=findings_view(choices.findings),
            action=INSTALL,
            hidden=session.proof(self._tokens),
            public_url=self._base(request),
            again=INSTALL,
            back=ORG,
        )

    async def install(self, request: Request, session: SetupSession) -> Response:
        """Begin to install."""
        if not session.token:
            return _see(GO)
        wish = wish_of(request.state.form, self._base(request), session.installer)
        await check_daily_login(self._service, await daily_login(self._service, session))
        work = partial(set_up, self._service, session, wish)
        await self._installer.start(session.name, f"user:{session.user_id}", work)
        return _see(PROGRESS)

    async def progress(self, request: Request, session: SetupSession) -> Response:
        """Show how far the installation is; the page looks again by itself while it goes on."""
        found = await progress_of(self._service.store, self._service.clock, session.name) if session.name else None
        if found is None:
            return _see(INSTALL)
        view = progress_view(found)
        login = f"{LOGIN}?{urlencode({'connection': session.name, 'next': f'/c/{session.name}/connection'})}"
        refresh = _AGAIN if view.is_running else 0
        shown = _page("setup_progress.html", progress=view, refresh=refresh, again=INSTALL, login=login)
        if view.is_done:  # the session is revoked; what else the cookie held is stored where it belongs
            drop_cookie(shown, self._base(request), _COOKIE)
        return shown

    # --- small things
    async def _trouble(self, session: SetupSession) -> str:
        try:
            await check_daily_login(self._service, await daily_login(self._service, session))
        except HintsyncError as error:
            return str(error)
        return ""

    async def _redeemed(self, request: Request, session: SetupSession) -> Opened:
        transport = self._service.transports.salesforce or transport_without_proxy(1)
        async with httpx.AsyncClient(transport=transport, timeout=self._service.settings.http_timeout) as http:
            callback, answer = self._callback(request), dict(request.query_params)
            return await redeem_session(http, session.origin, session.app, session.attempt, callback, answer)

    def _org(
        self, request: Request, session: SetupSession, problems: Mapping[str, str], status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        return _page(
            "setup_org.html",
            status=status,
            session=session,
            name=session.name or "clinic",
            errors={"name": "", "origin": "", "client_id": "", "client_secret": "", **problems},
            callback=self._callback(request),
            proof=session.proof(self._tokens),
            action=ORG,
        )

    def _session(self, request: Request) -> SetupSession | None:
        kept = request.cookies.get(cookie_name(self._base(request), _COOKIE), "")
        return open_session(self._tokens, self._now(), kept)

    def _kept(self, request: Request, session: SetupSession, to: str) -> Response:
        answer = _see(to)
        keep_cookie(answer, self._base(request), _COOKIE, session.seal(self._tokens), session.left(self._now()))
        return answer

    def _callback(self, request: Request) -> str:
        return self._base(request) + CALLBACK

    def _is_reachable(self, request: Request) -> bool:
        """Say whether our own address is known, or the browser is on this machine."""
        try:
            check_public_url(self._base(request))
        except ValueError:
            return False
        return True

    def _base(self, request: Request) -> str:
        """Return our own address: as set, or for trials on this machine as the browser calls it."""
        return self._service.settings.public_url or str(request.base_url).rstrip("/")

    def _now(self) -> int:
        return int(self._service.clock.now().timestamp())


_FOREIGN = Problem(
    HTTPStatus.FORBIDDEN, "This form is not of this page", "It came from elsewhere, or is old.", f"Go to {SETUP}."
)
_NOWHERE = Problem(
    HTTPStatus.CONFLICT,
    "This service does not know its own address",
    "Salesforce would not find the way back to it.",
    "Whoever runs it sets HINTSYNC_PUBLIC_URL and starts it again.",
)


def _not_in(why: str) -> Problem:
    return Problem(HTTPStatus.FORBIDDEN, "You are not logged in", f"{why}.".capitalize(), f"Go to {GO} and try again.")


def _typed(fields: Sequence[tuple[str, str]], session: SetupSession) -> SetupSession:
    """Return the session with what was typed; a secret that was left empty is kept as it was for the same app."""
    one = {name: value.strip() for name, value in fields}
    same = one.get("client_id", "") == session.client_id
    by_key = one.get("way") == "key"
    secret = "" if by_key else one.get("client_secret", "") or (session.client_secret if same else "")
    return replace(
        session,
        name=one.get("name", ""),
        origin=one.get("origin", "").rstrip("/"),
        client_id=one.get("client_id", ""),
        client_secret=secret,
        username=one.get("username", "") if by_key else "",
        token="",
    )


def _problems(typed: SetupSession) -> dict[str, str]:
    """Say what cannot be used, by field."""
    problems = {}
    if not typed.name or len(typed.name) > _LONGEST_NAME or not typed.name.replace("-", "").replace("_", "").isalnum():
        problems["name"] = "Expected letters, digits and hyphens."
    if not _is_my_domain(typed.origin):
        problems["origin"] = "Expected the org’s My Domain address, such as https://acme.my.salesforce.com."
    if not typed.client_id or not typed.client_id.isprintable() or " " in typed.client_id:
        problems["client_id"] = "Paste the Consumer Key of the app."
    if not typed.client_secret and not typed.username:
        problems["client_secret"] = (
            "Paste the Consumer Secret, or choose the certificate and name the user that hintsync works as."
        )
    return problems


def _is_my_domain(address: str) -> bool:
    """Say whether an address is an org's own: where an administrator's login and the app's secret may be sent."""
    try:
        parts = urlsplit(check_public_url(address))
    except ValueError:
        return False
    host = parts.hostname or ""
    here = parts.scheme == "http"  # an emulated org on this machine
    return not parts.path and (here or host.endswith((".my.salesforce.com", ".my.salesforce.mil")))


def _page(template: str, *, status: int = HTTPStatus.OK, **shown: object) -> Response:
    return html(template, shown, status=status)


def _see(to: str) -> Response:
    return RedirectResponse(to, HTTPStatus.SEE_OTHER)
