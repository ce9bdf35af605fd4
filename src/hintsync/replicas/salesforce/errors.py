"""What Salesforce's error answers mean: read from their several shapes, and sorted by what is to be done next.

Shapes (REST API Developer Guide, "Status Codes and Error Responses"; recorded answers): a list of `{message, errorCode,
fields}` for a whole request, the same with `statusCode` for a row of a collection, `{error, error_description}` from the
token endpoint, `CODE:message:fields --` in Bulk results, and HTML from the edge. Vendor texts quote values, so they are
kept out of `repr`, exception texts and logs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from hintsync.core.errors import BudgetSpent, FixConfiguration, HintsyncError, RetryLater
from hintsync.core.values import Side

#: Passing trouble with a row or a request; nothing was written.
TRANSIENT = frozenset(
    {
        "UNABLE_TO_LOCK_ROW",
        "SERVER_UNAVAILABLE",
        "QUERY_TIMEOUT",
        "REQUEST_RUNNING_TOO_LONG",
        "UNKNOWN_EXCEPTION",
        "PROCESSING_HALTED",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    }
)
SESSION_REFUSED = "INVALID_SESSION_ID"
LIMIT_EXCEEDED = "REQUEST_LIMIT_EXCEEDED"
DUPLICATES_DETECTED = "DUPLICATES_DETECTED"
DUPLICATE_VALUE = "DUPLICATE_VALUE"
_GONE = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "MALFORMED_ID"})

#: 401 answers that carry INVALID_SESSION_ID and that no new token cures: the app may not use this API at all.
_NO_EXPIRY = ("not valid for use with the REST API", "Connected app is not attached to Agent")

#: How long to leave an org alone whose day's calls are used up. The window rolls over 24 hours, so some come back soon.
LIMIT_PAUSE_SECONDS = 900.0

_BULK_ERROR = re.compile(r"(?P<code>[A-Z][A-Z0-9_]+)\s*:(?P<message>.*):(?P<fields>[^:]*?)\s*--\s*", re.DOTALL)
_RECORD_ID = re.compile(r"record with id: ?(\w{15,18})")
_DUPLICATE_FIELD = re.compile(r"duplicate value found: (\w+) duplicates")
_NO_SUCH_COLUMN = re.compile(r"No such column '(\w+)'")


@dataclass(frozen=True, slots=True)
class VendorError:
    """One complaint of Salesforce about a request or a row."""

    #: `errorCode` or `statusCode`, or the HTTP status where the body carries no code.
    code: str
    #: API names of the fields it is about; often empty.
    fields: tuple[str, ...] = ()
    message: str = field(default="", repr=False)
    #: DUPLICATES_DETECTED only: ids of the records that match, and whether the rule lets a person go ahead.
    duplicates: tuple[str, ...] = ()
    allow_save: bool = False

    @property
    def transient(self) -> bool:
        """Whether the same write may work later. A trigger that meets a row lock hides the code in its message."""
        return self.code in TRANSIENT or "UNABLE_TO_LOCK_ROW" in self.message

    @property
    def gone(self) -> bool:
        """Whether the record that was to be updated is not there."""
        if self.code == "INVALID_CROSS_REFERENCE_KEY":
            return set(self.fields) <= {"Id"}
        return self.code in _GONE

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The API names it is about; from the text where `fields` is empty and the text is of a known form."""
        if self.fields:
            return self.fields
        return tuple(_NO_SUCH_COLUMN.findall(self.message)) + tuple(_address_fields(self.message))

    @property
    def duplicate_field(self) -> str | None:
        """DUPLICATE_VALUE: the API name of the unique field, if the answer tells."""
        found = _DUPLICATE_FIELD.search(self.message)
        return found.group(1) if found else next(iter(self.fields), None)

    @property
    def record_id(self) -> str | None:
        """DUPLICATE_VALUE: the record that holds the value, if the answer tells; 15 or 18 characters."""
        found = _RECORD_ID.search(self.message)
        return found.group(1) if found else None


class Rejected(FixConfiguration):
    """Salesforce refused a whole request for a reason that neither waiting nor a new token cures.

    Writers of single records turn it into an answer about the record; anywhere else it means that the org, its
    permissions or its fields are not as expected.
    """

    code = "salesforce-rejected"

    def __init__(self, what: str, status: int, errors: Sequence[VendorError]) -> None:
        codes = ", ".join(sorted({each.code for each in errors})) or "no code"
        fields = sorted({name for each in errors for name in each.named_fields})
        about = f" (fields {', '.join(fields)})" if fields else ""
        super().__init__(f"{Side.SALESFORCE}: refused to {what}: {status} {codes}{about}")
        self.status = status
        self.errors = tuple(errors)

    def has(self, *codes: str) -> bool:
        """Say whether any complaint carries one of these codes."""
        return any(each.code in codes for each in self.errors)


