"""Counts of leaves as a person may be told them: none that moves with what they audit.

Watching gold and disputes grow would tell what the labeler had said. So whoever audits a leaf now
is told no count of it; and whoever has, its counts as they were before, lest they drop the lease
to look. Adjudicators and admins are told every count, as the dashboard tells them too.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from productnet.annotation.decisions import Task
from productnet.annotation.state import LeafProgress, State
from productnet.people.accounts import Person
from productnet.people.roles import PersonRole

if TYPE_CHECKING:
    from productnet.portal.portal import Portal


def auditing(portal: "Portal", person: Person) -> set[str]:
    """Leaves that a person audits now, of which they are told no count."""
    if not {PersonRole.AUDITOR, PersonRole.ADMIN} & person.roles:
        return set()  # and is spared a look with every answer
    return {one.leaf for one in portal.leases.held(person.name) if one.task is Task.AUDIT}


def count_of(state: State, person: Person, leaf: str) -> LeafProgress:
    """Counts of a leaf for a person, who does not audit it now."""
    if {PersonRole.ADJUDICATOR, PersonRole.ADMIN} & person.roles:
        return state.progress(leaf)
    return state.progress_told(leaf, person.name)


def counts_of(
    portal: "Portal", state: State, person: Person, leaves: Iterable[str]
) -> dict[str, LeafProgress]:
    """Counts of leaves for a person, by leaf, without those they audit now.

    Their own answers to check items are counted as if they were answers like others.
    """
    audited, checked = portal.beside.of(person.name)
    told = [leaf for leaf in leaves if leaf not in audited]
    if {PersonRole.ADJUDICATOR, PersonRole.ADMIN} & person.roles:
        counts = {leaf: state.progress(leaf) for leaf in told}
    else:
        counts = state.all_told(person.name, told)
    return counts | {leaf: counts[leaf] + checked[leaf] for leaf in counts.keys() & checked.keys()}
