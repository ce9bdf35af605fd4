"""The OpenAPI document of the Salesforce emulator."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hintsync_emulators.openapi import (
    ANYTHING,
    CSV,
    FLAG,
    FORM,
    HTML,
    JSON,
    NUMBER,
    TEXT,
    XML,
    Operation,
    Schema,
    document,
    record,
    rows,
)
from hintsync_emulators.salesforce.responses.urls import ROUTES
from hintsync_emulators.salesforce.web.router import Route
from hintsync_emulators.salesforce.web.versions import FIRST_VERSION, LAST_VERSION

_VERSIONS = [f"{number}.0" for number in (FIRST_VERSION, 64, LAST_VERSION)]
_CONTACT: dict[str, Schema] = {
    "FirstName": {"type": ["string", "null"]},
    "LastName": TEXT,
    "Email": {"type": ["string", "null"]},
    "Birthdate": {"type": ["string", "null"], "format": "date"},
    "Phone": TEXT,
    "MailingState": TEXT,
    "AccountId": TEXT,
    "DoNotCall": FLAG,
}
_TYPED = record(["type"], type={"enum": ["Contact", "Account", "Nobody"]})
_RECORDS = record(
    ["records"],
    allOrNone=FLAG,
    records=rows(record(["attributes"], attributes=_TYPED, Id=TEXT, **_CONTACT)),
)
_PART = record(
    ["method", "url", "referenceId"],
    method={"enum": ["GET", "POST", "PATCH", "DELETE"]},
    url={"type": "string", "pattern": "^/services/data/v64\\.0/sobjects/(Contact|Account)(/[A-Za-z0-9]{15})?$"},
    referenceId={"type": "string", "pattern": "^[A-Za-z]\\w{0,8}$"},
    body=record(**_CONTACT),
)
_INGEST = record(
    ["object", "operation"],
    object={"enum": ["Contact", "Account"]},
    operation={"enum": ["insert", "update", "upsert", "delete", "hardDelete"]},
    externalIdFieldName={"enum": ["Id", "Email"]},
    lineEnding={"enum": ["LF", "CRLF"]},
    columnDelimiter={"enum": ["COMMA", "TAB", "PIPE"]},
)
_TOKEN = record(
    grant_type={"enum": ["client_credentials", "password", "refresh_token", "authorization_code", "x"]},
    client_id=TEXT,
    client_secret=TEXT,
    refresh_token=TEXT,
    code=TEXT,
    assertion=TEXT,
)
_QUERY: Schema = {
    "type": "string",
    "examples": ["SELECT Id FROM Contact"],
    "pattern": "^SELECT (Id|Name|LastName|count\\(\\)) FROM (Contact|Account)( WHERE LastName (=|<|LIKE) '[A-Za-z%_]*')?.?$",
}
#: Bodies by the kind of a call.
_BODIES: Mapping[str, Schema] = {
    "sobjects.create": record(**_CONTACT),
    "sobjects.update": record(**_CONTACT),
    "sobjects.upsert": record(**_CONTACT),
    "composite": record(["compositeRequest"], allOrNone=FLAG, compositeRequest=rows(_PART)),
    "collections.create": _RECORDS,
    "collections.update": _RECORDS,
    "collections.upsert": _RECORDS,
    "bulk.ingest.create": _INGEST,
    "bulk.ingest.change": record(["state"], state={"enum": ["UploadComplete", "Aborted", "x"]}),
    "bulk.ingest.upload": TEXT,
    "bulk.query.create": record(
        ["operation", "query"], operation={"enum": ["query", "queryAll"]}, query=_QUERY, lineEnding=TEXT
    ),
    "bulk.query.change": record(["state"], state={"enum": ["Aborted", "x"]}),
    "oauth.token": _TOKEN,
    "oauth.revoke": record(token=TEXT),
    "oauth.introspect": record(token=TEXT, client_id=TEXT, client_secret=TEXT),
    "deploy.cancel": record(deployResult=record(status=TEXT)),
}
#: Parameters by the kind of a call.
_QUERIES: Mapping[str, Mapping[str, Schema]] = {
    "query": {"q": _QUERY},
    "collections.retrieve": {"ids": TEXT, "fields": TEXT},
    "collections.delete": {"ids": TEXT, "allOrNone": FLAG},
    "sobjects.read": {"fields": TEXT},
    "replication.updated": {"start": TEXT, "end": TEXT},
    "replication.deleted": {"start": TEXT, "end": TEXT},
    "bulk.query.results": {"maxRecords": NUMBER, "locator": TEXT},
    "bulk.query.pages": {"maxRecords": NUMBER},
    "oauth.authorize": {
        "response_type": {"enum": ["code", "token", "x"]},
        "client_id": TEXT,
        "redirect_uri": TEXT,
        "state": TEXT,
        "prompt": TEXT,
    },
    "canvas.simulate": {
        "app": {"enum": ["Panel", "x"]},
        "user": TEXT,
        "record": TEXT,
        "fields": TEXT,
        "action": TEXT,
        "parameters": TEXT,
        "location": {"enum": ["Visualforce", "x"]},
        "theme": {"enum": ["Theme4d", "x"]},
    },
}
_SOAP = "/services/Soap"


def openapi() -> dict[str, object]:
    """Returns the document of everything that is emulated."""
    return document("Salesforce, emulated", f"{LAST_VERSION}.0", map(_operation, ROUTES))


def _operation(route: Route) -> Operation:
    path = route.path.replace("vXX.X", "v{version}")
    return Operation(
        route.method,
        re.sub(r"\{(\w+)\.\.\.\}", r"{\1}", path),
        route.kind,
        query=_QUERIES.get(route.kind, {}),
        placeholders={
            "version": {"enum": _VERSIONS},
            "object": {"enum": ["Contact", "Account", "Organization", "Nobody"]},
            "field": {"enum": ["Id", "Email", "Name"]},
        },
        body=_body(route),
        takes=_takes(route),
        gives=_gives(route),
        guarded=route.guarded,
    )


def _body(route: Route) -> Schema | None:
    if route.method not in ("POST", "PUT", "PATCH"):
        return None
    return _BODIES.get(route.kind, TEXT if route.path.startswith(_SOAP) else ANYTHING)


def _takes(route: Route) -> tuple[str, ...]:
    if route.path.startswith(_SOAP):
        return (XML,)
    if route.kind == "bulk.ingest.upload":
        return (CSV,)
    return (FORM,) if route.kind.startswith("oauth.") else (JSON,)


def _gives(route: Route) -> tuple[str, ...]:
    if route.path.startswith(_SOAP):
        return (XML,)
    if route.kind in ("bulk.ingest.results", "bulk.query.results"):
        return (CSV, JSON)
    if route.kind == "canvas.simulate":
        return (HTML,)
    return (HTML, JSON) if route.kind == "oauth.authorize" else (JSON,)
