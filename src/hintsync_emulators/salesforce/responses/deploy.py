"""Metadata deployment over REST."""

from __future__ import annotations

import orjson
from python_multipart.multipart import MultipartParser, parse_options_header

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.deploy import run
from hintsync_emulators.salesforce.deploy.deployment import Deployment, read_options
from hintsync_emulators.salesforce.deploy.package import read_package
from hintsync_emulators.salesforce.errors import ApiError, not_found
from hintsync_emulators.salesforce.web.call import Answer, Call

Part = tuple[dict[str, str], bytes]


def start(call: Call) -> Answer:
    """Take a package, or one that was validated; it is carried out when its status is looked at."""
    assert call.session is not None
    kind = call.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        validated = call.object().get("validatedDeployRequestId")
        if not isinstance(validated, str):
            raise ApiError(400, "INVALID_INPUT", "validatedDeployRequestId or a multipart body is needed")
        return Answer(201, _shown(run.begin_validated(call.org, validated, call.session.user_id), details=False))
    options, archive = _sort_parts(read_parts(kind, call.body))
    deployment = run.begin(call.org, read_options(options), read_package(archive), call.session.user_id)
    return Answer(201, _shown(deployment, details=False))


def status(call: Call) -> Answer:
    """Say how far a deployment is."""
    deployment = _find(call)
    run.look(call.org, deployment)
    return Answer(value=_shown(deployment, call.params.get("includeDetails", "").lower() == "true"))


def cancel(call: Call) -> Answer:
    """Stop a deployment that has not been carried out yet."""
    deployment = _find(call)
    wanted = call.object().get("deployResult")
    if not isinstance(wanted, dict) or wanted.get("status") != "Canceling":
        raise ApiError(400, "INVALID_INPUT", "only the status Canceling can be asked for")
    run.cancel(call.org, deployment)
    return Answer(202, _shown(deployment, details=False))


def _find(call: Call) -> Deployment:
    found = call.org.deployments.get(ids.normalise(call.names["deploy"]) or "")
    if found is None:
        raise not_found()
    return found


def _shown(deployment: Deployment, details: bool) -> dict[str, object]:
    return {
        "id": deployment.id,
        "validatedDeployRequestId": deployment.validated_id,
        "deployOptions": dict(deployment.options.given),
        "deployResult": deployment.result(details),
    }


def _sort_parts(parts: list[Part]) -> tuple[dict[str, object], bytes]:
    """Tell options and zip apart by what they are: clients name the parts differently."""
    options: dict[str, object] | None = None
    archive: bytes | None = None
    for headers, content in parts:
        if headers["name"] in ("json", "entity_content") or "json" in headers.get("content-type", ""):
            options = _read_options(content)
        elif headers["name"] == "file" or content.startswith(b"PK"):
            archive = content
    if options is None or archive is None:
        raise ApiError(400, "INVALID_MULTIPART_REQUEST", "A part with deployOptions and a part with the zip are needed")
    return options, archive


def _read_options(content: bytes) -> dict[str, object]:
    try:
        found = orjson.loads(content)
    except ValueError:
        raise ApiError(400, "JSON_PARSER_ERROR", "The deployOptions are not valid JSON") from None
    options = found.get("deployOptions") if isinstance(found, dict) else None
    if not isinstance(options, dict):
        raise ApiError(400, "INVALID_MULTIPART_REQUEST", "deployOptions are missing")
    return options


def read_parts(content_type: str, body: bytes) -> list[Part]:
    """Split a multipart body into parts: headers in small letters (and the part's ``name``), content.

    Raises:
        ApiError: the body is not what its content type says.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise ApiError(400, "INVALID_MULTIPART_REQUEST", "The content type names no boundary")
    reader = _Parts()
    parser = MultipartParser(boundary, reader.callbacks())  # type: ignore[arg-type]
    try:
        parser.write(body)
        parser.finalize()
    except ValueError:
        raise ApiError(400, "INVALID_MULTIPART_REQUEST", "The multipart body cannot be read") from None
    return reader.parts


class _Parts:
    """Gathers what the multipart parser reports."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._name, self._value, self._content = b"", b"", bytearray()
        self._headers: dict[str, str] = {}

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_name,
            "on_header_value": self._on_value,
            "on_header_end": self._end_header,
            "on_part_data": self._data,
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._headers, self._content = {}, bytearray()

    def _on_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        name, value = self._name.decode("latin-1").lower(), self._value.decode("latin-1")
        self._headers[name] = value
        self._name, self._value = b"", b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def _end(self) -> None:
        disposition = parse_options_header(self._headers.get("content-disposition", ""))[1]
        self._headers["name"] = disposition.get(b"name", b"").decode()
        self.parts.append((self._headers, bytes(self._content)))
