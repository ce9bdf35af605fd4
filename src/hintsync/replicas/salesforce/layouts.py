"""Puts our section and buttons on the contact's page layouts and record pages in an org, and takes them off again.

Each file is read from the org, changed at our places only, and sent back; all that changed goes in one deployment, so an
interruption leaves all or nothing, and a repetition finds what is still to be done. The Metadata API has no way to refuse a
file that somebody has changed since it was read. So the files are read once more right before they are sent, and one that
was changed meanwhile is changed anew; what is left are the seconds of the deployment itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from hintsync.core.errors import BadInput, RetryLater
from hintsync.core.values import Side
from hintsync.ports import Clock
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.layout_edit import add_to_layout, remove_from_layout
from hintsync.replicas.salesforce.metadata import deploy_archive
from hintsync.replicas.salesforce.metadata_soap import Listed, list_components, retrieve
from hintsync.replicas.salesforce.packages import manifest, packed
from hintsync.replicas.salesforce.record_page_edit import (
    add_actions,
    add_to_record_page,
    is_contact_page,
    lists_actions,
    remove_from_record_page,
    shows_layout,
)

_LAYOUT, _RECORD_PAGE = "Layout", "FlexiPage"
#: Times that files are read before it is given up that they stand still.
_READS = 5
_OWNER = "Contact-"


@dataclass(frozen=True, slots=True)
class Edited:
    """What was looked at; names as people see them."""

    #: Written back with our changes, or, if only checked, what would be.
    changed: tuple[str, ...]
    #: Already as they should be.
    unchanged: tuple[str, ...]
    #: Lightning pages of installed packages: nobody but their maker can change them, and not all are of contacts.
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Page:
    """A layout or a record page as the org has it."""

    kind: str
    full_name: str
    file: str
    xml: bytes

    @property
    def name(self) -> str:
        return unquote(self.full_name).removeprefix(_OWNER)


async def layout_names(client: SalesforceClient) -> list[str]:
    """Return the names of the contact's page layouts, as people see them.

    Raises:
        FixConfiguration: the org does not list them.
    """
    return [_name(each) for each in await _layouts(client)]


async def check_layout_names(client: SalesforceClient, names: Collection[str]) -> None:
    """See that the contact has page layouts of these names.

    Raises:
        BadInput: it has not; says which there are.
    """
    if names:
        _chosen(await _layouts(client), names)


async def add_to_pages(
    client: SalesforceClient,
    clock: Clock,
    *,
    layouts: Collection[str] | None = None,
    check_only: bool = False,
) -> Edited:
    """Put our section and buttons on page layouts, and our panel on record pages that do not show the layout.

    Args:
        client: the org, with our pages deployed.
        clock: waits between two looks.
        layouts: names as people see them; None for all of the contact. Record pages belong to no layout, so naming some
            leaves them alone.
        check_only: let Salesforce validate it and change nothing.

    Raises:
        BadInput: the contact has no layout of that name.
        FixConfiguration: a file cannot be read, or the org refuses the changed one.
    """
    chosen = _chosen(await _layouts(client), layouts)
    pages, theirs = await _read(client, clock, _LAYOUT, chosen), list[str]()
    if layouts is None:
        own, theirs = await _record_pages(client, clock)
        pages += [each for each in own if lists_actions(each.xml) or not shows_layout(each.xml)]
    edited = await _edit(client, clock, pages, {_LAYOUT: add_to_layout, _RECORD_PAGE: _onto_record_page}, check_only)
    return replace(edited, left=tuple(theirs))


def _onto_record_page(xml: bytes) -> bytes:
    with_actions = add_actions(xml)
    return with_actions if shows_layout(xml) else add_to_record_page(with_actions)


async def remove_from_pages(client: SalesforceClient, clock: Clock, *, check_only: bool = False) -> Edited:
    """Take everything of ours off all layouts and record pages of the contact.

    Raises:
        FixConfiguration: a file cannot be read, or the org refuses the changed one.
    """
    pages = await _read(client, clock, _LAYOUT, await _layouts(client))
    pages += (await _record_pages(client, clock))[0]
    edits = {_LAYOUT: remove_from_layout, _RECORD_PAGE: remove_from_record_page}
    return await _edit(client, clock, pages, edits, check_only)


async def _layouts(client: SalesforceClient) -> list[Listed]:
    return [each for each in await list_components(client, _LAYOUT) if each.full_name.startswith(_OWNER)]


def _chosen(listed: Sequence[Listed], names: Collection[str] | None) -> list[Listed]:
    if names is None:
        return list(listed)
    known = {_name(each): each for each in listed}
    missing = sorted(name for name in names if name.removeprefix(_OWNER) not in known)
    if missing:
        raise BadInput(f"no page layout {', '.join(missing)} for contacts; there are: {', '.join(known)}")
    return [known[name.removeprefix(_OWNER)] for name in dict.fromkeys(names)]


def _name(layout: Listed) -> str:
    return unquote(layout.full_name).removeprefix(_OWNER)


async def _record_pages(client: SalesforceClient, clock: Clock) -> tuple[list[_Page], list[str]]:
    """Return the org's own record pages of the contact, and the names of the pages of installed packages."""
    listed = await list_components(client, _RECORD_PAGE)
    pages = await _read(client, clock, _RECORD_PAGE, [each for each in listed if not each.namespace])
    return [each for each in pages if is_contact_page(each.xml)], [each.full_name for each in listed if each.namespace]


async def _read(client: SalesforceClient, clock: Clock, kind: str, listed: Iterable[Listed]) -> list[_Page]:
    by_file = {each.file: each.full_name for each in listed}
    if not by_file:
        return []
    files = await retrieve(client, clock, {kind: list(by_file.values())})
    return [_Page(kind, name, file, files[file]) for file, name in by_file.items()]


async def _read_again(client: SalesforceClient, clock: Clock, pages: Sequence[_Page]) -> list[_Page]:
    """Return the same pages as they are now; one that is gone by now is missing.

    Raises:
        FixConfiguration: a file cannot be read.
    """
    kinds = dict.fromkeys(page.kind for page in pages)
    files = await retrieve(client, clock, {kind: [p.full_name for p in pages if p.kind == kind] for kind in kinds})
    return [replace(page, xml=files[page.file]) for page in pages if page.file in files]


async def _edit(
    client: SalesforceClient,
    clock: Clock,
    pages: Sequence[_Page],
    edits: Mapping[str, Callable[[bytes], bytes]],
    check_only: bool,
) -> Edited:
    """Change the files, and send back those that are not what they were."""
    for _ in range(_READS):
        edited = {each: edits[each.kind](each.xml) for each in pages}
        changed = {page: xml for page, xml in edited.items() if xml != page.xml}
        if not changed or (now := await _read_again(client, clock, pages)) == list(pages):
            break
        pages = now
    else:
        raise RetryLater(Side.SALESFORCE, "somebody is editing the contact's pages: try again when they are done")
    if changed:
        members = {kind: [page.full_name for page in changed if page.kind == kind] for kind in edits}
        files = {"package.xml": manifest({kind: names for kind, names in members.items() if names})}
        files.update((page.file, xml) for page, xml in changed.items())
        await deploy_archive(client, clock, packed(files), check_only=check_only)
    unchanged = tuple(page.name for page in pages if page not in changed)
    return Edited(tuple(page.name for page in changed), unchanged)
