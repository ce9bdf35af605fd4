"""The in-memory search: people by description, and by what has been typed so far."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync.core.near import Caution, Grade
from hintsync.core.near_weights import Field, Verdict
from hintsync.core.person import Person
from hintsync.engine.search.index import Entry, SearchIndex
from hintsync.engine.search.text import date_masks, understand

JOHN = Person(
    first="John", last="Smith", birth_date="1984-03-02", email="j.smith@example.com", phones=("+14155550100",)
)
PEOPLE = {
    "john": JOHN,
    "johanna": Person(first="Johanna", last="Smithers", birth_date="1990-12-24", phones=("(415) 555-0177",)),
    "jane": Person(first="Jane", last="Smith", birth_date="1984-03-02", email="j.smith@example.com"),
    "peter": Person(first="Peter", last="Johnson", birth_date="1984-02-03"),
    "maria": Person(first="María José", last="De La Cruz", birth_date="1975-06-11"),
    "siobhan": Person(first="Siobhán", last="O\u2019Brien-Walsh", birth_date="1969-01-30"),
    "wang": Person(first="小明", last="王", birth_date="1991-07-07"),
    "ivan": Person(first="Иван", last="Петров", birth_date="1958-09-01"),
    "bob": Person(first="Robert", chosen_first="Bobbie", last="Fenwick", middle="Quentin", birth_date="2001-05-05"),
    "nodate": Person(first="Ulrike", last="Zimmermann"),
}


@pytest.fixture
def index() -> Iterator[SearchIndex]:
    index = SearchIndex()
    index.put_many(Entry(record_id, person) for record_id, person in PEOPLE.items())
    yield index
    index.close()


def ids(index: SearchIndex, wanted: Person | str, limit: int = 5) -> list[str]:
    return [found.entry.record_id for found in index.search(wanted, limit)]


class TestTyped:
    @pytest.mark.parametrize(
        ("text", "first"),
        [
            ("joh smi", "john"),
            ("John Smith", "john"),
            ("smith, j", "jane"),
            ("smith, jo", "john"),
            ("smith john", "john"),
            ("SMITHE", "johanna"),
            ("1984-03-02 smith j", "jane"),
            ("smith 1984 jo", "john"),
            ("1984-03-02 john", "john"),
            ("3/2/1984 joh", "john"),
            ("3/2/84 joh", "john"),
            ("19840302 john", "john"),
            ("12/24", "johanna"),
            ("1990-12", "johanna"),
            ("(415) 555-0177", "johanna"),
            ("+1 415 555 0177", "johanna"),
            ("555-0177", "johanna"),
            ("0177", "johanna"),
            ("smith 0100", "john"),
            ("J.Smith@exa john", "john"),
            ("maria jose cruz", "maria"),
            ("delacruz", "maria"),
            ("o'brien", "siobhan"),
            ("obrien walsh", "siobhan"),
            ("walsh siob", "siobhan"),
            ("王小明", "wang"),
            ("小明", "wang"),
            ("иван", "ivan"),
            ("петр", "ivan"),
            ("bobb fenw", "bob"),
            ("quen", "bob"),
        ],
    )
    def test_what_is_typed_so_far_finds_the_person_first(self, index: SearchIndex, text: str, first: str) -> None:
        assert ids(index, text)[0] == first

    @pytest.mark.parametrize(
        ("text", "among"),
        [("jhon smith", "john"), ("john smtih", "john"), ("Jon Smyth", "john"), ("smyth", "john"),
         ("zimerman", "nodate"), ("rob fenwick", "bob"), ("j.smith", "john"), ("ullrike zimmerman", "nodate")],
    )  # fmt: skip
    def test_a_misspelt_name_still_finds_the_person(self, index: SearchIndex, text: str, among: str) -> None:
        assert among in ids(index, text)

    def test_everybody_of_a_birthday_is_found_by_the_date_alone(self, index: SearchIndex) -> None:
        assert set(ids(index, "1984-03-02")[:2]) == {"john", "jane"}

    def test_an_american_date_is_read_month_first_and_the_other_way_second(self, index: SearchIndex) -> None:
        assert ids(index, "3/2/1984")[-1] == "peter"
        assert ids(index, "2/3/1984")[0] == "peter"

    def test_each_key_pressed_keeps_the_person_in_reach(self, index: SearchIndex) -> None:
        text = "johanna smithers 1990-12-24"
        for length in range(2, len(text) + 1):
            assert "johanna" in ids(index, text[:length]), text[:length]

    def test_names_and_date_typed_in_full_are_graded_like_a_record(self, index: SearchIndex) -> None:
        found = index.search("john smith 1984-03-02")[0]
        assert found.match.grade is Grade.CERTAIN
        assert index.search("joh smith 1984-03-02")[0].match.grade is Grade.POSSIBLE

    def test_a_result_says_which_pieces_fit(self, index: SearchIndex) -> None:
        lines = {(line.field, line.verdict) for line in index.search("joh smith 0100")[0].match.evidence}
        assert lines == {
            (Field.FIRST_NAME, Verdict.BEGINS_AS_TYPED),
            (Field.LAST_NAME, Verdict.TYPED),
            (Field.PHONE, Verdict.BEGINS_AS_TYPED),
        }

    @pytest.mark.parametrize("text", ["", "   ", ",", "-", "'", "!!", "\u200b", "/", "%", "_"])
    def test_a_blank_text_finds_nobody(self, index: SearchIndex, text: str) -> None:
        assert ids(index, text) == []

    @pytest.mark.parametrize("text", ["%smith", "sm_th", "x' OR '1'='1", '"; DROP TABLE people; --'])
    def test_signs_of_the_query_language_mean_nothing(self, index: SearchIndex, text: str) -> None:
        index.search(text)
        assert len(index) == len(PEOPLE)
        assert ids(index, "john smith")[0] == "john"


class TestByPerson:
    def test_the_same_demographics_come_first_and_are_certain(self, index: SearchIndex) -> None:
        best, *others = index.search(replace(JOHN, email=None, phones=()))
        assert (best.entry.record_id, best.match.grade) == ("john", Grade.CERTAIN)
        assert all(found.match.grade is not Grade.CERTAIN for found in others)

    def test_a_sibling_is_shown_with_the_caution(self, index: SearchIndex) -> None:
        found = {found.entry.record_id: found.match for found in index.search(JOHN)}
        assert Caution.MAY_BE_TWINS in found["jane"].cautions

    @pytest.mark.parametrize(
        "wanted",
        [
            Person(first="Smith", last="John", birth_date="1984-03-02"),
            Person(first="Jon", last="Smyth", birth_date="1984-02-03"),
            Person(first="John", last="Smith"),
            Person(last="Smith", birth_date="1984-03-02"),
            Person(last="Smith"),
            Person(phones=("415 555 0100",)),
            Person(first="Johnny", last="Smith", birth_date="1984-03-12"),
        ],
    )
    def test_a_damaged_description_still_finds_the_person(self, index: SearchIndex, wanted: Person) -> None:
        assert "john" in ids(index, wanted)

    def test_the_name_a_person_goes_by_is_found(self, index: SearchIndex) -> None:
        assert ids(index, Person(first="Bobbie", last="Fenwick"))[0] == "bob"

    def test_a_person_of_no_known_part_finds_nobody(self, index: SearchIndex) -> None:
        assert index.search(Person()) == []

    def test_a_lone_word_beside_a_stray_sign_brings_up_no_strangers(self, index: SearchIndex) -> None:
        assert set(ids(index, "smyth -")) <= {"john", "jane"}

    def test_no_more_than_the_limit_is_given(self, index: SearchIndex) -> None:
        assert len(index.search("smi", limit=2)) == 2
        assert len(index.search(JOHN, limit=1)) == 1


class TestFiling:
    def test_a_result_tells_the_link_and_whether_the_record_is_archived(self, index: SearchIndex) -> None:
        index.put("john", JOHN, linked_to="003000000000001AAA", archived=True)
        entry = index.search(JOHN)[0].entry
        assert (entry.linked_to, entry.archived, entry.person) == ("003000000000001AAA", True, JOHN)

    def test_a_record_put_again_is_found_under_its_new_name_only(self, index: SearchIndex) -> None:
        index.put("john", replace(JOHN, last="Abernathy"))
        assert ids(index, "john abernathy") == ["john"]
        assert "john" not in ids(index, "smith")
        assert len(index) == len(PEOPLE)

    def test_a_removed_record_is_found_no_more(self, index: SearchIndex) -> None:
        assert index.remove("john") is True
        assert index.remove("john") is False
        assert "john" not in ids(index, "john smith")
        assert "john" not in ids(index, JOHN)
        assert len(index) == len(PEOPLE) - 1

    def test_in_a_page_with_one_id_twice_the_last_counts(self) -> None:
        index = SearchIndex()
        index.put_many([Entry("a", JOHN), Entry("a", replace(JOHN, last="Abernathy"))])
        assert len(index) == 1
        assert ids(index, "abernathy") == ["a"]

    def test_a_page_that_breaks_while_it_is_made_leaves_the_index_in_order(self, index: SearchIndex) -> None:
        def breaking() -> Iterator[Entry]:
            yield Entry("new", replace(JOHN, last="Abernathy"))
            raise ConnectionError("page 2")

        with pytest.raises(ConnectionError):
            index.put_many(breaking())
        assert ids(index, "john smith")[0] == "john"
        index.put("later", replace(JOHN, last="Abernathy"))
        assert ids(index, "abernathy") == ["later"]

    def test_half_a_surrogate_pair_from_broken_json_is_filed_and_searched(self, index: SearchIndex) -> None:
        index.put("broken", Person(first="Ann\ud83d", last="Broken", phones=("\ud83d",)))
        assert ids(index, "ann\ud83d broken") == ["broken"]
        assert ids(index, Person(first="Ann\ud83d", last="Broken"))[0] == "broken"

    def test_an_empty_index_finds_nobody(self) -> None:
        assert SearchIndex().search("john") == []
        assert SearchIndex().search(JOHN) == []


@given(st.lists(st.sampled_from(sorted(PEOPLE)), min_size=1), st.sampled_from(sorted(PEOPLE)))
def test_putting_and_removing_in_any_order_ends_like_a_fresh_index(steps: list[str], last: str) -> None:
    worn, fresh = SearchIndex(), SearchIndex()
    kept: set[str] = set()
    for record_id in steps:
        if record_id in kept:
            worn.remove(record_id)
            kept.discard(record_id)
        else:
            worn.put(record_id, PEOPLE[record_id])
            kept.add(record_id)
    fresh.put_many(Entry(record_id, PEOPLE[record_id]) for record_id in sorted(kept))
    assert [(found.entry, found.match) for found in worn.search(PEOPLE[last])] == [
        (found.entry, found.match) for found in fresh.search(PEOPLE[last])
    ]
    assert ids(worn, "j s") == ids(fresh, "j s")


@given(st.text(max_size=25))
def test_any_text_at_all_can_be_typed(text: str) -> None:
    index = SearchIndex()
    index.put("john", JOHN)
    assert len(index.search(text)) <= 1


@pytest.mark.parametrize(
    ("piece", "masks"),
    [
        ("1984-03-02", ["19840302"]),
        ("1984-3", ["198403__", "19843___"]),
        ("1984-", ["1984____"]),
        ("3/2/1984", ["19840302", "1984032_", "19840203", "1984023_"]),
        ("13/2/1984", ["19840213"]),
        ("555-0100", []),
        ("smith", []),
    ],
)
def test_a_date_is_read_in_every_way_it_can_be_meant(piece: str, masks: list[str]) -> None:
    assert set(masks) <= set(date_masks(piece)) or not masks
    assert bool(list(date_masks(piece))) == bool(masks)


def test_digits_that_may_be_a_year_or_a_phone_are_read_as_both() -> None:
    typed = understand("1984")
    assert (typed.dates, typed.digits) == (("1984____",), "1984")


_WITHOUT_FILES = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
from hintsync.core.person import Person
from hintsync.engine.search.index import Entry, SearchIndex
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
index = SearchIndex()
index.put_many(Entry(str(n), Person(first=f"Maren{n % 997}", last=f"Okafor{n % 4999}", birth_date="1984-03-02"))
               for n in range(20_000))
found = index.search(Person(first="Maren5", last="Okafor5", birth_date="1984-03-02"))
assert found[0].entry.person.last == "Okafor5"
print(len(index), flush=True)
"""


def test_the_index_never_writes_to_a_disk() -> None:
    """In a process that the system kills at its first byte written to any file, 20,000 people are filed and sorted."""
    done = subprocess.run([sys.executable, "-B", "-c", _WITHOUT_FILES], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "20000\n"), done.stderr
