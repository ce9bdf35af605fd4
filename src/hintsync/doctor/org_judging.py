"""What the facts of an org mean: pure judgements, one check each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from hintsync.core.conventions import Conventions
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.doctor.both_judging import calls, clock, token
from hintsync.doctor.findings import Finding, look, not_known, ok, wrong
from hintsync.doctor.known import Known, Unknown
from hintsync.doctor.org_facts import VIEW_SETUP, OrgFacts
from hintsync.ports import Identity
from hintsync.replicas.salesforce.client import API_VERSION
from hintsync.replicas.salesforce.describe import ContactFields
from hintsync.replicas.salesforce.org_setup import RIGHTS, Api
from hintsync.replicas.salesforce.other_sync import OtherSync
from hintsync.replicas.salesforce.own_grants import OwnGrants
from hintsync.replicas.salesforce.package_fields import BOOKKEEPING
from hintsync.replicas.salesforce.page_names import ADMIN_SET, CHANNEL, CHANNEL_MEMBER, PERMISSION_SET, USER_SET
from hintsync.setup.signing_keys import KeyState
from hintsync.setup.taking_over import was_ended
from hintsync.state.port import Connection

#: What our user needs on the records of each object.
_NEEDED: Final[Mapping[str, Sequence[str]]] = {
    "Contact": ("Read", "Create", "Edit", "ViewAllRecords"),
    "Account": ("Read", "Create"),
}
_RIGHTS: Final = {"ViewAllRecords": "View All"}
#: Topic of the channel that we deploy.
_TOPIC: Final = f"/data/{CHANNEL}"


def judge_org(facts: OrgFacts) -> list[Finding]:
    """Return what is found of a connection's org."""
    answers = facts.answers
    return [
        token("org-token", answers.identity),
        signing_key(facts.keys, facts.now),
        pin(facts.connection, answers.identity),
        api_version(answers.api),
        clock("org-clock", facts.ahead),
        permissions(answers.grants),
        fields(answers.fields),
        calls("org-calls", facts.calls, "the last 24 hours"),
        events(facts),
        pages(facts),
        canvas_key(facts.canvas_key),
        other_sync(facts.connection, answers.other),
        permission_sets(answers.holders),
    ]


def signing_key(keys: Known[KeyState], now: datetime) -> Finding:
    """Judge how long the certificate of our own key is good for."""
    if isinstance(keys, Unknown):
        return not_known("signing-key", keys)
    until = keys.in_use_until
    if until is None and keys.waiting:
        return look("signing-key", "waiting", "a key was made, and is not in use yet")
    if until is None:
        return ok("signing-key", "none of ours: the credential was given to us")
    found = f"its certificate is good until {until:%d %B %Y}"
    if now >= until:
        return look("signing-key", "expired", f"its certificate ended on {until:%d %B %Y}")
    if keys.waiting:
        return look("signing-key", "waiting", f"{found}; the next one waits for its certificate to be uploaded")
    return look("signing-key", "soon", found) if keys.is_due(now) else ok("signing-key", found)


def pin(connection: Connection, identity: Known[Identity]) -> Finding:
    """Judge whether the org is the pinned one."""
    if isinstance(identity, Unknown):
        return not_known("org-pin", identity)
    seen, kind = (identity.id, identity.sandbox), "a sandbox" if identity.sandbox else "no sandbox"
    if seen != (connection.org_id, connection.org_sandbox):
        return wrong("org-pin", "other", f"org {identity.id} answers ({kind}); pinned is {connection.org_id}")
    return ok("org-pin", f"org {identity.id}, {kind}")


def api_version(api: Known[Api]) -> Finding:
    """Judge whether the org still speaks our version."""
    if isinstance(api, Unknown):
        return not_known("org-api", api)
    if not api.serves_ours:
        return wrong("org-api", "gone", f"the org no longer serves {API_VERSION}")
    return ok("org-api", f"the org serves {API_VERSION}")


