"""Packages that have a name: deployed under it, retrieved by it."""

from __future__ import annotations

from hintsync_emulators.salesforce import Org
from tests.emulators.metadata.deploying import RestDeployer, SoapDeployer, manifest, packed, unzipped, zipped
from tests.emulators.metadata.zoo import xml


def _tab(label: str) -> str:
    return xml("CustomTab", f"<label>{label}</label><motif>Custom57: Desert</motif><url>https://e.com</url>")


def _named(name: str, *tabs: str) -> bytes:
    types = {"CustomTab": list(tabs)}
    raw = zipped({f"tabs/{one}.tab": _tab(one) for one in tabs}, types)
    plain, titled = manifest(types), manifest(types).replace("<types>", f"<fullName>{name}</fullName><types>", 1)
    files = {**unzipped(raw), "package.xml": titled.encode()}
    assert plain != titled
    return packed(files)


async def test_a_package_is_retrieved_by_its_name_into_a_folder_of_that_name(
    rest: RestDeployer, soap: SoapDeployer
) -> None:
    assert (await rest.deploy(_named("Front Desk", "Web", "Help"))).success
    assert (await rest.deploy(zipped({"tabs/Loose.tab": _tab("Loose")}, {"CustomTab": ["Loose"]}))).success
    files, problems = await soap.retrieve_by("<packageNames>Front Desk</packageNames>")
    assert set(files) == {"Front Desk/package.xml", "Front Desk/tabs/Web.tab", "Front Desk/tabs/Help.tab"}
    assert b"<fullName>Front Desk</fullName>" in files["Front Desk/package.xml"]
    assert problems == []


async def test_a_single_package_lies_at_the_root(rest: RestDeployer, soap: SoapDeployer) -> None:
    await rest.deploy(_named("Front Desk", "Web"))
    single = "<packageNames>Front Desk</packageNames><singlePackage>true</singlePackage>"
    files, _ = await soap.retrieve_by(single)
    assert set(files) == {"package.xml", "tabs/Web.tab"}


async def test_a_package_grows_and_shrinks_with_what_is_deployed_and_removed(
    rest: RestDeployer, soap: SoapDeployer, org: Org
) -> None:
    await rest.deploy(_named("Front Desk", "Web"))
    await rest.deploy(_named("Front Desk", "Help"))
    await rest.deploy(zipped({}, {}, destructiveChanges={"CustomTab": ["Web"]}))
    files, problems = await soap.retrieve_by("<packageNames>Front Desk</packageNames>")
    assert set(files) == {"Front Desk/package.xml", "Front Desk/tabs/Help.tab"}
    assert problems == []


async def test_a_package_that_only_was_checked_is_not_there(rest: RestDeployer, soap: SoapDeployer) -> None:
    await rest.deploy(_named("Front Desk", "Web"), checkOnly=True)
    files, problems = await soap.retrieve_by("<packageNames>Front Desk</packageNames>")
    assert (files, problems) == ({}, ["No package named 'Front Desk' found"])


async def test_packages_and_loose_components_come_in_one_zip(rest: RestDeployer, soap: SoapDeployer) -> None:
    await rest.deploy(_named("Front Desk", "Web"))
    wanted = "<types><members>Name</members><name>Settings</name></types>"
    both = f"<packageNames>Front Desk</packageNames><unpackaged>{wanted}<version>67.0</version></unpackaged>"
    files, _ = await soap.retrieve_by(both)
    assert {"Front Desk/tabs/Web.tab", "unpackaged/settings/Name.settings", "unpackaged/package.xml"} <= set(files)
