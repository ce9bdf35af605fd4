"""Finds another integration between this org and Hint, such as Hint's own package, by what it brought into the org.

Its namespace is not published, so it is known by its title in Setup, or by a field of the contact that is labelled as
Hint's help article names it. Pure: what the org says is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hintsync.replicas.salesforce.org_setup import InstalledPackage
from hintsync.replicas.salesforce.package_fields import MARKED, PATIENT_ID

#: Title of Hint's own package in Setup, Installed Packages (Hint's help, "Salesforce Integration").
_TITLE = re.compile(r"\bhint\s*health\b", re.IGNORECASE)
_PATIENT_ID_WORDS, _MARKED_WORDS = "hintpatientid", "syncedtohint"


@dataclass(frozen=True, slots=True)
class OtherSync:
    """Another integration that was installed in the org."""

    #: Title in Setup; empty: the org did not tell, and it is known by its fields only.
    name: str
    namespace: str
    version: str = ""
    #: API name of its field of the contact for the patient's id; empty: our user sees none.
    patient_id_field: str = ""

    @property
    def title(self) -> str:
        """What people know it by."""
        version = f" {self.version}" if self.version else ""
        return f"{self.name or 'a package'}{version}, namespace {self.namespace or 'none'}"


def find_other_sync(labels: Mapping[str, str], packages: Iterable[InstalledPackage]) -> OtherSync | None:
    """Return the other integration, if there is one.

    Args:
        labels: fields of the contact, API name to label.
        packages: installed packages; none where the org did not tell.
    """
    fields = {name.partition("__")[0]: name for name in labels if _is_theirs(name, labels[name], _PATIENT_ID_WORDS)}
    signs = {*fields, *(name.partition("__")[0] for name in labels if _is_theirs(name, labels[name], _MARKED_WORDS))}
    for each in packages:
        if _TITLE.search(each.name) or (each.namespace and each.namespace in signs):
            return OtherSync(each.name, each.namespace, each.version, fields.get(each.namespace, ""))
    if not signs:
        return None
    namespace = min(signs)
    return OtherSync("", namespace, "", fields.get(namespace, ""))


def _is_theirs(name: str, label: str, words: str) -> bool:
    """Say whether a field of a package's namespace is called or labelled by these words; our own have no namespace."""
    _, mark, rest = name.partition("__")
    if not mark or rest == "c" or not rest.endswith("__c") or name in (PATIENT_ID, MARKED):
        return False
    return words in (_letters(label), _letters(rest.removesuffix("__c")))


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower())
