"""From labelled products to a trained network, calibrated, and the facts kept with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch

from productnet.errors import TrainingError
from productnet.master.batching import Examples, Prepared
from productnet.master.caches import compute_missing_features
from productnet.master.calibration import fit_temperature
from productnet.master.classes import Classes
from productnet.master.copies import number_groups
from productnet.master.cross_fit import Evidence, cross_fit, familiar, trainings_for
from productnet.master.facts import class_facts
from productnet.master.fields.registry import learn_encoder
from productnet.master.fitting import Keeping, Lesson, fit, kept, refit
from productnet.master.history import UNWRITTEN, Epoch
from productnet.master.network import MasterNetwork
from productnet.master.novelty import Familiar
from productnet.master.presets import Input, Preset, choose_inputs
from productnet.master.products import InputField, Products
from productnet.master.sources import (
    Labels,
    Negatives,
    Source,
    match_labels,
    match_products,
    rejected_products,
)
from productnet.master.storage import Card, SavedInput
from productnet.master.training import Run, seeded
from productnet.progress import Progress


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a model is made by; see ``MasterModel``.

    Attributes:
        preset: The network and its training.
        dimension: Of the embedding.
        seed: Of the first weights, the order of products, and dropout.
        device: Where it is trained.
        fields: The fields to use; all that the preset knows when None.
        taxonomy: Name and version of the taxonomy that labels come from.
        compiled: Whether the network is compiled before it trains.
    """

    preset: Preset
    dimension: int
    seed: int
    device: torch.device
    fields: Sequence[str] | None
    taxonomy: str | None
    compiled: bool


class Learnt(NamedTuple):
    """A trained network, what is kept with it, and where what it was taught lies."""

    network: MasterNetwork
    card: Card
    familiar: Familiar | None


def learn(
    recipe: Recipe,
    products: Source,
    labels: Labels,
    *,
    negatives: Negatives,
    validation: tuple[Source, Labels] | None,
    keeping: Keeping,
    groups: Mapping[str, str] | None,
    folds: int,
    progress: Progress,
) -> Learnt:
    """Train on labelled products; arguments and errors are those of ``MasterModel.fit``."""
    if folds < 1:
        raise TrainingError(f"folds is {folds}; it is 1 or, to judge all of gold, about 5.")
    gold = _gather(recipe, products, labels, negatives, progress, trainings_for(folds))
    recipe = replace(recipe, preset=gold.preset)
    network = _begin(recipe, gold)
    data = Prepared.of(gold.fields, network.encoders_by_name)
    examples = Examples.all_of(data, gold.targets)
    copies = number_groups(gold.products, groups)
    if validation is None:
        training, held_out = examples.split(
            recipe.preset.validation_share, seed=recipe.seed, groups=copies
        )
    else:
        training = examples
        held_out = _held_out(recipe, validation, gold, network, progress)

    lesson = Lesson(gold.products.ids.to_pylist(), examples, training, held_out)
    run = Run(
        recipe.preset,
        seed=recipe.seed,
        device=recipe.device,
        progress=progress,
        compiled=recipe.compiled,
    )
    names = gold.classes.names
    described = {"classes": names, "dimension": recipe.dimension, "inputs": gold.inputs}
    with kept(run, keeping, network, lesson, **described) as resumable:
        fitted = fit(network, lesson, resumable)
        if folds > 1:
            # Many short trainings, whose curves would lie on one another.
            quiet = replace(resumable, log=UNWRITTEN, stacks=False)
            with network.lent():
                network.load_state_dict(fitted.start)
                evidence = cross_fit(network, quiet, examples, copies, folds=folds)
        else:
            evidence = Evidence.of_share(held_out, fitted.logits)
            if validation is not None:
                copies = np.arange(len(held_out))
        if validation is None:
            refit(network, lesson, resumable, fitted)
    known_by = familiar(network, run, examples) if len(evidence.unknown) else None
    return Learnt(network, _card(recipe, gold, network, fitted.history, evidence, copies), known_by)


