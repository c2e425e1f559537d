"""What inspections look at: a project, each part opened when the first of them asks for it."""

from collections import defaultdict
from functools import cached_property

import numpy as np
import pyarrow as pa

from productnet.annotation.duplicate_reviews import reviewed_near_duplicates
from productnet.annotation.log import DecisionLog
from productnet.annotation.state import State
from productnet.catalog.pool import Pool
from productnet.catalog.signatures import Signatures, sign_pool
from productnet.embeddings.initial import initial_set
from productnet.embeddings.near_duplicates import NearDuplicates, signatures_path
from productnet.embeddings.sets import EmbeddingSet
from productnet.evaluation.suspects import Judged, judge_gold
from productnet.progress import SILENT, Progress
from productnet.settings import InspectionSettings, Project
from productnet.taxonomy.tree import Taxonomy


class Subject:
    """A project that is inspected.

    Vectors are those of the initial set: a round has learnt from the very labels that are doubted
    here, and draws what was mislabelled to where the label says.

    Args:
        project: The project.
        state: Answers to look at instead of the project's own.
        progress: Told of what takes long.
    """

    def __init__(
        self, project: Project, *, state: State | None = None, progress: Progress = SILENT
    ) -> None:
        self.project = project
        self.progress = progress
        if state is not None:
            vars(self)["state"] = state

    @property
    def settings(self) -> InspectionSettings:
        """From where on something is a flaw."""
        return self.project.settings.inspection

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The category tree."""
        return Taxonomy.load(self.project.taxonomy_path)

    @cached_property
    def pool(self) -> Pool:
        """The products."""
        return Pool.open(self.project.pool_path)

    @cached_property
    def ids(self) -> pa.StringArray:
        """Every product id, in pool order."""
        return self.pool.ids()

    @cached_property
    def state(self) -> State:
        """What was decided."""
        with DecisionLog.open(self.project.database_url) as log:
            return log.whole()

    @cached_property
    def embeddings(self) -> EmbeddingSet:
        """The initial set; raises EmbeddingError where there is none."""
        return initial_set(self.project)

    @cached_property
    def near_duplicates(self) -> NearDuplicates:
        """The pool's, less what people told apart."""
        return reviewed_near_duplicates(self.project)

    @cached_property
    def signatures(self) -> Signatures:
        """The hashes of texts and pictures, in pool order."""
        return sign_pool(self.pool, signatures_path(self.project), progress=self.progress)

    @cached_property
    def gold(self) -> dict[str, str]:
        """Product id to the leaf it is gold for, of leaves that the taxonomy still has."""
        return {
            product: leaf
            for product, leaf in self.state.gold_labels().items()
            if leaf in self.taxonomy and self.taxonomy.is_leaf(leaf)
        }

    @cached_property
    def gold_of(self) -> dict[str, list[str]]:
        """Leaf to its gold products."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for product, leaf in self.gold.items():
            found[leaf].append(product)
        return dict(found)

    @cached_property
    def copies(self) -> dict[str, int]:
        """A number for each gold product, which its near-duplicates share."""
        products = list(self.gold)
        groups = self.near_duplicates.groups_of(products)
        alone = groups < 0
        groups[alone] = groups.max(initial=-1) + 1 + np.arange(alone.sum())
        return dict(zip(products, groups.tolist(), strict=True))

    @cached_property
    def judged(self) -> Judged | None:
        """Gold judged by models that saw neither it nor a copy of it; None of too little gold."""
        return judge_gold(
            self.gold, self.embeddings, seed=self.project.settings.seed, copies=self.copies
        )

    def name(self, leaf: str) -> str:
        """What a leaf is called."""
        return self.taxonomy.name_of(leaf)
