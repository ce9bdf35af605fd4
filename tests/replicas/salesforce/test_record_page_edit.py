"""Our panel goes into a Lightning record page and out of it, and nothing else changes."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from hintsync.core.errors import FixConfiguration
from hintsync.replicas.salesforce.record_page_edit import (
    add_actions,
    add_to_record_page,
    is_contact_page,
    lists_actions,
    remove_from_record_page,
    shows_layout,
)
from tests.replicas.salesforce.layouts_generated import NAMESPACE

SPACE = {"m": NAMESPACE}
REGION = """    <flexiPageRegions>
        <itemInstances>
            <componentInstance>
                <componentName>{component}</componentName>
                <identifier>hintsyncPanel</identifier>
            </componentInstance>
        </itemInstances>
        <name>{name}</name>
        <type>{kind}</type>
    </flexiPageRegions>
"""


def page(*regions: tuple[str, str, str], owner: str = "Contact") -> bytes:
    inner = "".join(REGION.format(name=name, kind=kind, component=component) for name, kind, component in regions)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<FlexiPage xmlns="{NAMESPACE}">\n{inner}'
        f"    <masterLabel>Contact&apos;s Page</masterLabel>\n    <sobjectType>{owner}</sobjectType>\n"
        "    <template>\n        <name>flexipage:recordHomeTemplateDesktop</name>\n    </template>\n"
        "    <type>RecordPage</type>\n</FlexiPage>\n"
    ).encode()


def with_actions(*names: str, own: str = "true") -> bytes:
    """Return a page that shows the layout, and lists its actions itself."""
    items = "".join(
        f"                        <valueListItems>\n                            <value>{name}</value>\n"
        "                        </valueListItems>\n"
        for name in names
    )
    properties = f"""                <componentInstanceProperties>
                    <name>actionNames</name>
                    <valueList>
{items}                    </valueList>
                </componentInstanceProperties>
                <componentInstanceProperties>
                    <name>enableActionsConfiguration</name>
                    <value>{own}</value>
                </componentInstanceProperties>
                <componentName>force:highlightsPanel</componentName>
"""
    plain = page(("header", "Region", "force:highlightsPanel"), ("main", "Region", "force:detailPanel"))
    return plain.replace(b"                <componentName>force:highlightsPanel</componentName>\n", properties.encode())


FACETS = page(("Facet-1", "Facet", "force:detailPanel"), ("side", "Region", "a:b"), ("main", "Region", "a:b"))
DYNAMIC = page(("header", "Region", "force:highlightsPanel"), ("left", "Region", "flexipage:fieldSection"))


def panels(xml: bytes) -> list[tuple[str | None, list[str | None]]]:
    """Return each region's name with the pages that it shows."""
    root = ElementTree.fromstring(xml)
    path = ".//m:componentInstanceProperties[m:name='pageName']/m:value"
    return [
        (region.findtext("m:name", namespaces=SPACE), [each.text for each in region.iterfind(path, SPACE)])
        for region in root.iterfind("m:flexiPageRegions", SPACE)
    ]


@pytest.mark.parametrize(("xml", "region"), [(FACETS, "main"), (DYNAMIC, "header")])
def test_the_panel_stands_last_in_the_main_region_and_goes_without_a_trace(xml: bytes, region: str) -> None:
    added = add_to_record_page(xml)
    assert [name for name, pages in panels(added) if pages] == [region]
    assert add_to_record_page(added) == added
    assert remove_from_record_page(added) == xml
    assert remove_from_record_page(xml) == xml


def test_its_identifier_is_nobody_elses() -> None:
    root = ElementTree.fromstring(add_to_record_page(FACETS))
    identifiers = [each.text for each in root.iterfind(".//m:identifier", SPACE)]
    assert identifiers.count("hintsyncPanel2") == 1


def test_a_panel_that_was_moved_to_another_region_counts() -> None:
    added = add_to_record_page(FACETS)
    moved = added.replace(b"<name>main</name>", b"<name>tab</name>").replace(b"<name>side</name>", b"<name>main</name>")
    assert add_to_record_page(moved) == moved
    assert b"hintsyncPanel2" not in remove_from_record_page(moved)


def test_pages_of_contacts_are_told_from_others_and_those_that_show_the_layout_from_those_that_do_not() -> None:
    assert is_contact_page(DYNAMIC)
    assert not is_contact_page(page(("main", "Region", "a:b"), owner="Account"))
    assert (shows_layout(FACETS), shows_layout(DYNAMIC)) == (True, False)


def test_a_page_without_a_place_for_it_is_refused() -> None:
    with pytest.raises(FixConfiguration, match="no region"):
        add_to_record_page(page(("a", "Facet", "x:y")))
    with pytest.raises(FixConfiguration, match="Lightning page was expected"):
        add_to_record_page(b"<Layout><a/></Layout>")


def test_our_actions_join_the_list_of_a_page_that_has_one_and_leave_it_without_a_trace() -> None:
    given = with_actions("Edit", "Contact.New_Case")
    added = add_actions(given)
    values = [each.text for each in ElementTree.fromstring(added).iterfind(".//m:valueListItems/m:value", SPACE)]
    assert values == ["Edit", "Contact.New_Case", "Contact.Sync_to_Hint", "Contact.Unlink_Patient"]
    assert add_actions(added) == added
    assert remove_from_record_page(added) == given
    assert added.startswith(given[: given.index(b"</valueListItems>\n                    </valueList>")])


def test_a_page_without_a_list_of_its_own_is_given_none() -> None:
    for given in (with_actions("Edit", own="false"), with_actions(), DYNAMIC):
        assert not lists_actions(given)
        assert add_actions(given) == given
