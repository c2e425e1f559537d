"""The state of training: what changes from step to step, and so what a checkpoint keeps."""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.optim import Optimizer

from productnet.errors import ModelError
from productnet.master.checkpoints import Checkpoint, Checkpoints, Position
from productnet.master.history import Epoch
from productnet.master.network import MasterNetwork
from productnet.master.team import Team


class State:
    """Where training is: the network and its optimiser, the epoch, the order, the best so far.

    Attributes:
        network: Trained in place.
        optimizer: AdamW, over groups that know their ``peak`` learning rate.
        team: The processes that train.
        name: Of this phase among the checkpoints.
        epoch: The one under way, from 1.
        steps: Batches of it that were learnt from.
        loss: The sum over products of the loss in this epoch, as far as this process saw it.
        history: Epochs that are over.
        best: The best of them, with its weights.
    """

    def __init__(
        self,
        network: MasterNetwork,
        optimizer: Optimizer,
        rng: np.random.Generator,
        team: Team,
        *,
        name: str,
    ) -> None:
        self.network, self.optimizer, self.team, self.name = network, optimizer, team, name
        self._rng = rng
        self._order = rng.bit_generator.state
        self.epoch, self.steps = 1, 0
        self.loss = torch.zeros((), device=team.device)
        self.history: list[Epoch] = []
        self.best = Best()

    def begin_epoch(self) -> np.random.Generator:
        """The generator of this epoch's order, in the state it has as the epoch begins."""
        self._rng.bit_generator.state = self._order
        return self._rng

    def end_epoch(self, judged: Epoch, *, keep_best: bool) -> None:
        """The epoch is over, and was judged so."""
        self.history.append(judged)
        if keep_best:
            self.best.see(judged, self.epoch, self.network)
        self._order = self._rng.bit_generator.state
        self.epoch, self.steps = self.epoch + 1, 0
        self.loss.zero_()

    def patient_for(self, epochs: int | None) -> bool:
        """Whether the best epoch is so many epochs ago."""
        return (
            epochs is not None
            and self.best.epoch > 0
            and self.epoch - 1 - self.best.epoch >= epochs
        )

    def set_rate(self, share: float) -> float:
        """Give every group this share of its peak learning rate; the highest of them."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * share
        return max(float(group["lr"]) for group in self.optimizer.param_groups)

    def note(self, epochs: int) -> str:
        """How it goes, in a few words."""
        told = f"epoch {min(self.epoch, epochs)} of {epochs}"
        return f"{told}, {self.history[-1]}" if self.history else told

    def keep(self, checkpoints: Checkpoints, *, over: bool = False) -> None:
        """Write a checkpoint; of a phase that is over, its weights and history alone."""
        tensors = {f"network/{name}": one for name, one in self.network.state_dict().items()}
        if not over:
            tensors |= {f"best/{name}": one for name, one in self.best.weights.items()}
            for number, parameter in enumerate(self._parameters()):
                for name, one in self.optimizer.state.get(parameter, {}).items():
                    tensors[f"optimizer/{number}/{name}"] = one
            for kind, own in {"loss": self.loss, **_generators(self.team.device)}.items():
                for rank, theirs in enumerate(self.team.gather(own)):
                    tensors[f"{kind}/{rank}"] = theirs
        if self.team.leads:
            position = Position(
                epoch=self.epoch,
                steps=self.steps,
                order=self._order,
                history=tuple(self.history),
                best_epoch=self.best.epoch,
                over=over,
            )
            checkpoints.write(self.name, Checkpoint(position, tensors))
        self.team.wait()

    def restore(self, checkpoints: Checkpoints) -> bool:
        """Go on from a checkpoint, if there is one; whether its phase is over.

        Raises ModelError if it is damaged, or of another network or number of processes.
        """
        checkpoint = checkpoints.read(self.name)
        if checkpoint is None:
            return False
        position = checkpoint.position
        try:
            self.network.load_state_dict(checkpoint.group("network"))
            self.history = list(position.history)
            if position.over:
                return True
            self._restore_optimizer(checkpoint)
            rank = str(self.team.rank)
            self.loss.copy_(checkpoint.group("loss")[rank])
            _set_generators(checkpoint, rank, self.team.device)
        except (KeyError, RuntimeError) as error:
            raise ModelError(
                f"The checkpoint does not fit this training: {error}. It goes on with as many "
                "processes, and on the same kind of device, as it was begun with."
            ) from error
        self.epoch, self.steps = position.epoch, position.steps
        self._order = dict(position.order)
        self.best = Best.restored(self.history, position.best_epoch, checkpoint.group("best"))
        return False

    def _restore_optimizer(self, checkpoint: Checkpoint) -> None:
        for number, parameter in enumerate(self._parameters()):
            for name, one in checkpoint.group(f"optimizer/{number}").items():
                like = parameter if one.shape == parameter.shape else one.to(parameter.device)
                # In the parameter's own layout, which channels-last weights depend on.
                self.optimizer.state[parameter][name] = torch.empty_like(like).copy_(one)

    def _parameters(self) -> list[torch.Tensor]:
        return [one for group in self.optimizer.param_groups for one in group["params"]]


@dataclass
class Best:
    """The best epoch so far and a copy of its weights."""

    epoch: int = 0
    score: tuple[float, float] = (-math.inf, -math.inf)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)

    @classmethod
    def restored(cls, history: list[Epoch], epoch: int, weights: dict[str, torch.Tensor]) -> "Best":
        """As it was when a checkpoint was written."""
        return cls(epoch, _score(history[epoch - 1]), weights) if epoch else cls()

    def see(self, seen: Epoch, number: int, network: MasterNetwork) -> None:
        """Accuracy decides, then confidence in the truth."""
        if seen.validation_loss is None:
            return
        if _score(seen) > self.score:
            self.epoch, self.score = number, _score(seen)
            self.weights = network.weights()

    def put_back(self, network: MasterNetwork) -> None:
        """Give the network the best weights, if there are any."""
        if self.weights:
            network.load_state_dict(self.weights)


def learning_rate(step: int, steps: int, *, warmup: float) -> float:
    """Share of the learning rate: a linear rise, then half a cosine down to zero."""
    rise = max(1, round(steps * warmup))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, steps - rise))))


def _score(epoch: Epoch) -> tuple[float, float]:
    if epoch.validation_loss is None:
        return (-math.inf, -math.inf)
    return (epoch.accuracy or 0.0, -epoch.validation_loss)


def _generators(device: torch.device) -> dict[str, torch.Tensor]:
    """The states of torch's generators, by kind."""
    states = {"generator": torch.get_rng_state()}
    if device.type == "cuda":
        states["gpu generator"] = torch.cuda.get_rng_state(device)
    return states


def _set_generators(checkpoint: Checkpoint, rank: str, device: torch.device) -> None:
    torch.set_rng_state(checkpoint.group("generator")[rank])
    if device.type == "cuda":
        torch.cuda.set_rng_state(checkpoint.group("gpu generator")[rank], device)
