"""A trial: one strategy looks for one leaf's products, from a start that is the same for all.

The only thing a strategy learns is what a person would tell it: which of the products it showed
belong. It is asked page after page, and what it shows is checked. numpy is all that is needed
here, so that peers run in an environment of their own.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Bench:
    """A pool, and where every trial on it starts.

    Attributes:
        ids: Product ids (N,), by row.
        vectors: Embeddings (N, D), rows of length one.
        labels: The leaf of each product (N,), as a place in ``leaves``; -1 for any other.
        leaves: Ids of the leaves looked for.
        test: Products set aside (S, N), by seed: nobody is shown them.
        starts: One positive and one negative (S, L, 2), by seed and leaf, as rows.
        hits: Rows that a keyword search for the leaf's name finds, best first, by leaf.
    """

    ids: tuple[str, ...]
    vectors: Floats
    labels: npt.NDArray[np.int64]
    leaves: tuple[str, ...]
    test: Mask
    starts: Rows
    hits: tuple[Rows, ...]

    @property
    def seeds(self) -> int:
        """How many seeds there are: 0, 1 ..."""
        return len(self.test)

    def save(self, path: Path) -> None:
        """Write it as one file of arrays."""
        with path.open("wb") as file:
            np.savez(
                file,
                ids=np.array(self.ids),
                vectors=self.vectors,
                labels=self.labels,
                leaves=np.array(self.leaves),
                test=self.test,
                starts=self.starts,
                hits=np.concatenate([np.zeros(0, np.int64), *self.hits]),
                ends=np.cumsum([len(rows) for rows in self.hits]),
            )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(
                ids=tuple(file["ids"].tolist()),
                vectors=file["vectors"],
                labels=file["labels"],
                leaves=tuple(file["leaves"].tolist()),
                test=file["test"],
                starts=file["starts"],
                hits=tuple(np.split(file["hits"], file["ends"][:-1])),
            )


@dataclass(frozen=True)
class Asked:
    """What a strategy may know when a page is wanted of it.

    Attributes:
        leaf: The id of the leaf.
        vectors: Embeddings of the pool (N, D).
        hits: Rows that a keyword search for the leaf's name finds, best first.
        positives: Rows known to belong, in the order they were shown.
        negatives: Rows known not to.
        free: The rows that can be shown (F,), ascending.
    """

    leaf: str
    vectors: Floats
    hits: Rows
    positives: Rows
    negatives: Rows
    free: Rows


class Strategy(Protocol):
    """A way to choose what to show next; made anew for every trial."""

    def page(self, asked: Asked, count: int, rng: np.random.Generator) -> Rows:
        """``count`` different rows of ``asked.free``, in the order they are to be shown."""
        ...


class BadPage(Exception):
    """A strategy showed what it must not; the trial counts for nothing."""


def run_trial(
    strategy: Strategy,
    bench: Bench,
    *,
    leaf: int,
    seed: int,
    pages: Sequence[int],
    shown: Sequence[int] = (),
) -> Rows:
    """Everything that is shown, in order, without the two products of the start.

    Fewer rows than the pages add up to only when the pool is exhausted.

    Args:
        strategy: Which chooses.
        bench: The pool.
        leaf: The leaf looked for.
        seed: Chooses the start and the test side, and draws what the strategy leaves to chance.
        pages: The size of each page.
        shown: What was shown before the first of these pages; the answer begins with it.

    Raises:
        BadPage: A page is too short or too long, or shows a product twice or one set aside.
    """
    start = bench.starts[seed, leaf]
    seen = np.concatenate([start, np.asarray(shown, np.int64)])
    free = ~bench.test[seed]
    free[seen] = False
    rng = np.random.default_rng([seed, leaf, len(seen)])
    for size in pages:
        if not free.any():
            break
        belongs = bench.labels[seen] == leaf
        asked = Asked(
            leaf=bench.leaves[leaf],
            vectors=bench.vectors,
            hits=bench.hits[leaf],
            positives=seen[belongs],
            negatives=seen[~belongs],
            free=np.flatnonzero(free),
        )
        count = min(size, len(asked.free))
        page = np.asarray(strategy.page(asked, count, rng), np.int64)
        if len(page) != count or len(np.unique(page)) != count or not free[page].all():
            raise BadPage(
                f"{type(strategy).__name__} was asked for {count} products of leaf {asked.leaf} "
                f"and showed {page.tolist()}, of which {free[page].sum()} could be shown."
            )
        free[page] = False
        seen = np.concatenate([seen, page])
    return seen[len(start) :]


def page_sizes(page: int, checkpoints: Sequence[int]) -> list[int]:
    """Pages of so many products; one that would pass a checkpoint is cut there.

    Example:
        >>> page_sizes(20, [50, 100])
        [20, 20, 10, 20, 20, 10]
    """
    sizes: list[int] = []
    seen = 0
    for checkpoint in checkpoints:
        while seen < checkpoint:
            sizes.append(min(page, checkpoint - seen))
            seen += sizes[-1]
    return sizes


def digest_of(*parts: object) -> str:
    """A short name for what these say; arrays by their content, files by their bytes."""
    told = hashlib.blake2b(digest_size=8)
    for part in parts:
        if isinstance(part, np.ndarray):
            told.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, Path):
            told.update(part.read_bytes())
        else:
            told.update(repr(part).encode())
        told.update(b"\0")
    return told.hexdigest()
