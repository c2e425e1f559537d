"""Scoring the pool block by block: on every core, in little memory beside the scores.

Each thread takes the next block, and BLAS works on one thread inside of it. A wide matrix product
waits for its slowest thread at every step, and loses most of its speed to whatever else runs on
the machine; blocks do not wait for each other. It also makes a score independent of the number of
cores, down to the last bit.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import numpy as np
from scipy.special import expit
from threadpoolctl import ThreadpoolController

from productnet.local.model import Floats, Matrix

# Log-odds of a block (B, D), beside which stands one more coordinate (B,) of each row or none,
# over those of a row of zeros: (B,).
Evidence = Callable[[Floats, Floats | None], Floats]

# Of 256 float32 they are 4 MB, which stay in a core's cache while a model works on them.
ROWS_PER_BLOCK = 4_096

# A product nothing is known of is scored as the median one, at most this.
MOST_OF_UNKNOWN = 0.25

_alone = threading.RLock()


def score_blocks(
    vectors: Matrix, evidence: Evidence, *, bias: float = 0.0, beside: Floats | None = None
) -> Floats:
    """``sigmoid(evidence + bias)`` of every row of (N, D): (N,).

    Beside five bytes a row it needs what ``evidence`` needs for one block of ``ROWS_PER_BLOCK``
    a thread: at most 8 MB at 256 dimensions.

    Args:
        vectors: Read once, in order, whether memory-mapped or not.
        evidence: What a block says; exactly 0 says that nothing is known of the product. It is
            scored as the median product, so that it comes neither before the likely or doubtful
            ones nor before the sure negatives.
        bias: Log-odds of a row of zeros.
        beside: One more coordinate (N,) of every row.
    """
    matrix = np.asarray(vectors)  # Slices of a memmap are slow to make.
    scores = np.empty(len(matrix), np.float32)
    unknown = np.empty(len(matrix), np.bool_)
    starts = range(0, len(matrix), ROWS_PER_BLOCK)
    waiting = iter(starts)

    def work() -> None:
        for start in waiting:
            part = slice(start, start + ROWS_PER_BLOCK)
            more = None if beside is None else beside[part]
            found = evidence(np.asarray(matrix[part], np.float32), more)
            expit(found + np.float32(bias), out=scores[part])
            np.equal(found, 0, out=unknown[part])

    with one_blas_thread() as cores, ThreadPoolExecutor(cores) as threads:
        others = [threads.submit(work) for _ in range(min(cores, len(starts)) - 1)]
        work()
        for other in others:
            other.result()
    if unknown.any() and not unknown.all():
        scores[unknown] = min(float(np.median(scores[~unknown])), MOST_OF_UNKNOWN)
    return scores


@contextmanager
def one_blas_thread() -> Iterator[int]:
    """Keep BLAS to one thread; gives how many it may use otherwise.

    The limit holds for the whole process, so one piece of work is done at a time under it.
    """
    blas = _blas()
    with _alone:
        allowed: int = max((library.num_threads for library in blas.lib_controllers), default=1)
        with blas.limit(limits=1):
            yield allowed


@cache
def _blas() -> ThreadpoolController:
    """The BLAS libraries of this process; finding them takes milliseconds."""
    return ThreadpoolController().select(user_api="blas")
