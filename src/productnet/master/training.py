"""Training: AdamW with warm-up and cosine, early stopping, the same weights for the same seed."""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.parallel import DistributedDataParallel

from productnet.errors import TrainingError
from productnet.master import memory
from productnet.master.batching import Examples
from productnet.master.checkpoints import Checkpoints
from productnet.master.history import UNWRITTEN, Epoch, TrainingLog
from productnet.master.network import Batch, MasterNetwork
from productnet.master.objective import Objective
from productnet.master.pipeline import ahead, pinned, placed, workers_for
from productnet.master.presets import Preset
from productnet.master.solved import Jury, solve_members
from productnet.master.state import State, learning_rate
from productnet.master.team import Team, local_rank
from productnet.progress import Progress

_CLIP = 1.0

# Steps between two looks at the clock, and between two points of TensorBoard's curves.
_LOOK = 10


@dataclass(frozen=True)
class Run:
    """How to train: the preset's numbers, and what does not change the result but for the seed.

    Attributes:
        preset: Optimiser, schedule, regularisation.
        seed: Of the order of products and of dropout.
        device: Where to compute; the network is there already.
        progress: Told one unit a batch, and how the last epoch went.
        number: Whether the target is a number, and not a class.
        body_rate: Learning rate of all but the last layer, relative to that layer's.
        checkpoints: Where training goes on from, and leaves what it needs to.
        log: Event files for TensorBoard.
        compiled: Whether ``torch.compile`` makes a program of the network first.
        stacks: Whether validation finds the shares of the solved members, as it does once; later
            trainings of the same network take those it has.
    """

    preset: Preset
    seed: int
    device: torch.device
    progress: Progress
    number: bool = False
    body_rate: float = 1.0
    checkpoints: Checkpoints | None = None
    log: TrainingLog = UNWRITTEN
    compiled: bool = False
    stacks: bool = True

    def train(
        self,
        network: MasterNetwork,
        examples: Examples,
        *,
        validation: Examples | None = None,
        phase: str = "fit",
    ) -> list[Epoch]:
        """Train in place; with patience, leave the weights of the epoch best on validation.

        Args:
            network: Changed in place.
            examples: To learn from.
            validation: To judge each epoch by, and to stop early if the preset has patience.
            phase: Name of this training among those of the run; what it learns from tells it
                from others of the same name.

        Raises:
            TrainingError: If the loss stops being a number, or memory cannot suffice.
            ModelError: If a checkpoint is damaged.
        """
        preset = self.preset
        team = Team.join(self.device)
        objective = self._objective(network, examples)
        optimizer = torch.optim.AdamW(_groups(network, preset, self.body_rate), fused=True)
        name = f"{phase}-{examples.digest}"
        state = State(network, optimizer, np.random.default_rng(self.seed), team, name=name)
        with seeded(self.seed, self.device):
            if self.checkpoints and state.restore(self.checkpoints):
                return list(state.history)
            self._check_memory(objective, examples, team)
            self._epochs(objective, examples, validation, state, phase)
        state.best.put_back(network)
        if preset.solves and state.history and not self.number:
            jury = self._jury(network, validation, team) if self.stacks else None
            solve_members(network, examples, preset, jury=jury)
            state.history[-1] = self._judge(network, state.history[-1].loss, validation, team)
        if self.checkpoints:
            state.keep(self.checkpoints, over=True)
        return list(state.history)

    def _epochs(
        self,
        objective: Objective,
        examples: Examples,
        validation: Examples | None,
        state: State,
        phase: str,
    ) -> None:
        preset, team = self.preset, state.team
        epochs = preset.epochs_for(len(examples))
        batches = math.ceil(len(examples) / preset.batch_size)
        steps = batches * epochs
        module = _spread(objective, team, self.device, compiled=self.compiled)
        with self.progress.task("Training the master model", total=steps) as advance:
            advance(state.steps + (state.epoch - 1) * batches, state.note(epochs))
            while state.epoch <= epochs:
                objective.train()
                plan = examples.shuffled(preset.batch_size, rng=state.begin_epoch())
                left = plan[state.steps :]
                for places, (batch, targets) in zip(
                    left, self._ready(examples, left, team), strict=True
                ):
                    step = (state.epoch - 1) * batches + state.steps
                    rate = state.set_rate(learning_rate(step, steps, warmup=preset.warmup))
                    loss = self._learn(module, objective, state, batch, targets, examples, places)
                    state.steps += 1
                    advance(1)
                    if step % _LOOK == 0:
                        if self.log.writes:
                            self.log.step(phase, step, loss=float(loss), rate=rate)
                        if self.checkpoints and team.agree(self.checkpoints.due):
                            state.keep(self.checkpoints)
                mean = float(team.total(state.loss.cpu().numpy()[None])[0]) / len(examples)
                judged = self._judge(objective.network, mean, validation, team)
                self.log.epoch(phase, state.epoch * batches, judged)
                if not math.isfinite(judged.loss):
                    raise TrainingError(
                        f"The loss of epoch {state.epoch} is {judged.loss}. Lower the learning "
                        f"rate, which is {preset.learning_rate}."
                    )
                state.end_epoch(judged, keep_best=preset.patience is not None)
                advance(0, state.note(epochs))
                if self.checkpoints and team.agree(self.checkpoints.due):
                    state.keep(self.checkpoints)
                if state.patient_for(preset.patience):
                    break

    def _learn(
        self,
        module: nn.Module,
        objective: Objective,
        state: State,
        batch: Batch,
        targets: torch.Tensor,
        examples: Examples,
        places: np.ndarray,
    ) -> torch.Tensor:
        """One step of AdamW; the mean loss of the whole batch, as far as this process saw it."""
        size = state.team.size if len(places) >= state.team.size else 1
        everybody = torch.from_numpy(examples.classes[places]).to(self.device)
        whole = objective.weigh(everybody) / size
        with autocast(self.device):
            loss: torch.Tensor = module(batch, targets, whole)
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(objective.network.parameters(), _CLIP)
        state.optimizer.step()
        state.loss += loss.detach() * (len(places) / state.team.size)
        return loss.detach()

    def _ready(
        self, examples: Examples, plan: list[np.ndarray], team: Team
    ) -> Iterator[tuple[Batch, torch.Tensor]]:
        """This process's share of each batch, on the device, with its targets."""

        def make(places: np.ndarray) -> tuple[Batch, np.ndarray]:
            own = team.share(places)
            return pinned(examples.batch(own), self.device), examples.classes[own]

        workers = workers_for(examples.data, self.device)
        for batch, targets in ahead(make, plan, workers=workers):
            yield placed(batch, self.device), torch.from_numpy(targets).to(self.device)

    def _objective(self, network: MasterNetwork, examples: Examples) -> Objective:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        weights = torch.ones(network.outputs)
        if not self.number:
            weights = _class_weights(examples, network, self.preset)
        return Objective(
            network,
            weights=weights,
            label_smoothing=self.preset.label_smoothing,
            nested=self.preset.nested,
            number=self.number,
        ).to(self.device)

    def _check_memory(self, objective: Objective, examples: Examples, team: Team) -> None:
        copies = (self.preset.patience is not None) + (self.checkpoints is not None)
        need = memory.measure(objective, examples, copies=copies)
        batch_size = min(self.preset.batch_size, len(examples))
        memory.check(need, math.ceil(batch_size / team.size), self.device)

    def _jury(self, network: MasterNetwork, validation: Examples | None, team: Team) -> Jury | None:
        if validation is None or not len(validation):
            return None

        def hears() -> np.ndarray:
            size = self.preset.batch_size
            return infer(network, validation, device=self.device, batch_size=size, team=team)[1]

        return Jury(validation.classes, hears)

    def _judge(
        self, network: MasterNetwork, loss: float, validation: Examples | None, team: Team
    ) -> Epoch:
        jury = self._jury(network, validation, team)
        if jury is None:
            return Epoch(loss, None, None)
        truth, logits = jury.truth, jury.hears()
        if self.number:
            said = torch.from_numpy(logits[:, 0])
            return Epoch(loss, None, float(F.smooth_l1_loss(said, torch.from_numpy(truth))))
        entropy = F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(truth))
        return Epoch(loss, float((logits.argmax(axis=1) == truth).mean()), float(entropy))