class _Gold(NamedTuple):
    """N products to learn from.

    Attributes:
        products: All of them.
        classes: The categories.
        targets: Class of each (N,); K for those that belong to none.
        preset: The recipe's, with what there is time for.
        inputs: What of them is read, by name.
        fields: The values of each input.
    """

    products: Products
    classes: Classes
    targets: np.ndarray
    preset: Preset
    inputs: Mapping[str, Input]
    fields: Mapping[str, InputField]

    @property
    def has_rejected(self) -> bool:
        """Whether some belong to no category."""
        return bool((self.targets == len(self.classes.names)).any())


def _gather(
    recipe: Recipe,
    products: Source,
    labels: Labels,
    negatives: Negatives,
    progress: Progress,
    trainings: int,
) -> _Gold:
    """Labelled products, rejected ones behind them, and what pretrained encoders say of them."""
    known, categories = match_labels(products, labels, fields=recipe.fields)
    classes = Classes.of(categories)
    rejected = rejected_products(negatives, known, classes.names)
    if rejected:
        ids = [*known.ids.to_pylist(), *rejected]
        known = match_products(products, ids, fields=recipe.fields)
    # Decided once: what calibrates the model has the members that the model has.
    preset = recipe.preset.within_work(len(known), len(classes.names), trainings=trainings)
    inputs = choose_inputs(
        preset,
        known.text_fields,
        filled=known.filled_fields,
        with_image=known.has_images,
    )
    compute_missing_features(products, inputs, progress)
    none = np.full(len(rejected), len(classes.names))
    return _Gold(
        known,
        classes,
        np.append(classes.numbers(categories), none),
        preset,
        inputs,
        {name: InputField(known, one.fields) for name, one in inputs.items()},
    )


def _card(
    recipe: Recipe,
    gold: _Gold,
    network: MasterNetwork,
    history: Sequence[Epoch],
    evidence: Evidence,
    copies: np.ndarray,
) -> Card:
    """What is kept with the trained network: how it was made, how sure it is, what it learnt from.

    Args:
        recipe: How it was made.
        gold: What it learnt from.
        network: Trained.
        history: Of its training.
        evidence: Products judged by networks that had not seen them.
        copies: Number that near-duplicates share, of the products that evidence is of.
    """
    names = gold.classes.names
    temperature = fit_temperature(evidence.logits, evidence.classes)
    return Card(
        preset=recipe.preset,
        inputs={
            name: SavedInput(one.fields, one.encoder, encoder.config())
            for (name, one), encoder in zip(
                gold.inputs.items(), network.encoders_by_name.values(), strict=True
            )
        },
        dimension=recipe.dimension,
        classes=names,
        temperature=temperature,
        history=tuple(history),
        seed=recipe.seed,
        abstains=network.abstains,
        taxonomy=recipe.taxonomy,
        held_out=evidence.kept(temperature, groups=copies, classes=len(names)),
        facts=class_facts(
            network,
            gold.targets,
            evidence.classes,
            evidence.logits,
            temperature=temperature,
        ),
    )


def _begin(recipe: Recipe, gold: _Gold) -> MasterNetwork:
    """The untrained network, its vocabularies learnt from the training products."""
    with seeded(recipe.seed, recipe.device):
        encoders = {
            name: learn_encoder(one.encoder, gold.fields[name], one.options)
            for name, one in gold.inputs.items()
        }
        network = MasterNetwork(
            encoders,
            recipe.preset,
            dimension=recipe.dimension,
            classes=len(gold.classes.names),
            weights={name: one.weight for name, one in gold.inputs.items()},
            abstains=gold.has_rejected,
        )
    return network.to(recipe.device)


def _held_out(
    recipe: Recipe,
    validation: tuple[Source, Labels],
    gold: _Gold,
    network: MasterNetwork,
    progress: Progress,
) -> Examples:
    """Products of their own to be judged by."""
    source, labels = validation
    compute_missing_features(source, gold.inputs, progress)
    products, categories = match_labels(source, labels, fields=recipe.fields)
    fields = {name: InputField(products, one.fields) for name, one in gold.inputs.items()}
    data = Prepared.of(fields, network.encoders_by_name)
    return Examples.all_of(data, gold.classes.numbers(categories))
