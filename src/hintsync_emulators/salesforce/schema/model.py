"""Objects and fields as data: what describe shows, what storage holds and what writes are checked against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

#: Field types kept as whole numbers.
INTEGERS = frozenset({"int", "long"})
#: Field types kept as floating point numbers.
NUMBERS = frozenset({"double", "currency", "percent"})
#: Field types kept as text, compared without case.
TEXTS = frozenset(
    {
        "string",
        "textarea",
        "phone",
        "url",
        "email",
        "picklist",
        "multipicklist",
        "combobox",
        "encryptedstring",
    }
)
#: Field types that hold the id of a record.
IDS = frozenset({"id", "reference"})


@dataclass(frozen=True, slots=True)
class PickValue:
    """One value of a picklist."""

    value: str
    label: str
    #: Values of the controlling field that allow this one.
    valid_for: tuple[str, ...] = ()
    active: bool = True
    default: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One field of one object."""

    name: str
    label: str
    #: The describe type, e.g. ``string``, ``reference``, ``datetime``.
    type: str
    #: Characters; 0 for types without a length.
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    #: Value given to a new record that brings none.
    default: object = None
    custom: bool = False
    unique: bool = False
    case_sensitive: bool = False
    external_id: bool = False
    id_lookup: bool = False
    auto_number: bool = False
    #: Unknown picklist values are refused.
    restricted: bool = False
    values: tuple[PickValue, ...] = ()
    #: Name of the picklist that decides which values this one allows.
    controller: str | None = None
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None
    #: Name of the relationship as seen from the parent, e.g. ``Contacts``.
    child_relationship: str | None = None
    #: Deleting the parent deletes the child.
    cascade: bool = False
    #: Compound field that this one is part of.
    compound: str | None = None
    #: SQL expression over the object's columns, for fields that are computed.
    formula: str | None = None
    #: The field exists only while the org has this feature.
    feature: str | None = None
    #: SOQL filters compare month and day only (Object Reference, Contact.Birthdate).
    year_blind: bool = False
    sortable: bool = True
    #: Kept apart from the caller's reach: set by the platform.
    system: bool = False
    #: Storage keeps an index on it.
    indexed: bool = False
    help_text: str | None = None
    #: Text is shown as HTML.
    html: bool = False

    @property
    def is_stored(self) -> bool:
        """Say whether the field is a column of its own rather than a view over others."""
        return self.type not in ("address", "location")

    @property
    def is_text(self) -> bool:
        """Say whether values are compared as text without case."""
        return self.type in TEXTS


@dataclass(frozen=True, slots=True)
class Child:
    """A relationship as its parent sees it."""

    object: str
    field: str
    relationship: str | None
    cascade: bool


@dataclass(frozen=True, slots=True)
class SObject:
    """One object: its names, its abilities and its fields in describe order."""

    name: str
    label: str
    plural: str
    prefix: str
    #: Every field by its name in small letters.
    fields: Mapping[str, Field]
    custom: bool = False
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    mergeable: bool = False
    #: Fields whose values may, all together, occur once only.
    unique_together: tuple[str, ...] = ()
    children: tuple[Child, ...] = ()
    #: Field name in small letters of the parent relationship -> its reference field.
    relationships: Mapping[str, Field] = field(default_factory=dict)
    #: Fields that may never be empty.
    required: tuple[Field, ...] = ()
    #: Fields whose values may occur once only.
    uniques: tuple[Field, ...] = ()
    #: Fields that a new record is given a value for.
    defaults: tuple[Field, ...] = ()

    def get(self, name: str) -> Field | None:
        """Return the field of that name, in any case."""
        return self.fields.get(name.lower())

    def parts_of(self, compound: str) -> tuple[Field, ...]:
        """Return the fields that a compound field is made of."""
        return tuple(one for one in self.fields.values() if one.compound == compound)


@dataclass(frozen=True, slots=True)
class View:
    """What is kept from a user: object and field, in small letters."""

    hidden: frozenset[tuple[str, str]]
    #: Seen, but not to be changed.
    frozen: frozenset[tuple[str, str]]


