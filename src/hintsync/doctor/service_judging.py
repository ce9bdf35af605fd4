"""What the facts of an installation mean: pure judgements, one check each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from hintsync.backup.noted import BackupNoted
from hintsync.doctor.findings import Finding, look, not_known, ok, wrong
from hintsync.doctor.known import Known, Unknown
from hintsync.doctor.service_facts import DiskSeen, FolderSeen, KeySeen, ServiceFacts
from hintsync.settings import Settings
from hintsync.state.sql.looking import DatabaseSeen
from hintsync.state.sql.tables import HEAD
from hintsync.state.traffic import DEAD_AFTER, ProcessSeen
from hintsync.surfaces.web.views.durations import ago

_GB: Final = 1_000_000_000
#: Bytes that must be free at least, and below which work may stop at any time.
_ROOM, _NO_ROOM = _GB, _GB // 5
#: Seconds after which a backup is old, unless they are taken less often.
_OLD: Final = 48 * 3600.0
#: Roles of processes that every service needs, in words.
_ROLES: Final = {"worker": "works the queue", "web": "serves pages and webhooks", "subscriber": "follows Salesforce"}


def judge_service(facts: ServiceFacts, version: str) -> list[Finding]:
    """Return what is found of an installation.

    Args:
        facts: What was seen.
        version: Of hintsync, as installed here.
    """
    settings = facts.settings
    return [
        ok("settings", f"{len(settings.model_fields_set)} are set, the others have their defaults"),
        public_url(settings),
        partner_key(settings),
        webhook_keys(settings),
        alerts(settings),
        state_folder(facts.folder),
        master_key(facts.key, facts.database),
        database(facts),
        schema(facts),
        disk(facts.disk, facts.database),
        backups(facts.backup, settings, facts.now),
        keys_apart(settings, facts.beside_backups),
        processes(facts.processes, facts.now),
        versions(facts.processes, facts.now, version),
    ]


def public_url(settings: Settings) -> Finding:
    """Judge the public address."""
    if not settings.public_url:
        return look("public-url", "unset", "not set: no webhooks, and no pages in Salesforce")
    return ok("public-url", settings.public_url)


def partner_key(settings: Settings) -> Finding:
    """Judge the partner key."""
    if not settings.hint_partner_key.get_secret_value():
        return look("partner-key", "unset", "not set: no practice can be connected by its code")
    return ok("partner-key", "set")


def webhook_keys(settings: Settings) -> Finding:
    """Judge the keys that webhooks are checked with."""
    keys = len(settings.webhook_keys())
    if not keys:
        return look("webhook-keys", "unset", "none: no webhook can be told from a forged one")
    if not settings.hint_webhook_keys.get_secret_value():
        return ok("webhook-keys", "none of their own; the partner key is taken, as Hint does")
    return ok("webhook-keys", f"{keys} set" if keys > 1 else "set")


def alerts(settings: Settings) -> Finding:
    """Judge whom the dead-man's alert reaches."""
    addresses = len(settings.alerts.get_secret_value().split())
    if not addresses:
        return look("alerts", "nobody", "nobody is told of trouble")
    hours = f"after {settings.alert_silence_hours:g} hours without success"
    return ok("alerts", f"{addresses} {'address is' if addresses == 1 else 'addresses are'} told, also {hours}")


def state_folder(folder: FolderSeen) -> Finding:
    """Judge the state folder."""
    if not folder.there:
        return wrong("state-folder", "missing", "it is not there")
    if not folder.writable:
        return wrong("state-folder", "unwritable", "this user may not write to it")
    if folder.open_to_others:
        named = " and ".join("the folder" if each == "." else each for each in folder.open_to_others)
        return wrong("state-folder", "open", f"other users of this machine may get at {named}")
    return ok("state-folder", "there, writable, closed to others")


def master_key(key: KeySeen, seen: Known[DatabaseSeen | None]) -> Finding:
    """Judge the master key; whether it fits is only known of a database that could be read."""
    if key.keys is None:
        return wrong("master-key", "missing" if key.missing else "broken", key.problem)
    if isinstance(seen, DatabaseSeen) and seen.opens is False:
        return wrong("master-key", "misfit", f"the key from {key.source} does not open this database")
    if key.open_to_others:
        return wrong("master-key", "open", f"other users of this machine may read {key.source}")
    fits = "opens the database" if isinstance(seen, DatabaseSeen) and seen.opens else "can be read"
    return ok("master-key", f"from {key.source}; {fits}")


