"""Training: AdamW with warm-up and cosine, early stopping, the same weights for the same seed."""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.optim.lr_scheduler import LambdaLR

from productnet.errors import TrainingError
from productnet.master.batching import Examples
from productnet.master.network import MasterNetwork
from productnet.master.presets import Preset
from productnet.progress import Progress

_CLIP = 1.0


@dataclass(frozen=True, slots=True)
class Epoch:
    """How one pass over the training products went.

    Attributes:
        loss: Mean training loss.
        accuracy: Share of validation products classified rightly; None without validation.
        validation_loss: Mean cross-entropy on them; None without validation.
    """

    loss: float
    accuracy: float | None
    validation_loss: float | None


@dataclass(frozen=True)
class Run:
    """How to train: the preset's numbers, and what does not change the result but for the seed.

    Attributes:
        preset: Optimiser, schedule, regularisation.
        seed: Of the order of products and of dropout.
        device: Where to compute; the network is there already.
        progress: Told one unit an epoch.
    """

    preset: Preset
    seed: int
    device: torch.device
    progress: Progress

    def train(
        self,
        network: MasterNetwork,
        examples: Examples,
        *,
        validation: Examples | None = None,
    ) -> list[Epoch]:
        """Train in place; with patience, leave the weights of the epoch best on validation.

        Args:
            network: Changed in place.
            examples: To learn from.
            validation: To judge each epoch by, and to stop early if the preset has patience.

        Raises:
            TrainingError: If the loss stops being a number.
        """
        preset = self.preset
        epochs = preset.epochs_for(len(examples))
        steps = math.ceil(len(examples) / preset.batch_size) * epochs
        optimizer = torch.optim.AdamW(_groups(network, preset), fused=True)
        schedule = LambdaLR(optimizer, lambda step: _rate(step, steps, warmup=preset.warmup))
        weights = _class_weights(examples, network, preset).to(self.device)
        history: list[Epoch] = []
        best = _Best()
        rng = np.random.default_rng(self.seed)
        with (
            seeded(self.seed, self.device),
            self.progress.task("Training the master model", total=epochs) as advance,
        ):
            for number in range(1, epochs + 1):
                network.train()
                total = torch.zeros((), device=self.device)
                for batch, classes in examples.shuffled(preset.batch_size, rng=rng):
                    with autocast(self.device):
                        said = network.member_logits(network.embed(batch.to(self.device)))
                    loss = F.cross_entropy(
                        torch.cat(said).float(),  # (M * B, C)
                        classes.to(self.device).repeat(len(said)),
                        weight=weights,
                        label_smoothing=preset.label_smoothing,
                    )
                    optimizer.zero_grad(set_to_none=True)
                    loss.backward()  # type: ignore[no-untyped-call]
                    nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
                    optimizer.step()
                    schedule.step()
                    total += loss.detach() * len(classes)
                history.append(self._judge(network, float(total) / len(examples), validation))
                advance(1)
                if not math.isfinite(history[-1].loss):
                    raise TrainingError(
                        f"The loss of epoch {number} is {history[-1].loss}. Lower the learning "
                        f"rate, which is {preset.learning_rate}."
                    )
                if preset.patience is None or history[-1].accuracy is None:
                    continue
                best.see(history[-1], number, network)
                if number - best.epoch >= preset.patience:
                    break
        if best.weights:
            network.load_state_dict(best.weights)
        return history

    def _judge(self, network: MasterNetwork, loss: float, validation: Examples | None) -> Epoch:
        if validation is None or not len(validation):
            return Epoch(loss, None, None)
        _, logits = infer(
            network, validation, device=self.device, batch_size=self.preset.batch_size
        )
        truth = validation.classes
        entropy = F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(truth))
        return Epoch(loss, float((logits.argmax(axis=1) == truth).mean()), float(entropy))


@torch.inference_mode()
def infer(
    network: MasterNetwork, examples: Examples, *, device: torch.device, batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (N, D) float32, not normalised, and logits (N, C) float32 of all outputs."""
    network.eval()
    embeddings = np.empty((len(examples), network.classify.in_features), dtype=np.float32)
    logits = np.empty((len(examples), network.outputs), dtype=np.float32)
    for places, batch in examples.in_order(batch_size):
        with autocast(device):
            embedded = network.embed(batch.to(device))  # (B, D)
            scored = network.logits(embedded)  # (B, C)
        embeddings[places] = embedded.float().cpu().numpy()
        logits[places] = scored.float().cpu().numpy()
    return embeddings, logits


def pick_device(name: str) -> torch.device:
    """The device of this name; ``auto`` is a GPU if there is one. Raises TrainingError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise TrainingError(f'There is no device "{name}". Take auto, cpu or cuda.') from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise TrainingError(f'Device "{name}" is not here: torch finds no GPU. Take auto or cpu.')
    return device


def autocast(device: torch.device) -> "torch.autocast | nullcontext[None]":
    """bfloat16 on a GPU; a CPU without native bfloat16 is a hundred times slower in it."""
    if device.type == "cuda":
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's own randomness (weights, dropout) from this seed; outside, nothing changes."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


@dataclass
class _Best:
    """The best epoch so far and a copy of its weights."""

    epoch: int = 0
    score: tuple[float, float] = (-math.inf, -math.inf)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)

    def see(self, seen: Epoch, number: int, network: MasterNetwork) -> None:
        """Accuracy decides, then confidence in the truth."""
        if seen.accuracy is None or seen.validation_loss is None:
            return
        score = (seen.accuracy, -seen.validation_loss)
        if score > self.score:
            self.epoch, self.score = number, score
            self.weights = {name: one.clone() for name, one in network.state_dict().items()}


def _groups(network: MasterNetwork, preset: Preset) -> list[dict[str, object]]:
    """Parameters by learning rate and decay: none on biases, norms and missing-field vectors."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    rates = {f"encoders.{name}.": one.rate for name, one in network.encoders_by_name.items()}
    for name, parameter in network.named_parameters():
        rate = next((rate for prefix, rate in rates.items() if name.startswith(prefix)), 1.0)
        decay = preset.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((preset.learning_rate * rate, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def _rate(step: int, steps: int, *, warmup: float) -> float:
    """Share of the learning rate: a linear rise, then half a cosine down to zero."""
    rise = max(1, round(steps * warmup))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, steps - rise))))


def _class_weights(examples: Examples, network: MasterNetwork, preset: Preset) -> torch.Tensor:
    """One weight an output, (C,), of mean 1 over the products that have a category."""
    count = network.classify.out_features
    weights = np.ones(count)
    if preset.class_weights:
        frequency = np.bincount(examples.classes, minlength=network.outputs)[:count].clip(min=1)
        weights = 1 / np.sqrt(frequency)
        weights *= frequency.sum() / (weights * frequency).sum()
    if network.abstains:
        weights = np.append(weights, preset.rejected_weight)
    return torch.from_numpy(weights).float()
