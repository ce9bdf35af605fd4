"""Frozen records that are made in a third of the time; for the few kinds that a batch makes by the hundred thousand.

The `__init__` of a frozen dataclass goes through `object.__setattr__` once a field, and so do `dataclasses.replace` and
pickle. Here a record is filled as an object of a twin class, with the same slots and nothing that forbids it, and becomes
a frozen one when it is complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

T = TypeVar("T")

#: Stands for a field that a caller leaves to its default factory.
_UNSET: Any = object()


def quick(cls: type[T]) -> type[T]:
    """Make objects of a frozen dataclass with slots faster; nothing else about it changes.

    Args:
        cls: decorated with `@dataclass(frozen=True, slots=True)`; no base class, no `__post_init__`, no fields that are
            for keywords only or left out of `__init__`.
    """
    own = fields(cls)  # type: ignore[arg-type]  # a dataclass, as the caller promises
    names = tuple(each.name for each in own)
    twin = type(cls.__name__, (), {"__slots__": names})
    scope: dict[str, Any] = {"_unset": _UNSET, "_twin": twin, "_cls": cls, "_new": object.__new__}
    for each in own:
        scope[f"_default_{each.name}"] = each.default
        scope[f"_make_{each.name}"] = each.default_factory
    exec(_source(own), scope)
    del cls.__init__
    cls.__new__ = scope["__new__"]  # type: ignore[method-assign]
    cls.__reduce__ = scope["__reduce__"]  # type: ignore[method-assign]
    cls._but = scope["_but"]  # type: ignore[attr-defined]
    return cls


def _source(own: Sequence[Field[Any]]) -> str:
    """Return the text of the methods: what a person would write, was it not for ten classes."""
    given = ", ".join(map(_parameter, own))
    changed = ", ".join(f"{each.name}=_unset" for each in own)
    filled = "; ".join(f"self.{each.name} = {_value(each)}" for each in own)
    kept = ", ".join(f"self.{each.name} if {each.name} is _unset else {each.name}" for each in own)
    values = ", ".join(f"self.{each.name}" for each in own)
    return f"""
def __new__(cls, {given}):
    self = _new(_twin); {filled}; self.__class__ = cls
    return self
def _but(self, {changed}):
    return _cls({kept})
def __reduce__(self):
    return _cls, ({values},)
"""


def _parameter(each: Field[Any]) -> str:
    if each.default_factory is not MISSING:
        return f"{each.name}=_unset"
    return each.name if each.default is MISSING else f"{each.name}=_default_{each.name}"


def _value(each: Field[Any]) -> str:
    if each.default_factory is MISSING:
        return each.name
    return f"_make_{each.name}() if {each.name} is _unset else {each.name}"


def but(record: T, **changes: object) -> T:
    """Return a quick record with some fields changed: `dataclasses.replace` in a third of its time."""
    changed: T = record._but(**changes)  # type: ignore[attr-defined]
    return changed
