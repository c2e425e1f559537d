"""The master model: fit on gold, then categories, probabilities and embeddings of any products."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import NamedTuple, Self, overload

import numpy as np
import torch
from scipy.special import softmax

from productnet.embeddings.nearest import unit_rows
from productnet.errors import ModelError, TrainingError, UnknownName
from productnet.master import storage
from productnet.master.batching import Examples, Prepared
from productnet.master.caches import compute_missing_features
from productnet.master.certainty import Certainty, Decided
from productnet.master.conformal import names_of
from productnet.master.exporting import Exported, export_onnx
from productnet.master.fields.registry import encoder_class
from productnet.master.fitting import NOTHING, Keeping
from productnet.master.history import Epoch
from productnet.master.learning import Recipe, learn
from productnet.master.model_card import MODEL_CARD, model_card
from productnet.master.network import MasterNetwork
from productnet.master.novelty import Familiar
from productnet.master.presets import IMAGE, Preset, find_preset
from productnet.master.products import InputField, PoolProducts, Products
from productnet.master.remembered import Remembered
from productnet.master.sources import (
    Labels,
    Negatives,
    Source,
    count_products,
    stream_products,
)
from productnet.master.storage import Card, SavedInput
from productnet.master.targets import Kind, Target, match_target, set_goal
from productnet.master.team import leads_team
from productnet.master.thresholds import RISK
from productnet.master.training import Run, infer, pick_device
from productnet.master.transfer import BODY_RATE, Start, transfer
from productnet.progress import SILENT, Progress

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
        taxonomy: Name and version of the taxonomy that the labels come from, kept with the model.
        nested: Smaller dimensions at which the embedding serves as well when it is cut off
            (Matryoshka training); the preset's when None.
        device: ``auto`` takes a GPU if there is one; otherwise a torch device.
        compiled: Whether ``torch.compile`` makes a program of the network before it trains.
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
        nested: Sequence[int] | None = None,
        device: str = "auto",
        compiled: bool = False,
    ) -> None:
        chosen = find_preset(preset)
        if image is not None:
            chosen = chosen.with_image(image)
        if epochs is not None:
            chosen = replace(chosen, epochs=epochs, min_steps=0)
        if batch_size is not None:
            if batch_size < 1:
                raise TrainingError(f"The batch size is {batch_size}; it is at least 1.")
            chosen = replace(chosen, batch_size=batch_size)
        if nested is not None:
            chosen = replace(chosen, nested=tuple(sorted(set(nested))))
        if dimension < 1:
            raise TrainingError(f"The embedding's dimension is {dimension}; it is at least 1.")
        if wrong := [one for one in chosen.nested if not 0 < one < dimension]:
            raise TrainingError(
                f"Nested dimension {wrong[0]} is not below the embedding's own, {dimension}."
            )
        self.preset = chosen
        self.dimension = dimension
        self.seed = seed
        self.fields = fields
        self.taxonomy = taxonomy
        self.device = pick_device(device)
        self.compiled = compiled
        self._trained: tuple[MasterNetwork, Card] | None = None
        # Where what it was taught lies, if it can tell what is none of it.
        self._familiar: Familiar | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The categories, in the order of probabilities."""
        return self._ready()[1].classes

    @property
    def inputs(self) -> Mapping[str, SavedInput]:
        """What it reads, by which encoder, by the input's name."""
        return self._ready()[1].inputs

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

    @property
    def fingerprint(self) -> str:
        """Tells this trained model from every other; the same once saved and loaded again."""
        network, card = self._ready()
        return storage.fingerprint(card, self._weights(network))

    def fit(
        self,
        products: Source,
        labels: Labels,
        *,
        negatives: Negatives | None = None,
        validation: tuple[Source, Labels] | None = None,
        keeping: Keeping = NOTHING,
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
            keeping: Folders for checkpoints, which the same call goes on from after a kill, to
                the same weights, and for TensorBoard's logs.
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
        recipe = Recipe(
            self.preset,
            dimension=self.dimension,
            seed=self.seed,
            device=self.device,
            fields=self.fields,
            taxonomy=self.taxonomy,
            compiled=self.compiled,
        )
        network, card, self._familiar = learn(
            recipe,
            products,
            labels,
            negatives=negatives or {},
            validation=validation,
            keeping=keeping,
            groups=groups,
            folds=folds,
            progress=progress,
        )
        self._trained = network, card
        return self

    def finetune(
        self,
        products: Source,
        target: Target,
        *,
        kind: Kind = "auto",
        epochs: int | None = None,
        start: Start = "auto",
        body_rate: float = BODY_RATE,
        seed: int | None = None,
        keeping: Keeping = NOTHING,
        progress: Progress = SILENT,
    ) -> "MasterModel":
        """A model of another target, from this one's trained body; this one stays as it is.

        Args:
            products: A table or a project, with the fields this model reads, or some of them.
            target: Product id to value, values in row order, or the column's name. A product
                whose value is None is left out.
            kind: ``labels`` (also yes or no), a ``number``, or ``auto``: a number if there are
                more than twenty different ones.
            epochs: Passes over the products at most; the preset's when None.
            start: Take over the ``whole`` body, its ``encoders`` alone, or, with ``auto``, what
                does better in a short trial.
            body_rate: Learning rate of a whole body, relative to that of the new last layer.
            seed: Of the new layer, the order of products and dropout; this model's when None.
            keeping: Folders for checkpoints and logs.
            progress: Shown while training.

        Raises:
            TrainingError: If this cannot be learnt from; the text says why.
            UnknownProduct: If a target is of a product that is not there.
            ModelError: If this model is not trained.
        """
        network, card = self._ready()
        preset = self.preset
        if epochs is not None:
            preset = replace(preset, epochs=epochs, min_steps=0)
        compute_missing_features(products, card.inputs, progress)
        matched, values = match_target(products, target, card.fields)
        tuned = MasterModel(
            preset,
            dimension=self.dimension,
            seed=self.seed if seed is None else seed,
            device=str(self.device),
        )
        run = Run(preset, tuned.seed, self.device, progress, body_rate=body_rate)
        goal = set_goal(values, kind)
        tuned._trained = transfer(
            network, card, matched, goal, run=run, keeping=keeping, start=start
        )
        return tuned

    @overload
    def predict(self, products: Source) -> list[str]: ...
    @overload
    def predict(self, products: Source, *, precision: float) -> list[str | None]: ...
    def predict(
        self, products: Source, *, precision: float | None = None
    ) -> list[str] | list[str | None]:
        """The most probable category of each product, in the order of the products.

        With a wanted precision it is None where the model is not sure enough; ``decide`` tells
        more. Raises ModelError if the model predicts a number.
        """
        self._tells_classes()
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
        rule = certainty.rule(precision, risk=risk, false_accept=false_accept)
        return rule.decide(
            ids,
            np.concatenate(chances),
            np.concatenate(known) if false_accept is not None else None,
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

        Raises ModelError if the model predicts a number.
        """
        self._tells_classes()
        empty = np.zeros((0, len(self.classes)), dtype=np.float32)
        return np.concatenate([empty, *(block.probabilities for block in self.embed(products))])

    @property
    def predicts_number(self) -> bool:
        """Whether the model predicts a number, and so has no classes."""
        return self._ready()[1].number is not None

    def predict_number(self, products: Source) -> np.ndarray:
        """The number of each product, (N,) float64, in the unit it was learnt in.

        Raises ModelError if the model tells categories apart.
        """
        network, card = self._ready()
        if card.number is None:
            raise ModelError("This model tells categories apart. Use predict or predict_proba.")
        compute_missing_features(products, card.inputs, SILENT)
        blocks = stream_products(products, fields=card.fields, block=_PRODUCTS_A_BLOCK)
        said = [self._infer_block(network, card, block)[1][:, 0] for block in blocks]
        return card.number.of(np.concatenate([np.zeros(0, dtype=np.float32), *said]))

    def export_onnx(self, folder: Path) -> Exported:
        """Write the network for ONNX Runtime, with a JSON file that says how to feed it.

        Raises ModelError if ONNX Runtime does not answer as torch does, to 1e-4.
        """
        network, card = self._ready()
        return export_onnx(network, card, folder)

    def model_card(self, *, tested: Mapping[str, float] | None = None) -> str:
        """What a stranger must know of the model, in Markdown.

        Args:
            tested: Measures by name on products that had no part in training, if there are any.
        """
        return model_card(self._ready()[1], tested=tested)

    def encode(self, products: Source, *, dimension: int | None = None) -> np.ndarray:
        """The embedding of each product, (N, D) float32, L2-normalised.

        Args:
            products: A table or a project.
            dimension: One of the nested dimensions the model was trained for; all when None.

        Raises:
            ModelError: The model was not trained to be cut off there.
        """
        wanted = self.check_dimension(dimension)
        empty = np.zeros((0, wanted), dtype=np.float32)
        cut = (unit_rows(block.vectors[:, :wanted]) for block in self.embed(products))
        return np.concatenate([empty, *cut])

    def check_dimension(self, dimension: int | None) -> int:
        """The dimension to cut embeddings off at; raises ModelError if it was not trained for."""
        own = (*self.preset.nested, self.dimension)
        if dimension is not None and dimension not in own:
            raise ModelError(
                f"The embedding does not serve at {dimension} dimensions, only at "
                f"{', '.join(map(str, own))}. Train with nested=({dimension},) to have it so."
            )
        return self.dimension if dimension is None else dimension

    def embed(
        self,
        products: Source,
        *,
        remembered: Remembered | None = None,
        progress: Progress = SILENT,
    ) -> Iterator[Embedded]:
        """Embeddings and probabilities of all products, block by block.

        Memory is bounded by one block of 4,096 products: their texts, features and outputs,
        whatever the size of the pool. Images are read and decoded a batch at a time.

        Args:
            products: A table or a project.
            remembered: What encoders made lately; of a table only what is new is encoded then.
            progress: Told of every block.

        Raises:
            TrainingError: If the products have none of the model's fields.
            ModelError: If the model is not trained.
        """
        network, card = self._ready()
        compute_missing_features(products, card.inputs, progress)
        wanted = card.fields
        with progress.task("Embedding products", total=count_products(products)) as advance:
            for block in stream_products(products, fields=wanted, block=_PRODUCTS_A_BLOCK):
                yield self._embed_block(network, card, block, remembered)
                advance(len(block))

    def unreadable(self, image: bytes, remembered: Remembered) -> bool:
        """Whether an encoder could not decode this image when it was embedded lately."""
        network, card = self._ready()
        return any(
            remembered.lacks(network.encoders_by_name[name], image)
            for name, one in card.inputs.items()
            if one.fields == (IMAGE,)
        )

    def save(self, folder: Path) -> None:
        """Write the trained model as safetensors and JSON; an older one there is replaced whole.

        In a team of processes the first one writes.

        Raises ModelError if the model is not trained, or something else stands there.
        """
        network, card = self._ready()
        if leads_team():
            weights = self._weights(network)
            storage.save(folder, card, weights, texts={MODEL_CARD: model_card(card)})

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
                classes=1 if card.number else len(card.classes),
                abstains=card.abstains,
            )
            known = [weights.pop(name).numpy() for name in _FAMILIAR if name in weights]
            network.load_state_dict(weights)
        except (TypeError, RuntimeError, UnknownName) as error:
            raise ModelError(f"The model in {folder} does not fit together: {error}") from error
        model._trained = network.to(model.device), card
        model._familiar = Familiar(*known) if known else None
        return model

    def _weights(self, network: MasterNetwork) -> dict[str, torch.Tensor]:
        """All that is learnt, by name."""
        weights = dict(network.state_dict())
        if self._familiar is not None:
            for name, one in zip(_FAMILIAR, astuple(self._familiar), strict=True):
                weights[name] = torch.from_numpy(one)
        return weights

    def _embed_block(
        self,
        network: MasterNetwork,
        card: Card,
        products: Products,
        remembered: Remembered | None = None,
    ) -> Embedded:
        vectors, logits = self._infer_block(network, card, products, remembered)
        chances = softmax(logits / np.float32(card.temperature), axis=1)[:, : len(card.classes)]
        return Embedded(products.ids.to_pylist(), unit_rows(vectors), chances)

    def _infer_block(
        self,
        network: MasterNetwork,
        card: Card,
        products: Products,
        remembered: Remembered | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        fields = {name: InputField(products, one.fields) for name, one in card.inputs.items()}
        encoders = network.encoders_by_name
        # From a pool features come from its own cache.
        if remembered is None or isinstance(products, PoolProducts):
            prepared = Prepared.of(fields, encoders)
        else:
            prepared = Prepared.remembering(fields, encoders, remembered)
        return infer(
            network,
            Examples.unlabelled(prepared),
            device=self.device,
            batch_size=self.preset.batch_size,
        )

    def _tells_classes(self) -> None:
        if self.predicts_number:
            raise ModelError("This model predicts a number. Use predict_number.")

    def _ready(self) -> tuple[MasterNetwork, Card]:
        if self._trained is None:
            raise ModelError("The model is not trained yet. Call fit first, or load a saved one.")
        return self._trained