def permissions(grants: Known[OwnGrants | None]) -> Finding:
    """Judge what our user may do."""
    if isinstance(grants, Unknown):
        return not_known("org-permissions", grants)
    if grants is None:
        return wrong("org-permissions", "lacking", f"our user lacks {RIGHTS[VIEW_SETUP]}")
    missing = [
        f"{_RIGHTS.get(right, right)} on {name}"
        for name, needed in _NEEDED.items()
        for right in needed
        if right not in grants.rights.get(name, ())
    ]
    if missing:
        return wrong("org-permissions", "lacking", f"our user lacks {', '.join(missing)}")
    if PERMISSION_SET not in grants.sets:
        return look("org-permissions", "lacking", "our user has the rights, and not by the permission set Hint Sync")
    return ok("org-permissions", "our user has Hint Sync, and every right that it needs")


def fields(seen: Known[ContactFields]) -> Finding:
    """Judge the access of our user to our own fields and to the mapped ones."""
    if isinstance(seen, Unknown):
        return not_known("org-fields", seen)
    described = seen.described(DEFAULT_MAPPING, seen.conventions(Conventions()))
    missing = {row.salesforce for row in DEFAULT_MAPPING if row.name in described.missing}
    missing |= {name for name in BOOKKEEPING if not seen.has(name)}
    if missing:
        found = f"not there, or hidden from our user: {_listed(missing)}"
        is_ours = any(name.endswith("__c") for name in missing)
        return wrong("org-fields", "missing", found) if is_ours else look("org-fields", "missing", found)
    locked = {row.salesforce for row in DEFAULT_MAPPING if row.name in described.read_only}
    locked |= set(seen.unwritable(BOOKKEEPING, create=False))
    if locked:
        return wrong("org-fields", "read-only", f"our user may not edit {_listed(locked)}")
    return ok("org-fields", f"all {len(DEFAULT_MAPPING.rows) + len(BOOKKEEPING)} fields can be read and edited")


def events(facts: OrgFacts) -> Finding:
    """Judge how Salesforce's changes are found."""
    way, members = facts.way, facts.answers.members
    if way.topic == _TOPIC and not isinstance(members, Unknown) and CHANNEL_MEMBER not in members:
        return wrong("org-events", "no-channel", f"{way.topic} is to be followed, and no such channel carries contacts")
    if not way.topic:
        return look("org-events", "polled", f"asked every {facts.options.poll_seconds:g} seconds instead: {way.reason}")
    if facts.heard is None:
        return look("org-events", "waiting", f"{way.topic} is to be followed, and no event has come yet")
    return ok("org-events", f"{way.topic} is followed; an event last came", at=facts.heard)


def pages(facts: OrgFacts) -> Finding:
    """Judge where our pages in the org lead."""
    installed = facts.pages
    if installed is None:
        return look("org-pages", "absent", "not installed in this org by this service")
    leads = str(installed.get("public_url") or "")
    if facts.public_url and leads.rstrip("/") != facts.public_url.rstrip("/"):
        return wrong("org-pages", "elsewhere", f"they lead to {leads}, and the public address is {facts.public_url}")
    return ok("org-pages", f"installed; they lead to {leads}")


def canvas_key(key: Known[bool]) -> Finding:
    """Judge whether our app's key is stored."""
    if isinstance(key, Unknown):
        return not_known("canvas-key", key)
    return ok("canvas-key", "stored") if key else look("canvas-key", "absent", "none is stored")


def other_sync(connection: Connection, other: Known[OtherSync | None]) -> Finding:
    """Judge whether another integration with Hint works on the same contacts."""
    if isinstance(other, Unknown):
        return not_known("other-sync", other)
    if other is None:
        return ok("other-sync", "none is installed")
    if was_ended(connection, other):
        return ok("other-sync", f"{other.title} is installed, and was ended in Hint")
    return wrong("other-sync", "active", f"{other.title} is installed; all automatic work stands still")


def permission_sets(holders: Known[Mapping[str, int]]) -> Finding:
    """Judge whether somebody may work with our pages."""
    if isinstance(holders, Unknown):
        return not_known("permission-sets", holders)
    missing = [name for name in (ADMIN_SET, USER_SET) if name not in holders]
    if missing:
        return look("permission-sets", "absent", f"not in the org: {', '.join(missing)}")
    administrators, desk = holders[ADMIN_SET], holders[USER_SET]
    found = f"{administrators:,} administrator{'' if administrators == 1 else 's'}, {desk:,} at the front desk"
    return ok("permission-sets", found) if administrators else look("permission-sets", "nobody", found)


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
