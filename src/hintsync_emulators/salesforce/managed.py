"""Packages that were installed from elsewhere: their fields and pages bear a namespace, and nobody here can change them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.schema.model import Field

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org


@dataclass(frozen=True, slots=True)
class ManagedPackage:
    """One installed package."""

    #: As Setup, Installed Packages, shows it.
    name: str
    #: Begins the names of everything it brought, followed by two underscores.
    namespace: str
    #: Ids of the installation, of the package and of its version.
    id: str
    package_id: str
    version_id: str
    version: tuple[int, int] = (1, 0)
    #: Its fields of the contact, without the namespace.
    fields: tuple[str, ...] = ()

    def full(self, name: str) -> str:
        """Return a name as the org knows it."""
        return f"{self.namespace}__{name}"


def install_managed(org: Org, name: str, namespace: str, fields: Iterable[Field] = ()) -> ManagedPackage:
    """Install a package, with fields of the contact that are named here without the namespace."""
    own = tuple(fields)
    installed, package_id, version = (org.ids.next(prefix) for prefix in ("0A3", "033", "04t"))
    package = ManagedPackage(name, namespace, installed, package_id, version, fields=tuple(each.name for each in own))
    org.add_fields("Contact", [replace(each, name=package.full(each.name), custom=True) for each in own])
    org.managed[namespace] = package
    return package


def uninstall_managed(org: Org, namespace: str) -> None:
    """Take a package out, with its fields and all that they held."""
    package = org.managed.pop(namespace)
    org.remove_fields("Contact", [package.full(each) for each in package.fields])
    for one in org.components.everything():
        if namespace_of(org, one.name) == namespace:
            org.components.drop(one.kind, one.name)


def namespace_of(org: Org, full_name: str) -> str:
    """Return the namespace of the installed package that brought a component; empty for one of the org's own."""
    namespace, mark, _ = full_name.rpartition(".")[2].rpartition("-")[2].partition("__")
    return namespace if mark and namespace in org.managed else ""
