"""Quick records behave as the frozen dataclasses that they are."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from copy import copy, deepcopy
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, is_dataclass, replace
from inspect import signature

import pytest

from hintsync.core.quick import but, quick


@dataclass(frozen=True, slots=True)
class Plain:
    name: str
    number: int = 3
    more: Mapping[str, int] = field(default_factory=dict)
    hidden: str | None = field(default=None, repr=False, compare=False)


@quick
@dataclass(frozen=True, slots=True)
class Quick:
    name: str
    number: int = 3
    more: Mapping[str, int] = field(default_factory=dict)
    hidden: str | None = field(default=None, repr=False, compare=False)


@quick
@dataclass(frozen=True, slots=True)
class Single:
    only: int


ARGUMENTS = [(("a",), {}), (("a", 4, {"x": 1}, "h"), {}), ((), {"number": 0, "name": "b"}), (("c",), {"more": {}})]


@pytest.mark.parametrize(("given", "named"), ARGUMENTS)
def test_a_quick_record_has_the_values_of_the_plain_one(given, named) -> None:
    quick_one, plain = Quick(*given, **named), Plain(*given, **named)
    assert asdict(quick_one) == asdict(plain)
    assert repr(quick_one) == repr(plain).replace("Plain", "Quick")


@pytest.mark.parametrize(("given", "named"), [((), {}), (("a", 1, {}, None, 5), {}), (("a",), {"other": 1})])
def test_what_the_plain_one_refuses_is_refused(given, named) -> None:
    for cls in (Plain, Quick):
        with pytest.raises(TypeError):
            cls(*given, **named)


def test_it_is_frozen_hashable_by_value_and_of_its_own_class() -> None:
    one, other = Quick("a", more=()), Quick("a", more=(), hidden="h")  # type: ignore[arg-type]  # hashable for once
    assert type(one) is Quick
    assert is_dataclass(one)
    assert [each.name for each in fields(one)] == list(signature(Quick).parameters)
    assert one == other
    assert hash(one) == hash(other)
    assert one != Plain("a", more=())  # type: ignore[comparison-overlap,arg-type]
    for change in (lambda: setattr(one, "name", "b"), lambda: setattr(one, "unknown", 1), lambda: delattr(one, "name")):
        with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
            change()
    assert one.name == "a"


def test_defaults_that_are_made_are_made_anew() -> None:
    assert Quick("a").more is not Quick("b").more


@pytest.mark.parametrize("again", [copy, deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_it_comes_back_from_copies_and_pickles(again) -> None:
    for one in (Quick("a", 1, {"x": 2}, "h"), Single(7)):
        assert again(one) == one
        assert type(again(one)) is type(one)


def test_changes_leave_the_original_alone() -> None:
    one = Quick("a", 1)
    assert but(one, number=2) == replace(one, number=2) == Quick("a", 2)
    assert but(one) == one == Quick("a", 1)
    with pytest.raises(TypeError):
        but(one, unknown=1)
