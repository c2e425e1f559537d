"""Fitting: the phases that make a model of an untrained network, each of which can be resumed.

*fit* trains on what is not held out, and finds the shares of solved members; what the network then
says of the held-out products is what calibration learns from, unless gold is judged in folds;
*refit*, where the preset asks for it, trains anew on everything.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from productnet.master.batching import Examples
from productnet.master.checkpoints import Checkpoints, fingerprint
from productnet.master.history import Epoch, TrainingLog
from productnet.master.network import MasterNetwork
from productnet.master.team import Team, leads_team
from productnet.master.training import Run, infer


@dataclass(frozen=True)
class Lesson:
    """What a network learns from.

    Attributes:
        ids: Of the products that are learnt from, in the order of ``everything``.
        everything: All of them.
        training: Those that the first phase learns from.
        held_out: Those that judge it, and that calibration learns from.
    """

    ids: Sequence[str]
    everything: Examples
    training: Examples
    held_out: Examples


@dataclass(frozen=True)
class Keeping:
    """What training leaves on disk while it runs.

    Attributes:
        checkpoints: Folder of checkpoints; None keeps none.
        log: Folder of TensorBoard's event files; None writes none.
        every: Seconds between two checkpoints.
    """

    checkpoints: Path | None = None
    log: Path | None = None
    every: float = 60.0


NOTHING = Keeping()


@dataclass(frozen=True, slots=True)
class Fitted:
    """What the first phase left beside the network that it trained.

    Attributes:
        history: How it went.
        logits: (M, C) of the held-out products.
        start: The first weights, with the shares of the solved members that the phase found.
    """

    history: list[Epoch]
    logits: np.ndarray
    start: dict[str, torch.Tensor]


def fit(network: MasterNetwork, lesson: Lesson, run: Run) -> Fitted:
    """Train in place on what is not held out."""
    start = network.weights()
    history = run.train(network, lesson.training, validation=lesson.held_out)
    _, logits = infer(
        network,
        lesson.held_out,
        device=run.device,
        batch_size=run.preset.batch_size,
        team=Team.join(run.device),
    )
    return Fitted(history, logits, start | {"shares": network.shares.clone()})


def refit(network: MasterNetwork, lesson: Lesson, run: Run, fitted: Fitted) -> None:
    """Train in place on everything, from the first weights, where the preset asks for that."""
    if run.preset.refit and len(lesson.held_out):
        network.load_state_dict(fitted.start)
        run.train(network, lesson.everything, phase="refit")


@contextmanager
def kept(
    run: Run, keeping: Keeping, network: MasterNetwork, lesson: Lesson, **described: object
) -> Iterator[Run]:
    """The run with its checkpoints and its log, which is closed at the end.

    Args:
        run: How to train.
        keeping: What to leave on disk.
        network: Untrained.
        lesson: What it learns from.
        described: Whatever else tells this training from another, as JSON.
    """
    if keeping.checkpoints is not None:
        told = fingerprint(
            {**described, "preset": run.preset, "seed": run.seed, "body": run.body_rate},
            lesson.ids,
            [lesson.everything.classes, lesson.training.rows, lesson.held_out.classes],
            [lesson.everything.data, lesson.held_out.data],
            network.state_dict(),
        )
        own = Checkpoints.of(keeping.checkpoints, told, every=keeping.every)
        run = replace(run, checkpoints=own)
    with TrainingLog(keeping.log if leads_team() else None) as log:
        yield replace(run, log=log)
