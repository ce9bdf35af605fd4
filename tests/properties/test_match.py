"""Laws of matching, over names and dates of any kind."""

from __future__ import annotations

import unicodedata
from datetime import date
from random import Random
from typing import Literal

from hypothesis import example, given
from hypothesis import strategies as st

from hintsync.core.blocking import asked_keys, stored_keys
from hintsync.core.match import calendar_day, fold_any_script, fold_name, match_key
from hintsync.core.near import Grade, Population, Scorer
from hintsync.core.person import Person

any_text = st.text(max_size=20)
ascii_text = st.text(alphabet=st.characters(max_codepoint=127), max_size=30)
plain_names = st.text(alphabet="abcdefghijklmnop ÀÉñüøßł'-王明Иван", min_size=1, max_size=12)
seen_names = any_text.filter(lambda text: bool(fold_name(text)))
days = st.dates(min_value=date(1910, 1, 2)).map(date.isoformat)
real_days = days.filter(lambda day: match_key("a", "b", day) is not None)


@given(any_text)
@example("ẛ̣")
@example("ΐ")
@example("\u0345α")
@example("Å\u200b\u0327")
def test_folding_twice_is_folding_once(text: str) -> None:
    folded = fold_name(text)
    assert fold_name(folded) == folded


@given(ascii_text)
@example("A`b")
@example("\x1cA\x1f b\x0b")
def test_the_fast_way_through_plain_ascii_equals_the_long_way(text: str) -> None:
    assert fold_name(text) == fold_any_script(text)


@given(seen_names, seen_names, real_days)
def test_the_key_of_a_key_is_itself(first: str, last: str, day: str) -> None:
    key = match_key(first, last, day)
    assert key is not None
    assert match_key(*key) == key
    assert "\x1f" not in "".join(key)


@given(any_text, st.sampled_from(["NFC", "NFD"]))
@example("O\u1ffdBrien", "NFC")
def test_the_normal_form_a_system_stores_makes_no_difference(text: str, form: Literal["NFC", "NFD"]) -> None:
    assert fold_name(unicodedata.normalize(form, text)) == fold_name(text)


@given(st.lists(st.sampled_from(["Ann", "O'Brien-Smith", "José", "王"]), min_size=1, max_size=4), st.randoms())
def test_spaces_case_and_unseen_characters_make_no_difference(words: list[str], rng: Random) -> None:
    noise = ["\u200b", "\u00ad", "\u2060", ""]
    spaces = [" ", "\u00a0", "  ", "\u3000", "\t"]
    noisy = "".join(rng.choice(noise) + word.upper() + rng.choice(noise) + rng.choice(spaces) for word in words)
    assert fold_name(noisy) == fold_name(" ".join(words))


@given(st.text(max_size=12))
def test_a_date_is_a_real_day_in_one_form_or_nothing(text: str) -> None:
    day = calendar_day(text)
    assert day is None or date.fromisoformat(day).isoformat() == day


people = st.builds(
    Person,
    first=st.none() | plain_names,
    last=st.none() | plain_names,
    middle=st.none() | plain_names,
    suffix=st.sampled_from([None, "Jr", "Sr", "III"]),
    chosen_first=st.none() | plain_names,
    birth_date=st.none()
    | st.sampled_from(["1984-03-02", "1984-02-03", "1984-03-12", "1900-01-01", "2001-01-01"])
    | days,
    email=st.sampled_from([None, "a@example.com", "A@example.com ", "b@example.com"]),
    phones=st.lists(st.sampled_from(["+14155550100", "415-555-0100", "555"]), max_size=2).map(tuple),
    street=st.sampled_from([None, "12 Main St", "12 Main Street", "14 Main St"]),
    city=st.sampled_from([None, "Salem", "Boston"]),
    zip=st.sampled_from([None, "02139", "02139-1234", "00000"]),
)


@given(people, people, st.lists(people, max_size=3))
def test_exchanging_two_people_gives_the_same_match(one: Person, other: Person, more: list[Person]) -> None:
    scorer = Scorer(Population([one, other, *more]))
    assert scorer.compare(one, other) == scorer.compare(other, one)


@given(people, people)
def test_the_same_two_people_always_get_the_same_match(one: Person, other: Person) -> None:
    population = [one, other]
    assert Scorer(Population(population)).compare(one, other) == Scorer(Population(population)).compare(one, other)


@given(people, people)
def test_only_equal_keys_are_certain(one: Person, other: Person) -> None:
    key = match_key(one.first, one.last, one.birth_date)
    equal = key is not None and key == match_key(other.first, other.last, other.birth_date)
    assert (Scorer(Population()).compare(one, other).grade is Grade.CERTAIN) == equal


@given(people, people)
def test_the_lines_add_up_to_the_weight(one: Person, other: Person) -> None:
    population = Population([one, other])
    match = Scorer(population).compare(one, other)
    assert abs(sum(line.weight for line in match.evidence) - population.bits - match.weight) < 1e-9


@given(people)
def test_a_record_is_found_under_keys_it_asks_for_itself(person: Person) -> None:
    assert stored_keys(person) - {key for key in stored_keys(person) if key.startswith("l:")} <= asked_keys(person)


@given(st.lists(people, max_size=6), st.data())
def test_counting_people_in_and_out_leaves_the_population_as_it_was(crowd: list[Person], data: st.DataObject) -> None:
    kept = Population(crowd)
    passing = data.draw(people)
    kept.add(passing)
    kept.remove(passing)
    fresh = Population(crowd)
    for person in crowd:
        assert Scorer(kept).compare(person, passing) == Scorer(fresh).compare(person, passing)
