"""The near-match scorer: what each difference weighs, how grades follow, and what families can never do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hintsync.core.near import Caution, Evidence, Grade, NearMatch, Population, Scorer
from hintsync.core.near_names import compare_names, name_form
from hintsync.core.near_weights import Field, Verdict
from hintsync.core.person import Person

ANN = Person(
    first="Annika",
    last="Lindqvist",
    birth_date="1984-03-02",
    email="annika@example.com",
    phones=("+14155550100",),
    street="12 Harbor Road",
    city="Salem",
    zip="02139",
)
NAMELESS = replace(ANN, first=None, last=None, birth_date=None)


@pytest.fixture
def scorer() -> Scorer:
    """Score among 20,000 people: many Smiths, few Lindqvists."""
    crowd = [Person(first=f"First{n % 400}", last="Smith" if n % 50 == 0 else f"Last{n % 3000}") for n in range(20_000)]
    return Scorer(Population([*crowd, ANN]))


def verdict(match: NearMatch, field: Field) -> Verdict | None:
    return next((line.verdict for line in match.evidence if line.field is field), None)


def weight(match: NearMatch, field: Field) -> float:
    return sum(line.weight for line in match.evidence if line.field is field)


@pytest.mark.parametrize(
    ("one", "other", "given", "expected"),
    [
        ("Ann", "ann", True, Verdict.EQUAL),
        ("José", "Jose", True, Verdict.EQUAL_BUT_MARKS),
        ("O'Brien", "OBrien", False, Verdict.EQUAL_BUT_MARKS),
        ("De La Cruz", "Delacruz", False, Verdict.EQUAL_BUT_MARKS),
        ("Łukasz", "Lukasz", True, Verdict.EQUAL_BUT_MARKS),
        ("Elizabeth", "Liz", True, Verdict.NICKNAME),
        ("Liz", "Beth", True, Verdict.NICKNAME),
        ("Elizabeth", "Liz", False, Verdict.REMOTELY_SIMILAR),
        ("Müller", "Mueller", False, Verdict.SIMILAR),
        ("Lindqvist", "Lindquist", False, Verdict.NEARLY_EQUAL),
        ("Smith-Jones", "Jones", False, Verdict.PART),
        ("Maryann", "Mar", True, Verdict.PART),
        ("J", "Jessica", True, Verdict.INITIAL),
        ("J.", "Jessica", True, Verdict.INITIAL),
        ("K", "Jessica", True, Verdict.DIFFERENT),
        ("Ann", "Peter", True, Verdict.DIFFERENT),
        ("王", "李", False, Verdict.DIFFERENT),
        ("王", "王", False, Verdict.EQUAL),
        ("...", "Ann", True, Verdict.MISSING),
        (None, "Ann", True, Verdict.MISSING),
    ],
)
def test_names_are_judged_the_same_from_both_sides(
    one: str | None, other: str | None, given: bool, expected: Verdict
) -> None:
    assert compare_names(name_form(one), name_form(other), given=given) is expected
    assert compare_names(name_form(other), name_form(one), given=given) is expected


@pytest.mark.parametrize(
    ("birth_date", "expected"),
    [
        ("1984-03-02", Verdict.EQUAL),
        ("1984-02-03", Verdict.DAY_AND_MONTH_SWAPPED),
        ("1984-03-12", Verdict.ONE_SLIP),
        ("1948-03-02", Verdict.ONE_SLIP),
        ("1985-03-12", Verdict.TWO_SLIPS),
        ("1984-11-27", Verdict.SAME_YEAR),
        ("1951-11-27", Verdict.DIFFERENT),
        ("1900-01-01", Verdict.PLACEHOLDER),
        (None, Verdict.MISSING),
        ("2 March 1984", Verdict.MISSING),
    ],
)
def test_birth_dates_are_judged_by_the_slips_between_them(
    scorer: Scorer, birth_date: str | None, expected: Verdict
) -> None:
    assert verdict(scorer.compare(ANN, replace(ANN, birth_date=birth_date)), Field.BIRTH_DATE) is expected


def test_two_placeholder_dates_say_nothing(scorer: Scorer) -> None:
    unknown = replace(ANN, birth_date="1900-01-01")
    match = scorer.compare(unknown, unknown)
    assert weight(match, Field.BIRTH_DATE) == 0.0
    assert match.grade is not Grade.CERTAIN


def test_a_first_of_january_says_less_than_another_day(scorer: Scorer) -> None:
    new_year = replace(ANN, birth_date="1984-01-01")
    assert (
        0
        < weight(scorer.compare(new_year, new_year), Field.BIRTH_DATE)
        < weight(scorer.compare(ANN, ANN), Field.BIRTH_DATE)
    )


def test_a_rare_last_name_says_more_than_a_common_one(scorer: Scorer) -> None:
    smith = replace(ANN, last="Smith")
    assert weight(scorer.compare(smith, smith), Field.LAST_NAME) == pytest.approx(5.322, abs=0.001)  # 1 in 50
    assert weight(scorer.compare(ANN, ANN), Field.LAST_NAME) == 13.0


def test_a_lone_stranger_of_the_same_birthday_is_no_match_in_a_nearly_empty_index() -> None:
    scorer = Scorer(Population([ANN]))
    stranger = Person(first="Bruno", last="Okafor", birth_date=ANN.birth_date)
    assert scorer.compare(ANN, stranger).grade is not Grade.PROBABLE


def test_exact_demographics_are_certain_and_nothing_else_is(scorer: Scorer) -> None:
    assert scorer.compare(ANN, replace(ANN, first=" ANNIKA ", email=None, phones=())).grade is Grade.CERTAIN
    assert scorer.compare(ANN, replace(ANN, last="Lindqvíst")).grade is Grade.PROBABLE


@pytest.mark.parametrize(
    "change",
    [
        {"first": "Anika"},
        {"first": "A"},
        {"last": "Lindquist"},
        {"first": "Lindqvist", "last": "Annika"},
        {"birth_date": "1984-03-12"},
        {"birth_date": "1984-02-03"},
        {"birth_date": None},
        {"last": "Lindqvist-Moreau"},
        {"first": None},
    ],
)
def test_l6_one_slip_is_a_probable_match(scorer: Scorer, change: dict[str, str | None]) -> None:
    match = scorer.compare(ANN, replace(ANN, **change))  # type: ignore[arg-type]
    assert match.grade is Grade.PROBABLE, match.sentences()


def test_swapped_names_are_seen_as_swapped(scorer: Scorer) -> None:
    match = scorer.compare(ANN, replace(ANN, first="Lindqvist", last="Annika"))
    assert [line.field for line in match.evidence].count(Field.SWAPPED_NAME) == 2
    assert verdict(match, Field.LAST_NAME) is None


def test_the_name_a_person_goes_by_counts_as_their_name(scorer: Scorer) -> None:
    legal = replace(ANN, first="Bartholomea", chosen_first="Annika")
    assert verdict(scorer.compare(legal, ANN), Field.FIRST_NAME) is Verdict.EQUAL


def test_going_by_the_middle_name_speaks_for_one_person(scorer: Scorer) -> None:
    registered = replace(ANN, first="Gudrun", middle="Annika")
    match = scorer.compare(registered, ANN)
    assert verdict(match, Field.FIRST_NAME) is Verdict.MIDDLE_NAME_USED
    assert match.grade is Grade.PROBABLE


def test_a_suffix_in_the_last_name_is_read_as_a_suffix(scorer: Scorer) -> None:
    match = scorer.compare(replace(ANN, last="Lindqvist Jr."), replace(ANN, suffix="Junior"))
    assert verdict(match, Field.LAST_NAME) is Verdict.EQUAL
    assert verdict(match, Field.SUFFIX) is Verdict.EQUAL


class TestFamilies:
    """Members of one household share almost everything; none of it may make them one person."""

    def test_shared_mail_phone_and_home_alone_are_no_match(self, scorer: Scorer) -> None:
        match = scorer.compare(NAMELESS, NAMELESS)
        assert match.grade is not Grade.CERTAIN
        assert match.grade is not Grade.PROBABLE

    def test_father_and_son_of_one_name_are_never_probable(self, scorer: Scorer) -> None:
        match = scorer.compare(replace(ANN, suffix="Sr"), replace(ANN, suffix="Jr", birth_date="2009-11-17"))
        assert match.probability > 0.5, "without the caution the shared home would have decided"
        assert match.grade is Grade.POSSIBLE
        assert set(match.cautions) >= {Caution.BIRTH_DATES_DIFFER, Caution.GENERATIONS_DIFFER}

    def test_a_son_born_on_his_fathers_birthday_is_not_probable(self, scorer: Scorer) -> None:
        father, son = replace(ANN, birth_date="1954-03-02"), replace(ANN, last="Lindqvist Jr")
        assert verdict(scorer.compare(father, son), Field.BIRTH_DATE) is Verdict.ONE_SLIP
        assert scorer.compare(father, son).grade is Grade.POSSIBLE
        assert scorer.compare(replace(father, birth_date=son.birth_date), son).grade is Grade.PROBABLE

    def test_siblings_who_share_mail_and_phone_are_not_probable(self, scorer: Scorer) -> None:
        match = scorer.compare(ANN, replace(ANN, first="Tobias", birth_date="1987-09-25"))
        assert match.grade is not Grade.PROBABLE

    def test_a_sibling_without_a_birth_date_is_not_probable(self, scorer: Scorer) -> None:
        match = scorer.compare(ANN, replace(ANN, first="Tobias", birth_date=None))
        assert match.grade is Grade.POSSIBLE
        assert Caution.HOUSEHOLD_ONLY in match.cautions

    def test_twins_are_pointed_out_to_the_reviewer(self, scorer: Scorer) -> None:
        match = scorer.compare(ANN, replace(ANN, first="Tobias"))
        assert match.grade is not Grade.CERTAIN
        assert Caution.MAY_BE_TWINS in match.cautions

    def test_no_amount_of_shared_contact_data_makes_a_near_match_certain(self, scorer: Scorer) -> None:
        many = replace(ANN, phones=tuple(f"+1415555{n:04d}" for n in range(30)))
        assert scorer.compare(many, replace(many, first="Anika")).grade is Grade.PROBABLE


class TestEvidence:
    def test_sentences_hold_field_verdict_and_weight(self) -> None:
        assert Evidence(Field.BIRTH_DATE, Verdict.EQUAL, 13.0).sentence() == "birth date equal +13.0"

    def test_no_line_holds_a_value_of_the_person(self, scorer: Scorer) -> None:
        canary = Person(
            first="Canaryfirst", last="Canarylast", middle="Canarymiddle", suffix="Canarysuffix",
            chosen_first="Canarychosen", birth_date="1984-03-02", email="canary@example.com", phones=("4155550199",),
            street="77 Canary Street", city="Canaryville", zip="94107",
        )  # fmt: skip
        text = " ".join(scorer.compare(canary, canary).sentences()).lower()
        assert "birth date" in text
        assert not any(part in text for part in ("canary", "1984", "0199", "77", "94107"))

    def test_lines_come_strongest_first(self, scorer: Scorer) -> None:
        sizes = [abs(line.weight) for line in scorer.compare(ANN, replace(ANN, first="Tobias")).evidence]
        assert sizes == sorted(sizes, reverse=True)

    def test_missing_values_say_nothing(self, scorer: Scorer) -> None:
        match = scorer.compare(ANN, Person())
        assert sum(line.weight for line in match.evidence) == 0.0
        assert match.grade is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("12 Harbor Road", "12 HARBOR ROAD.", Verdict.EQUAL),
        ("12 Harbor Road", "14 Harbor Road", Verdict.SIMILAR),
        ("12 Harbor Road", "9 Quarry Lane", Verdict.DIFFERENT),
        ("12 Harbor Road\nApt 4", "12 Harbor Road Apt 4", Verdict.EQUAL),
    ],
)
def test_streets_are_judged_with_their_house_number(scorer: Scorer, one: str, other: str, expected: Verdict) -> None:
    match = scorer.compare(replace(ANN, street=one), replace(ANN, street=other))
    assert verdict(match, Field.STREET) is expected


def test_a_zip_of_zeros_is_unknown_and_zip_plus_four_is_its_first_five(scorer: Scorer) -> None:
    assert verdict(scorer.compare(replace(ANN, zip="00000"), replace(ANN, zip="00000")), Field.ZIP) is None
    assert verdict(scorer.compare(ANN, replace(ANN, zip="02139-4307")), Field.ZIP) is Verdict.EQUAL


def test_phones_are_shared_whatever_way_they_are_written(scorer: Scorer) -> None:
    other = replace(ANN, phones=("(415) 555-0100 x7", "+442079460000"))
    assert verdict(scorer.compare(ANN, other), Field.PHONE) is Verdict.SHARED
    assert verdict(scorer.compare(replace(ANN, phones=("100",)), replace(ANN, phones=("100",))), Field.PHONE) is None
