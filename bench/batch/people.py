"""The populations of the benchmark: how many people there are, and how those on both sides differ."""

from __future__ import annotations

from dataclasses import dataclass

from hintsync_emulators.people import Category, Population, invent, spread


@dataclass(frozen=True, slots=True)
class Shape:
    """What a population looks like; the same shape gives the same people in every process."""

    #: Everybody in Hint; each has a contact of the same name and birth date.
    patients: int
    #: Everybody in Salesforce, those patients included.
    contacts: int
    #: Share of the pairs whose other fields differ: half were edited on one side, half have gaps.
    differing: float = 0.0
    seed: int = 1

    def populate(self) -> Population:
        """Make the people."""
        share = self.patients / self.contacts
        shares = {Category.EQUAL: share * (1 - self.differing), Category.SALESFORCE_ONLY: 1 - share}
        if self.differing:
            shares |= dict.fromkeys((Category.DIFFERENT, Category.GAPS), share * self.differing / 2)
        return spread(invent(self.contacts, self.seed), self.seed, shares=shares)
