"""The pool and the loop as a portal serves them: one state at a time, exchanged as a whole."""

import logging
from collections.abc import Callable, Container
from threading import Lock

import numpy as np

from productnet.annotation.state import State
from productnet.catalog.pool import Pool
from productnet.embeddings.active import read_active
from productnet.embeddings.initial import NAME as INITIAL
from productnet.embeddings.stamp import Stamp, read_stamp
from productnet.errors import EmbeddingError, ProductNetError
from productnet.portal.cards import Cards
from productnet.retrieval.candidates import Leaf
from productnet.retrieval.mixed import Mixed
from productnet.retrieval.page import next_page
from productnet.retrieval.resources import Resources
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

_logger = logging.getLogger(__name__)

# A page that nobody sees, to read from disk what the first page would wait for.
_PAGE = 20


class Served:
    """One state of the pool and of the loop, which never changes while somebody reads it.

    Attributes:
        active: The round and embedding set in use; None before the first embedding.
        resources: What sources work with.
        taxonomy: The category tree.
        cards: The products, as pages show them.
    """

    def __init__(self, project: Project) -> None:
        self.active = read_active(project)
        self._embedded = _embedded(project)
        self.resources = Resources(project)
        self.taxonomy = Taxonomy.load(project.taxonomy_path)
        pool = self.resources.pool
        self.cards = Cards(pool)
        self._version = pool.version

    def is_old(self) -> bool:
        """Whether a round was activated, or products were imported or embedded since."""
        project = self.resources.project
        return (
            read_active(project) != self.active
            or _embedded(project) != self._embedded
            or Pool.open(project.pool_path).version != self._version
        )

    def warm(self, state: State) -> None:
        """Read what pages need, so that nobody waits for it."""
        first = Leaf.of(self.taxonomy.leaves[0].id, state=state, taxonomy=self.taxonomy)
        try:
            rng = np.random.default_rng(0)
            page = next_page(Mixed(), first, self.resources, count=_PAGE, rng=rng)
            self.cards.of([candidate.product for candidate in page])
        except ProductNetError as error:
            # Without embeddings there are pages too; whoever asks for one is told what is missing.
            _logger.info("Pages are not prepared yet: %s", type(error).__name__)


def _embedded(project: Project) -> Stamp | None:
    """What the initial embedding set is; None where there is none that can be read."""
    try:
        return read_stamp(project.embeddings_path / INITIAL)
    except EmbeddingError:
        return None


class Serving:
    """Which state is served now; a newer one takes its place when it is ready.

    Whoever began with the state before goes on with it to the end of the request.

    Args:
        project: The project.
        state: Gives what is decided.
    """

    def __init__(self, project: Project, state: Callable[[], State]) -> None:
        self._project = project
        self._state = state
        self.now = Served(project)

    def look(self) -> Served | None:
        """The state that has taken the place of the one before, if there is a newer one.

        Raises:
            ProductNetError: The newer one is damaged; the one before is served on.
        """
        if not self.now.is_old():
            return None
        fresh = Served(self._project)
        if fresh.active is not None:
            # Which raise if a set is not there.
            _ = fresh.resources.embeddings, fresh.resources.active_embeddings
        fresh.warm(self._state())
        self.now = fresh
        return fresh


class Products(Container[str]):
    """The ids of the pool, read again when one is asked for that was not there."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._version = -1
        self._ids: frozenset[str] = frozenset()
        self._lock = Lock()
        self._read()

    def __contains__(self, product: object) -> bool:
        if product in self._ids:
            return True
        self._read()
        return product in self._ids

    def _read(self) -> None:
        with self._lock:
            pool = Pool.open(self._project.pool_path)
            if pool.version != self._version:
                self._ids = frozenset(pool.ids().to_pylist())
                self._version = pool.version
