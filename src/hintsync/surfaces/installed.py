"""An installation in words: what was found of the org, what was done, what is left; for the command, the page and the mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hintsync.bootstrap import Service
from hintsync.doctor.findings import State
from hintsync.mail import MailNotSent
from hintsync.setup.installation import Installed, Wish
from hintsync.setup.preflight.judging import Finding


def finding_lines(findings: Sequence[Finding], *, full: bool) -> list[str]:
    """Return a line for each finding, and one for each remedy; if not in full, what is well is only counted."""
    lines = [f"{sum(each.state is State.OK for each in findings)} of {len(findings)} looks at the org found all well"]
    for each in findings:
        if full or each.state is not State.OK:
            lines.append(f"{each.state}: {each.title}: {each.found}")
            lines += [f"    {each.remedy}"] if each.remedy else []
    return lines


def finding_data(findings: Sequence[Finding]) -> list[Mapping[str, object]]:
    """Return findings for JSON."""
    return [
        {"code": each.code, "title": each.title, "state": str(each.state), "found": each.found, "remedy": each.remedy}
        for each in findings
    ]


def done_lines(wish: Wish, installed: Installed) -> list[str]:
    """Say what was done, or would be."""
    deployed, layouts = installed.deployed, installed.layouts
    would = "would be " if wish.check_only else ""
    lines = [f"{deployed.components} components {would}deployed, {len(deployed.created)} of them new"]
    lines += [f"{name}: given to {count} more users" for name, count in installed.granted.items()]
    if layouts is None:
        lines.append("the contact's pages can be checked once the rest is in the org")
    else:
        lines += [f"{name}: section and buttons {would}put on" for name in layouts.changed]
        lines += [f"{name}: has them" for name in layouts.unchanged]
    return [*lines, "nothing was changed"] if wish.check_only else lines


def remarks(installed: Installed) -> list[str]:
    """Say what is left to a person."""
    told = []
    if installed.deployed.without_events:
        told.append(f"without change events, changes are found by polling: {installed.deployed.without_events}")
    if installed.layouts and installed.layouts.left:
        names = ", ".join(installed.layouts.left)
        told.append(
            f"pages of installed packages cannot be changed from outside; if they show contacts, see the guide: {names}"
        )
    if installed.key_missing:
        told.append(
            "the org made a key for our app: copy it from Setup, External Client App Manager, Hint Sync, and run"
            " hintsync install --consumer-key KEY --consumer-secret-file FILE"
        )
    return told


async def confirm_by_mail(service: Service, wish: Wish, installed: Installed) -> str:
    """Tell whoever installed by mail, if a mail server is set; return what came of it, empty without one.

    A mail that cannot be sent is said, and takes nothing back: the installation is done.
    """
    server = service.settings.mail_server()
    if server is None or wish.check_only:
        return ""
    text = "\n".join(
        [
            f"hintsync was installed in the Salesforce org; its pages lead to {wish.public_url}.",
            "",
            *done_lines(wish, installed),
            *(f"\nTo do: {each}" for each in remarks(installed)),
        ]
    )
    try:
        await server.send(installed.told_to, "hintsync is installed", text + "\n")
    except MailNotSent as error:
        return f"the confirmation was not mailed: {error}"
    return f"a confirmation was mailed to {installed.told_to}"
