"""The Apex tests that a deployment asks for, in an org that has no Apex: none are run, and none can be named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hintsync_emulators.salesforce.errors import ApiError

#: All levels ("DeployOptions"); without one no tests are run outside production.
_LEVELS = ("NoTestRun", "RunSpecifiedTests", "RunLocalTests", "RunAllTestsInOrg", "RunRelevantTests")
_SPECIFIED = "RunSpecifiedTests"


@dataclass(frozen=True, slots=True)
class ApexRun:
    """Which tests a deployment is to run."""

    level: str = "NoTestRun"
    #: Names of test classes; only with the level that takes them.
    classes: tuple[str, ...] = ()

    @property
    def enabled(self) -> bool:
        """Say whether tests are to be run at all."""
        return self.level != "NoTestRun"

    def problem(self) -> tuple[str, str] | None:
        """Return the code and words of why the run fails, or None: no class of that name is in the org."""
        if not self.classes:
            return None
        text = "This class name's value is invalid: {}. Provide the name of an Apex class that has test methods."
        return "INVALID_INPUT", text.format(self.classes[0])

    @staticmethod
    def result() -> dict[str, object]:
        """Return the RunTestsResult: there was nothing to run."""
        nothing: dict[str, object] = {
            name: []
            for name in (
                "codeCoverage", "codeCoverageWarnings", "failures", "flowCoverage", "flowCoverageWarnings", "successes",
            )
        }  # fmt: skip
        return {**nothing, "numFailures": 0, "numTestsRun": 0, "totalTime": 0.0}


def read_apex_run(given: Mapping[str, object]) -> ApexRun:
    """Read the options about tests of a request.

    Raises:
        ApiError: the level is none, or the classes do not go with it.
    """
    level, named = given.get("testLevel"), given.get("runTests")
    if level is not None and level not in _LEVELS:
        raise ApiError(400, "INVALID_INPUT", f"'{level}' is not a valid value for the enum 'TestLevel'")
    if not _is_list_of_names(named):
        raise ApiError(400, "INVALID_INPUT", "runTests must be a list of class names")
    classes = tuple(map(str, named)) if isinstance(named, Sequence) else ()
    if classes and level != _SPECIFIED:
        raise ApiError(400, "INVALID_OPERATION", f"runTests can be specified only with a testLevel of {_SPECIFIED}")
    if level == _SPECIFIED and not classes:
        raise ApiError(400, "INVALID_OPERATION", f"testLevel of {_SPECIFIED} needs runTests")
    return ApexRun(str(level or "NoTestRun"), classes)


def _is_list_of_names(value: object) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(name, str) for name in value))