def database(facts: ServiceFacts) -> Finding:
    """Judge whether the database answers."""
    seen = facts.database
    if facts.in_memory:
        return look("database", "forgotten", "in memory")
    if isinstance(seen, Unknown):
        return wrong("database", "unusable", seen.words) if seen.code else not_known("database", seen)
    if seen is None:
        return wrong("database", "missing", "there is none yet")
    return ok("database", f"{seen.kind} answers and takes a write; {_size(seen.bytes)}")


def schema(facts: ServiceFacts) -> Finding:
    """Judge the version of the tables against the code's."""
    stands = facts.schema
    if isinstance(stands, Unknown):
        is_newer = stands.code == "fix-configuration" and isinstance(facts.database, DatabaseSeen)
        return wrong("schema", "newer", stands.words) if is_newer else not_known("schema", stands)
    if stands.missing:
        return wrong("schema", "older", f"{stands.revision or 'no tables yet'}; this version works with {HEAD}")
    if stands.revision != HEAD:
        return ok("schema", f"{stands.revision}, of a newer version that serves this one ({HEAD}) too")
    return ok("schema", f"{stands.revision}, as this version knows it")


def disk(seen: Known[DiskSeen], database: Known[DatabaseSeen | None]) -> Finding:
    """Judge the room that is left on the state folder's disk."""
    if isinstance(seen, Unknown):
        return not_known("disk", seen)
    used = database.bytes if isinstance(database, DatabaseSeen) else 0
    found = f"{_size(seen.free)} free of {_size(seen.total)}"
    if seen.free < _NO_ROOM:
        return wrong("disk", "full", found)
    if seen.free < max(_ROOM, 2 * used):
        return look("disk", "low", found)
    return ok("disk", found)


def backups(last: Known[BackupNoted | None], settings: Settings, now: float) -> Finding:
    """Judge how old the last backup is that could be read back."""
    if isinstance(last, Unknown):
        return not_known("backup", last)
    if last is None:
        return look("backup", "none", "none is known")
    most = max(_OLD, 2 * settings.backup_hours * 3600 if settings.backup_to else _OLD)
    found = f"{last.file}, {_size(last.bytes)}, taken and read back"
    if now - datetime.fromisoformat(last.at).timestamp() > most:
        return look("backup", "old", found, at=last.at)
    return ok("backup", found, at=last.at)


def keys_apart(settings: Settings, beside: Sequence[str]) -> Finding:
    """Judge whether a key lies where backups go."""
    if beside:
        return wrong("keys-apart", "together", f"{' and '.join(beside)} lie in the folder for backups, or below it")
    if settings.backup_to is None:
        return ok("keys-apart", "no folder for backups is set")
    return ok("keys-apart", "no key lies where backups go")


def processes(seen: Known[Sequence[ProcessSeen]], now: float) -> Finding:
    """Judge whether somebody does each part of the work."""
    if isinstance(seen, Unknown):
        return not_known("processes", seen)
    living = _living(seen, now)
    if not living:
        last = max((each.seen_at for each in seen), default=None)
        when = "none was seen within a day" if last is None else f"the last sign of life came {ago(now - last)} ago"
        return wrong("processes", "none", f"no process gives signs of life; {when}")
    roles = {role for each in living for role in each.roles}
    missing = [words for role, words in _ROLES.items() if role not in roles]
    if missing:
        return wrong("processes", "partly", f"no process {', and none '.join(missing)}")
    return ok("processes", f"{len(living)} alive; the pages, the queue and Salesforce are all attended to")


def versions(seen: Known[Sequence[ProcessSeen]], now: float, version: str) -> Finding:
    """Judge whether all living processes are of one version, and the one that is installed."""
    running = {each.version for each in _living(seen, now)} if not isinstance(seen, Unknown) else set()
    others = sorted(running - {version})
    if others:
        return look("version", "mixed", f"{version} is installed here; {', '.join(others)} is running too")
    return ok("version", f"hintsync {version}{', in all processes' if running else ''}")


def _living(seen: Sequence[ProcessSeen], now: float) -> list[ProcessSeen]:
    return [each for each in seen if now - each.seen_at < DEAD_AFTER]


def _size(number: int) -> str:
    """Say a number of bytes in a unit that fits."""
    for size, unit in ((_GB, "GB"), (1_000_000, "MB")):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number // 1000:,} kB"