def read_errors(body: bytes, status: int) -> tuple[VendorError, ...]:
    """Read the complaints of an error answer; a body without any (HTML, empty) yields one that carries the status."""
    try:
        parsed = orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        parsed = None
    return read_parsed_errors(parsed, status)


def read_parsed_errors(parsed: object, status: int) -> tuple[VendorError, ...]:
    """Read the complaints of an error answer, or of a part of one, that is JSON already."""
    entries = parsed if isinstance(parsed, list) else [parsed]
    errors = tuple(_read_error(each) for each in entries if isinstance(each, Mapping))
    return errors or (VendorError(str(status)),)


def read_bulk_error(text: str) -> VendorError:
    """Read `sf__Error` of a failed Bulk row: `CODE:message:Field1,Field2 --`."""
    found = _BULK_ERROR.match(text)
    if found is None:
        return VendorError(text.partition(":")[0].strip()[:60] or "UNKNOWN_EXCEPTION", message=text)
    names = tuple(name.strip() for name in found["fields"].split(",") if name.strip())
    return VendorError(found["code"], names, found["message"])


def whole_error(what: str, status: int, errors: Sequence[VendorError], asked: float | None = None) -> HintsyncError:
    """Return what to raise for an error answer to a whole request.

    Args:
        what: what was attempted, in our words.
        status: HTTP status.
        errors: what `read_errors` made of the body.
        asked: seconds of a Retry-After header, if there was one (Salesforce documents none).

    Returns:
        `RetryLater` for passing trouble, `BudgetSpent` for the daily limit, else `Rejected`.
    """
    for each in errors:
        if each.code == LIMIT_EXCEEDED:
            if "concurrent" in each.message.casefold():
                return RetryLater(Side.SALESFORCE, "too many requests at a time", after=asked)
            return BudgetSpent(Side.SALESFORCE, "the org's daily API requests are used up", after=LIMIT_PAUSE_SECONDS)
    if status >= 500 or status in (408, 420, 429) or any(each.transient for each in errors):
        codes = ", ".join(sorted({each.code for each in errors}))
        return RetryLater(Side.SALESFORCE, f"{what}: {status} {codes}", after=asked)
    return Rejected(what, status, errors)


def session_expired(status: int, errors: Sequence[VendorError]) -> bool:
    """Say whether a new token may cure it. Not every 401 does: some apps may not use the API at all."""
    return status == 401 and any(
        each.code == SESSION_REFUSED and not any(text in each.message for text in _NO_EXPIRY) for each in errors
    )


def _read_error(raw: Mapping[str, object]) -> VendorError:
    code = raw.get("errorCode") or raw.get("statusCode") or raw.get("error") or "UNKNOWN_EXCEPTION"
    fields = raw.get("fields")
    names = tuple(str(name) for name in fields) if isinstance(fields, list) else ()
    message = str(raw.get("message") or raw.get("error_description") or "")
    duplicates, allow_save = _read_duplicates(raw)
    return VendorError(str(code), names, message, duplicates, allow_save)


def _read_duplicates(raw: Mapping[str, object]) -> tuple[tuple[str, ...], bool]:
    """Read what a duplicate rule found. REST spells the key `duplicateResut` (recorded twice); take both spellings."""
    result = raw.get("duplicateResut") or raw.get("duplicateResult")
    if not isinstance(result, Mapping):
        return (), False
    ids: dict[str, None] = {}
    for match in _mappings(result.get("matchResults")):
        for found in _mappings(match.get("matchRecords")):
            record = found.get("record")
            if isinstance(record, Mapping) and isinstance(record.get("Id"), str):
                ids[record["Id"]] = None
    return tuple(ids), result.get("allowSave") is True


def _mappings(raw: object) -> list[Mapping[str, object]]:
    return [each for each in raw if isinstance(each, Mapping)] if isinstance(raw, list) else []


def _address_fields(message: str) -> list[str]:
    """Name the address field of a state or country refusal, whose text ends in the field's label (recorded answers)."""
    labels = {"Mailing State/Province": "MailingState", "Mailing Country": "MailingCountry"}
    return [name for label, name in labels.items() if message.rstrip().endswith(label)]
