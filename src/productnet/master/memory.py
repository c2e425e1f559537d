"""Memory: what training will take, known before it begins, against what is free.

What does not depend on the batch is counted: gradients, AdamW's two moments, and the copies of
the weights that are kept. What does is measured: one forward pass over the longest products
tells which tensors the backward pass will need.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import torch

from productnet.errors import TrainingError
from productnet.master.batching import Examples
from productnet.master.objective import Objective
from productnet.master.pipeline import placed

# Products of the measured pass: two, so that layers that average over a batch have one.
_MEASURED = 2

# The backward pass and the allocator come on top of what is kept for it: .7 to 1.1 of it were
# seen on the networks of both presets.
_BACKWARD = 2.0

# Part of what is free that training may plan with; the rest is other programs'.
_USABLE = 0.9

# Where Linux says how much memory a container may have and has: version 2, then version 1.
_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that training takes beside the network and its prepared products.

    Attributes:
        fixed: Whatever the batch size.
        per_product: For each product of a batch.
    """

    fixed: int
    per_product: int

    def of(self, batch_size: int) -> int:
        """Bytes for batches of this size."""
        return self.fixed + batch_size * self.per_product

    def largest(self, free: int) -> int:
        """The most products a batch that fits into so many bytes; 0 if none does."""
        return max(0, int((free * _USABLE - self.fixed) // self.per_product))


def measure(objective: Objective, examples: Examples, *, copies: int) -> Need:
    """What training on these examples takes.

    Neither weights, nor running means, nor the state of any generator are changed.

    Args:
        objective: The network and its loss, where it will be trained.
        examples: To be learnt from; those with the longest texts are measured.
        copies: How often the weights are kept beside the network.
    """
    parameters = sum(_bytes(one) for one in objective.network.parameters())
    state = sum(_bytes(one) for one in objective.network.state_dict().values())
    work = examples.data.work(examples.rows)
    order = np.arange(len(examples)) if work is None else np.argsort(-work, kind="stable")
    places = np.resize(order[:_MEASURED], _MEASURED)
    device = objective.weights.device
    batch = placed(examples.batch(places), device)
    targets = torch.from_numpy(examples.classes[places]).to(device)
    given = [one for tensors in batch.inputs.values() for one in tensors]
    known = {one.untyped_storage().data_ptr() for one in (*objective.parameters(), *given)}
    known |= {one.untyped_storage().data_ptr() for one in objective.buffers()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with _unchanged(objective), torch.autograd.graph.saved_tensors_hooks(keep, _as_it_is):
        objective.train()
        loss = objective(batch, targets, objective.weigh(targets))
        del loss
    activations = _BACKWARD * sum(kept.values()) + sum(map(_bytes, given))
    return Need(
        fixed=3 * parameters + copies * state,
        per_product=max(1, int(activations / len(places))),
    )


def check(need: Need, batch_size: int, device: torch.device, *, free: int | None = None) -> None:
    """Raise TrainingError, naming the largest batch that fits, if this one does not.

    Args:
        need: What training takes.
        batch_size: Products a batch, of one process.
        device: Where.
        free: Bytes that are free there; looked up when None.
    """
    free = free_memory(device) if free is None else free
    if need.of(batch_size) <= free * _USABLE:
        return
    where = "on the GPU" if device.type == "cuda" else "in memory"
    largest = need.largest(free)
    sums = (
        f"Training needs about {_gigabytes(need.of(batch_size))} {where} "
        f"({_gigabytes(need.fixed)} for weights and optimiser, "
        f"{_gigabytes(batch_size * need.per_product)} for batches of {batch_size} products); "
        f"{_gigabytes(free)} are free."
    )
    if largest:
        raise TrainingError(
            f"{sums} The largest batch that fits has {largest}: --batch-size or "
            f"MasterModel(batch_size={largest})."
        )
    raise TrainingError(
        f"{sums} Not even a batch of one product fits. Take a smaller preset, or another device."
    )


def free_memory(device: torch.device) -> int:
    """Bytes that this process could still take: of the GPU, or of the machine or container."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + idle)
    return min([psutil.virtual_memory().available, *_left_in_container()])


def _left_in_container() -> Iterator[int]:
    for most, taken in _LIMITS:
        try:
            yield int(Path(most).read_text()) - int(Path(taken).read_text())
        except (OSError, ValueError):
            continue  # no such limit here, or "max", which is none


@contextmanager
def _unchanged(objective: Objective) -> Iterator[None]:
    """Puts back what a forward pass changes: running means, and the generators of dropout."""
    before = {name: one.clone() for name, one in objective.named_buffers()}
    device = objective.weights.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield
    with torch.no_grad():
        for name, one in objective.named_buffers():
            one.copy_(before[name])


def _as_it_is(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _gigabytes(count: int) -> str:
    return f"{count / 2**30:,.2f} GB"
