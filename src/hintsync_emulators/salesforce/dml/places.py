"""State and country picklists: codes and labels that imply each other, and refuse what is not in the lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from hintsync_emulators.salesforce.errors import Refused
from hintsync_emulators.salesforce.schema.model import Field, PickValue, SObject

FEATURE = "StateAndCountryPicklists"
#: Countries for which an org has states when the picklists are switched on.
WITH_STATES = ("AU", "BR", "CA", "CN", "IE", "IN", "IT", "MX", "US")


@cache
def countries() -> dict[str, str]:
    """Return label by ISO code of every country."""
    import pycountry  # late: few orgs switch the picklists on

    found = {one.alpha_2: getattr(one, "common_name", one.name) for one in pycountry.countries}
    return dict(sorted(found.items(), key=lambda item: item[1]))


@cache
def states() -> dict[tuple[str, str], str]:
    """Return label by country code and state code."""
    import pycountry

    found = {}
    for one in pycountry.subdivisions:
        country = one.code.partition("-")[0]
        if country in WITH_STATES and one.parent_code is None:
            found[country, one.code.partition("-")[2]] = one.name
    return found


def with_picklists(field: Field) -> Field:
    """Return a code field with its values: countries, or states that depend on their country."""
    if field.name.endswith("CountryCode"):
        return replace(field, values=tuple(PickValue(code, label) for code, label in countries().items()))
    found = sorted(states().items(), key=lambda item: item[1])
    return replace(field, values=tuple(PickValue(code, label, (country,)) for (country, code), label in found))


def resolve(one: SObject, record: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Return the codes and labels that follow from the places a write sets.

    Args:
        one: the object, as the org shows it.
        record: the record as it would be saved.
        changes: what the caller sets; a label counts when its code is not given too.

    Raises:
        Refused: FIELD_INTEGRITY_EXCEPTION for a place that is in no list.
    """
    edits: dict[str, object] = {}
    for field in one.fields.values():
        if field.feature == FEATURE and field.name.endswith("CountryCode"):
            edits.update(_place(one, field.name.removesuffix("CountryCode"), {**record, **edits}, changes))
    return edits


def _place(one: SObject, prefix: str, record: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    names = [f"{prefix}{part}" for part in ("Country", "CountryCode", "State", "StateCode")]
    if not any(name in changes for name in names):
        return {}
    country_name, country_code_name, state_name, state_code_name = names
    country = _country(one, country_name, country_code_name, record, changes)
    state = _state(one, state_name, state_code_name, country, record, changes)
    return {
        country_code_name: country,
        country_name: countries()[country] if country else None,
        state_code_name: state,
        state_name: states()[country or "", state] if state else None,
    }


def _country(
    one: SObject, label_name: str, code_name: str, record: Mapping[str, object], changes: Mapping[str, object]
) -> str | None:
    if label_name in changes and code_name not in changes:
        return _code_of_label(one, label_name, record[label_name], countries(), "country")
    code = record.get(code_name)
    if code is None:
        return None
    if code not in countries():
        raise _problem(one, code_name, "country")
    return str(code)


def _state(
    one: SObject,
    label_name: str,
    code_name: str,
    country: str | None,
    record: Mapping[str, object],
    changes: Mapping[str, object],
) -> str | None:
    known = {code: label for (owner, code), label in states().items() if owner == country}
    if label_name in changes and code_name not in changes:
        label = record[label_name]
        if label is not None and country is None:
            raise _integrity("A country/territory must be specified before specifying a state value", one, label_name)
        return _code_of_label(one, label_name, label, known, "state")
    code = record.get(code_name)
    if code is None:
        return None
    if code not in known:
        raise _problem(one, code_name, "state")
    return str(code)


def _code_of_label(one: SObject, name: str, label: object, known: Mapping[str, str], kind: str) -> str | None:
    if label is None:
        return None
    folded = str(label).casefold()
    for code, candidate in known.items():
        if candidate.casefold() == folded:
            return code
    raise _problem(one, name, kind)


def _problem(one: SObject, name: str, kind: str) -> Refused:
    shown = "country/territory" if kind == "country" else "state"
    plural = "countries/territories" if kind == "country" else "states"
    text = (
        f"There's a problem with this {shown}, even though it may appear correct. Please select a {shown} from the"
        f" list of valid {plural}."
    )
    return _integrity(text, one, name)


def _integrity(text: str, one: SObject, name: str) -> Refused:
    field = one.get(name)
    label = field.label if field else name
    return Refused("FIELD_INTEGRITY_EXCEPTION", f"{text}: {label}", name)