@torch.inference_mode()
def infer(
    network: MasterNetwork,
    examples: Examples,
    *,
    device: torch.device,
    batch_size: int,
    team: Team | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (N, D) float32, not normalised, and logits (N, C) float32 of all outputs.

    A team shares the batches among its processes, and each of them gets all rows.
    """
    network.eval()
    embeddings = np.zeros((len(examples), network.classify.in_features), dtype=np.float32)
    logits = np.zeros((len(examples), network.outputs), dtype=np.float32)
    plan = examples.in_order(batch_size)
    if team is not None:
        plan = plan[team.rank :: team.size]
    workers = workers_for(examples.data, device)
    made = ahead(lambda places: pinned(examples.batch(places), device), plan, workers=workers)
    for places, batch in zip(plan, made, strict=True):
        with autocast(device):
            embedded = network.embed(placed(batch, device))  # (B, D)
            scored = network.logits(embedded)  # (B, C)
        embeddings[places] = embedded.float().cpu().numpy()
        logits[places] = scored.float().cpu().numpy()
    if team is None:
        return embeddings, logits
    return team.total(embeddings), team.total(logits)


def pick_device(name: str) -> torch.device:
    """The device of this name; ``auto`` is a GPU if there is one. Raises TrainingError."""
    if name == "auto":
        if not torch.cuda.is_available():
            return torch.device("cpu")
        return torch.device("cuda", local_rank())
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise TrainingError(f'There is no device "{name}". Take auto, cpu or cuda.') from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise TrainingError(f'Device "{name}" is not here: torch finds no GPU. Take auto or cpu.')
    return device


def autocast(device: torch.device) -> "torch.autocast | nullcontext[None]":
    """bfloat16 on a GPU; a CPU without native bfloat16 is a hundred times slower in it."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's own randomness (weights, dropout) from this seed; outside, nothing changes."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def _spread(objective: Objective, team: Team, device: torch.device, *, compiled: bool) -> nn.Module:
    """The objective as it is called: over the team, and as a program where that was asked for."""
    module: nn.Module = objective
    if team.size > 1:
        if device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(objective)  # type: ignore[no-untyped-call]
        # Running means are alike already; TF-IDF's axes would be sent anew for every batch.
        module = DistributedDataParallel(objective, forward_sync_buffers=False)
    if compiled:
        module = torch.compile(module)  # type: ignore[assignment]
    return module


def _groups(network: MasterNetwork, preset: Preset, body_rate: float) -> list[dict[str, object]]:
    """Parameters by learning rate and decay: none on biases, norms and missing-field vectors."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    rates = {f"encoders.{name}.": one.rate for name, one in network.encoders_by_name.items()}
    for name, parameter in network.named_parameters():
        rate = next((rate for prefix, rate in rates.items() if name.startswith(prefix)), 1.0)
        if not name.startswith("classify."):
            rate *= body_rate
        decay = preset.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((preset.learning_rate * rate, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "peak": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


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
