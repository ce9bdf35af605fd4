"""What `hintsync connect` says at its end: what joins what, what was told to Hint, and what comes next."""

from __future__ import annotations

from dataclasses import asdict

from rich.text import Text

from hintsync.engine.detect.way import describe_way
from hintsync.engine.options import Options
from hintsync.state.port import Connection, Json
from hintsync.surfaces.announcing import Announced
from hintsync.surfaces.cli.answer import Answer, Data, Exit


def whole(made: Connection, announced: Announced, ran: Answer | None) -> Answer:
    """Say what joins what, how changes will be found on either side, and what the first dry run showed."""
    way = describe_way(made)
    lines = [
        f"{made.name} joins {_org(made)} and practice {made.practice_id}",
        f"changes in Salesforce are found by {way}",
        *_webhook_lines(announced),
        *_account_lines(made),
    ]
    if ran is None:
        lines.append("next: hintsync batch patients --dry-run")
    data: dict[str, object] = {
        "connection": {**_pinned(made), "changes_found_by": way},
        "webhook": webhook_data(announced),
        "dry_run": ran.data if ran else None,
    }
    shown = (Text("\n".join(lines)), *(ran.shown if ran else ()))
    return Answer(data, shown, ran.code if ran else Exit.DONE, ran.remarks if ran else ())


def half(made: Connection) -> Answer:
    """Say that the org is connected, and what comes next."""
    told = (
        f"{made.name} is connected with {_org(made)}\n"
        "next: hintsync install, then paste Hint's authorization code into the page Connection of the tab Hint Health"
    )
    return Answer({"connection": _pinned(made)}, (Text(told),))


def webhook_data(announced: Announced) -> Data:
    """Return what came of telling Hint the address, for JSON."""
    return {
        "registered": asdict(announced.registration) if announced.registration else None,
        "test": asdict(announced.reach) if announced.reach else None,
        "missing": announced.missing or None,
    }


def _webhook_lines(announced: Announced) -> list[str]:
    if announced.missing or announced.registration is None:
        return [f"no webhooks yet: {announced.missing}; then run hintsync webhook --update --test"]
    lines = [f"Hint sends webhooks to {announced.registration.url}"]
    if announced.waits_for_hint:
        lines.append(
            f"the integration is {announced.registration.status}: they come once it is active (hintsync webhook --activate)"
        )
    if announced.reach is not None and not announced.reach.reached:
        lines.append(
            f"that address does not lead here yet: {announced.reach.words} Try it with hintsync webhook --test"
        )
    return lines


def _account_lines(made: Connection) -> list[str]:
    options = Options.from_json(made.settings)
    if options.default_account_id is not None:
        return []
    return ["no Default Account is set for contacts that are created from Hint: name one with --account"]


def _pinned(made: Connection) -> dict[str, Json]:
    return {"name": made.name, "org_id": made.org_id, "org_sandbox": made.org_sandbox, "practice_id": made.practice_id}


def _org(made: Connection) -> str:
    return f"org {made.org_id}{' (sandbox)' if made.org_sandbox else ''}"
