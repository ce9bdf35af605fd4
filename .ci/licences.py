"""Refuses a dependency whose licence nobody has allowed.

    python .ci/licences.py requirements/runtime.txt requirements/dev.txt

Each package that the files pin must be installed and must say its licence; what is allowed stands in pyproject.toml under
`tool.hintsync.licences`. `--installed-in FOLDER` looks there instead of at this interpreter's packages.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
_TOKEN = re.compile(r"[()]|[^\s()]+")


def main(arguments: Sequence[str]) -> int:
    """Check; print what is wrong; return 1 if anything is."""
    parser = argparse.ArgumentParser(description="Refuse dependencies of licences that are not allowed.")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--installed-in", type=Path)
    given = parser.parse_args(arguments)
    rules = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["hintsync"]["licences"]
    where = {"path": [str(given.installed_in)]} if given.installed_in else {}
    installed = {canonicalize_name(each.metadata["Name"]): each for each in distributions(**where)}
    wanted = sorted({name for file in given.files for name in pinned(file)})
    problems = [told for name in wanted if (told := problem(name, installed.get(name), rules))]
    sys.stdout.write("".join(f"{told}\n" for told in problems))
    sys.stdout.write(f"{len(wanted)} packages, {len(problems)} without an allowed licence\n")
    return 1 if problems or not wanted else 0


def pinned(file: Path) -> Iterator[str]:
    """Yield the names that a file pins for this platform."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if "==" in line and not line.startswith((" ", "#")):
            required = Requirement(line.removesuffix("\\").strip())
            if required.marker is None or required.marker.evaluate():
                yield canonicalize_name(required.name)


def problem(name: str, found: Distribution | None, rules: dict[str, dict[str, str] | list[str]]) -> str:
    """Return what is wrong with a package, if anything."""
    if found is None:
        return f"{name}: not installed, so its licence is not known"
    expression = licence_of(found, dict(rules["spoken"]))
    if not expression:
        return f"{name}: says its licence in no way that is known; look, and add it to pyproject.toml"
    return "" if is_allowed(expression, set(rules["allowed"])) else f"{name}: {expression} is not allowed"


def licence_of(found: Distribution, spoken: dict[str, str]) -> str:
    """Return a package's licence as an SPDX expression; empty if it does not say.

    The expression goes before the classifiers, and those before the free text. Several classifiers count together: which
    of them one may choose is not said.
    """
    metadata = found.metadata
    expression = metadata.get("License-Expression", "")
    classifiers = [
        each for each in metadata.get_all("Classifier") or () if each.startswith("License :: OSI Approved ::")
    ]
    told = [spoken.get(each.rpartition(" :: ")[2], "") for each in classifiers]
    if not expression and told and all(told):
        expression = " AND ".join(told)
    text = (metadata.get("License") or "").strip()
    try:
        return str(canonicalize_license_expression(expression or spoken.get(text, text)))
    except InvalidLicenseExpression:
        return ""


def is_allowed(expression: str, allowed: set[str]) -> bool:
    """Say whether what an SPDX expression demands is allowed: all parts of an AND, one part of an OR."""
    tokens = _TOKEN.findall(expression)

    def part() -> bool:
        token = tokens.pop(0)
        if token != "(":
            if tokens[:1] == ["WITH"]:
                token = " ".join([token, *(tokens.pop(0) for _ in range(2))])
            return token in allowed
        inside = either()
        tokens.pop(0)
        return inside

    def chain(word: str, below: Callable[[], bool], join: Callable[[list[bool]], bool]) -> bool:
        found = [below()]
        while tokens[:1] == [word]:
            tokens.pop(0)
            found.append(below())
        return join(found)

    def both() -> bool:
        return chain("AND", part, all)

    def either() -> bool:
        return chain("OR", both, any)

    return either()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
