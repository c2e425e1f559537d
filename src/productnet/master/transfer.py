"""Transfer: a trained body learns another target, labels or a number, from few products.

As in Kumar et al. 2022, *Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution*: a new last layer is trained first, on the body as it is (gradual unfreezing
in two steps); then all of it, the body at a smaller learning rate (discriminative rates, Howard
and Ruder 2018, *Universal Language Model Fine-tuning*, section 3.2).
"""

import copy
import math
from dataclasses import replace

import numpy as np

from productnet.master.batching import Examples, Prepared
from productnet.master.calibration import fit_temperature
from productnet.master.classes import stratified_holdout
from productnet.master.facts import class_facts, number_facts
from productnet.master.fitting import Keeping, Lesson, kept, teach
from productnet.master.network import MasterNetwork
from productnet.master.presets import Preset
from productnet.master.products import InputField, Products
from productnet.master.storage import Card
from productnet.master.targets import Goal
from productnet.master.training import Run, seeded

# Learning rate of the body beside that of the last layer.
BODY_RATE = 0.3

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
) -> tuple[MasterNetwork, Card]:
    """A network of another target from a trained one's body, and its card; the body's stay.

    Args:
        network: Trained.
        card: Of that network.
        products: To learn from.
        goal: What to learn of them.
        run: How to train: preset, seed, device, learning rate of the body.
        keeping: Folders for checkpoints and logs.
    """
    preset = run.preset
    with seeded(run.seed, run.device):
        fresh = _new_head(network, preset, goal.outputs).to(run.device)
    lesson = _lesson(fresh, card, products, goal, share=preset.validation_share, seed=run.seed)
    described = {"classes": goal.classes, "number": goal.number, "transfer": True}
    run = replace(run, number=goal.number is not None)
    with kept(run, keeping, fresh, lesson, **described) as resumable:
        head = _head_only(preset, len(lesson.training))
        replace(resumable, preset=head, body_rate=0.0).train(fresh, lesson.training, phase="head")
        history, logits = teach(fresh, lesson, resumable, refit=preset.refit)
    held_out, body, temperature = lesson.held_out.classes, str(card), 1.0
    if goal.number:
        truth, said = (goal.number.of(one) for one in (held_out, logits[:, 0]))
        facts = number_facts(fresh, len(products), truth, said, body=body)
    else:
        temperature = fit_temperature(logits, held_out)
        facts = class_facts(
            fresh, goal.targets, held_out, logits, temperature=temperature, body=body
        )
    return fresh, Card(
        preset=preset,
        inputs=card.inputs,
        dimension=card.dimension,
        classes=goal.classes,
        number=goal.number,
        temperature=temperature,
        history=tuple(history),
        seed=run.seed,
        facts=facts,
    )


def _lesson(
    network: MasterNetwork, card: Card, products: Products, goal: Goal, *, share: float, seed: int
) -> Lesson:
    """Products as the body reads them, and a share of each class, or of each band, held out."""
    fields = {name: InputField(products, one.fields) for name, one in card.inputs.items()}
    everything = Examples.all_of(Prepared.of(fields, network.encoders_by_name), goal.targets)
    bands = goal.targets
    if goal.number:
        edges = np.quantile(bands, np.linspace(0, 1, _BANDS + 1)[1:-1])
        bands = np.searchsorted(edges, bands)
    held_out = stratified_holdout(bands, share=share, rng=np.random.default_rng(seed))
    training = np.setdiff1d(np.arange(len(everything)), held_out)
    ids: list[str] = products.ids.to_pylist()
    return Lesson(ids, everything, everything.take(training), everything.take(held_out))


def _new_head(network: MasterNetwork, preset: Preset, outputs: int) -> MasterNetwork:
    """A copy of the body with a last layer of its own, which knows nothing yet.

    Call it where torch's generator is seeded.
    """
    encoders = copy.deepcopy(network.encoders_by_name)
    dimension = network.classify.in_features
    fresh = MasterNetwork(encoders, preset, dimension=dimension, classes=outputs)
    body = {
        name: one for name, one in network.state_dict().items() if not name.startswith("classify.")
    }
    fresh.load_state_dict(
        body | {f"classify.{n}": w for n, w in fresh.classify.state_dict().items()}
    )
    return fresh


def _head_only(preset: Preset, products: int) -> Preset:
    """How the last layer is trained before the rest: for a third of the steps, without refit."""
    steps = max(preset.min_steps, preset.epochs * math.ceil(products / preset.batch_size))
    return replace(preset, epochs=1, min_steps=max(1, steps // 3), patience=None, refit=False)
