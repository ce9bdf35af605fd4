"""Deployments: component by component, all or nothing unless the request says otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.deploy.deployment import Deployment, Options
from hintsync_emulators.salesforce.deploy.package import MANIFEST, Members, Package
from hintsync_emulators.salesforce.deploy.pieces import split
from hintsync_emulators.salesforce.deploy.testing import ApexRun
from hintsync_emulators.salesforce.errors import ApiError, Refused
from hintsync_emulators.salesforce.metadata import packages
from hintsync_emulators.salesforce.metadata.apps import register_apps
from hintsync_emulators.salesforce.metadata.installing import install, remove
from hintsync_emulators.salesforce.metadata.kinds import ORDER
from hintsync_emulators.salesforce.metadata.piece import Outcome, Piece, Problem, failure
from hintsync_emulators.salesforce.setup_objects import METADATA_RIGHTS, rights_of

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: A validated package can be deployed without validation for ten days ("Deploy a Recently Validated Component Set").
_VALID_SECONDS = 10 * 24 * 3600


class _Undo(Exception):
    """Rolls a deployment back."""


def begin(org: Org, options: Options, package: Package, user_id: str, validated_id: str | None = None) -> Deployment:
    """Take a deployment; it is carried out when its status has been asked for often enough."""
    _check_right(org, user_id)
    rows = org.storage.rows('SELECT Name FROM "User" WHERE Id = ?', (user_id,))
    deployment = Deployment(
        id=org.ids.next("0Af"),
        options=options,
        package=package,
        started=org.writer.now(),
        user_id=user_id,
        user_name=str(rows[0][0]) if rows else "",
        validated_id=validated_id,
        polls_left=org.pace.deploy_polls,
    )
    org.deployments[deployment.id] = deployment
    advance(org, deployment)
    return deployment


def _check_right(org: Org, user_id: str) -> None:
    if not METADATA_RIGHTS & rights_of(org, user_id):
        text = "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions"
        raise ApiError(403, "INSUFFICIENT_ACCESS", text)


def begin_validated(org: Org, validated_id: str, user_id: str) -> Deployment:
    """Deploy a package that a deployment of the last ten days has validated.

    Raises:
        ApiError: no deployment has.
    """
    found = org.deployments.get(validated_id)
    fresh = found is not None and found.ended is not None and org.writer.now() - found.ended <= _VALID_SECONDS
    if found is None or not found.options.check_only or found.status != "Succeeded" or not fresh:
        raise ApiError(400, "INVALID_ID_FIELD", f"Invalid validated deployment ID: {validated_id}")
    options = replace(found.options, check_only=False, tests=ApexRun())
    return begin(org, options, found.package, user_id, validated_id)


def look(org: Org, deployment: Deployment) -> None:
    """Bring a deployment forward, because somebody asks for its status."""
    if not deployment.done:
        deployment.polls_left -= 1
        advance(org, deployment)


def advance(org: Org, deployment: Deployment) -> None:
    """Carry a deployment out once it has waited long enough."""
    if deployment.done:
        return
    if deployment.polls_left <= 0:
        carry_out(org, deployment)
    elif deployment.status == "Pending" and deployment.polls_left < org.pace.deploy_polls:
        deployment.status = "InProgress"


def cancel(org: Org, deployment: Deployment) -> None:
    """Stop a deployment that has not been carried out yet.

    Raises:
        ApiError: it has.
    """
    if deployment.done:
        raise ApiError(400, "INVALID_ID_FIELD", "Deployment already completed")
    deployment.status = "Canceled"
    deployment.ended = org.writer.now()


def carry_out(org: Org, deployment: Deployment) -> None:
    """Change the org as the package says, unless a component fails or the deployment only checks."""
    options = deployment.options
    deployment.outcomes = []
    try:
        with changing(org):
            deployment.outcomes += _deploy(org, deployment)
            failed = any(one.failed for one in deployment.outcomes)
            if not failed:
                deployment.test_problem = options.tests.problem()
            if options.check_only or ((failed or deployment.test_problem) and options.rollback_on_error):
                raise _Undo
            _remember(org, deployment)
    except _Undo:
        pass
    deployment.status = _status(deployment)
    deployment.ended = org.writer.now()


def _status(deployment: Deployment) -> str:
    if not any(one.failed for one in deployment.outcomes):
        return "Succeeded" if deployment.test_problem is None else "Failed"
    some = any(not one.failed and one.name != MANIFEST for one in deployment.outcomes)
    return "SucceededPartial" if some and not deployment.options.rollback_on_error else "Failed"


def _remember(org: Org, deployment: Deployment) -> None:
    """Note what a package that has a name brought."""
    brought: dict[str, list[str]] = {}
    for one in deployment.outcomes:
        if one.kind and not one.failed and not one.deleted:
            brought.setdefault(one.kind, []).append(one.name)
    if deployment.package.name is not None:
        packages.add(org, deployment.package.name, brought)


@contextmanager
def changing(org: Org) -> Iterator[None]:
    """Change objects, fields and components within the block, all of it or, when it raises, nothing."""
    definitions, features = dict(org.schema.definitions), set(org.schema.features)
    try:
        with org.schema.seen_through(None), org.storage.transaction():
            yield
    except BaseException:
        org.schema.definitions, org.schema.features = definitions, features
        org.schema.rebuild()
        org.components.reload()
        org.events.channels.reload()
        raise
    register_apps(org)


def _deploy(org: Org, deployment: Deployment) -> Iterator[Outcome]:
    package, mild = deployment.package, deployment.options.ignore_warnings
    if package.problem is not None:
        yield package.problem
        return
    parts = split(package)
    yield from _remove(org, package.before, mild)
    yield from parts.failures
    for piece in parts.pieces:
        yield _install(org, piece, deployment)
    yield from _remove(org, package.after, mild)
    yield Outcome("", MANIFEST, MANIFEST, changed=True)


def _install(org: Org, piece: Piece, deployment: Deployment) -> Outcome:
    try:
        return install(org, piece, deployment.user_id)
    except Problem as problem:
        return failure(piece.kind, piece.name, piece.file, problem, deployment.options.ignore_warnings)
    except Refused as refusal:
        return failure(piece.kind, piece.name, piece.file, Problem(refusal.fault.message))


def _remove(org: Org, removals: Mapping[str, Members], mild: bool) -> Iterator[Outcome]:
    """Remove what the files name, last created first, so that nothing is in use by what goes too."""
    named = [
        (file, _real_kind(org, kind, name), name)
        for file, members in removals.items()
        for kind, names in members.items()
        for name in names
    ]
    for file, kind, name in sorted(named, key=lambda each: _age(each[1]), reverse=True):
        try:
            yield remove(org, kind, name, file)
        except Problem as problem:
            yield failure(kind, name, file, problem, mild)


def _age(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def _real_kind(org: Org, kind: str, name: str) -> str:
    """Return the type of a component; folders of reports are named among the reports."""
    return "ReportFolder" if kind == "Report" and org.components.get("ReportFolder", name) else kind
