"""The master model: fit on gold, then categories, probabilities and embeddings of any products."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import NamedTuple, Self, overload

import numpy as np
import torch
from scipy.special import softmax

from productnet.encoders.features import compute_features, open_features
from productnet.errors import EncoderError, ModelError, TrainingError, UnknownName
from productnet.master import storage
from productnet.master.batching import Examples, Prepared
from productnet.master.calibration import fit_temperature
from productnet.master.certainty import Certainty, Decided
from productnet.master.classes import Classes
from productnet.master.conformal import names_of
from productnet.master.copies import number_groups
from productnet.master.cross_fit import Evidence, cross_fit, familiar
from productnet.master.fields.registry import encoder_class, learn_encoder
from productnet.master.network import MasterNetwork
from productnet.master.novelty import Familiar
from productnet.master.presets import Input, Preset, choose_inputs, find_preset
from productnet.master.products import InputField, Products, cached_as
from productnet.master.sources import (
    Labels,
    Negatives,
    PoolPart,
    Source,
    count_products,
    match_labels,
    match_products,
    rejected_products,
    stream_products,
)
from productnet.master.storage import Card, SavedInput
from productnet.master.thresholds import RISK
from productnet.master.training import Epoch, Run, infer, pick_device, seeded
from productnet.progress import SILENT, Progress
from productnet.settings import Project

_PRODUCTS_A_BLOCK = 4_096

# Beside the weights of the network: the parts of ``Familiar``.
_FAMILIAR = ("familiar.centres", "familiar.whiten")


class Embedded(NamedTuple):
    """What the model says of B products.

    Attributes:
        ids: (B,) product ids.
        vectors: (B, D) float32, L2-normalised.
        probabilities: (B, K) float32, calibrated, in the order of ``classes``. Of a model that
            learnt from rejected products, what they lack to 1 is the chance of none of them.
    """

    ids: list[str]
    vectors: np.ndarray
    probabilities: np.ndarray


class MasterModel:
    """The multi-modal network over all leaves (paper section 2.2).

    Example:
        >>> model = MasterModel(preset="fast").fit(products, labels)  # doctest: +SKIP
        >>> model.predict(products)  # doctest: +SKIP
        ['kitchen/drinkware/mugs', ...]

    Args:
        preset: Name of a preset, or one of your own.
        dimension: Of the embedding.
        seed: Of the first weights, the order of products, and dropout.
        fields: The fields to use, such as ``("image",)`` or ``("title", "brand")``; ``text``
            stands for all text fields. By default all that the preset knows.
        image: Another image encoder than the preset's: ``inception-v4:random``, or any
            pretrained one by name, such as ``efficientnet-lite0``.
        epochs: Passes over the training products at most; the preset's when None.
        batch_size: Products a step; the preset's when None.
        taxonomy: Version of the taxonomy that the labels come from, kept with the model.
        device: ``auto`` takes a GPU if there is one; otherwise a torch device.
    """

    def __init__(
        self,
        preset: str | Preset = "fast",
        *,
        dimension: int = 256,
        seed: int = 0,
        fields: Sequence[str] | None = None,
        image: str | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        taxonomy: str | None = None,
        device: str = "auto",
    ) -> None:
        chosen = find_preset(preset)
        if image is not None:
            chosen = chosen.with_image(image)
        if epochs is not None:
            chosen = replace(chosen, epochs=epochs, min_steps=0)
        if batch_size is not None:
            chosen = replace(chosen, batch_size=batch_size)
        if dimension < 1:
            raise TrainingError(f"The embedding's dimension is {dimension}; it is at least 1.")
        self.preset = chosen
        self.dimension = dimension
        self.seed = seed
        self.fields = fields
        self.taxonomy = taxonomy
        self.device = pick_device(device)
        self._trained: tuple[MasterNetwork, Card] | None = None
        # Where what it was taught lies, if it can tell what is none of it.
        self._familiar: Familiar | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The categories, in the order of probabilities."""
        return self._ready()[1].classes

    @property
    def history(self) -> tuple[Epoch, ...]:
        """Loss and validation accuracy, epoch by epoch."""
        return self._ready()[1].history

    @property
    def temperature(self) -> float:
        """What calibration divides logits by."""
        return self._ready()[1].temperature

    @property
    def is_calibrated(self) -> bool:
        """Whether products were held out that ``certainty`` rests on."""
        held_out = self._ready()[1].held_out
        return held_out is not None and len(held_out) > 0

    @property
    def certainty(self) -> Certainty:
        """What the model may promise; raises ModelError if nothing was held out to learn it."""
        card = self._ready()[1]
        return Certainty.of(card.classes, card.held_out)

    def fit(
        self,
        products: Source,
        labels: Labels,
        *,
        negatives: Negatives | None = None,
        validation: tuple[Source, Labels] | None = None,
        groups: Mapping[str, str] | None = None,
        folds: int = 1,
        progress: Progress = SILENT,
    ) -> Self:
        """Train on labelled products.

        Args:
            products: A table (pyarrow, pandas, polars ...) or a project.
            labels: Product id to category, categories in row order, or the label column's name.
            negatives: Product id to the categories that people rejected it for. Products that
                were rejected for one of the labelled categories, and have no label themselves,
                teach the model to say none of them.
            validation: Products and labels to stop early and to calibrate by; a stratified
                share of the training products when None.
            groups: Product id to a key that its near-duplicates share: they are held out together
                and count once. By default products of one title are taken for copies.
            folds: Parts that the products are cut into to calibrate by, each judged by a network
                trained on the others; and three trainings more hide leaves, to know what products
                of no category look like. It takes folds + 3 times as long, and is worth it up to
                some thousand products. With 1 only the validation share is judged.
            progress: Shown while training.

        Raises:
            TrainingError: If this cannot be learnt from; the text says why.
            UnknownProduct: If a label, or a rejection, is of a product that is not there.
            EncoderError: If an encoder's weights are not here.
        """
        if folds < 1:
            raise TrainingError(f"folds is {folds}; it is 1 or, to judge all of gold, about 5.")
        known, categories = match_labels(products, labels, fields=self.fields)
        classes = Classes.of(categories)
        rejected = rejected_products(negatives or {}, known, classes.names)
        if rejected:
            ids = [*known.ids.to_pylist(), *rejected]
            known = match_products(products, ids, fields=self.fields)
        inputs = choose_inputs(
            self.preset,
            known.text_fields,
            filled=known.filled_fields,
            with_image=known.has_images,
        )
        _compute_missing_features(products, inputs, progress)
        fields = {name: InputField(known, one.fields) for name, one in inputs.items()}
        network = self._begin(inputs, fields, classes, abstains=bool(rejected))
        data = Prepared.of(fields, network.encoders_by_name)
        none = np.full(len(rejected), len(classes.names))
        examples = Examples.all_of(data, np.append(classes.numbers(categories), none))
        copies = number_groups(known, groups)
        if validation is None:
            training, held_out = examples.split(
                self.preset.validation_share, seed=self.seed, groups=copies
            )
        else:
            training = examples
            held_out = self._held_out(validation, inputs, network, classes, progress)

        run = Run(self.preset, seed=self.seed, device=self.device, progress=progress)
        evidence = cross_fit(network, run, examples, copies, folds=folds) if folds > 1 else None
        first_weights = {name: one.clone() for name, one in network.state_dict().items()}
        history = run.train(network, training, validation=held_out)
        if evidence is None:
            _, logits = infer(
                network, held_out, device=self.device, batch_size=self.preset.batch_size
            )
            evidence = Evidence.of_share(held_out, logits)
            if validation is not None:
                copies = np.arange(len(held_out))
        if self.preset.refit and validation is None and len(held_out):
            network.load_state_dict(first_weights)
            run.train(network, examples)
        temperature = fit_temperature(evidence.logits, evidence.classes)
        self._familiar = familiar(network, run, examples) if len(evidence.unknown) else None
        self._trained = (
            network,
            Card(
                preset=self.preset,
                inputs={
                    name: SavedInput(one.fields, one.encoder, encoder.config())
                    for (name, one), encoder in zip(
                        inputs.items(), network.encoders_by_name.values(), strict=True
                    )
                },
                dimension=self.dimension,
                classes=classes.names,
                temperature=temperature,
                history=tuple(history),
                seed=self.seed,
                abstains=network.abstains,
                taxonomy=self.taxonomy,
                held_out=evidence.kept(temperature, groups=copies, classes=len(classes.names)),
            ),
        )
        return self

    @overload
    def predict(self, products: Source) -> list[str]: ...
    @overload
    def predict(self, products: Source, *, precision: float) -> list[str | None]: ...
    def predict(
        self, products: Source, *, precision: float | None = None
    ) -> list[str] | list[str | None]:
        """The most probable category of each product, in the order of the products.

        With a wanted precision it is None where the model is not sure enough; ``decide`` tells
        more.
        """
        if precision is not None:
            return self.decide(products, precision=precision).categories
        classes = np.array(self.classes)
        best = [block.probabilities.argmax(axis=1) for block in self.embed(products)]
        return [str(name) for rows in best for name in classes[rows]]

    def decide(
        self,
        products: Source,
        *,
        precision: float,
        risk: float = RISK,
        false_accept: float | None = None,
    ) -> Decided:
        """A category for each product that the model is sure enough of, none for the others.

        Args:
            products: To be categorised.
            precision: Share of the decided categories that should be right, such as 0.99 for
                partition keys. ``certainty.thresholds(precision)`` tells whether that is certain
                or an estimate, and what it costs in coverage.
            risk: Chance that a certain precision is not reached after all.
            false_accept: Share of the products of categories that the model does not have that
                may get one; unlimited when None.

        Raises:
            UsageError: A share is not between 0 and 1.
            ModelError: Nothing was held out when the model was trained; or no leaves were hidden,
                and ``false_accept`` is asked for.
        """
        certainty = self.certainty
        ids: list[str] = []
        chances = [np.zeros((0, len(self.classes)), dtype=np.float32)]
        known = [np.zeros(0, dtype=np.float32)]
        for block in self.embed(products):
            ids += block.ids
            chances.append(block.probabilities)
            if false_accept is not None:
                known.append(self.familiarity(block.vectors))
        return certainty.decide(
            ids,
            np.concatenate(chances),
            np.concatenate(known) if false_accept is not None else None,
            precision=precision,
            risk=risk,
            false_accept=false_accept,
        )

    def familiarity(self, vectors: np.ndarray) -> np.ndarray:
        """How known products look, (N,), by their embeddings (N, D); see ``master/novelty.py``.

        Raises ModelError if no leaves were hidden in training, so that nobody can tell what it
        means.
        """
        if self._familiar is None:
            raise ModelError(
                "This model cannot tell unknown products: no products of hidden leaves were seen "
                "in training. Train it again with folds=5 on six categories or more."
            )
        return self._familiar(vectors)

    def category_sets(
        self,
        products: Source,
        *,
        coverage: float = 0.95,
        kind: str = "lac",
        by_leaf: bool = False,
    ) -> list[tuple[str, ...]]:
        """The categories each product may have, among which the true one is with this chance.

        Args:
            products: To be categorised.
            coverage: The chance, for products like those the model was calibrated on.
            kind: ``lac`` makes the smallest sets on the average, ``aps`` and ``raps`` sets that
                grow where the model is unsure (see ``master/conformal.py``).
            by_leaf: Whether each leaf is promised the coverage by itself, where its held-out
                products allow.

        Raises:
            UsageError: The coverage is not between 0 and 1, or there is no such kind.
            ModelError: Nothing was held out when the model was trained.
        """
        quantiles = self.certainty.quantiles(coverage, strangeness=kind, by_leaf=by_leaf)
        return [
            names
            for block in self.embed(products)
            for names in names_of(
                quantiles.sets(block.probabilities), block.probabilities, self.classes
            )
        ]

    def predict_proba(self, products: Source) -> np.ndarray:
        """The calibrated probability of each category, (N, K) float32, in ``classes`` order.

        A row adds up to 1; to less if the model learnt from rejected products and may say none.
        """
        empty = np.zeros((0, len(self.classes)), dtype=np.float32)
        return np.concatenate([empty, *(block.probabilities for block in self.embed(products))])

    def encode(self, products: Source) -> np.ndarray:
        """The embedding of each product, (N, D) float32, L2-normalised."""
        empty = np.zeros((0, self.dimension), dtype=np.float32)
        return np.concatenate([empty, *(block.vectors for block in self.embed(products))])

    def embed(self, products: Source, *, progress: Progress = SILENT) -> Iterator[Embedded]:
        """Embeddings and probabilities of all products, block by block.

        Memory is bounded by one block of 4,096 products: their texts, features and outputs,
        whatever the size of the pool. Images are read and decoded a batch at a time.

        Raises:
            TrainingError: If the products have none of the model's fields.
            ModelError: If the model is not trained.
        """
        network, card = self._ready()
        _compute_missing_features(products, card.inputs, progress)
        wanted = list(dict.fromkeys(name for one in card.inputs.values() for name in one.fields))
        with progress.task("Embedding products", total=count_products(products)) as advance:
            for block in stream_products(products, fields=wanted, block=_PRODUCTS_A_BLOCK):
                yield self._embed_block(network, card, block)
                advance(len(block))

    def save(self, folder: Path) -> None:
        """Write the trained model as safetensors and JSON; an older one there is replaced whole.

        Raises ModelError if the model is not trained, or something else stands there.
        """
        network, card = self._ready()
        weights = dict(network.state_dict())
        if self._familiar is not None:
            for name, one in zip(_FAMILIAR, astuple(self._familiar), strict=True):
                weights[name] = torch.from_numpy(one)
        storage.save(folder, card, weights)

    @classmethod
    def load(cls, folder: Path, *, device: str = "auto") -> "MasterModel":
        """A saved model, ready to predict; raises ModelError if it is missing or damaged."""
        card, weights = storage.load(folder)
        model = cls(
            card.preset,
            dimension=card.dimension,
            seed=card.seed,
            taxonomy=card.taxonomy,
            device=device,
        )
        encoders = {}
        try:
            for name, one in card.inputs.items():
                encoders[name] = encoder_class(one.encoder)(**one.config)
            network = MasterNetwork(
                encoders,
                card.preset,
                dimension=card.dimension,
                classes=len(card.classes),
                abstains=card.abstains,
            )
            known = [weights.pop(name).numpy() for name in _FAMILIAR if name in weights]
            network.load_state_dict(weights)
        except (TypeError, RuntimeError, UnknownName) as error:
            raise ModelError(f"The model in {folder} does not fit together: {error}") from error
        model._trained = network.to(model.device), card
        model._familiar = Familiar(*known) if known else None
        return model

    def _begin(
        self,
        inputs: Mapping[str, Input],
        fields: Mapping[str, InputField],
        classes: Classes,
        *,
        abstains: bool,
    ) -> MasterNetwork:
        """The untrained network, its vocabularies learnt from the training products."""
        with seeded(self.seed, self.device):
            encoders = {
                name: learn_encoder(one.encoder, fields[name], one.options)
                for name, one in inputs.items()
            }
            network = MasterNetwork(
                encoders,
                self.preset,
                dimension=self.dimension,
                classes=len(classes.names),
                abstains=abstains,
            )
        return network.to(self.device)

    def _held_out(
        self,
        validation: tuple[Source, Labels],
        inputs: Mapping[str, Input],
        network: MasterNetwork,
        classes: Classes,
        progress: Progress,
    ) -> Examples:
        source, labels = validation
        _compute_missing_features(source, inputs, progress)
        products, categories = match_labels(source, labels, fields=self.fields)
        fields = {name: InputField(products, one.fields) for name, one in inputs.items()}
        data = Prepared.of(fields, network.encoders_by_name)
        return Examples.all_of(data, classes.numbers(categories))

    def _embed_block(self, network: MasterNetwork, card: Card, products: Products) -> Embedded:
        fields = {name: InputField(products, one.fields) for name, one in card.inputs.items()}
        vectors, logits = infer(
            network,
            Examples.unlabelled(Prepared.of(fields, network.encoders_by_name)),
            device=self.device,
            batch_size=self.preset.batch_size,
        )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return Embedded(
            products.ids.to_pylist(),
            vectors / np.maximum(lengths, np.finfo(np.float32).tiny),
            softmax(logits / np.float32(card.temperature), axis=1)[:, : len(card.classes)],
        )

    def _ready(self) -> tuple[MasterNetwork, Card]:
        if self._trained is None:
            raise ModelError("The model is not trained yet. Call fit first, or load a saved one.")
        return self._trained


def _compute_missing_features(
    source: Source, inputs: Mapping[str, Input] | Mapping[str, SavedInput], progress: Progress
) -> None:
    """Bring a project's cache of frozen features up to date; a table has none."""
    project = source.project if isinstance(source, PoolPart) else source
    if not isinstance(project, Project):
        return
    for one in inputs.values():
        kind, _, encoder = one.encoder.partition(":")
        if kind != "frozen":
            continue
        modality, fields = cached_as(one.fields, project.settings.catalog.fields)
        try:
            open_features(project, encoder, modality=modality, fields=fields)
        except EncoderError:
            compute_features(project, encoder, modality=modality, fields=fields, progress=progress)
