"""What each part of a preset is worth, and what tricks would add that it does without.

Inner folds of the training sides of ``benchmarks.quality``'s splits: nothing that is tested on
there is looked at here. Parts are taken out of the preset, or one of its numbers is changed. The
tricks are not in the product, since they did not pay; they live here:

    mixup=A   mixes the encoded fields of two products and their targets, by Beta(A, A) (Zhang et
              al. 2018; of features, Verma et al. 2019)
    tree=W    adds W times the cross-entropy at every level above the leaf, the leaves' softmax
              summed upward
    ema=D     takes a moving average of the weights, of decay D, in place of the last ones

    python -m benchmarks.ablation --work ../quality --set flipkart --splits 2
    python -m benchmarks.ablation --work ../quality --set masked --folds 2 --variants base mixup=0.2

Every fold is kept in ``--work``: a run that was killed goes on. PRODUCTNET_DATA names the folder of
the real sets (default ../shared/data). The last line printed is one JSON object.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from unittest.mock import patch

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch.nn import functional as F  # noqa: N812

from benchmarks.quality.grounds import FOLDS, SETS, Ground, folds, ground_of
from benchmarks.quality.ours import Ours
from productnet.catalog.schema import IMAGE
from productnet.errors import UsageError
from productnet.master import training
from productnet.master.network import Batch
from productnet.master.objective import Objective
from productnet.master.presets import EACH, PRESETS, Preset

# What a variant takes out: inputs of this encoder, or of this field.
TAKEN_OUT = {
    "no-image": (IMAGE,),
    "no-minilm": ("frozen:minilm",),
    "no-tfidf": ("tfidf",),
    "no-lite2": ("frozen:efficientnet-lite2",),
    "no-fields": (EACH,),
}
TRICKS = ("mixup", "tree", "ema")
VARIANTS = (
    "base",
    *("no-image", "no-minilm", "no-tfidf"),
    *(
        "kernel=0",
        "linear=0",
        "label_smoothing=0",
        "field_dropout=0",
        "field_swap=0.1",
        "normalise=0",
    ),
    *("mixup=0.2", "mixup=1", "tree=0.3", "ema=0.99"),
)


@dataclass(frozen=True, slots=True)
class Tricks:
    """How much of each trick; see the module."""

    mixup: float = 0.0
    tree: float = 0.0
    ema: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder that all is kept in")
    parser.add_argument("--set", choices=list(SETS), default="flipkart")
    parser.add_argument("--preset", choices=list(PRESETS), default="fast")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS))
    parser.add_argument("--splits", type=int, default=1, help="of which the training side is taken")
    parser.add_argument("--folds", type=int, default=FOLDS, help="of each, at most")
    arguments = parser.parse_args()
    data = Path(os.environ.get("PRODUCTNET_DATA", "../shared/data")).resolve()
    ground = ground_of(arguments.set, data=data, work=arguments.work)
    kept = arguments.work / f"ablation-{arguments.set}-{arguments.preset}.jsonl"
    report: dict[str, object] = {"benchmark": "ablation", "set": arguments.set}
    for name in arguments.variants:
        preset, tricks = variant(PRESETS[arguments.preset], name)
        lines = [
            fold(ground, preset, tricks, name, kept, split=split, place=place)
            for split in range(arguments.splits)
            for place in range(arguments.folds)
        ]
        tested = sum(line["tested"] for line in lines)
        report[name] = {
            "accuracy": 1 - sum(line["wrong"] for line in lines) / tested,
            "macro_f1": mean(line["macro_f1"] for line in lines),
            "wrong": sum(line["wrong"] for line in lines),
            "tested": tested,
            "processor_seconds": mean(line["processor_seconds"] for line in lines),
        }
        print(f"{name}: {report[name]}", file=sys.stderr)
    print(json.dumps(report))


def variant(preset: Preset, name: str) -> tuple[Preset, Tricks]:
    """The preset changed as the name says, and the tricks that are played beside it."""
    if name == "base":
        return preset, Tricks()
    if name in TAKEN_OUT:
        inputs = [
            one
            for one in preset.inputs
            if one.encoder not in TAKEN_OUT[name] and not set(one.fields) & {*TAKEN_OUT[name]}
        ]
        return replace(preset, inputs=tuple(inputs)), Tricks()
    what, _, number = name.partition("=")
    if what in TRICKS:
        return preset, replace(Tricks(), **{what: float(number)})
    if not hasattr(preset, what):
        raise UsageError(f'There is no variant "{name}".')
    return replace(preset, **{what: type(getattr(preset, what))(float(number))}), Tricks()


def fold(
    ground: Ground,
    preset: Preset,
    tricks: Tricks,
    name: str,
    kept: Path,
    *,
    split: int,
    place: int,
) -> dict[str, float]:
    """Train on one inner fold and look at its rest, unless that was done before."""
    key = f"{name} {split} {place}"
    for text in kept.read_text().splitlines() if kept.exists() else ():
        before = json.loads(text)
        if before["key"] == key:
            return dict(before["line"])
    side, _ = ground.split(split)
    inner = folds(ground.labels[side], ground.groups[side], count=FOLDS, seed=split)
    learnt, looked_at = (side[rows] for rows in inner[place])
    began = time.process_time()
    with played(tricks, sorted(set(ground.labels[learnt].tolist()))):
        predict, _ = Ours(preset).fit(ground.view(learnt), seed=split)
    seconds = time.process_time() - began
    said = predict(ground.view(looked_at))
    truth = ground.labels[looked_at]
    line = {
        "wrong": int((said != truth).sum()),
        "tested": len(truth),
        "macro_f1": float(f1_score(truth, said, average="macro", zero_division=0)),
        "processor_seconds": seconds,
    }
    with kept.open("a") as written:
        written.write(json.dumps({"key": key, "line": line}) + "\n")
    return line


@contextmanager
def played(tricks: Tricks, classes: Sequence[str]) -> Iterator[None]:
    """Training as it is with these tricks, for leaves whose names are paths joined by " > "."""
    levels = [
        torch.from_numpy(np.unique([_above(one, level) for one in classes], return_inverse=True)[1])
        for level in range(1, max(one.count(" > ") for one in classes) + 1)
    ]

    class Tricked(Objective):
        def forward(self, batch: Batch, targets: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
            if not (tricks.mixup and self.training):
                return super().forward(batch, targets, whole)
            share = float(_beta(tricks.mixup).sample())
            other = torch.randperm(len(targets))
            join = self.network._joined
            mixed = lambda *fields: share * (one := join(*fields)) + (1 - share) * one[other]  # noqa: E731
            with patch.object(self.network, "_joined", mixed):
                embedded = self.network.embed(batch)
            losses = [
                share * self._loss(said, targets) + (1 - share) * self._loss(said, targets[other])
                for said in self.network.member_logits(embedded)
            ]
            return torch.stack(losses).mean() / whole

        def _loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            loss = super()._loss(logits, targets)
            for above in levels if tricks.tree else ():
                chances = logits.float().softmax(dim=1) @ F.one_hot(above).float()  # (B, above)
                logs = chances.clamp_min(1e-12).log()
                loss = loss + tricks.tree * F.nll_loss(logs, above[targets], reduction="sum")
            return loss

    class Averaged(training.Run):
        def _epochs(self, objective: Objective, *rest: object) -> None:
            average = torch.optim.swa_utils.AveragedModel(
                objective.network,
                multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(tricks.ema),  # type: ignore[no-untyped-call]
            )
            learn = training.Run._learn

            def learn_and_average(*given: object) -> torch.Tensor:
                loss = learn(*given)  # type: ignore[arg-type]
                average.update_parameters(objective.network)
                return loss

            with patch.object(training.Run, "_learn", learn_and_average):
                super()._epochs(objective, *rest)  # type: ignore[arg-type]
            objective.network.load_state_dict(average.module.state_dict())

    with patch.object(training, "Objective", Tricked):
        if not tricks.ema:
            yield
        else:
            with patch("productnet.master.learning.Run", Averaged):
                yield


def _above(path: str, level: int) -> str:
    return " > ".join(path.split(" > ")[:level])


def _beta(strength: float) -> torch.distributions.Beta:
    return torch.distributions.Beta(strength, strength)


if __name__ == "__main__":
    main()
