"""Local models that follow the decisions: refitted in the background while people work.

A request takes the newest finished scores and never waits for a fit; how far they lie behind is
told by ``Candidate.behind``. A fit reads the decisions when it begins, so however many arrive
while another runs, one more fit takes them all in.
"""

import logging
import os
import sys
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from threading import Condition, get_native_id
from typing import NamedTuple

from productnet.annotation.state import State
from productnet.closing import Closing
from productnet.retrieval.candidates import Leaf
from productnet.retrieval.resources import Resources, Vectors
from productnet.retrieval.scoring import Scored, Scorer, score_now

# Of threads that fit, on the scale of 0 to 19.
_NICENESS = 10

_logger = logging.getLogger(__name__)


class LiveModels(Closing):
    """The local models of the leaves that people work on; safe to share between threads.

    It is a ``Scorer``, and takes its place in the resources it serves.

    Args:
        resources: What models are fitted on, until others are served.
        state: Gives the newest decisions, such as ``DecisionLog.state``.
        scorer: Fits and scores, in the background.
        workers: Fits at the same time, each of another model.
        most_kept: Models whose scores are kept: 4 bytes a product each. The ones not asked for
            longest are dropped, and fitted again when they are asked for.

    Example:
        >>> with LiveModels(resources, log.state) as live:  # doctest: +SKIP
        ...     workflow.label("p1", "mugs", verdict=Verdict.POSITIVE, annotator="ann")
        ...     live.decided("mugs")
        ...     page = next_page(Mixed(), leaf, resources, count=20, rng=rng)
    """

    def __init__(
        self,
        resources: Resources,
        state: Callable[[], State],
        *,
        scorer: Scorer = score_now,
        workers: int = 2,
        most_kept: int = 32,
    ) -> None:
        self._state = state
        self._scorer = scorer
        self._most_kept = most_kept
        self._executor = ThreadPoolExecutor(
            workers, thread_name_prefix="local-model", initializer=_step_back
        )
        # Guards all below and tells of every fit that ends.
        self._changed = Condition()
        self._closed = False
        # The least recently used model comes first.
        self._models: OrderedDict[_Key, _Model] = OrderedDict()
        self.serve(resources)

    def serve(self, resources: Resources) -> None:
        """Fit on these resources from now on: a round has been activated.

        Who still works with the resources before gets no scores of the new embedding set, and
        the other way round.
        """
        with self._changed:
            resources.scorer = self
            self._resources = resources
            for key in self._models:
                self._want(key)

    def decided(self, category: str) -> None:
        """Refit the leaf's models: decisions were committed; returns at once."""
        with self._changed:
            keys = [key for key in self._models if key.category == category]
            model = self._resources.project.settings.candidates.local_model
            for key in keys or [_Key(category, model)]:
                self._touch(key)
                self._want(key)

    def __call__(self, leaf: Leaf, resources: Resources, *, model: str) -> Scored | None:
        """The newest finished scores; None while there are none. Wants newer ones if it can."""
        basis = _Basis(leaf, resources.embeddings)
        key = _Key(leaf.category.id, model)
        with self._changed:
            live = self._touch(key)
            # Another process may have decided, or nobody worked on this leaf for long.
            if resources is self._resources and not basis.same_as(live.basis):
                self._want(key)
            return live.scored if live.scored_on is basis.embeddings else None

    def wait(self, category: str, *, timeout: float | None = None) -> bool:
        """Wait until the leaf's models have seen everything; False if that takes longer.

        Args:
            category: The leaf.
            timeout: Seconds; for ever when None.
        """

        def at_rest() -> bool:
            mine = [model for key, model in self._models.items() if key.category == category]
            return self._closed or not any(model.busy for model in mine)

        with self._changed:
            return self._changed.wait_for(at_rest, timeout)

    def failure(self, category: str) -> Exception | None:
        """Why the leaf's last fit failed, if it did; it is tried again at the next decision."""
        with self._changed:
            failures = (m.failure for key, m in self._models.items() if key.category == category)
            return next((failure for failure in failures if failure), None)

    def close(self) -> None:
        """Wait for fits that run, and begin no other; scores stay to be asked for."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._executor.shutdown(cancel_futures=True)

    def _touch(self, key: "_Key") -> "_Model":
        live = self._models.setdefault(key, _Model())
        self._models.move_to_end(key)
        self._drop_oldest()
        return live

    def _want(self, key: "_Key") -> None:
        live = self._models[key]
        begun, live.waiting = live.busy, True
        if not begun and not self._closed:
            self._executor.submit(self._refit, key)

    def _refit(self, key: "_Key") -> None:
        with self._changed:
            live, resources = self._models[key], self._resources
            live.waiting, live.running = False, True
        try:
            self._fit(key, live, resources)
        except Exception as error:
            # Whatever the database or a model raises, people go on with the scores they have.
            _logger.exception('The local model of leaf "%s" could not be fitted', key.category)
            with self._changed:
                live.failure = error
        with self._changed:
            live.running = False
            if live.waiting and not self._closed:
                self._executor.submit(self._refit, key)
            self._drop_oldest()
            self._changed.notify_all()

    def _fit(self, key: "_Key", live: "_Model", resources: Resources) -> None:
        leaf = Leaf.of(key.category, state=self._state(), taxonomy=resources.taxonomy)
        basis = _Basis(leaf, resources.embeddings)
        with self._changed:
            if basis.same_as(live.basis) and live.failure is None:
                return
            live.basis = basis
        scored = self._scorer(leaf, resources, model=key.model)
        with self._changed:
            live.scored, live.scored_on, live.failure = scored, basis.embeddings, None

    def _drop_oldest(self) -> None:
        """Keep within ``most_kept``; a model at work stays, without its scores."""
        over = max(0, len(self._models) - self._most_kept)
        for key in list(islice(self._models, over)):
            if self._models[key].busy:
                self._models[key].forget()
            else:
                del self._models[key]


def _step_back() -> None:
    """Let threads that somebody waits for go first; Linux gives each thread its own niceness."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICENESS)


class _Key(NamedTuple):
    """A leaf, and which kind of local model of it."""

    category: str
    model: str


class _Basis(NamedTuple):
    """What a fit is made from."""

    leaf: Leaf
    embeddings: Vectors

    def same_as(self, other: "_Basis | None") -> bool:
        """Whether a fit would give the same."""
        return (
            other is not None
            and self.embeddings is other.embeddings
            and self.leaf.labels == other.leaf.labels
        )


@dataclass(slots=True)
class _Model:
    """One local model.

    Attributes:
        waiting: A change has come that no fit has begun with.
        running: A fit is under way.
        basis: Of the last fit that was begun.
        scored: Of the last fit that ended well.
        scored_on: The embedding set whose rows are scored.
        failure: Why the last fit failed, if it did.
    """

    waiting: bool = False
    running: bool = False
    basis: _Basis | None = None
    scored: Scored | None = None
    scored_on: Vectors | None = None
    failure: Exception | None = None

    @property
    def busy(self) -> bool:
        """Whether a fit is under way or about to be."""
        return self.waiting or self.running

    def forget(self) -> None:
        """Let go of the scores."""
        self.basis = self.scored = self.scored_on = None
