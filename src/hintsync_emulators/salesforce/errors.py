"""What the API answers when it refuses: a code, a text, sometimes the fields.

Shapes and texts follow the REST API Developer Guide ("Status Codes and Error Responses") and recorded answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """One refusal of one record or request."""

    #: e.g. ``STRING_TOO_LONG``.
    code: str
    message: str
    #: API names of the fields at fault.
    fields: tuple[str, ...] = ()
    #: Further keys of the answer, e.g. ``duplicateResut``.
    extra: Mapping[str, object] = field(default_factory=dict)

    def as_error(self) -> dict[str, object]:
        """Return the shape used by calls about one record: ``errorCode`` and, where known, ``fields``."""
        body: dict[str, object] = {**self.extra, "message": self.message, "errorCode": self.code}
        if self.fields:
            body["fields"] = list(self.fields)
        return body

    def as_row(self) -> dict[str, object]:
        """Return the shape used inside collections: ``statusCode`` and always ``fields``."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields), **self.extra}

    def as_csv(self) -> str:
        """Return the text of the ``sf__Error`` column of Bulk API results."""
        return f"{self.code}:{self.message}:{','.join(self.fields)} --"


class Refused(Exception):
    """A record was refused by the rules of the org; nothing of it was written."""

    def __init__(self, code: str, message: str, *fields: str, extra: Mapping[str, object] | None = None) -> None:
        super().__init__(code)
        self.fault = Fault(code, message, fields, extra or {})


class ApiError(Exception):
    """A request is answered by an error and an HTTP status."""

    def __init__(
        self, status: int, code: str, message: str, *fields: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.faults: tuple[Fault, ...] = (Fault(code, message, fields),)
        self.headers = dict(headers or {})

    @classmethod
    def of(cls, fault: Fault) -> ApiError:
        """Build the answer to a call about one record from the record's refusal."""
        error = cls(STATUS_OF.get(fault.code, 400), fault.code, fault.message, *fault.fields)
        error.faults = (fault,)
        return error


class OAuthError(Exception):
    """A token request is refused, in the style of RFC 6749."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error, self.description, self.status = error, description, status


#: Codes of records that do not answer 400.
STATUS_OF: Mapping[str, int] = {
    "NOT_FOUND": 404,
    "ENTITY_IS_DELETED": 404,
    "INSUFFICIENT_ACCESS_OR_READONLY": 403,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": 403,
    "REQUEST_LIMIT_EXCEEDED": 403,
}


def not_emulated(what: str) -> ApiError:
    """Say by name that the emulator does not do something, instead of answering wrongly."""
    return ApiError(501, "NOT_EMULATED", f"not emulated: {what}")


def not_found(message: str = "The requested resource does not exist") -> ApiError:
    """Return the answer for a record or resource that is not there."""
    return ApiError(404, "NOT_FOUND", message)
