"""A trial: somebody who knows the reference looks through one source's candidates for one leaf.

Answers are the reference's own and are recorded nowhere: this looks at sources, not people.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from productnet.evaluation.cards import Cards
from productnet.evaluation.reference import read_reference
from productnet.evaluation.simulation_record import FirstPage, Found
from productnet.evaluation.starts import Starts, rng_of
from productnet.local.registry import DEFAULT as DEFAULT_MODEL
from productnet.local.registry import LOCAL_MODELS
from productnet.retrieval.active import Active
from productnet.retrieval.candidates import Candidate, Leaf, Source
from productnet.retrieval.page import next_page
from productnet.retrieval.registry import SOURCES
from productnet.retrieval.resources import Resources
from productnet.settings import Project, TargetSettings

# Candidates a page.
PAGE = 20

# More positives than anybody finds.
_NO_TARGET = 1_000_000


class Trial(NamedTuple):
    """Which source looks for which leaf's positives, and under which seed."""

    category: str
    source: str
    seed: int


@dataclass(frozen=True, slots=True)
class Contender:
    """A source as it enters a comparison.

    Attributes:
        name: Of the source and its variant, to read.
        source: A name of ``SOURCES``.
        model: The local model that ``active`` asks.
        recommended: Whether it may see the master model's recommendations.
    """

    name: str
    source: str
    model: str = DEFAULT_MODEL
    recommended: bool = True

    def build(self) -> Source:
        """The source, ready to use."""
        return Active(model=self.model) if self.source == "active" else SOURCES[self.source]()


def contenders(resources: Resources) -> Iterator[Contender]:
    """Every source, ``active`` with every local model, ``mixed`` with and without the master.

    Those that would show nothing but chance stay away: ``adhoc``, which looks for the leaf's name
    as nobody is there to ask, where texts were not embedded; ``master`` before the first round.
    """
    recommendations = resources.recommendations is not None
    for name in SOURCES:
        if name == "active":
            yield Contender("active", name)
            for model in LOCAL_MODELS:
                if model != DEFAULT_MODEL:
                    yield Contender(f"active, {model}", name, model)
        elif name == "adhoc":
            if resources.takes_text:
                yield Contender(name, name)
        elif name != "master" or recommendations:
            yield Contender(name, name)
            if name == "mixed" and recommendations:
                yield Contender("mixed, no master", name, recommended=False)


def without_targets(project: Project) -> Project:
    """The project, its leaves never done.

    ``mixed`` turns to other products once a leaf has its positives. Where sources are compared by
    the positives they find, all are to look for as many as they can get.
    """
    targets = TargetSettings(positives=_NO_TARGET, hard_negatives=_NO_TARGET)
    return replace(project, settings=project.settings.model_copy(update={"targets": targets}))


class Trials:
    """Runs trials of one project; every process that runs any has its own.

    Args:
        resources: What sources work with.
        truth: Product id to leaf, by reference.
        views: Candidates looked at in a trial at most.
    """

    def __init__(self, resources: Resources, truth: Mapping[str, str], *, views: int) -> None:
        # One's own, because contenders take turns at seeing the recommendations.
        self._resources = copy(resources)
        self._resources.project = without_targets(resources.project)
        self._recommendations = resources.recommendations
        self._truth = truth
        self._views = views
        self._starts = Starts.of_project(resources.project, truth)
        self._cards = Cards(resources)
        self.contenders = {one.name: one for one in contenders(resources)}

    @classmethod
    def of_project(cls, project: Project, *, views: int) -> "Trials":
        """Ready for trials of a project."""
        resources = Resources(project)
        return cls(resources, read_reference(project, resources.taxonomy), views=views)

    def start(self, category: str, *, seed: int) -> Leaf:
        """What is known of a leaf when its trial begins."""
        return self._starts.leaf(self._resources.taxonomy[category], seed=seed)

    def findable(self, leaf: Leaf) -> int:
        """Positives that are left to find; near-duplicates are one, and what is known is none."""
        inside = self._cards.of(self._starts.positives(leaf.category.id))
        return len(set(inside).difference(self._cards.of(leaf.hidden)))

    def run(self, trial: Trial) -> Found:
        """Look on until every positive is found, the views are spent or the pool is exhausted."""
        leaf = self.start(trial.category, seed=trial.seed)
        findable = self.findable(leaf)
        known = set(self._cards.of(leaf.hidden))
        pool = self._cards.count - len(known)
        rng = self._rng(trial)
        hits: list[int] = []
        viewed = 0
        while viewed < self._views and len(hits) < findable:
            page = self._page(trial, leaf, rng, count=min(PAGE, self._views - viewed))
            if not page:
                break
            shown = [candidate.product for candidate in page]
            right = [self._truth.get(product) == trial.category for product in shown]
            for place, (card, hit) in enumerate(zip(self._cards.of(shown), right, strict=True), 1):
                if hit and card not in known:
                    known.add(card)
                    hits.append(viewed + place)
            viewed += len(page)
            leaf = _answered(leaf, shown, right)
        return Found(*trial, findable, pool, viewed, tuple(hits))

    def first_page(self, trial: Trial) -> FirstPage:
        """The page that a trial begins with, and the reference's verdicts (paper figure 3)."""
        leaf = self.start(trial.category, seed=trial.seed)
        page = self._page(trial, leaf, self._rng(trial), count=PAGE)
        products = tuple(candidate.product for candidate in page)
        correct = tuple(
            self._truth[product] == trial.category if product in self._truth else None
            for product in products
        )
        return FirstPage(trial.category, trial.source, products, correct)

    def _page(
        self, trial: Trial, leaf: Leaf, rng: np.random.Generator, *, count: int
    ) -> list[Candidate]:
        contender = self.contenders[trial.source]
        self._resources.recommendations = self._recommendations if contender.recommended else None
        return next_page(contender.build(), leaf, self._resources, count=count, rng=rng)

    def _rng(self, trial: Trial) -> np.random.Generator:
        """The same for every variant of a source, so that only the variants differ."""
        return rng_of(trial.seed, trial.category, self.contenders[trial.source].source)


def _answered(leaf: Leaf, products: Sequence[str], right: Sequence[bool]) -> Leaf:
    """The leaf once the page is answered."""
    yes = [product for product, hit in zip(products, right, strict=True) if hit]
    no = [product for product, hit in zip(products, right, strict=True) if not hit]
    return Leaf(
        leaf.category,
        [*leaf.positives, *yes],
        [*leaf.negatives, *no],
        leaf.hidden.union(products),
    )
