"""A deploy request and its result, as both APIs show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hintsync_emulators.salesforce.clock import format_datetime
from hintsync_emulators.salesforce.deploy.package import MANIFEST, Package
from hintsync_emulators.salesforce.deploy.testing import ApexRun, read_apex_run
from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.metadata.piece import Outcome

_DONE = ("Succeeded", "SucceededPartial", "Failed", "Canceled")
_FLAGS = (
    "allowMissingFiles", "autoUpdatePackage", "checkOnly", "ignoreWarnings", "performRetrieve", "purgeOnDelete",
    "rollbackOnError", "singlePackage",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """How a package is to be deployed."""

    check_only: bool = False
    rollback_on_error: bool = True
    ignore_warnings: bool = False
    tests: ApexRun = field(default_factory=ApexRun)
    #: As the request gave them.
    given: Mapping[str, object] = field(default_factory=dict)


def read_options(given: Mapping[str, object]) -> Options:
    """Check the deployOptions of a request.

    Raises:
        ApiError: an option is unknown or of the wrong type, or asks for what is not emulated.
    """
    for name, value in given.items():
        if name in _FLAGS:
            if value is not None and not isinstance(value, bool):
                raise ApiError(400, "INVALID_INPUT", f"{name} must be true or false")
        elif name not in ("testLevel", "runTests") and value:
            raise not_emulated(f"deployOptions.{name}")
    if given.get("performRetrieve") or given.get("autoUpdatePackage"):
        raise not_emulated("deployOptions.performRetrieve and autoUpdatePackage")
    return Options(
        check_only=given.get("checkOnly") is True,
        rollback_on_error=given.get("rollbackOnError") is not False,
        ignore_warnings=given.get("ignoreWarnings") is True,
        tests=read_apex_run(given),
        given=given,
    )


@dataclass
class Deployment:
    """One deploy request and what became of it."""

    id: str
    options: Options
    package: Package
    started: int
    user_id: str
    user_name: str = ""
    #: The validated deployment that this one carries out.
    validated_id: str | None = None
    status: str = "Pending"
    #: How many status calls it takes until it is carried out.
    polls_left: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    #: Code and words of why the tests could not be run.
    test_problem: tuple[str, str] | None = None
    ended: int | None = None

    @property
    def done(self) -> bool:
        """Say whether it has come to an end."""
        return self.status in _DONE

    def result(self, details: bool) -> dict[str, object]:
        """Return the DeployResult."""
        counted = [one for one in self.outcomes if one.name != MANIFEST or one.failed]
        failed = [one for one in self.outcomes if one.failed]
        moment = format_datetime(self.started)
        ended = None if self.ended is None else format_datetime(self.ended)
        found: dict[str, object] = {
            "id": self.id,
            "status": self.status,
            "done": self.done,
            "success": self.status == "Succeeded",
            "checkOnly": self.options.check_only,
            "rollbackOnError": self.options.rollback_on_error,
            "ignoreWarnings": self.options.ignore_warnings,
            "runTestsEnabled": self.options.tests.enabled,
            "createdBy": self.user_id,
            "createdByName": self.user_name,
            "createdDate": moment,
            "startDate": moment,
            "lastModifiedDate": ended or moment,
            "completedDate": ended,
            "numberComponentsTotal": len(counted),
            "numberComponentsDeployed": len(counted) - len(failed),
            "numberComponentErrors": len(failed),
            "numberTestsTotal": 0,
            "numberTestsCompleted": 0,
            "numberTestErrors": 0,
        }
        if self.test_problem is not None:
            found["errorStatusCode"], found["errorMessage"] = self.test_problem
        if details:
            found["details"] = self._details(moment)
        return found

    def _details(self, moment: str) -> dict[str, object]:
        return {
            "componentSuccesses": [message(one, moment) for one in self.outcomes if not one.failed],
            "componentFailures": [message(one, moment) for one in self.outcomes if one.failed],
            "runTestResult": self.options.tests.result(),
        }


def message(one: Outcome, moment: str) -> dict[str, object]:
    """Return the DeployMessage of a component."""
    return {
        "changed": one.changed,
        "columnNumber": one.column,
        "componentType": one.kind,
        "created": one.created,
        "createdDate": moment,
        "deleted": one.deleted,
        "fileName": one.file,
        "fullName": one.name,
        "id": one.id,
        "lineNumber": one.line,
        "problem": one.problem,
        "problemType": None if one.problem is None else "Warning" if one.warning else "Error",
        "success": not one.failed,
    }
