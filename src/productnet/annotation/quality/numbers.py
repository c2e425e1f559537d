"""Quality numbers: agreement, precision, speed and drift, per leaf, person and pair of people.

They follow from sums of the log, which a portal finds kept in its database: a refresh costs what
has changed, whatever is there already. Days are days of UTC.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from operator import itemgetter
from threading import RLock

from productnet.annotation.decisions import Task, Verdict
from productnet.annotation.quality.agreement import Agreement, Proportion
from productnet.annotation.quality.drift import Drift
from productnet.annotation.quality.findings import (
    Confused,
    Day,
    LeafQuality,
    Overall,
    PairQuality,
    PersonQuality,
)
from productnet.annotation.read_models.sources_of_sums import Changes, SumsSource
from productnet.annotation.read_models.sums import Met
from productnet.taxonomy.tree import Taxonomy

# What one side said, and the other.
_Table = Counter[tuple[Verdict, Verdict]]

# People whose drift a call works out anew; of more, those that are known already wait for
# ``look_again``, which costs about 3 ms a person.
_AT_ONCE = 8


class Quality:
    """The quality numbers of a log, as of the last refresh.

    Safe between threads. Each call answers from memory; call ``refresh`` before.

    Args:
        source: The sums.
        pause: Answers that took more seconds than this were interrupted: they are counted, and
            left out of speeds and of the time spent. Whole seconds; parts of one are passed over
            where an answer took more than ten.
    """

    def __init__(self, source: SumsSource, *, pause: float) -> None:
        self._source = source
        self._pause = pause
        self._lock = RLock()
        self._all_met: _Table = Counter()
        self._leaf_met: defaultdict[str, _Table] = defaultdict(Counter)
        self._person_met: defaultdict[tuple[str, Task], _Table] = defaultdict(Counter)
        self._pair_met: defaultdict[tuple[str, str], _Table] = defaultdict(Counter)
        # What was worked out, until its sums change.
        self._leaves: dict[str, LeafQuality] = {}
        self._people: dict[tuple[str, Task], PersonQuality] = {}
        self._pairs: dict[tuple[str, str], PairQuality] = {}
        self._drifts: dict[tuple[str, Task], Drift] = {}
        # People whose drift rests on what changed since, those that wait longest first.
        self._behind: dict[tuple[str, Task], None] = {}

    def refresh(self) -> None:
        """Take in what was decided since the last time."""
        with self._lock:
            changes = self._source.refresh()
            for met, more in changes.met.items():
                if more:
                    self._meet(met, more, changes)
            for leaf in changes.leaves:
                self._leaves.pop(leaf, None)
            for key in changes.people:
                self._people.pop(key, None)
                self._behind[key] = None

    def _meet(self, met: Met, more: int, changes: Changes) -> None:
        first, second = sorted((met.labeler, met.auditor))
        in_turn = (met.label, met.audit) if first == met.labeler else (met.audit, met.label)
        self._all_met[met.label, met.audit] += more
        self._leaf_met[met.leaf][met.label, met.audit] += more
        self._pair_met[first, second][in_turn] += more
        self._pairs.pop((first, second), None)
        self._person_met[met.labeler, Task.LABEL][met.label, met.audit] += more
        self._person_met[met.auditor, Task.AUDIT][met.audit, met.label] += more
        changes.leaves.add(met.leaf)
        changes.people |= {(met.labeler, Task.LABEL), (met.auditor, Task.AUDIT)}

    def look_again(self, *, most: int = _AT_ONCE) -> None:
        """Work out anew how so many people drift whose numbers have changed."""
        with self._lock:
            for key in list(self._behind)[:most]:
                del self._behind[key]
                self._drifts[key] = self._drift(*key)
                self._people.pop(key, None)

    def overall(self) -> Overall:
        """Of everybody in all leaves."""
        with self._lock:
            return Overall(Agreement.of(self._all_met), _precision(self._all_met))

    def leaves(self, leaves: Iterable[str] | None = None) -> list[LeafQuality]:
        """Of these leaves, or of all that were begun."""
        with self._lock:
            known = self._source.sums.leaves
            return [
                self._leaf(leaf)
                for leaf in (known if leaves is None else leaves)
                if leaf in known and known[leaf].answers.count
            ]

    def _leaf(self, leaf: str) -> LeafQuality:
        found = self._leaves.get(leaf)
        if found is None:
            answers, met = self._source.sums.leaves[leaf].answers, self._leaf_met[leaf]
            found = self._leaves[leaf] = LeafQuality(
                leaf,
                answers.count,
                Proportion.count(answers.unsure, answers.count),
                answers.times.speed(pause=self._pause, untimed=answers.untimed),
                Agreement.of(met),
                _precision(met),
            )
        return found

    def people(self) -> list[PersonQuality]:
        """Everybody at every task they ever did, by name."""
        with self._lock:
            if len(self._behind) <= _AT_ONCE:
                self.look_again()
            keys = self._source.sums.people.keys() | self._person_met.keys()
            return [self._person(*key) for key in sorted(keys)]

    def _person(self, person: str, task: Task) -> PersonQuality:
        key = person, task
        found = self._people.get(key)
        if found is None:
            if key not in self._drifts:
                self._drifts[key] = self._drift(*key)
                self._behind.pop(key, None)
            answers, met = self._source.sums.people[key], self._person_met[key]
            found = self._people[key] = PersonQuality(
                person,
                task,
                answers.count,
                Proportion.count(answers.unsure, answers.count),
                answers.times.speed(pause=self._pause, untimed=answers.untimed),
                Agreement.of(met),
                _precision(met) if task is Task.LABEL else Proportion.count(0, 0),
                self._drifts[key],
            )
        return found

    def _drift(self, person: str, task: Task) -> Drift:
        source = self._source
        return Drift.of(
            source.agreed(person, task), source.seconds(person, task, pause=self._pause)
        )

    def pairs(self) -> list[PairQuality]:
        """Every two people who answered for the same pairs, those with most in common first."""
        with self._lock:
            found = [self._pair(*pair) for pair in self._pair_met]
        together = [pair for pair in found if pair.agreement.agreed.of]
        return sorted(together, key=lambda pair: -pair.agreement.agreed.of)

    def _pair(self, first: str, second: str) -> PairQuality:
        key = first, second
        if key not in self._pairs:
            self._pairs[key] = PairQuality(first, second, Agreement.of(self._pair_met[key]))
        return self._pairs[key]

    def days(self) -> list[Day]:
        """Every day on which anything was decided, in order."""
        with self._lock:
            return [
                Day(
                    date.fromordinal(day),
                    one.answers.count,
                    one.answers.times.total(pause=self._pause),
                    one.gold,
                )
                for day, one in sorted(self._source.sums.days.items())
                if one.gold or one.answers.count
            ]

    def confused(self, taxonomy: Taxonomy, *, most: int | None = None) -> list[Confused]:
        """Leaves for which somebody said yes to another leaf's gold, the most products first."""
        with self._lock:
            found = [(count, pair) for pair, count in self._source.sums.confused.items() if count]
        found.sort(key=itemgetter(0), reverse=True)
        return [
            Confused(said, gold, count, _siblings(taxonomy, said, gold))
            for count, (said, gold) in found[:most]
        ]


def _precision(table: _Table) -> Proportion:
    """How many of the first side's positives the second confirmed."""
    positives = sum(table[Verdict.POSITIVE, other] for other in Verdict)
    return Proportion.count(table[Verdict.POSITIVE, Verdict.POSITIVE], positives)


def _siblings(taxonomy: Taxonomy, one: str, other: str) -> bool:
    if one not in taxonomy or other not in taxonomy:
        return False
    return taxonomy[one].path[:-1] == taxonomy[other].path[:-1]
