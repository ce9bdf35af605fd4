"""Settings of the service, from the environment: `HINTSYNC_NAME`, or `HINTSYNC_NAME_FILE` naming a file that holds it.

A file `settings.env` in the state folder may hold lines `HINTSYNC_NAME=value` too; the environment goes before it.
What belongs to one connection (tokens, choices) lies in the store, not here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from hintsync.core.errors import BadInput
from hintsync.mail import MailServer

PREFIX = "HINTSYNC_"

#: Name of the settings file in the state folder.
SETTINGS_FILE = "settings.env"


#: What a setting must be that is neither a number nor one of a few words.
_FORMS = {
    "hint_url": "an https:// address",
    "public_url": "an https:// address without user, query or fragment",
    "salesforce_events": "host:port",
    "smtp_url": "smtp://user:password@host:port or smtps://user:password@host:port",
    "smtp_from": "the e-mail address that mail is sent from, with HINTSYNC_SMTP_URL",
    "state": "a folder",
    "salesforce_events_ca": "a file",
    "backup_to": "a folder",
    "alive_file": "a file",
}
_KINDS: Mapping[object, str] = {int: "a whole number", float: "a number"}
_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


class Settings(BaseSettings):
    """Everything an installation may set; a name that is not listed here is refused, since it is likely a slip."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    #: Folder of the database and the master key.
    state: Path = Path("hintsync-state")
    #: Database URL; empty: SQLite in the state folder. `postgresql://user:password@host/name` for many workers.
    database_url: SecretStr = SecretStr("")
    #: Master keys, newest first, separated by commas; empty: `master.key` in the state folder, made on first use.
    master_keys: SecretStr = SecretStr("")
    #: What opens backups, 20 signs at least; empty: `backup.key` in the state folder, made with the first backup.
    backup_key: SecretStr = SecretStr("")
    #: Folder that the service puts backups into by itself; empty: it takes none.
    backup_to: Path | None = None
    #: Hours between two of them.
    backup_hours: float = Field(default=24.0, ge=0.1, le=8760)
    #: Backups left in that folder.
    backup_keep: int = Field(default=14, ge=1, le=10_000)
    #: Hint's address.
    hint_url: str = "https://api.hint.com"
    #: Hint partner API key; needed to exchange an authorization code.
    hint_partner_key: SecretStr = SecretStr("")
    #: Webhooks signature keys of Hint's Partner Portal, separated by commas: during a rotation the old one and the new one.
    hint_webhook_keys: SecretStr = SecretStr("")
    #: Form of Hint's partner routes: "legacy" (`/integrations`), or "installations" (API version 2026-07-01).
    hint_routes: Literal["legacy", "installations"] = "legacy"
    #: Requests a second to Hint, over all workers of this host. Hint's own limit is 20 for each partner.
    hint_requests_per_second: float = Field(default=8.0, gt=0, le=1000)
    #: Share of Hint's daily requests that batches leave for live work and people (guard G6).
    hint_daily_reserve: float = Field(default=0.1, ge=0, lt=1)
    #: Writes and list pages under way at once to Hint.
    hint_concurrency: int = Field(default=4, ge=1, le=32)
    #: Requests under way at once to Salesforce.
    salesforce_concurrency: int = Field(default=4, ge=1, le=20)
    #: `host:port` of Salesforce's change events; empty: Salesforce's own, for orgs of its own hosts.
    salesforce_events: str = Field(default="", pattern=r"^([A-Za-z0-9.-]+:[0-9]{1,5})?$")
    #: File of the certificate authorities to believe there, as PEM; empty: those of the system.
    salesforce_events_ca: Path | None = None
    #: Seconds after which a request is given up.
    http_timeout: float = Field(default=30.0, gt=0, le=600)
    #: Whom to alert: Apprise addresses (`mailto://…`, `slack://…`), separated by white space; empty: nobody.
    alerts: SecretStr = SecretStr("")
    #: Mail server that confirms installations: `smtp://user:password@host:587` (STARTTLS) or `smtps://…`; empty: no mail.
    smtp_url: SecretStr = SecretStr("")
    #: Address that such mail comes from.
    smtp_from: str = Field(default="", validate_default=True)
    #: Minutes that a change may wait before people are told.
    alert_queue_minutes: float = Field(default=30.0, gt=0)
    #: Hours without any success before people are told (the dead-man's alert).
    alert_silence_hours: float = Field(default=6.0, gt=0)
    #: Groups of records that one process works at the same time, for each connection.
    worker_loops: int = Field(default=2, ge=1, le=16)
    #: Address the service listens on; a proxy in front of it ends TLS.
    listen_host: str = "127.0.0.1"
    #: Port the service listens on.
    listen_port: int = Field(default=8080, ge=0, le=65535)
    #: Address under which the internet reaches the service, https://…; Hint sends its webhooks to `/webhooks/hint` below it.
    public_url: str = ""
    #: File that a serving process touches every ten seconds; for the health check of one that answers no requests.
    alive_file: Path | None = None
    #: What `serve` and `worker` log: lines of this level and graver ones. Lines of libraries come from warnings on.
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    #: Bytes of a webhook beyond which it is refused unread.
    webhook_max_bytes: int = Field(default=1_048_576, ge=1024, le=104_857_600)

    @field_validator("hint_url")
    @classmethod
    def _check_hint_url(cls, url: str) -> str:
        if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ValueError("hint_url: expected an https:// address")
        return url

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, url: str) -> str:
        if url:
            check_public_url(url)
        return url

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value():
            MailServer.parse(url.get_secret_value(), "nobody@example.org")
        return url

    @field_validator("smtp_from")
    @classmethod
    def _check_smtp_from(cls, sender: str, info: ValidationInfo) -> str:
        url = info.data.get("smtp_url")
        if url is not None and url.get_secret_value():
            MailServer.parse(url.get_secret_value(), sender)
        return sender

    def mail_server(self) -> MailServer | None:
        """Return the server that sends mail; None if none is set."""
        url = self.smtp_url.get_secret_value()
        return MailServer.parse(url, self.smtp_from) if url else None

    def webhook_keys(self) -> tuple[str, ...]:
        """Return the keys that a webhook may be signed with; without any, the partner key, which Hint falls back to."""
        given = self.hint_webhook_keys.get_secret_value() or self.hint_partner_key.get_secret_value()
        return tuple(key.strip() for key in given.split(",") if key.strip())

    def database(self) -> str:
        """Return the database URL in force."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.state / 'hintsync.sqlite3'}"


def check_public_url(url: str) -> str:
    """Return an address that Hint could send webhooks to, without a slash at its end.

    Raises:
        ValueError: it is none; says what was expected. Plain http is for trials on this machine only.
    """
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    whole = parts.hostname and not (parts.query or parts.fragment or parts.username or parts.password)
    if not whole or not (parts.scheme == "https" or local) or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("public_url: expected an https:// address without user, query or fragment")
    return url.rstrip("/")


def load_settings(**overrides: object) -> Settings:
    """Read the settings; `overrides` come from the command line.

    Raises:
        BadInput: an unknown name, a value out of range, or a `_FILE` that cannot be read; names it.
    """
    _refuse_unknown()
    values = {**_from_files(), **{name: value for name, value in overrides.items() if value is not None}}
    file = _state_folder(values) / SETTINGS_FILE
    try:
        return Settings(_env_file=file, **values)  # type: ignore[call-arg, arg-type]  # checked by pydantic
    except ValidationError as error:
        places = dict.fromkeys(problem["loc"] for problem in error.errors(include_input=False, include_url=False))
        problems = "; ".join(f"{_named(place)}: {_expected(place)}" for place in places)
        raise BadInput(f"settings: {problems}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"settings: {file} cannot be read: {type(error).__name__}") from None


def _state_folder(values: Mapping[str, object]) -> Path:
    return Path(str(values.get("state") or os.environ.get(f"{PREFIX}STATE") or Settings.model_fields["state"].default))


def _named(place: tuple[str | int, ...]) -> str:
    """Return a setting as people write it; a name that the settings file made up comes with its prefix already."""
    return PREFIX + ".".join(map(str, place)).upper().removeprefix(PREFIX)


def _expected(place: tuple[str | int, ...]) -> str:
    """Say what a setting must be, in our words; what it is stays unsaid, for it may be a secret."""
    field = Settings.model_fields.get(str(place[0])) if place else None
    if field is None:
        return "no such setting"
    return f"expected {_FORMS.get(str(place[0])) or _form_of(field)}"


def _form_of(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return "one of " + ", ".join(get_args(field.annotation))
    bounds = [
        f"{word} {bound:,}"
        for each in field.metadata
        for name, word in _BOUNDS.items()
        if (bound := getattr(each, name, None)) is not None
    ]
    kind = _KINDS.get(field.annotation, "text")
    return f"{kind}, {' and '.join(bounds)}" if bounds else kind


def _names() -> set[str]:
    return {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def _refuse_unknown() -> None:
    known = _names() | {f"{name}_FILE" for name in _names()}
    unknown = sorted(
        n for n in os.environ if n.startswith(PREFIX) and not n.startswith(f"{PREFIX}TEST") and n not in known
    )
    if unknown:
        raise BadInput(f"settings: no such setting: {', '.join(unknown)}")


def _from_files() -> dict[str, str]:
    values = {}
    for name in Settings.model_fields:
        path = os.environ.get(f"{PREFIX}{name.upper()}_FILE")
        if path is None:
            continue
        try:
            values[name] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadInput(f"settings: {PREFIX}{name.upper()}_FILE: {path} cannot be read: {error.strerror}") from None
    return values
