"""Whether both sides really agreed: two values that were read one after the other may never have stood side by side.

Row F4 moves the base without a write. Between the two reads a person may have changed the side that was read first, and
what the other side shows would then be taken for its answer. So an agreement counts when two readings, one after the
other, show it: at the moment between them both sides had that value.
"""

from __future__ import annotations

from collections.abc import Collection

from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.merge import Remembers
from hintsync.core.plan import PairPlan
from hintsync.core.quick import but
from hintsync.core.records import FieldName, Values


def new_agreements(plan: PairPlan, table: FieldTable, memory: Remembers) -> Values:
    """Return the two-way fields, with their values, that would be agreed on anew although they had a base or a hold.

    A field that is compared for the first time has a winner anyway (section 3), a one-way field always.
    """
    known = memory.base.keys() | memory.holds.keys()
    return {name: value for name, value in plan.agreed.items() if name in known and not table[name].one_way}


def without_agreements(plan: PairPlan, names: Collection[FieldName]) -> PairPlan:
    """Return a plan in which these fields stay as they were: their base does not move, nor does their hold end."""
    agreed = {name: value for name, value in plan.agreed.items() if name not in names}
    return but(plan, agreed=agreed, released=plan.released.difference(names))
