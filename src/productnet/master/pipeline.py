"""The input pipeline: batches are made ready by threads while the network works on earlier ones.

Decoding images and copying arrays lets go of Python's lock, so threads keep all cores busy and
share what is in memory. Batches come in the order asked for, whoever made them.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import torch

from productnet.master.batching import Prepared
from productnet.master.network import Batch

T = TypeVar("T")
R = TypeVar("R")

# Threads at most: more than this and a GPU waits for nobody.
_MOST_WORKERS = 16


def workers_for(data: Prepared, device: torch.device) -> int:
    """How many threads make batches ahead; 0 where a batch costs too little to be handed over."""
    if data.decodes:
        return min(_MOST_WORKERS, os.cpu_count() or 1)
    return 2 if device.type == "cuda" else 0


def ahead(make: Callable[[T], R], items: Iterable[T], *, workers: int) -> Iterator[R]:
    """``make`` of each item, in order, at most two more than ``workers`` of them ahead."""
    if not workers:
        yield from map(make, items)
        return
    left = iter(items)
    with ThreadPoolExecutor(workers, thread_name_prefix="batches") as pool:
        waiting: deque[Future[R]] = deque(
            pool.submit(make, one) for one in islice(left, workers + 2)
        )
        try:
            while waiting:
                made = waiting.popleft().result()
                waiting.extend(pool.submit(make, one) for one in islice(left, 1))
                yield made
        finally:
            for one in waiting:
                one.cancel()


def pinned(batch: Batch, device: torch.device) -> Batch:
    """The batch in memory that a GPU can copy from by itself; on other devices as it is."""
    if device.type != "cuda":
        return batch
    inputs = {
        name: tuple(tensor.pin_memory() for tensor in tensors)
        for name, tensors in batch.inputs.items()
    }
    return Batch(inputs, batch.present.pin_memory())


def placed(batch: Batch, device: torch.device) -> Batch:
    """The batch on the device, images with their channels last, as convolutions like them."""
    moved = batch.to(device)
    inputs = {
        name: tuple(
            one.contiguous(memory_format=torch.channels_last) if one.ndim == 4 else one
            for one in tensors
        )
        for name, tensors in moved.inputs.items()
    }
    return Batch(inputs, moved.present)
