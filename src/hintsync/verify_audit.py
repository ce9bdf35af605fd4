"""Checks an exported audit trail. Needs nothing but Python 3: copy this file anywhere and run it on the export.

    hintsync verify --export trail.jsonl
    python verify_audit.py trail.jsonl [--anchor [TRAIL:]ENTRIES:DIGEST] [--anchors FILE]

An export is one JSON object a line: a head, the entries in order of sequence, what signed reports say of the trail, an end.
What is checked: sequences have no hole; every entry's hash is SHA-256 of the hash before it in its chain, its sequence and its
text; the digest over all entries is the one that the end and every report name. Entries cut off together with the end's figures
can only be told by a figure that was kept elsewhere: give it as --anchor, or as --anchors a file in whose text there are some, such
as a report of the Hint Log in Salesforce that was exported as CSV: an entry of every night names one. Those that name another
trail, such as that of another practice in the org, are left out and counted; where none is left, nothing was compared, and that is
no success. One without a name is taken as one of this trail.

After a backup was restored, anchors that were cast between the backup and the restore name entries that are gone. They are faults
here: whether there was a restore, only `hintsync verify` can tell, which holds the key of its seal.

Exit code 0: whole. 1: not whole, the faults are printed. 2: the file cannot be read as an export, or no anchor given is one of its
trail.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable

GENESIS = "0" * 64
#: The name of a trail, a number of entries and the digest there, as log lines, entries of the Hint Log and --anchor write them.
ANCHOR = re.compile(r"\b(?:([0-9a-f]{8}):)?([0-9]{1,18}):([0-9a-f]{64})\b")

#: Whose trail (empty: it is not said), entries, digest.
Anchor = tuple[str, int, str]


class Trail:
    """What has been read of an export so far, and what is wrong with it."""

    def __init__(self, anchors: frozenset[Anchor]) -> None:
        """Start before the first line; `anchors` are what somebody kept elsewhere."""
        self.connection: object = None
        #: What figures call this trail; None: an older export does not say it, and all figures are taken for its own.
        self.name: object = None
        self.last = 0
        self.digest = GENESIS
        self.heads: dict[str, str] = {}
        #: Digest after each entry that a report or an anchor may name; one line an entry is small enough to keep.
        self.digests: dict[int, str] = {0: GENESIS}
        #: The first entry that tells of a restored backup.
        self.restored: int | None = None
        self.faults: list[str] = []
        self.ended = False
        self._anchors = anchors

    def read(self, line: dict[str, object]) -> None:
        """Take the next line behind the head."""
        kind = line.get("kind")
        if self.ended:
            self.faults.append("there are lines behind the end")
        elif kind == "entry":
            self._entry(line)
        elif kind == "report":
            self._compare(line.get("entries"), line.get("digest"), f"the report of {line.get('run')}")
        elif kind == "end":
            self._end(line)
        else:
            self.faults.append(f"a line of an unknown kind behind entry {self.last}")

    def finish(self) -> list[str]:
        """Return one sentence for each fault."""
        if not self.ended:
            self.faults.append(f"the export is cut off behind entry {self.last}")
        for _, entries, digest in sorted(self.compared()):
            self._compare(entries, digest, "an anchor", self._excuse(entries))
        return self.faults

    def compared(self) -> set[Anchor]:
        """Return the anchors of this trail."""
        return {anchor for anchor in self._anchors if self.name is None or anchor[0] in ("", self.name)}

    def _entry(self, line: dict[str, object]) -> None:
        sequence, chain, text = line.get("sequence"), str(line.get("chain")), str(line.get("event"))
        if sequence != self.last + 1:
            self.faults.append(f"entry {sequence} follows entry {self.last}")
        before = self.heads.get(chain, GENESIS)
        if line.get("previous") != before:
            self.faults.append(f"entry {sequence} does not follow the one before it in {chain}")
        found = hashlib.sha256(f"{line.get('previous')}\n{sequence}\n{text}".encode()).hexdigest()
        if found != line.get("hash"):
            self.faults.append(f"entry {sequence} was changed")
        if not self._belongs(text, chain):
            self.faults.append(f"entry {sequence} belongs to another chain or connection")
        self.last = sequence if isinstance(sequence, int) else self.last + 1
        if self.restored is None and '"action":"restored"' in text:
            self.restored = self.last
        self.heads[chain] = str(line.get("hash"))
        self.digest = hashlib.sha256(f"{self.digest}\n{line.get('hash')}".encode()).hexdigest()
        self.digests[self.last] = self.digest

    def _excuse(self, entries: int) -> str:
        if self.restored is None or self.restored > entries:
            return ""
        return f" (entry {self.restored} tells of a restored backup; `hintsync verify` knows whether that is so)"

    def _belongs(self, text: str, chain: str) -> bool:
        try:
            event = json.loads(text)
        except ValueError:
            return False
        return isinstance(event, dict) and (event.get("connection_id"), event.get("chain")) == (self.connection, chain)

    def _end(self, line: dict[str, object]) -> None:
        self.ended = True
        if (line.get("entries"), line.get("chains")) != (self.last, len(self.heads)):
            self.faults.append(f"the end names {line.get('entries')} entries, there are {self.last}")
        self._compare(line.get("entries"), line.get("digest"), "the end")

    def _compare(self, entries: object, digest: object, who: str, more: str = "") -> None:
        if type(entries) is not int or not isinstance(digest, str):
            self.faults.append(f"{who} does not say what the trail came to")
        elif entries not in self.digests:
            self.faults.append(f"{who} names entry {entries}, and there is none{more}")
        elif self.digests[entries] != digest:
            self.faults.append(f"{who} names another digest at entry {entries}{more}")


def verify(lines: list[str], anchors: Iterable[Anchor] = ()) -> list[str]:
    """Check an export; return one sentence for each fault (none: it is whole).

    Raises:
        ValueError: it is no export; the text names the line.
    """
    return read(lines, anchors).finish()


def read(lines: list[str], anchors: Iterable[Anchor] = ()) -> Trail:
    """Read an export; raises as `verify` does."""
    trail = Trail(frozenset(anchors))
    for number, text in enumerate(lines, start=1):
        line = _parsed(text, number)
        if number > 1:
            trail.read(line)
        elif (line.get("kind"), line.get("version")) != ("audit-export", 1):
            raise ValueError("line 1: not the head of an audit export of version 1")
        else:
            trail.connection, trail.name = line.get("connection"), line.get("trail")
    return trail


def _parsed(text: str, number: int) -> dict[str, object]:
    try:
        line = json.loads(text)
    except ValueError:
        raise ValueError(f"line {number}: not JSON") from None
    if not isinstance(line, dict):
        raise ValueError(f"line {number}: not a JSON object")
    return line


def main(arguments: list[str]) -> int:
    """Check the file that the arguments name; return the exit code."""
    try:
        path, anchors = _read_arguments(arguments)
        with open(path, encoding="utf-8", newline="\n") as file:
            trail = read(file.read().removesuffix("\n").split("\n"), anchors)
        own = len(trail.compared())
        if anchors and not own:
            raise ValueError(f"none of the anchors is one of this trail, {trail.name}")
    except (ValueError, OSError) as error:
        sys.stderr.write(f"verify_audit: {error}\n")
        return 2
    faults = trail.finish()
    if anchors:
        sys.stdout.write(f"anchors compared: {own}; of other trails, left out: {len(anchors) - own}\n")
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    sys.stdout.write("the trail is NOT whole\n" if faults else "the trail is whole\n")
    return 1 if faults else 0


def _read_arguments(arguments: list[str]) -> tuple[str, set[Anchor]]:
    paths: list[str] = []
    anchors: set[Anchor] = set()
    words = iter(arguments)
    for word in words:
        if word == "--anchor":
            anchors |= _anchors_in(next(words, ""), "--anchor takes [TRAIL:]ENTRIES:DIGEST")
        elif word == "--anchors":
            with open(next(words, ""), encoding="utf-8", errors="replace") as file:
                anchors |= _anchors_in(file.read(), "--anchors takes a file that names anchors as ENTRIES:DIGEST")
        else:
            paths.append(word)
    if len(paths) != 1:
        raise ValueError("give the file of one export")
    return paths[0], anchors


def _anchors_in(text: str, expected: str) -> set[Anchor]:
    found = {(name, int(entries), digest) for name, entries, digest in ANCHOR.findall(text)}
    if not found:
        raise ValueError(expected)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
