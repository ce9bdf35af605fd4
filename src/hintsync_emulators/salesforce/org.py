"""One Salesforce org: its records, its rules, its sessions, its limits, and what a test may do to it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce import ids, values
from hintsync_emulators.salesforce.auth import App, Auth, Session
from hintsync_emulators.salesforce.canvas.kept import Canvas
from hintsync_emulators.salesforce.clock import Clock, system_clock
from hintsync_emulators.salesforce.dml import places
from hintsync_emulators.salesforce.dml.journal import origin_of
from hintsync_emulators.salesforce.dml.rules import Automation, Check, DuplicateRule, Rules, ValidationRule
from hintsync_emulators.salesforce.dml.writer import Caller, Writer
from hintsync_emulators.salesforce.metadata import access, standard
from hintsync_emulators.salesforce.metadata.keeping import restore
from hintsync_emulators.salesforce.metadata.store import Components
from hintsync_emulators.salesforce.pages.visitors import Visitors
from hintsync_emulators.salesforce.pubsub.bus import EventBus
from hintsync_emulators.salesforce.schema.load import standard_schema
from hintsync_emulators.salesforce.schema.model import Field, SObject
from hintsync_emulators.salesforce.storage import Row, Storage

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.bulk.ingest import IngestJob
    from hintsync_emulators.salesforce.bulk.querying import QueryJob
    from hintsync_emulators.salesforce.deploy.deployment import Deployment
    from hintsync_emulators.salesforce.managed import ManagedPackage
    from hintsync_emulators.salesforce.metadata.retrieval import Retrieval
    from hintsync_emulators.salesforce.queries import Queries

#: Features that can be switched on: fields and rules come with them.
FEATURES = ("MiddleName", "NameSuffix", places.FEATURE, "PersonAccounts", access.FEATURE)
_PREFIXES = "abcdefghijklmnopqrstuvwxyz"
#: Origin of what somebody edits on a page.
BY_HAND = origin_of("soap", "67.0", "SfdcInternalAPI/")


@dataclass
class Limits:
    """Calls of the rolling day."""

    daily: int = 100_000
    used: int = 0

    @property
    def remaining(self) -> int:
        """How many calls are left."""
        return max(0, self.daily - self.used)


@dataclass
class Pace:
    """How often a client must ask until work in the background is done; nothing ever takes time by itself."""

    #: Status calls that still find a Bulk job unfinished.
    bulk_polls: int = 1
    #: Rows of an ingest job that are done at each look after that.
    bulk_rows: int = 10_000
    #: Rows of one page of a query job, when the client names no number.
    bulk_page: int = 50_000
    #: Status calls that still find a deployment unfinished.
    deploy_polls: int = 1


@dataclass
class LateWrite:
    """A write of another user whose transaction has begun and not ended: nobody sees it yet.

    When it is committed its row carries the stamp of the beginning, so a reader that has passed that moment misses it.
    """

    org: Org
    object_name: str
    record_id: str | None
    values: Mapping[str, object]
    #: Epoch second of the beginning.
    stamp: int

    def commit(self) -> str:
        """Make the write visible; return the id of the record."""
        self.org.late.remove(self)
        caller = self.org.caller(stamp=self.stamp)
        return self.org.save(self.object_name, self.record_id, self.values, caller)


class Org:
    """The state behind the emulated API, with a way in for tests.

    Args:
        seed: picks ids and tokens.
        clock: what time it is in the org.
        database: ``:memory:`` or the path of a file that is kept.
        token: a session that is there from the beginning; it must look like ``00D…!…``.
        apps: clients that may ask for tokens.
        features: any of `FEATURES`.
        daily_limit: API calls of a day.
        username: the user who integrates.
        field_level_security: custom fields are seen by those only to whom a permission set or profile grants them;
            the same as the feature ``FieldLevelSecurity``.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        clock: Clock = system_clock,
        database: str = ":memory:",
        token: str | None = None,
        apps: Iterable[App] = (),
        features: Iterable[str] = (),
        daily_limit: int = 100_000,
        username: str = "integration@example.org",
        field_level_security: bool = False,
    ) -> None:
        #: Held by every request and every change from outside, so that a server in a thread and a test get along.
        self.guard = threading.RLock()
        self.clock, self.storage, self.schema = clock, Storage(database), standard_schema()
        self.ids, self.rules, self.limits = ids.IdSource(seed), Rules(), Limits(daily_limit)
        self.writer = Writer(self.storage, self.schema, self.ids, clock, self.rules)
        self.late: list[LateWrite] = []
        self._schema_seen = (-1, 0)
        self.pace = Pace()
        self.ingest_jobs: dict[str, IngestJob] = {}
        self.query_jobs: dict[str, QueryJob] = {}
        self.deployments: dict[str, Deployment] = {}
        self.retrievals: dict[str, Retrieval] = {}
        #: What was deployed, and what came with the org.
        self.components = Components(self.storage)
        #: Client ids of the external client apps that were deployed.
        self.deployed_apps: frozenset[str] = frozenset()
        #: Canvas apps that no deployment brought, and what is to go wrong when one is opened.
        self.canvas = Canvas()
        #: What those may do who do not own a record, by object: ``private``, ``read`` or ``edit``; open where it is missing.
        self.sharing: dict[str, str] = {}
        #: Packages that were installed from elsewhere, by namespace.
        self.managed: dict[str, ManagedPackage] = {}
        #: Permissions that nobody has, whatever their profile says; without the word Permissions before them.
        self.withheld: set[str] = set()
        #: Apps that are deployed with a consumer key get that one; else the org makes its own all the same.
        self.takes_consumer_keys = True
        #: The browsers that are logged in to the org's own pages.
        self.visitors = Visitors()
        #: ``client=`` of Sforce-Call-Options, as often as it was sent.
        self.clients: dict[str, int] = {}
        self._prepare()
        for feature in (*features, *([access.FEATURE] if field_level_security else [])):
            self.enable(feature)
        self.org_id, self.user_id = self._found(username)
        self.auth = Auth(self.org_id[:15], random.Random(seed), clock)
        self.auth.register(apps)
        if token is not None:
            self.auth.issue(self.user_id, "", token)
        #: Change events of the org; none come before an object is selected in ``events.channels``.
        self.events = EventBus(self, seed)
        self.auth.watchers.add(self.events.wake)
        standard.found(self)
        self._register_apps()
        self.auth.before_lookup.append(self._register_apps)

    @cached_property
    def queries(self) -> Queries:
        """What answers statements; made at the first, since an org without queries starts sooner."""
        from hintsync_emulators.salesforce.queries import Queries

        return Queries(self.storage, self.schema, self.ids, self.clock)

    def _register_apps(self) -> None:
        """Let the apps that were deployed ask for tokens, and those that are gone no more."""
        if self.deployed_apps or self.components.names("ExternalClientApplication"):
            from hintsync_emulators.salesforce.metadata.apps import register_apps

            register_apps(self)

    def _prepare(self) -> None:
        restore(self)
        for one in self.schema.definitions.values():
            self.storage.prepare(one)
            last = self.storage.last_id(one.name)
            if last is not None:
                self.ids.seen(last)
        for known in self.components.everything():
            self.ids.seen(known.id)

    def _found(self, username: str) -> tuple[str, str]:
        """Return the ids of the organization and of the integrating user, made when the org is new."""
        organization, user = self.definition("Organization"), self.definition("User")
        kept = self.storage.rows('SELECT o.Id, u.Id FROM Organization o, "User" u ORDER BY u.Id LIMIT 1')
        if kept:
            return str(kept[0][0]), str(kept[0][1])
        caller = Caller(user_id="")
        org_id = self._make_organization(organization)
        names = {"LastName": "Integration", "FirstName": "Ina", "Username": username, "Email": username}
        user_id = self.writer.insert(user, names, caller)
        for table, record_id in (("User", user_id), ("Organization", org_id)):
            self.storage.update(table, record_id, {"CreatedById": user_id, "LastModifiedById": user_id})
        return org_id, user_id

    def _make_organization(self, one: SObject) -> str:
        record: Row = {each.name: values.parse(each, each.default, loose=False) for each in one.defaults}
        stamp, record_id = self.writer.now(), self.ids.next(one.prefix)
        record.update(Id=record_id, Name="Emulated Clinic", CreatedDate=stamp)
        record.update(LastModifiedDate=stamp, SystemModstamp=stamp)
        self.storage.insert(one.name, record)
        return record_id

    # --- records, for tests -------------------------------------------------------------------------------------

    def caller(self, stamp: int | None = None) -> Caller:
        """Return the administrator, who writes what tests write; duplicate rules let them pass where they can."""
        return Caller(self.user_id, allow_duplicates=True, stamp=stamp, origin=BY_HAND)

    def definition(self, name: str) -> SObject:
        """Return an object's definition.

        Raises:
            LookupError: there is no such object.
        """
        found = self.schema.get(name)
        if found is None:
            raise LookupError(f"the org has no object {name}")
        return found

    def insert(self, name: str, record: Mapping[str, object]) -> str:
        """Write a record past the API but under its rules; return its id."""
        return self.insert_many(name, [record])[0]

    def insert_many(self, name: str, records: Iterable[Mapping[str, object]]) -> list[str]:
        """Write many records in one transaction; all or none."""
        with self.guard, self.storage.transaction():
            one, caller = self.definition(name), self.caller()
            return [self.writer.insert(one, record, caller) for record in records]

    def insert_person(self, record: Mapping[str, object]) -> tuple[str, str]:
        """Write a person account: an account and a contact that only exists through it; return their ids."""
        shown = " ".join(str(record[name]) for name in ("FirstName", "LastName") if record.get(name))
        with self.guard, self.storage.transaction():
            account, contact = self.definition("Account"), self.definition("Contact")
            account_id = self.writer.insert(account, {"Name": shown}, self.caller())
            contact_id = self.writer.insert(contact, {**record, "AccountId": account_id}, self.caller())
            self.writer.stamp(account, account_id, {"IsPersonAccount": 1, "PersonContactId": contact_id})
            self.writer.stamp(contact, contact_id, {"IsPersonAccount": 1})
        return account_id, contact_id

    def update(self, name: str, record_id: str, changes: Mapping[str, object]) -> None:
        """Edit a record as another user would."""
        self.save(name, record_id, changes, self.caller())

    def save(self, name: str, record_id: str | None, record: Mapping[str, object], caller: Caller) -> str:
        """Insert, or update when an id is given; return the id."""
        with self.guard, self.storage.transaction():
            if record_id is None:
                return self.writer.insert(self.definition(name), record, caller)
            self.writer.update(self.definition(name), self.raw(name, record_id), record, caller)
            return record_id

    def delete(self, name: str, record_id: str) -> None:
        """Put a record into the recycle bin."""
        with self.guard, self.storage.transaction():
            self.writer.delete(self.definition(name), self.raw(name, record_id), self.caller())

    def undelete(self, name: str, record_id: str) -> None:
        """Take a record out of the recycle bin."""
        with self.guard, self.storage.transaction():
            self.writer.undelete(self.definition(name), self.raw(name, record_id), self.caller())

    def purge(self, name: str, record_id: str) -> None:
        """Remove a record for good, recycle bin and all."""
        with self.guard, self.storage.transaction():
            self.storage.erase(self.definition(name).name, record_id)

    def merge(self, name: str, master_id: str, loser_ids: Sequence[str], caller: Caller | None = None) -> None:
        """Merge records into one: the losers are deleted and name their master, what hung on them moves over.

        Without a caller the administrator does it.
        """
        with self.guard, self.storage.transaction():
            one = self.definition(name)
            if not one.mergeable or not 1 <= len(loser_ids) <= 2:
                raise ValueError("merge takes one or two losers of a mergeable object")
            for loser_id in loser_ids:
                self._move_children(one, loser_id, master_id)
                self.writer.delete(one, self.raw(name, loser_id), caller or self.caller())
                self.writer.stamp(one, loser_id, {"MasterRecordId": master_id})
            self.writer.stamp(one, master_id, {"LastModifiedDate": self.writer.now()})

    def _move_children(self, one: SObject, old: str, new: str) -> None:
        for child in one.children:
            owner = self.definition(child.object)
            if child.field != "MasterRecordId":
                for record_id in self.storage.ids_where(owner.name, child.field, old, live_only=False):
                    self.writer.stamp(owner, record_id, {child.field: new})

    def raw(self, name: str, record_id: str) -> Row:
        """Return a row as it is stored.

        Raises:
            LookupError: there is no such row.
        """
        found = self.storage.fetch(self.definition(name).name, [record_id])
        if record_id not in found:
            raise LookupError(f"the org has no {name} {record_id}")
        return found[record_id]

    def get(self, name: str, record_id: str) -> Row:
        """Return a record as the API would show it, without `attributes`; deleted ones too."""
        with self.guard:
            return self._shown(self.definition(name), self.raw(name, record_id))

    def rows(self, name: str, deleted: bool = False) -> list[Row]:
        """Return every record of an object as the API would show it, oldest first; deleted ones only if asked."""
        with self.guard:
            one = self.definition(name)
            found = chain.from_iterable(self.storage.rows(f'SELECT Id FROM "{one.name}" ORDER BY _row'))
            rows = self.storage.fetch(one.name, map(str, found)).values()
            return [self._shown(one, row) for row in rows if deleted or not row.get("IsDeleted")]

    def count(self, name: str) -> int:
        """Return how many records of an object are not deleted."""
        with self.guard:
            one = self.definition(name)
            living = " WHERE IsDeleted = 0" if "isdeleted" in one.fields else ""
            return int(str(self.storage.rows(f'SELECT count(*) FROM "{one.name}"{living}')[0][0]))

    def _shown(self, one: SObject, row: Row) -> Row:
        return {f.name: values.show(f, row[f.name]) for f in one.fields.values() if f.is_stored}

    def begin_late(self, name: str, record_id: str | None, record: Mapping[str, object]) -> LateWrite:
        """Begin another user's write now, to be committed later with the stamp of now."""
        late = LateWrite(self, name, record_id, dict(record), self.writer.now())
        self.late.append(late)
        return late

    # --- rules ---------------------------------------------------------------------------------------------------

    def lock(self, record_id: str, times: int | None = None) -> None:
        """Let writes that need this row fail with UNABLE_TO_LOCK_ROW, so many times or until `unlock`."""
        self.rules.locks[ids.normalise(record_id) or record_id] = times

    def unlock(self, record_id: str) -> None:
        """Release a row."""
        self.rules.locks.pop(ids.normalise(record_id) or record_id, None)

    def add_validation_rule(self, name: str, fails: Check, message: str, field_name: str | None = None) -> None:
        """Refuse records of an object for which `fails` is true; it sees stored values by API name."""
        self.rules.validation.append(ValidationRule(self.definition(name).name, fails, message, field_name))

    def add_duplicate_rule(self, rule: DuplicateRule) -> None:
        """Look for duplicates on every write from now on."""
        self.rules.duplicates.append(rule)

    def add_automation(self, name: str, automation: Automation) -> None:
        """Let a flow set fields whenever a record of the object is saved."""
        self.rules.automations.append((self.definition(name).name, automation))

    # --- the org itself --------------------------------------------------------------------------------------------

    def enable(self, feature: str, on: bool = True) -> None:
        """Switch a feature of the org.

        Raises:
            ValueError: it is none of `FEATURES`.
        """
        if feature not in FEATURES:
            raise ValueError(f"unknown feature {feature}; there are: {', '.join(FEATURES)}")
        with self.guard:
            if feature == places.FEATURE:
                self._fill_places()
            self.schema.enable(feature, on)
            if on:
                self.storage.keep("feature", feature, True)
            else:
                self.storage.forget("feature", feature)

    def _fill_places(self) -> None:
        for one in list(self.schema.definitions.values()):
            codes = [each for each in one.fields.values() if each.feature == places.FEATURE]
            self.schema.add_fields(one.name, map(places.with_picklists, codes))

    def add_fields(self, name: str, fields: Iterable[Field]) -> None:
        """Give an object further fields, as a deployment does."""
        with self.guard:
            self.schema.add_fields(name, fields)
            self.storage.prepare(self.schema.definitions[name.lower()])

    def remove_fields(self, name: str, names: Sequence[str]) -> None:
        """Take fields away from an object, with all they held."""
        with self.guard:
            self.schema.remove_fields(name, names)
            for field_name in names:
                self.storage.drop_column(self.definition(name).name, field_name)

    def add_object(self, one: SObject) -> None:
        """Add an object, as a deployment does."""
        with self.guard:
            self.schema.add(one)
            self.storage.prepare(one)

    @contextmanager
    def seen_by(self, session: Session | None) -> Iterator[None]:
        """Show the schema within the block as a session's user sees it."""
        view = None if session is None else access.view_of(self, session.user_id)
        with self.schema.seen_through(view):
            yield

    def schema_modified(self) -> int:
        """Return the epoch second since which objects, fields and features are as they are."""
        if self._schema_seen[0] != self.schema.edition:
            self._schema_seen = (self.schema.edition, self.writer.now())
        return self._schema_seen[1]

    def free_prefix(self) -> str:
        """Return a key prefix that no object has."""
        taken = {one.prefix for one in self.schema.definitions.values()}
        return next(f"a0{letter}" for letter in _PREFIXES if f"a0{letter}" not in taken)

    def set_daily_limit(self, calls: int, used: int | None = None) -> None:
        """Set how many calls a day has, and how many of them are gone."""
        self.limits.daily = calls
        if used is not None:
            self.limits.used = used

    def expire_tokens(self) -> int:
        """End every session; return how many there were."""
        return self.auth.expire_all()

    def issue_token(self) -> str:
        """Begin a session of the integrating user and return its token."""
        return self.auth.issue(self.user_id, "").token

    def close(self) -> None:
        """Close the database."""
        self.storage.close()
