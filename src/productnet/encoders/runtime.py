"""Running encoders on every core: many single-threaded calls at a time rather than one wide one.

Measured on two cores with EfficientNet-Lite0: one image a call on each core does 215 images a
second, a batch of 32 over both cores 95. It also makes a vector independent of its neighbours in
the batch, down to the last bit, so that interrupted work continues to exactly the same result.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from productnet.encoders.base import FloatArray
from productnet.engine.cores import cores

Item = TypeVar("Item")
Result = TypeVar("Result")


class OnnxModel:
    """An exported network with one output; safe to call from several threads at once."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, **inputs: NDArray[np.generic]) -> FloatArray:
        """The network's output for these inputs, by name."""
        output: FloatArray = self._session.run(None, inputs)[0]
        return output


def on_every_core(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """``[function(item) for item in items]``, on as many threads as this process has cores.

    The first exception is raised once the calls already running have ended.
    """
    todo = list(items)
    if len(todo) == 1 or cores() == 1:
        return [function(one) for one in todo]  # a thread takes longer to start than a text
    with ThreadPoolExecutor(cores()) as threads:
        return list(threads.map(function, todo))
