"""A team: several processes, a GPU each, that train one model together under ``torchrun``.

Every process walks through the same batches and takes its share of each, so that a team trains
the model that one process would, but for dropout and rounding. The first process is the one that
writes files and draws progress.
"""

import atexit
import os
from dataclasses import dataclass

import numpy as np
import torch
from torch import distributed


@dataclass(frozen=True, slots=True)
class Team:
    """Which of how many processes this is.

    Attributes:
        rank: From 0.
        size: 1 for a process by itself.
        device: Where this process computes.
    """

    rank: int
    size: int
    device: torch.device

    @classmethod
    def join(cls, device: torch.device) -> "Team":
        """The team that ``torchrun`` made this process part of, or a team of one.

        The first call waits for the others.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "TORCHELASTIC_RUN_ID" not in os.environ:
            return cls(0, 1, device)
        if not distributed.is_initialized():
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
            atexit.register(distributed.destroy_process_group)
        return cls(distributed.get_rank(), distributed.get_world_size(), device)

    @property
    def leads(self) -> bool:
        """Whether this process writes and draws for the team."""
        return self.rank == 0

    def share(self, places: np.ndarray) -> np.ndarray:
        """This process's part of a batch (B,); all of it where there is not one for each."""
        return places[self.rank :: self.size] if len(places) >= self.size else places

    def total(self, own: np.ndarray) -> np.ndarray:
        """The sum over the team of arrays of one shape."""
        if self.size == 1:
            return own
        summed = torch.from_numpy(own).to(self.device)
        distributed.all_reduce(summed)
        return summed.cpu().numpy()

    def agree(self, decision: bool) -> bool:
        """What the first process decided."""
        return bool(self.total(np.array([decision and self.leads], dtype=np.int64))[0])

    def gather(self, own: torch.Tensor) -> list[torch.Tensor]:
        """Every process's tensor, of one shape, in order of rank."""
        if self.size == 1:
            return [own]
        mine = own.to(self.device)
        theirs = [torch.empty_like(mine) for _ in range(self.size)]
        distributed.all_gather(theirs, mine)
        return [one.cpu() for one in theirs]

    def wait(self) -> None:
        """Until all have come here."""
        if self.size > 1:
            distributed.barrier()


def leads_team() -> bool:
    """Whether this process, if it is one of a team, is the one that writes; before joining."""
    return os.environ.get("RANK", "0") == "0" or "TORCHELASTIC_RUN_ID" not in os.environ


def local_rank() -> int:
    """Which GPU of its machine a process of a team takes."""
    return int(os.environ.get("LOCAL_RANK", "0"))
