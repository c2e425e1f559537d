"""The model as a service: categories, embeddings and similar products for many who ask at once.

What the HTTP API serves, without HTTP. Products of all callers are computed together
(``batcher``), what encoders made of them is remembered, and a newer model takes the place of the
one in use without anybody waiting for it.
"""

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Self, TypeVar

from productnet.catalog.schema import Product
from productnet.closing import Closing
from productnet.embeddings.nearest import FloatArray
from productnet.master.remembered import Remembered
from productnet.serving.search.similar import Neighbour
from productnet.serving.service.batcher import Batcher, Lane, Outcome
from productnet.serving.service.served_model import Categorized, Seen, ServedModel
from productnet.settings import Project, ServingSettings

T = TypeVar("T")

# Loads the model that is to be served, beside the one that is.
Loader = Callable[[Remembered], ServedModel]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model said of products that were asked about together.

    Attributes:
        model: The model.
        outcomes: What it said of each, or why it can say nothing.
    """

    model: ServedModel
    outcomes: list[Outcome[Seen]]


class ModelService(Closing):
    """A model and its queue; safe to share between threads.

    A call with several products is answered by one model, whatever takes its place meanwhile.

    Example:
        >>> project = Project.open(Path("my-shop"))  # doctest: +SKIP
        >>> with ModelService.of_project(project) as service:  # doctest: +SKIP
        ...     service.categorize([Product("1", {"title": "Red enamel mug"})])[0].categories[0]
        Predicted(category='kitchen/mugs', path=('Kitchen', 'Mugs'), confidence=0.97)

    Args:
        load: Loads the model.
        settings: Batches, patience and memory.
    """

    def __init__(self, load: Loader, settings: ServingSettings | None = None) -> None:
        self.settings = settings or ServingSettings()
        self._load = load
        self.remembered = Remembered(self.settings.memory_mb * 1_000_000)
        self._now = load(self.remembered)
        self._now.warm()
        self.swaps = 0
        self._swapping = Lock()
        # Hears of every batch: its products, and the seconds it took.
        self.on_batch: Callable[[int, float], None] | None = None
        self.batcher: Batcher[Product, Seen] = Batcher(
            _look,
            most=self.settings.batch,
            wait=self.settings.wait_ms / 1_000,
            patience={Lane.QUICK: self.settings.patience_ms / 1_000},
            room=self.settings.queue,
            told=self._tell,
        )

    @classmethod
    def of_project(cls, project: Project) -> Self:
        """The model of the round in use; raises ModelError if there is none."""
        return cls(
            lambda remembered: ServedModel.of_project(project, remembered),
            project.settings.serving,
        )

    @classmethod
    def of_folder(cls, folder: Path, *, project: Project | None = None) -> Self:
        """A model by itself; a project gives it limits, fields and the names of categories."""
        return cls(
            lambda remembered: ServedModel.of_folder(folder, remembered, project=project),
            project.settings.serving if project else None,
        )

    @property
    def now(self) -> ServedModel:
        """The model in use."""
        return self._now

    def swap(self) -> ServedModel:
        """Load the model anew, and have it take the place of the one in use once it is warm.

        Whoever asked before is answered by the old one, which is let go of when nobody needs it
        any more; for that long there are two in memory.

        Raises:
            ProductNetError: It cannot be loaded; the old one is served on.
        """
        with self._swapping:
            fresh = self._load(self.remembered)
            fresh.warm()
            self._now = fresh
            self.swaps += 1
            return fresh

    def submit(
        self, products: Sequence[Product], *, lane: Lane | None = None
    ) -> tuple[ServedModel, "Future[list[Outcome[Seen]]]"]:
        """Have products looked at; those that cannot be used have the reason for an outcome.

        Args:
            products: To be looked at. Checking their images takes time, so call this in a thread
                if they have any.
            lane: Who waits; ``quick`` for one product, ``bulk`` for more, when None.

        Raises:
            Overloaded: They could not be answered in time.
            ServiceClosed: The service was closed.
        """
        model = self._now
        outcomes: dict[int, Outcome[Seen]] = {}
        ready = []
        for place, product in enumerate(products):
            try:
                ready.append(model.ready(product))
            except Exception as error:
                outcomes[place] = error
        if lane is None:
            lane = Lane.QUICK if len(products) == 1 else Lane.BULK
        asked = self.batcher.submit(ready, key=model, lane=lane)
        if not outcomes:
            return model, asked
        whole: Future[list[Outcome[Seen]]] = Future()
        asked.add_done_callback(lambda done: _merge(whole, done, outcomes, len(products)))
        return model, whole

    def look(self, products: Sequence[Product]) -> Answer:
        """What the model says of products; raises as ``submit``, but waits for its turn longer."""
        model, asked = self.submit(products, lane=Lane.BULK)
        return Answer(model, asked.result())

    def categorize(
        self,
        products: Sequence[Product],
        *,
        top: int = 3,
        precision: float | None = None,
        false_accept: float | None = None,
    ) -> list[Categorized]:
        """The likeliest categories of each product, and one decided on where it is sure enough.

        Args:
            products: To be categorised.
            top: Categories a product, at most.
            precision: Share of the decided categories that should be right.
            false_accept: Share of products of unknown categories that may get one.

        Raises:
            ProductNetError: A product cannot be used, or a share is out of range.
            Overloaded: They could not be answered in time.
        """
        self._now.check_shares(precision, false_accept)
        answer = self.look(products)
        return [
            answer.model.categorized(
                product.id, seen, top=top, precision=precision, false_accept=false_accept
            )
            for product, seen in zip(products, _all_seen(answer), strict=True)
        ]

    def embed(
        self, products: Sequence[Product], *, dimension: int | None = None
    ) -> list[FloatArray]:
        """The embedding of each product, (d,) of length one; raises as ``categorize``."""
        answer = self.look(products)
        return [answer.model.embedding(seen, dimension=dimension) for seen in _all_seen(answer)]

    def similar(
        self, product: Product, *, count: int = 10, category: str | None = None
    ) -> list[Neighbour]:
        """The products of the pool nearest to one that need not be in it.

        With a category (id, path or name) only those that are taken for it, or for one below.

        Raises:
            EmbeddingError: No embedding set goes with the model.
            ProductNetError: The product cannot be used, or there is no such category.
        """
        answer = self.look([product])
        (seen,) = _all_seen(answer)
        return answer.model.nearest(seen.vector, count=count, category=category)

    def similar_to(
        self, product: str, *, count: int = 10, category: str | None = None
    ) -> list[Neighbour]:
        """The products nearest to one of the pool; see ``ServedModel.nearest_to``."""
        return self._now.nearest_to(product, count=count, category=category)

    def close(self) -> None:
        """Answer what waits, and take no more."""
        self.batcher.close()

    def _tell(self, products: int, seconds: float) -> None:
        if self.on_batch is not None:
            self.on_batch(products, seconds)


def _look(model: Hashable, products: list[Product]) -> Sequence[Outcome[Seen]]:
    assert isinstance(model, ServedModel)
    return model.look(products)


def _merge(
    whole: "Future[list[Outcome[Seen]]]",
    done: "Future[list[Outcome[Seen]]]",
    outcomes: dict[int, Outcome[Seen]],
    count: int,
) -> None:
    """Outcomes of the products that could be used, in their places beside the others'."""
    if done.cancelled() or not whole.set_running_or_notify_cancel():
        whole.cancel()
        return
    seen = iter(done.result())
    whole.set_result(
        [outcomes[place] if place in outcomes else next(seen) for place in range(count)]
    )


def _all_seen(answer: Answer) -> list[Seen]:
    seen = []
    for outcome in answer.outcomes:
        if isinstance(outcome, Exception):
            raise outcome
        seen.append(outcome)
    return seen
