"""OpenAPI documents of the emulators, made from their tables of routes.

They describe what is emulated, in our own words; they are no copy of a vendor's document.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
CSV = "text/csv"
XML = "text/xml"
HTML = "text/html"

#: A JSON Schema.
Schema = Mapping[str, object]
TEXT: Schema = {"type": "string"}
OPTIONAL_TEXT: Schema = {"type": ["string", "null"]}
NUMBER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
ANYTHING: Schema = {}


def record(required: Iterable[str] = (), **properties: Schema) -> Schema:
    """Returns the schema of an object; what it does not name is allowed too."""
    schema: dict[str, object] = {"type": "object", "properties": properties}
    names = list(required)
    return {**schema, "required": names} if names else schema


def rows(of: Schema) -> Schema:
    """Returns the schema of a list."""
    return {"type": "array", "items": of}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    #: With ``{name}`` for one segment; each name once.
    path: str
    #: Under which its calls are counted.
    kind: str
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, Schema] = field(default_factory=dict)
    #: Schemas of placeholders that are not any text.
    placeholders: Mapping[str, Schema] = field(default_factory=dict)
    body: Schema | None = None
    #: Media types of the body.
    takes: tuple[str, ...] = (JSON,)
    #: Media types of answers that have a body.
    gives: tuple[str, ...] = (JSON,)
    guarded: bool = True

    def to_json(self) -> dict[str, object]:
        described: dict[str, object] = {
            "operationId": f"{self.method.lower()}:{self.path}",
            "tags": [self.kind.partition(".")[0]],
            "x-kind": self.kind,
            "parameters": [
                *self._placeholders(),
                *_parameters("query", self.query),
                *_parameters("header", self.headers),
            ],
            "responses": {"default": {"description": "An answer", "content": {each: {} for each in self.gives}}},
        }
        if self.body is not None:
            content = {each: {"schema": self.body} for each in self.takes}
            described["requestBody"] = {"required": True, "content": content}
        if not self.guarded:
            described["security"] = []
        return described

    def _placeholders(self) -> list[dict[str, object]]:
        names = re.findall(r"\{(\w+)\}", self.path)
        return [
            {"name": name, "in": "path", "required": True, "schema": self.placeholders.get(name, TEXT)}
            for name in names
        ]


def _parameters(place: str, schemas: Mapping[str, Schema]) -> list[dict[str, object]]:
    return [{"name": name, "in": place, "schema": schema} for name, schema in schemas.items()]


def document(title: str, version: str, operations: Iterable[Operation]) -> dict[str, object]:
    """Returns an OpenAPI 3.1 document; every guarded operation takes a bearer token."""
    paths: dict[str, dict[str, object]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = operation.to_json()
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
    }
