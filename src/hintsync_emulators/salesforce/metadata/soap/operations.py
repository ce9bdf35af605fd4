"""The operations of the Metadata API over SOAP, for packages and for looking around."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.auth import Session
from hintsync_emulators.salesforce.deploy import run
from hintsync_emulators.salesforce.deploy.deployment import Deployment, read_options
from hintsync_emulators.salesforce.deploy.package import read_package
from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.metadata import reading, retrieval
from hintsync_emulators.salesforce.metadata.kinds import CHILDREN, KINDS, is_known
from hintsync_emulators.salesforce.metadata.retrieval import Retrieval
from hintsync_emulators.salesforce.metadata.soap import records
from hintsync_emulators.salesforce.metadata.soap.envelope import Request, to_node
from hintsync_emulators.salesforce.metadata.soap.value_types import describe_value_type
from hintsync_emulators.salesforce.metadata.xml import Node, members_of

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Queries of one listMetadata call (Metadata API Developer Guide, "listMetadata()").
_MOST_QUERIES = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """One call of an operation."""

    org: Org
    session: Session
    version: str
    arguments: Node

    def first(self) -> Node:
        """Return the first parameter; clients do not agree on the names of single parameters.

        Raises:
            ApiError: there is none.
        """
        if not self.arguments.children:
            raise ApiError(500, "REQUIRED_FIELD_MISSING", f"{self.arguments.tag} needs a parameter")
        return self.arguments.children[0]


def perform(org: Org, request: Request, session: Session, version: str) -> list[Node]:
    """Carry out a call and return its `result` elements.

    Raises:
        ApiError: it is refused, or the operation is not emulated.
    """
    operation = _OPERATIONS.get(request.operation)
    if operation is None:
        raise not_emulated(f"{request.operation} of the Metadata API")
    return operation(Turn(org, session, version, request.arguments))


def _deploy(turn: Turn) -> list[Node]:
    options = turn.arguments.find("DeployOptions")
    given = {} if options is None else {one.tag: _value(one) for one in options.children if not one.nil}
    if options is not None and options.values("runTests"):
        given["runTests"] = [name for name in options.values("runTests") if name]
    package = read_package(_decoded(turn.arguments.value("ZipFile") or ""))
    deployment = run.begin(turn.org, read_options(given), package, turn.session.user_id)
    return _async_result(deployment.id, deployment.done, "Queued")


def _value(node: Node) -> object:
    text = node.text.strip()
    # simple-salesforce writes Python's True and False
    return {"true": True, "false": False}.get(text.lower(), text)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise ApiError(500, "INVALID_FILE_METADATA", "The zip file is not valid base64") from None


def _async_result(job: str, done: bool, state: str) -> list[Node]:
    return to_node("result", {"done": done, "id": job, "state": state})


def _deployment(turn: Turn, job: str | None) -> Deployment:
    found = turn.org.deployments.get(job or "")
    if found is None:
        raise ApiError(500, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    return found


def _check_deploy_status(turn: Turn) -> list[Node]:
    deployment = _deployment(turn, turn.arguments.value("asyncProcessId"))
    run.look(turn.org, deployment)
    return to_node("result", _soap_times(deployment.result(turn.arguments.flag("includeDetails"))))


def _soap_times(value: object) -> object:
    """Return a result with its dates as SOAP writes them."""
    if isinstance(value, dict):
        dates = {key: str(one).replace("+0000", "Z") for key, one in value.items() if key.endswith("Date") and one}
        return {key: dates.get(key) or _soap_times(one) for key, one in value.items()}
    return [_soap_times(one) for one in value] if isinstance(value, list) else value


def _cancel_deploy(turn: Turn) -> list[Node]:
    deployment = _deployment(turn, turn.first().text.strip())
    run.cancel(turn.org, deployment)
    return to_node("result", {"done": True, "id": deployment.id})


def _deploy_validated(turn: Turn) -> list[Node]:
    deployment = run.begin_validated(turn.org, turn.first().text.strip(), turn.session.user_id)
    return to_node("result", deployment.id)


def _check_status(turn: Turn) -> list[Node]:
    job = turn.first().text.strip()
    if job in turn.org.retrievals:
        done = turn.org.retrievals[job].done
    else:
        run.look(turn.org, _deployment(turn, job))
        done = _deployment(turn, job).done
    return _async_result(job, done, "Completed" if done else "InProgress")


def _retrieve(turn: Turn) -> list[Node]:
    request = turn.first()
    wanted = request.find("unpackaged") or Node("unpackaged")
    found = Retrieval(
        turn.org.ids.next("09S"),
        members_of(wanted),
        wanted.value("version") or request.value("apiVersion") or turn.version,
        request.flag("singlePackage"),
        turn.org.pace.deploy_polls,
        packages=tuple(request.values("packageNames")),
    )
    turn.org.retrievals[found.id] = found
    return _async_result(found.id, False, "Queued")


def _check_retrieve_status(turn: Turn) -> list[Node]:
    job = turn.arguments.value("asyncProcessId") or ""
    found = turn.org.retrievals.get(job)
    if found is None:
        raise ApiError(500, "INVALID_LOCATOR", "Invalid retrieval ID")
    found.polls_left -= 1
    if found.polls_left > 0 and not found.done:
        return to_node("result", {"done": False, "id": job, "status": "InProgress", "success": False})
    if not found.done:
        retrieval.carry_out(turn.org, found)
    body: dict[str, object] = {"done": True, "fileProperties": found.properties, "id": job, "messages": found.messages}
    body.update(status="Succeeded", success=True)
    if turn.arguments.flag("includeZip", True):
        body["zipFile"] = base64.b64encode(found.zip or b"").decode()
        # The result of a retrieval can be fetched once.
        del turn.org.retrievals[job]
    return to_node("result", body)


def _describe(turn: Turn) -> list[Node]:
    kinds = [
        {
            "childXmlNames": sorted(CHILDREN.values()) if kind.name == "CustomObject" else [],
            "directoryName": kind.folder,
            "inFolder": kind.in_folder,
            "metaFile": kind.has_body,
            "suffix": kind.suffix,
            "xmlName": kind.name,
        }
        for kind in sorted(KINDS, key=lambda one: one.name)
        if kind.folder_of is None
    ]
    body = {"metadataObjects": kinds, "organizationNamespace": "", "partialSaveAllowed": True, "testRequired": False}
    return to_node("result", body)


def _describe_value_type(turn: Turn) -> list[Node]:
    return to_node("result", describe_value_type(turn.first().text, records.PACKAGES_ONLY))


def _list(turn: Turn) -> list[Node]:
    queries = list(turn.arguments.all("queries"))
    if len(queries) > _MOST_QUERIES:
        text = f"Limit of {_MOST_QUERIES} queries per listMetadata call exceeded"
        raise ApiError(500, "EXCEEDED_ID_LIMIT", text)
    found: list[object] = []
    for query in queries:
        kind, folder = query.value("type") or "", query.value("folder")
        if not is_known(kind):
            raise ApiError(500, "INVALID_TYPE", f"not emulated: metadata type {kind}")
        names = [name for name in reading.names_of(turn.org, kind) if folder is None or name.startswith(f"{folder}/")]
        found += [reading.properties(turn.org, kind, name) for name in names]
    return to_node("result", found)


_OPERATIONS: dict[str, Callable[[Turn], list[Node]]] = {
    "cancelDeploy": _cancel_deploy,
    "checkDeployStatus": _check_deploy_status,
    "checkRetrieveStatus": _check_retrieve_status,
    "checkStatus": _check_status,
    "deploy": _deploy,
    "deployRecentValidation": _deploy_validated,
    "describeMetadata": _describe,
    "describeValueType": _describe_value_type,
    "listMetadata": _list,
    "retrieve": _retrieve,
    "createMetadata": lambda turn: records.create(turn.org, turn.session, turn.arguments),
    "updateMetadata": lambda turn: records.update(turn.org, turn.session, turn.arguments),
    "upsertMetadata": lambda turn: records.upsert(turn.org, turn.session, turn.arguments),
    "deleteMetadata": lambda turn: records.delete(turn.org, turn.arguments),
    "readMetadata": lambda turn: records.read(turn.org, turn.arguments),
    "renameMetadata": lambda turn: records.rename(turn.org, turn.session, turn.arguments),
}