@dataclass
class Schema:
    """All objects of the org, seen through the features that are switched on and the eyes of who is looking.

    `version` names what is seen: it is another whenever anything has changed or somebody else looks who sees less, so
    that answers built from it can be kept under it. `edition` moves only when anything changes.
    """

    definitions: dict[str, SObject] = field(default_factory=dict)
    features: set[str] = field(default_factory=set)
    version: int = 0
    edition: int = 0
    _visible: dict[str, SObject] = field(default_factory=dict)
    _view: View | None = None
    #: What each viewer sees, as of this edition, and under which version.
    _views: dict[View | None, tuple[int, dict[str, SObject]]] = field(default_factory=dict)
    _versions: int = 0

    def add(self, *objects: SObject) -> None:
        """Add objects, or put them in the place of those with the same name."""
        for one in objects:
            self.definitions[one.name.lower()] = one
        self.rebuild()

    def add_fields(self, object_name: str, fields: Iterable[Field]) -> None:
        """Add fields to an object, or put them in the place of those with the same name."""
        known = self.definitions[object_name.lower()]
        merged = {**known.fields, **{one.name.lower(): one for one in fields}}
        self.add(replace(known, fields=merged))

    def remove_fields(self, object_name: str, names: Iterable[str]) -> None:
        """Take fields away from an object."""
        known = self.definitions[object_name.lower()]
        gone = {name.lower() for name in names}
        self.add(replace(known, fields={key: one for key, one in known.fields.items() if key not in gone}))

    def enable(self, feature: str, on: bool = True) -> None:
        """Switch a feature of the org on or off; its fields come or go at once."""
        if on:
            self.features.add(feature)
        else:
            self.features.discard(feature)
        self.rebuild()

    def get(self, name: str) -> SObject | None:
        """Return the object of that name, in any case."""
        return self._visible.get(name.lower())

    def whole(self, one: SObject) -> SObject:
        """Return an object as it is when nothing is kept from the viewer."""
        if self._view is None:
            return one
        with self.seen_through(None):
            return self._visible[one.name.lower()]

    def by_prefix(self, prefix: str) -> SObject | None:
        """Return the object whose ids begin so."""
        return next((one for one in self._visible.values() if one.prefix == prefix), None)

    def objects(self) -> list[SObject]:
        """Return every object, by name."""
        return [self._visible[name] for name in sorted(self._visible)]

    def remove(self, name: str) -> None:
        """Take an object away."""
        del self.definitions[name.lower()]
        self.rebuild()

    @contextmanager
    def seen_through(self, view: View | None) -> Iterator[None]:
        """Look at the schema within the block as somebody from whom a view keeps things; None sees all."""
        before = self._view
        self._view = view
        self._look()
        try:
            yield
        finally:
            self._view = before
            self._look()

    def rebuild(self) -> None:
        """Work out again what is visible and how objects relate."""
        self.edition += 1
        self._views.clear()
        self._look()

    def _look(self) -> None:
        found = self._views.get(self._view)
        if found is None:
            self._versions += 1
            found = self._views[self._view] = (self._versions, self._build())
        self.version, self._visible = found

    def _build(self) -> dict[str, SObject]:
        shown = {name: self._seen(one) for name, one in self.definitions.items()}
        children: dict[str, list[Child]] = {name: [] for name in shown}
        for one in shown.values():
            for ref in one.fields.values():
                for target in ref.reference_to:
                    if target.lower() in children:
                        children[target.lower()].append(Child(one.name, ref.name, ref.child_relationship, ref.cascade))
        return {name: replace(one, children=tuple(children[name])) for name, one in shown.items()}

    def _seen(self, one: SObject) -> SObject:
        fields = {key: f for key, f in one.fields.items() if f.feature is None or f.feature in self.features}
        every = tuple(fields.values())
        if self._view is not None:
            fields = self._narrowed(one.name.lower(), fields, self._view)
        return replace(
            one,
            fields=fields,
            relationships={f.relationship.lower(): f for f in fields.values() if f.relationship},
            required=tuple(f for f in every if _is_required(f)),
            uniques=tuple(f for f in every if f.unique),
            defaults=tuple(f for f in every if f.default is not None and not f.formula),
        )

    def _narrowed(self, owner: str, fields: Mapping[str, Field], view: View) -> dict[str, Field]:
        """Return the fields that a viewer sees; rules and defaults still know them all."""
        return {
            key: replace(one, createable=False, updateable=False) if (owner, key) in view.frozen else one
            for key, one in fields.items()
            if (owner, key) not in view.hidden
        }


def _is_required(one: Field) -> bool:
    return (
        not one.nillable
        and one.createable
        and one.default is None
        and not one.system
        and one.type not in ("boolean", "id")
    )
