"""All patients of a practice: found by id, by our id, by attribute, and in list order."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from hintsync_emulators.hint.patients import Patient
from hintsync_emulators.hint.query import Condition, Query, folded

_MEMO_SIZE = 8


class _Index:
    """Patients by one attribute, folded; built when first asked for, kept in step from then on."""

    def __init__(self, keys: Callable[[Patient], Iterable[str]], patients: Iterable[Patient]) -> None:
        self.keys = keys
        self._buckets: dict[str, list[Patient]] = {}
        for patient in patients:
            self.add(patient)

    def add(self, patient: Patient) -> None:
        for key in self.keys(patient):
            self._buckets.setdefault(key, []).append(patient)

    def remove(self, patient: Patient, keys: Iterable[str]) -> None:
        for key in keys:
            bucket = self._buckets[key]
            bucket.remove(patient)
            if not bucket:
                del self._buckets[key]

    def find(self, key: str) -> list[Patient]:
        return self._buckets.get(key, [])


def _attribute_keys(attribute: str) -> Callable[[Patient], Iterable[str]]:
    def keys(patient: Patient) -> Iterable[str]:
        value = patient.get(attribute)
        return () if value is None else (folded(value),)

    return keys


def phone_keys(patient: Patient) -> set[str]:
    """Returns the digits of a patient's numbers, without an American country code."""
    return {"".join(filter(str.isdigit, phone.number))[-10:] for phone in patient.phones}


class Register:
    """The patients, in the order of their creation.

    All changes go through `add`, `change` and `remove`, which keep the indexes in step. Exact filters cost one look-up
    and a range on ``updated_at`` only what it finds, so a practice of some hundred thousand answers either at once.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, Patient] = {}
        #: The same patients, the one changed last at the end.
        self._by_change: dict[str, Patient] = {}
        self._indexes: dict[str, _Index] = {}
        self._scopes: dict[str, list[Patient]] = {}
        self._memo: dict[tuple[object, ...], list[Patient]] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Patient]:
        return iter(self._by_id.values())

    def get(self, patient_id: str) -> Patient | None:
        return self._by_id.get(patient_id)

    def next_serial(self) -> int:
        self._serial += 1
        return self._serial

    @property
    def last_serial(self) -> int:
        """The highest serial number given out."""
        return self._serial

    def by_change(self) -> Iterator[Patient]:
        """Yields all patients, the one changed last at the end."""
        return iter(self._by_change.values())

    def restore(self, patients: Iterable[Patient], last_serial: int) -> None:
        """Fills an empty register with patients in the order of `by_change`."""
        changed = list(patients)
        for patient in sorted(changed, key=lambda each: each.serial):
            self.add(patient)
        self._by_change = {patient.id: patient for patient in changed}
        self._serial = last_serial

    def clear(self) -> None:
        """Removes everybody; serial numbers go on."""
        for store in (self._by_id, self._by_change, self._indexes, self._scopes, self._memo):
            store.clear()

    def __getstate__(self) -> dict[str, object]:
        """Returns what a snapshot needs; indexes are built anew when they are asked for."""
        return {**self.__dict__, "_indexes": {}, "_scopes": {}, "_memo": {}}

    def add(self, patient: Patient) -> None:
        self._by_id[patient.id] = patient
        self._by_change[patient.id] = patient
        for index in self._indexes.values():
            index.add(patient)
        for scope, members in self._scopes.items():
            if _in_scope(patient, scope):
                members.append(patient)
        self._memo.clear()

    def change(self, patient: Patient, alter: Callable[[Patient], None], updated_at: datetime | None) -> None:
        """Alters a patient; ``updated_at`` None leaves his time stamp where it was."""
        was_archived = patient.archived
        before = [(index, index.keys(patient)) for index in self._indexes.values()]
        alter(patient)
        for index, keys in before:
            if keys != index.keys(patient):
                index.remove(patient, keys)
                index.add(patient)
        if updated_at is not None:
            patient.updated_at = updated_at
            self._by_change[patient.id] = self._by_change.pop(patient.id)
        if patient.archived != was_archived:
            self._scopes.clear()
        self._memo.clear()

    def remove(self, patient: Patient) -> None:
        for index in self._indexes.values():
            index.remove(patient, index.keys(patient))
        del self._by_id[patient.id], self._by_change[patient.id]
        self._scopes.clear()
        self._memo.clear()

    def find(self, attribute: str, value: object) -> list[Patient]:
        """Returns the patients whose attribute equals the value without regard to case; ``phones`` by digits."""
        index = self._indexes.get(attribute)
        if index is None:
            keys = phone_keys if attribute == "phones" else _attribute_keys(attribute)
            index = self._indexes[attribute] = _Index(keys, self)
        return index.find(folded(value))

    def select(self, query: Query) -> tuple[list[Patient], int]:
        """Returns the page the query asks for, and how many patients match in all."""
        matches = self._matches(query)
        return matches[query.offset : query.offset + query.limit], len(matches)

    def _matches(self, query: Query) -> list[Patient]:
        if not query.conditions and not query.sort and not query.descending:
            return self._scope(query.scope)
        key = (query.scope, query.sort, query.descending, query.conditions)
        if key not in self._memo:
            while len(self._memo) >= _MEMO_SIZE:
                del self._memo[next(iter(self._memo))]
            self._memo[key] = self._compute(query)
        return self._memo[key]

    def _compute(self, query: Query) -> list[Patient]:
        found = [
            patient
            for patient in self._candidates(query.conditions, query.scope)
            if _in_scope(patient, query.scope) and all(condition.holds(patient) for condition in query.conditions)
        ]
        found.sort(key=lambda patient: patient.serial)
        if query.sort:
            found.sort(key=lambda patient: _sort_key(patient.get(query.sort)))
        if query.descending:
            found.reverse()
        return found

    def _candidates(self, conditions: tuple[Condition, ...], scope: str) -> Iterable[Patient]:
        exact = [
            each for each in conditions if each.operator == "eq" and isinstance(each.operand, str) and each.operand
        ]
        if exact:
            return min((self.find(each.attribute, each.operand) for each in exact), key=len)
        since = [
            each.operand for each in conditions if each.attribute == "updated_at" and each.operator in ("gt", "gte")
        ]
        if since:
            return self._changed_since(max(moment for moment in since if isinstance(moment, datetime)))
        return self._scope(scope)

    def _changed_since(self, moment: datetime) -> Iterator[Patient]:
        for patient in reversed(self._by_change.values()):
            if patient.updated_at < moment:
                return
            yield patient

    def _scope(self, scope: str) -> list[Patient]:
        members = self._scopes.get(scope)
        if members is None:
            members = self._scopes[scope] = [patient for patient in self if _in_scope(patient, scope)]
        return members


def _in_scope(patient: Patient, scope: str) -> bool:
    return scope == "all" or patient.archived == (scope == "archived")


def _sort_key(value: object) -> tuple[bool, str]:
    """Orders blanks last, texts without regard to case and times by themselves."""
    if isinstance(value, datetime):
        return False, value.isoformat(timespec="microseconds")
    return value is None, "" if value is None else folded(value)
