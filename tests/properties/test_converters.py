"""Conversions as laws: canonical forms are fixed points, every side gives back what it was given, form alone never differs."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hintsync.core import canonical
from hintsync.core.canonical import Unreadable
from hintsync.core.codec import Codec
from hintsync.core.conventions import Conventions, PlaceForm
from hintsync.core.converters import converters
from hintsync.core.fields import DEFAULT_MAPPING, Kind
from hintsync.core.fingerprints import encode
from hintsync.core.gender import GenderTable
from hintsync.core.phones import PhoneFormat
from hintsync.core.places import countries, states
from hintsync.core.records import FieldName
from hintsync.core.values import ABSENT, Canonical, Side

GENDERS = (
    GenderTable(),
    GenderTable((("Female", "Woman"), ("male", "Man"), ("male", "M"), ("intersex", "Another"))),
)
CONVENTIONS = st.builds(
    Conventions,
    phone_region=st.sampled_from(("US", "CA", "GB", "DE", "IT", "AR", "MX", "BS")),
    salesforce_state=st.sampled_from(PlaceForm),
    salesforce_country=st.sampled_from(PlaceForm),
    hint_state=st.sampled_from((PlaceForm.LABEL, PlaceForm.CODE)),
    hint_country=st.sampled_from((PlaceForm.LABEL, PlaceForm.CODE)),
    listed_states=st.sampled_from(((), (("NSW", "New South Wales"), ("WA", "Western Australia")))),
    gender=st.sampled_from(GENDERS),
)

#: Anything a JSON answer can hold as text, half surrogate pairs included.
ANY_TEXT = st.one_of(
    st.text(), st.text(st.characters(codec=None), max_size=8), st.text(" \t\r\n\u00a0\u2003aÀ́", max_size=12)
)
DIGITS = st.text(string.digits, min_size=10, max_size=10)
#: What people and systems write where a phone number is expected.
PHONE_TEXT = st.one_of(
    DIGITS,
    st.from_regex(r"(\+?1[ .-]?)?\(?[0-9]{3}\)?[ .-]?[0-9]{3}[ .-]?[0-9]{4}", fullmatch=True),
    st.from_regex(r"\+?[0-9() .\-/]{3,18}( ?(x|ext\.?|#|;ext=|,) ?[0-9]{1,7})?", fullmatch=True),
    st.from_regex(r"\+(44|49|39|54|52|33|61)[0-9 ]{6,12}", fullmatch=True),
    st.text(max_size=20),
)
PLACE_TEXT = st.one_of(
    st.sampled_from(states().codes + countries().codes),
    st.sampled_from([states().label(code) for code in states().codes]),
    st.sampled_from([countries().label(code) for code in countries().codes]),
    st.text(string.ascii_letters, min_size=1, max_size=4),
    st.text(max_size=20),
)
RAW: dict[Kind, st.SearchStrategy[object]] = {
    Kind.TEXT: ANY_TEXT,
    Kind.EMAIL: st.one_of(st.emails(), ANY_TEXT),
    Kind.DATE: st.one_of(st.dates().map(date.isoformat), st.text("0123456789-W", max_size=11)),
    Kind.TIMESTAMP: st.one_of(
        st.datetimes(timezones=st.timezones()).map(datetime.isoformat), st.integers(-(10**14), 10**15), ANY_TEXT
    ),
    Kind.CHECKBOX: st.one_of(st.none(), st.booleans(), st.sampled_from(("true", "FALSE", "1", ""))),
    Kind.PHONE: PHONE_TEXT,
    Kind.STREET: st.one_of(ANY_TEXT, st.lists(st.text(max_size=10), max_size=4).map("\r\n".join)),
    Kind.STATE: PLACE_TEXT,
    Kind.COUNTRY: PLACE_TEXT,
    Kind.GENDER: st.sampled_from(("male", "Female", "Woman", "M", "intersex", "Another", "other", "")),
}


@st.composite
def canonical_values(draw: st.DrawFn, conventions: Conventions) -> dict[FieldName, Canonical]:
    """Draw canonical values of any fields, as reading any text on either side would make them."""
    values: dict[FieldName, Canonical] = {}
    for row in DEFAULT_MAPPING:
        side = draw(st.sampled_from(Side))
        read = converters(side, conventions)[row.kind].read
        raw = draw(st.one_of(st.none(), RAW[row.kind]))
        try:
            values[row.name] = read(raw)
        except Unreadable:
            continue
    return values


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("kind", list(Kind))
@given(data=st.data(), conventions=CONVENTIONS)
def test_s1_canonical_values_are_plain_and_written_values_read_back_the_same(
    kind: Kind, side: Side, data: st.DataObject, conventions: Conventions
) -> None:
    converter = converters(side, conventions)[kind]
    try:
        value = converter.read(data.draw(RAW[kind]))
    except Unreadable:
        return
    if kind is Kind.CHECKBOX:
        assert value in (True, False)
    elif value is not None:
        assert isinstance(value, str)
        assert value == value.strip() != ""
    encode(value)
    assert converter.read(converter.write(value)) == value


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.GENDER, Kind.CHECKBOX)])
@given(data=st.data(), conventions=CONVENTIONS)
def test_s1_canonical_forms_are_fixed_points_and_the_same_for_both_sides(
    kind: Kind, data: st.DataObject, conventions: Conventions
) -> None:
    on_hint, on_salesforce = (converters(side, conventions)[kind] for side in (Side.HINT, Side.SALESFORCE))
    raw = data.draw(RAW[kind])
    try:
        value = on_hint.read(raw)
    except Unreadable:
        with pytest.raises(Unreadable):
            on_salesforce.read(raw)
        return
    assert on_salesforce.read(raw) == value
    assert on_hint.read(value) == value
    assert on_salesforce.read(on_salesforce.write(value)) == on_hint.read(on_hint.write(value)) == value


@given(data=st.data(), conventions=CONVENTIONS)
def test_s1_a_record_written_to_a_side_shows_the_values_that_were_written(
    data: st.DataObject, conventions: Conventions
) -> None:
    codec = Codec(DEFAULT_MAPPING, conventions)
    values = data.draw(canonical_values(conventions))
    contact = codec.snapshot_from_salesforce({"Id": "003000000000001AAA", **codec.salesforce_body(values)})
    assert {name: seen for name, seen in contact.values.items() if seen is not ABSENT} == values
    both_ways = {name: value for name, value in values.items() if not DEFAULT_MAPPING[name].one_way}
    patient = codec.snapshot_from_hint({"id": "pat-1", "phones": [], **codec.hint_body(both_ways)})
    assert {name: patient.values[name] for name in both_ways} == both_ways
    assert patient.unreadable == contact.unreadable == frozenset()


@given(raw=PHONE_TEXT, region=st.sampled_from(("US", "CA")))
@example(raw="0115550132", region="US")
@example(raw="1155550132", region="US")
@example(raw="15555555555", region="US")
@example(raw="+1 (911) 000-0000", region="US")
def test_the_short_way_for_phones_agrees_with_the_library(raw: str, region: str) -> None:
    phones = PhoneFormat(region)
    assert phones.read(raw) == phones.parse_slowly(raw)


@given(
    digits=DIGITS,
    style=st.sampled_from(("({}) {}-{}", "{}-{}-{}", "{}.{}.{}", "+1 {} {} {}", "1-{}-{}-{}", "+1{}{}{}")),
)
def test_s1_the_style_of_a_number_is_no_difference(digits: str, style: str) -> None:
    if digits[0] in "01":
        digits = "2" + digits[1:]
    phones = PhoneFormat("US")
    styled = style.format(digits[:3], digits[3:6], digits[6:])
    assert phones.read(styled) == phones.read(digits) == f"+1{digits}"


@given(
    moment=st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),
    minutes=st.integers(-14 * 60, 14 * 60),
    decimals=st.integers(0, 6),
    colon=st.booleans(),
)
def test_s1_an_instant_is_one_value_in_every_zone_and_precision(
    moment: datetime, minutes: int, decimals: int, colon: bool
) -> None:
    zone = timezone(timedelta(minutes=minutes))
    there = moment.replace(tzinfo=UTC).astimezone(zone)
    sign, hours, rest = ("-" if minutes < 0 else "+"), *divmod(abs(minutes), 60)
    offset = f"{sign}{hours:02d}{':' if colon else ''}{rest:02d}"
    fraction = f".{there.microsecond:06d}"[: decimals + 1] if decimals else ""
    expected = moment.replace(microsecond=0).isoformat() + "Z"
    assert canonical.timestamp(f"{there.isoformat()[:19]}{fraction}{offset}") == expected
    since_1970 = (moment - datetime(1970, 1, 1)) // timedelta(milliseconds=1)
    assert canonical.timestamp(since_1970) == expected


@given(raw=st.text(max_size=40))
def test_s1_no_text_makes_a_timestamp_or_a_date_guess(raw: str) -> None:
    for read in (canonical.timestamp, canonical.calendar_day):
        try:
            value = read(raw)
        except Unreadable:
            continue
        assert value is None or value[:10] == date.fromisoformat(value[:10]).isoformat()


@given(day=st.dates(), padding=st.text(" \t\n", max_size=3))
def test_s1_every_calendar_day_is_read_as_itself(day: date, padding: str) -> None:
    assert canonical.calendar_day(padding + day.isoformat() + padding) == day.isoformat()


@given(words=st.lists(st.text(string.ascii_letters + "éüñ'-", min_size=1), min_size=1), gaps=st.data())
def test_s1_white_space_is_no_difference(words: list[str], gaps: st.DataObject) -> None:
    space = st.text(" \t\u00a0\u2003", min_size=1, max_size=3)
    spread = "".join(gaps.draw(space) + word for word in words) + gaps.draw(space)
    assert canonical.text(spread) == " ".join(words)
