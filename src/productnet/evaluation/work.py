"""Simulated people at work, page by page, through the workflow calls the portal makes.

Every step follows from the log: what has been decided says what somebody does next. So work that
was killed, or is asked for more, goes on from where it stands, and ends as if undisturbed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import dropwhile

import numpy as np

from productnet.annotation.audits import audit_sheet
from productnet.annotation.decisions import Decision, Role
from productnet.annotation.state import State
from productnet.annotation.workflow import Workflow
from productnet.evaluation.people import SimulatedPerson, Team
from productnet.progress import SILENT, Progress
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.confusable import Confusable
from productnet.retrieval.page import next_page
from productnet.retrieval.registry import SOURCES
from productnet.retrieval.resources import Resources
from productnet.taxonomy.tree import Category

# When people begin, and how long after one leaf the next is begun. The time of day is no part of
# it: a simulation that is killed and goes on, or is made again from its seed, leaves the same log,
# to the second. The dashboard shows the last days on which somebody answered, whenever that was.
_START = datetime(2026, 1, 5, 9, tzinfo=UTC)
_BETWEEN_LEAVES = timedelta(hours=1)

# A labeler takes a leaf for exhausted when so many pages bring less than a positive each. A slip
# of the labeler's own, at usual error rates, does not keep the search alive.
_PATIENCE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How far people go.

    Attributes:
        positives: Positives wanted of a leaf.
        hard_negatives: Hard negatives wanted of a leaf.
        page_size: Candidates a page, and products of an audit page.
        max_views: Candidates a labeler looks at in a leaf, at most.
        source: Name of the source of candidates.
        seed: Of pages; people have their own.
    """

    positives: int
    hard_negatives: int
    page_size: int
    max_views: int
    source: str
    seed: int


class Work:
    """A team at work on the leaves of a project."""

    def __init__(self, workflow: Workflow, resources: Resources, team: Team, plan: Plan) -> None:
        self._workflow = workflow
        self._resources = resources
        self._team = team
        self._plan = plan
        self._source = SOURCES[plan.source]()
        leaves = resources.taxonomy.leaves
        self._place = {leaf.id: place for place, leaf in enumerate(leaves)}

    def on(self, leaves: Sequence[Category], *, progress: Progress = SILENT) -> None:
        """Work until every leaf is done; one that is done already takes no time."""
        with progress.task("Simulated people at work", total=len(leaves)) as advance:
            for leaf in leaves:
                self._finish(leaf.id)
                advance(1)
            # A product settled for one leaf is lost to another, which may want a new one for it.
            while sum(self._finish(leaf.id) for leaf in leaves):
                pass

    def _finish(self, category: str) -> int:
        pages = 0
        while page := self.next_page(category):
            self._workflow.record(*page)
            pages += 1
        return pages

    def next_page(self, category: str) -> list[Decision]:
        """What somebody decides next in this leaf; nothing when it is done.

        Disputes are settled first; then the labeler goes on until there is enough, or nothing
        more to find; then the auditor looks at it.
        """
        state = self._workflow.log.state()
        if disputes := self._workflow.disputes(category, adjudicator=self._team.adjudicator.name):
            disputed = [dispute.product for dispute in disputes]
            return self._answers(self._team.adjudicator, disputed, category, state)
        if page := self._candidates(category, state):
            products = [candidate.product for candidate in page]
            return self._answers(self._team.labeler, products, category, state, shown=page)
        auditor = self._team.auditor
        sheet = audit_sheet(state, category, auditor=auditor.name, count=self._plan.page_size)
        return self._answers(auditor, sheet.products, category, state)

    def _candidates(self, category: str, state: State) -> list[Candidate]:
        """The next page for the labeler; none when the leaf has enough or seems exhausted."""
        plan, progress = self._plan, state.progress(category)
        viewed = views(state, category, labeler=self._team.labeler.name)
        left = plan.max_views - len(viewed)
        enough = progress.labelled_positive >= plan.positives
        if left <= 0 or (enough and progress.hard_negatives >= plan.hard_negatives):
            return []
        if not enough and _exhausted(state, category, viewed, plan.page_size):
            return []
        # With the positives complete, the labeler asks for the hard negatives that still lack.
        source = Confusable() if enough else self._source
        return next_page(
            source,
            Leaf.of(category, state=state, taxonomy=self._resources.taxonomy),
            self._resources,
            count=min(plan.page_size, left),
            rng=self._rng(category, Role.LABEL, len(viewed)),
        )

    def _answers(
        self,
        person: SimulatedPerson,
        products: Sequence[str],
        category: str,
        state: State,
        *,
        shown: Sequence[Candidate] = (),
    ) -> list[Decision]:
        """One person's decisions on a page, one after the other."""
        begun = _START + self._place[category] * _BETWEEN_LEAVES
        at = begun + timedelta(seconds=state.progress(category).seconds)
        decisions: list[Decision] = []
        for place, product in enumerate(products):
            candidate = shown[place] if shown else None
            decision = person.decide(product, category, at=at, shown=candidate)
            at += timedelta(seconds=decision.seconds or 0.0)
            decisions.append(decision)
        return decisions

    def _rng(self, category: str, role: Role, done: int) -> np.random.Generator:
        """A generator for one page, the same whenever this page comes."""
        page = f"{self._plan.seed}/{category}/{role}/{done}"
        return np.random.default_rng(int.from_bytes(hashlib.sha256(page.encode()).digest()))


def views(state: State, category: str, *, labeler: str) -> list[str]:
    """The products that a labeler has looked at in a leaf, in order."""
    return [
        product
        for product, vote in state.votes(category)
        if vote.role is Role.LABEL and vote.annotator == labeler
    ]


def _exhausted(state: State, category: str, viewed: Sequence[str], page_size: int) -> bool:
    """Whether a leaf that gave positives has stopped to."""
    positives = set(state.positives(category))
    since_first = list(dropwhile(lambda product: product not in positives, viewed))
    latest = since_first[-_PATIENCE * page_size :]
    return len(latest) == _PATIENCE * page_size and len(positives & set(latest)) < _PATIENCE
