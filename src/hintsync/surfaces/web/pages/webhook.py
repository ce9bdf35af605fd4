"""The webhook address: shown, edited, told to Hint, and tested."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.responses import Response

from hintsync.bootstrap import open_partner
from hintsync.core.errors import BadInput, FixConfiguration, HintsyncError
from hintsync.core.values import Side
from hintsync.engine.detect.webhooks import WebhookState, register_webhook, webhook_state
from hintsync.engine.guards.stops import Desk
from hintsync.settings import Settings, check_public_url
from hintsync.state.port import AuditEvent, Commit
from hintsync.surfaces.announcing import webhook_address
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page, see
from hintsync.surfaces.web.reaching import Reach, check_reachability
from hintsync.surfaces.web.views.partner_keys import partner_keys


async def show(visit: Visit) -> Response:
    """Show the address and whether Hint has reached it."""
    return await _shown(visit)


async def update(visit: Visit) -> Response:
    """Tell Hint the address."""
    typed = (await visit.form()).get("url", "").strip()
    store, connection = visit.service.store, visit.connection
    stands = await webhook_state(store, connection.id)
    try:
        url = _taken(visit.service.settings, typed, stands)
        await register_webhook(store, connection, open_partner(visit.service), url, visit.desk.now())
    except BadInput as error:
        return await _shown(visit, typed=typed, error=str(error), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    except HintsyncError as error:
        return await _shown(visit, typed=typed, error=str(error), status=HTTPStatus.CONFLICT)
    await _note(visit.desk, url)
    return see(visit, "/connection/webhook", done="updated")


async def test(visit: Visit) -> Response:
    """Ask the address from here, through DNS and TLS, whether it leads here."""
    stands = await webhook_state(visit.service.store, visit.connection.id)
    url = stands.registration.url if stands.registration else webhook_address(visit.service.settings)
    if not url:
        raise FixConfiguration("public_url is not set, so nobody knows the address of this service")
    return await _shown(visit, tested=await check_reachability(visit.service.store, url))


async def _shown(
    visit: Visit,
    *,
    typed: str | None = None,
    error: str = "",
    tested: Reach | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    settings = visit.service.settings
    stands = await webhook_state(visit.service.store, visit.connection.id)
    known = stands.registration.url if stands.registration else webhook_address(settings)
    return page(
        visit,
        "webhook.html",
        status=status,
        title="Webhook",
        connected=bool(visit.connection.practice_id),
        keys=partner_keys(settings),
        public_url=settings.public_url,
        address=known,
        typed=known if typed is None else typed,
        registration=stands.registration,
        seen_at=stands.seen_at,
        editing=bool(error) or "edit" in visit.query,
        error=error,
        tested=tested,
        updated=visit.query.get("done") == "updated",
    )


def _taken(settings: Settings, typed: str, stands: WebhookState) -> str:
    """Return the address to tell Hint.

    On a page it must be one of this service's own host: the service asks it in the test, and must not be made to ask
    about hosts inside the network it stands in. Whoever runs the service sets others with `hintsync webhook --url`.

    Raises:
        BadInput: it is none, or of another host.
    """
    if stands.registration and typed == stands.registration.url:
        return typed
    try:
        url = check_public_url(typed)
    except ValueError:
        raise BadInput("Expected an https:// address without user, query or fragment.") from None
    if not settings.public_url or _host(url) != _host(settings.public_url):
        own = _host(settings.public_url)[1] if settings.public_url else "this service (public_url is not set)"
        raise BadInput(f"Expected an address of {own}; others are set on the server with: hintsync webhook --url")
    return url


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


async def _note(desk: Desk, url: str) -> None:
    audit = AuditEvent(
        connection_id=desk.connection.id,
        chain="connection",
        at=desk.now(),
        actor=desk.actor,
        action="set",
        side=Side.HINT,
        reason=f"webhook address: {url}",
    )
    await desk.store.commit(Commit(audits=[audit]))


PLACES: tuple[Place, ...] = (
    Place("/connection/webhook", show, Role.ADMINISTRATOR),
    Place("/connection/webhook", update, Role.ADMINISTRATOR, method="POST"),
    Place("/connection/webhook/test", test, Role.ADMINISTRATOR, method="POST"),
)
