"""Turns the requests of a run into the least that could have brought the same about, for the floor to send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import orjson

Recorded = tuple[str, str, str]

#: Contacts of one read and of one write.
GROUP = 200


@dataclass(frozen=True, slots=True)
class Floor:
    """Requests, ready to be sent."""

    #: First page of the query over all contacts.
    contact_scan: str
    patient_pages: list[str]
    #: A read of contacts and the write that follows it.
    contact_groups: list[tuple[str, str]]
    #: Path and body of each patient's change.
    patches: list[tuple[str, str]]

    @property
    def calls(self) -> dict[str, int]:
        """Requests to each side without the contact scan, whose pages are not told before."""
        return {"hint": len(self.patient_pages) + len(self.patches), "salesforce": 2 * len(self.contact_groups)}

    def save(self, path: Path) -> None:
        """Keep it for another process."""
        path.write_bytes(orjson.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Floor:
        """Read it back."""
        return cls(**orjson.loads(path.read_bytes()))


def floor_of(hint: Sequence[Recorded], salesforce: Sequence[Recorded]) -> Floor:
    """Build the floor from what one run sent to each side, set-up included."""
    select = next(soql for soql in _queries(salesforce) if " WHERE Id IN (" in soql).partition(" WHERE ")[0]
    groups = [_group(records, select) for records in _grouped(_written(salesforce))]
    scan = next(target for _, target, _ in salesforce if _is_scan(target))
    return Floor(scan, _patient_pages(hint), groups, _patches(hint))


def _soql(target: str) -> str:
    return parse_qs(urlsplit(target).query).get("q", [""])[0]


def _queries(requests: Iterable[Recorded]) -> Iterator[str]:
    return filter(None, (_soql(target) for _, target, _ in requests))


def _is_scan(target: str) -> bool:
    soql = _soql(target)
    return "/query?" in target and " FROM Contact" in soql and " WHERE " not in soql


def _written(requests: Iterable[Recorded]) -> list[dict[str, Any]]:
    """Join what was written to each contact; parts that were written apart count as one write."""
    found: dict[str, dict[str, Any]] = {}
    for method, target, body in requests:
        if method == "PATCH" and target.endswith("/composite/sobjects"):
            for record in orjson.loads(body)["records"]:
                found.setdefault(record["id"], {}).update(record)
    return list(found.values())


def _grouped(records: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for start in range(0, len(records), GROUP):
        yield records[start : start + GROUP]


def _group(records: Sequence[dict[str, Any]], select: str) -> tuple[str, str]:
    ids = ",".join(f"'{record['id']}'" for record in records)
    target = f"/services/data/v67.0/queryAll?q={quote_plus(f'{select} WHERE Id IN ({ids})')}"
    return target, orjson.dumps({"allOrNone": False, "records": records}).decode()


def _patient_pages(requests: Iterable[Recorded]) -> list[str]:
    pages = [target for method, target, _ in requests if method == "GET" and "&limit=100&offset=" in target]
    return list(dict.fromkeys(pages))


def _patches(requests: Iterable[Recorded]) -> list[tuple[str, str]]:
    found: dict[str, dict[str, Any]] = {}
    for method, target, body in requests:
        if method == "PATCH":
            found.setdefault(target, {}).update(orjson.loads(body))
    return [(target, orjson.dumps(body).decode()) for target, body in found.items()]
