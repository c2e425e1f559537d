"""Transfer: a trained body learns another target, labels or a number, from few products.

As in Kumar et al. 2022, *Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution*: a new last layer is trained first, on the body as it is (gradual unfreezing
in two steps); then all of it, the body at a smaller learning rate (discriminative rates, Howard
and Ruder 2018, *Universal Language Model Fine-tuning*, section 3.2).

What a body was trained to tell apart is not always what the new target asks for: one that knows
article types has forgotten colours in its last layers, not in its encoders. So there are two
*starts*, the whole body or its encoders alone under new layers, and a short trial on a quarter of
the products held out says which is better; where there are few, four trials do. Under new layers
words are counted anew: which of them are rare, and which there are, depends on the few products
that are learnt from more than one would think, and a model from scratch would beat a transfer that
knows the body's words alone.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from productnet.errors import TrainingError
from productnet.master.batching import Examples, Prepared
from productnet.master.calibration import fit_temperature
from productnet.master.classes import stratified_holdout
from productnet.master.cross_fit import Evidence, trainings_for
from productnet.master.facts import class_facts, number_facts
from productnet.master.fitting import Keeping, Lesson, fit, kept, refit
from productnet.master.network import MasterNetwork
from productnet.master.presets import Preset
from productnet.master.products import InputField, Products
from productnet.master.storage import Card
from productnet.master.targets import Goal
from productnet.master.training import Run, seeded

# Learning rate of the body beside that of the last layer.
BODY_RATE = 0.3

# What a transfer starts from; a trial decides between the two others.
Start = Literal["auto", "whole", "encoders"]
_STARTS = ("whole", "encoders")

# Share of the products that a trial is judged on; up to so many products there are several trials,
# since what a handful says is chance.
_TRIED = 0.25
_FEW = 256
_TRIALS = 4

# A number's products are held out band by band, so that all sizes are among them.
_BANDS = 10


def transfer(
    network: MasterNetwork,
    card: Card,
    products: Products,
    goal: Goal,
    *,
    run: Run,
    keeping: Keeping,
    start: Start = "auto",
) -> tuple[MasterNetwork, Card]:
    """A network of another target from a trained one's body, and its card; the body's stay.

    Args:
        network: Trained.
        card: Of that network.
        products: To learn from.
        goal: What to learn of them.
        run: How to train: preset, seed, device, learning rate of the body.
        keeping: Folders for checkpoints and logs.
        start: What is taken over: the whole body, its encoders, or what a trial says.

    Raises TrainingError if there is no such start.
    """
    if start not in ("auto", *_STARTS):
        raise TrainingError(f'There is no start "{start}". Take auto, {", ".join(_STARTS)}.')
    preset = run.preset.within_work(len(products), goal.outputs, trainings=trainings_for(1))
    run = replace(run, preset=preset, number=goal.number is not None)
    fields = {name: InputField(products, one.fields) for name, one in card.inputs.items()}
    starts = {}
    for kept_part in _STARTS if start == "auto" else (start,):
        with seeded(run.seed, run.device):
            begun = _begin(network, preset, goal.outputs, kept_part, fields).to(run.device)
        starts[kept_part] = begun, _lesson(begun, fields, products, goal, run)
    untrained, seen = next(iter(starts.values()))
    described = {"classes": goal.classes, "number": goal.number, "transfer": start}
    with kept(run, keeping, untrained, seen, **described) as resumable:
        chosen = _better(starts, resumable) if len(starts) > 1 else next(iter(starts))
        fresh, lesson = starts[chosen]
        if chosen == "whole":
            _train_head(fresh, lesson.training, resumable, phase="head")
        else:
            resumable = replace(resumable, body_rate=1.0)
        fitted = fit(fresh, lesson, resumable)
        refit(fresh, lesson, resumable, fitted)
    logits = fitted.logits
    certain = None
    taken = "all of it" if chosen == "whole" else "its encoders"
    held_out, body, temperature = lesson.held_out.classes, f"{card}: {taken}", 1.0
    if goal.number:
        truth, said = (goal.number.of(one) for one in (held_out, logits[:, 0]))
        facts = number_facts(fresh, len(products), truth, said, body=body)
    else:
        temperature = fit_temperature(logits, held_out)
        evidence = Evidence.of_share(lesson.held_out, logits)
        alone = np.arange(len(products))
        certain = evidence.kept(temperature, groups=alone, classes=len(goal.classes))
        facts = class_facts(
            fresh, goal.targets, held_out, logits, temperature=temperature, body=body
        )
    return fresh, Card(
        preset=preset,
        inputs={
            name: replace(one, config=encoder.config())
            for (name, one), encoder in zip(
                card.inputs.items(), fresh.encoders_by_name.values(), strict=True
            )
        },
        dimension=card.dimension,
        classes=goal.classes,
        number=goal.number,
        temperature=temperature,
        history=tuple(fitted.history),
        seed=run.seed,
        held_out=certain,
        facts=facts,
    )


def _lesson(
    network: MasterNetwork,
    fields: Mapping[str, InputField],
    products: Products,
    goal: Goal,
    run: Run,
) -> Lesson:
    """Products as the network reads them, and a share of each class, or of each band, held out."""
    everything = Examples.all_of(Prepared.of(fields, network.encoders_by_name), goal.targets)
    ids: list[str] = products.ids.to_pylist()
    held_out = _split(everything, run.preset.validation_share, seed=run.seed)
    return Lesson(ids, everything, *held_out)


def _split(examples: Examples, share: float, *, seed: int) -> tuple[Examples, Examples]:
    """Examples to learn from, and a share held out of each class, or of each band of a number."""
    bands = examples.classes
    if bands.dtype.kind == "f":
        edges = np.quantile(bands, np.linspace(0, 1, _BANDS + 1)[1:-1])
        bands = np.searchsorted(edges, bands)
    held_out = stratified_holdout(bands, share=share, rng=np.random.default_rng(seed))
    training = np.setdiff1d(np.arange(len(examples)), held_out)
    return examples.take(training), examples.take(held_out)


def _better(starts: Mapping[str, tuple[MasterNetwork, Lesson]], run: Run) -> str:
    """The start that does better on products held out, after half of the steps."""
    half = replace(
        run.preset,
        epochs=max(1, run.preset.epochs // 2),
        min_steps=run.preset.min_steps // 2,
        patience=None,
        refit=False,
    )
    losses = dict.fromkeys(starts, 0.0)
    for name, (network, lesson) in starts.items():
        for number in range(_TRIALS if len(lesson.everything) <= _FEW else 1):
            learnt, held_out = _split(lesson.everything, _TRIED, seed=run.seed + number)
            if not len(held_out):
                return "encoders"
            tried, short = copy.deepcopy(network), replace(run, preset=half)
            if name == "whole":
                _train_head(tried, learnt, short, phase=f"trial {number} of the head")
            else:
                short = replace(short, body_rate=1.0)
            phase = f"trial {number} of {name}"
            history = short.train(tried, learnt, validation=held_out, phase=phase)
            losses[name] += history[-1].validation_loss or 0.0
    return min(losses, key=lambda name: losses[name])


def _train_head(network: MasterNetwork, examples: Examples, run: Run, *, phase: str) -> None:
    """Train the last layer alone, on the body as it is."""
    head = _head_only(run.preset, len(examples))
    replace(run, preset=head, body_rate=0.0).train(network, examples, phase=phase)


def _begin(
    network: MasterNetwork,
    preset: Preset,
    outputs: int,
    start: str,
    fields: Mapping[str, InputField],
) -> MasterNetwork:
    """A copy of the body, or of its encoders, under layers of its own that know nothing yet.

    Call it where torch's generator is seeded.
    """
    encoders = {
        name: one.counted_anew(fields[name]) if start == "encoders" else one
        for name, one in copy.deepcopy(network.encoders_by_name).items()
    }
    dimension = network.classify.in_features
    fresh = MasterNetwork(encoders, preset, dimension=dimension, classes=outputs)
    # The last layer is learnt anew, and members are solved anew, with the same field weights.
    anew = ("encoders.", "classify.", "kernel.", "linear.", "shares")
    own = fresh.state_dict()
    taken = {
        name: one
        for name, one in network.state_dict().items()
        if name in own  # a member that there is no time for is not there
        and (
            name.startswith(("kernel.weight", "linear.weight"))
            or (start == "whole" and not name.startswith(anew))
        )
    }
    fresh.load_state_dict(own | taken)
    return fresh


def _head_only(preset: Preset, products: int) -> Preset:
    """How the last layer is trained before the rest: for a third of the steps, without refit."""
    steps = max(preset.min_steps, preset.epochs * math.ceil(products / preset.batch_size))
    third = max(1, steps // 3)
    return replace(
        preset, epochs=1, min_steps=third, patience=None, refit=False, kernel=0, linear=0
    )
