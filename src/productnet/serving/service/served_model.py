"""A model as it is served: what it answers is put together here, without a queue or a network."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from productnet.catalog.images import load_image
from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID, IMAGE, Product
from productnet.embeddings.active import read_active
from productnet.embeddings.nearest import FloatArray, unit_rows
from productnet.embeddings.sets import EmbeddingSet
from productnet.errors import (
    EmbeddingError,
    ImageError,
    ModelError,
    ProductNetError,
    UnknownName,
    UnknownProduct,
    UsageError,
    did_you_mean,
)
from productnet.master.certainty import Rule
from productnet.master.model import MasterModel
from productnet.master.predictions import PREDICTIONS_FILE
from productnet.master.remembered import Remembered
from productnet.serving.active import active_model, class_paths
from productnet.serving.search.similar import Neighbour, nearest_in, neighbours
from productnet.serving.search.within import (
    Numbers,
    leaves_within,
    nearest_within,
    predicted_leaves,
)
from productnet.settings import ImageSettings, Project, Settings, round_name
from productnet.taxonomy.tree import Taxonomy

# Rules kept: finding one sorts all held-out products.
_RULES_KEPT = 64

# What the encoders are run on once before a model is served.
_WARMING = "a product to wake the encoders up, with a few words of everything"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the model says of one product.

    Attributes:
        vector: (D,) float32 of length one.
        probabilities: (K,) float32, calibrated.
    """

    vector: FloatArray
    probabilities: FloatArray


@dataclass(frozen=True, slots=True)
class Predicted:
    """A category a product may be of.

    Attributes:
        category: Its id, as the model learnt it.
        path: Names from the root down.
        confidence: Calibrated probability, 0 to 1.
    """

    category: str
    path: tuple[str, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class Categorized:
    """The categories of one product.

    Attributes:
        product: Its id.
        categories: The likeliest, the surest first.
        category: The one that was decided on, where a precision was wanted and the model is sure
            enough.
        reason: Why there is none, where a precision was wanted.
    """

    product: str
    categories: tuple[Predicted, ...]
    category: str | None = None
    reason: str | None = None


class ServedModel:
    """One model with its place in the tree and, of a project, its embedding set; never changes.

    Attributes:
        name: Of the round, or of the model's folder.
        model: The model.
        fields: Text fields that a product may have here.
        paths: Names from the root down to each category (K), in the order of probabilities.
        embeddings: The embedding set that it places products in, if there is one.
    """

    def __init__(
        self,
        name: str,
        model: MasterModel,
        *,
        settings: Settings,
        remembered: Remembered,
        taxonomy: Taxonomy | None = None,
        embeddings: EmbeddingSet | None = None,
        pool: Pool | None = None,
        predictions: Path | None = None,
    ) -> None:
        if model.predicts_number:
            raise ModelError(
                f"Model {name} predicts a number, and no categories are to be had of it. Serve "
                "another, or predict with `productnet categorize FILE --model`."
            )
        self.name = name
        self.model = model
        self.embeddings = embeddings
        self.paths = class_paths(model.classes, taxonomy)
        self._remembered = remembered
        self._images: ImageSettings = settings.images
        self._pool = pool
        self._taxonomy = taxonomy
        self._predictions = predictions
        read = [name for one in model.inputs.values() for name in one.fields]
        self._reads = frozenset(read)
        named = dict.fromkeys([*settings.catalog.fields, *read])
        self.fields = tuple(name for name in named if name != IMAGE)
        # A frozen encoder tells what it cannot decode; one that is part of the network does not.
        self._decodes = any(
            one.fields == (IMAGE,) and not one.encoder.startswith("frozen:")
            for one in model.inputs.values()
        )
        self._rule = lru_cache(_RULES_KEPT)(self._make_rule)

    @classmethod
    def of_project(cls, project: Project, remembered: Remembered) -> "ServedModel":
        """The model of the round in use.

        Raises:
            ModelError: There is none yet, or it is damaged.
            EmbeddingError: Its embedding set is damaged.
        """
        active = read_active(project)
        model = active_model(project)
        if active is None or active.round is None:
            raise ModelError(f"{project.root} has no master model any more.")
        return cls(
            round_name(active.round),
            model,
            settings=project.settings,
            remembered=remembered,
            taxonomy=Taxonomy.load_if_any(project.taxonomy_path),
            embeddings=EmbeddingSet.open(project.embeddings_path / active.embedding_set),
            pool=Pool.open(project.pool_path),
            predictions=project.round_path(active.round) / PREDICTIONS_FILE,
        )

    @classmethod
    def of_folder(
        cls, folder: Path, remembered: Remembered, *, project: Project | None = None
    ) -> "ServedModel":
        """A model by itself; a project gives it limits, fields and the names of categories."""
        return cls(
            folder.resolve().name,
            MasterModel.load(folder),
            settings=project.settings if project else Settings(),
            remembered=remembered,
            taxonomy=Taxonomy.load_if_any(project.taxonomy_path) if project else None,
        )

    @property
    def reads(self) -> list[str]:
        """The fields that make a difference."""
        return [name for name in (*self.fields, IMAGE) if name in self._reads]

    @property
    def reads_images(self) -> bool:
        """Whether images make a difference."""
        return IMAGE in self._reads

    def warm(self) -> None:
        """Load the encoders and run everything once, so that nobody waits for it."""
        texts = {name: _WARMING for name in self.fields if name in self._reads}
        self.look([Product("warming", texts)])

    def ready(self, product: Product) -> Product:
        """The product as the model takes it, its image checked and brought to size.

        Raises:
            UnknownName: It has a field that is none here.
            UsageError: It holds nothing that the model reads.
            ImageError: Its image cannot be used.
        """
        for name in product.texts:
            if name not in self.fields:
                raise UnknownName(
                    f'There is no field "{name[:100]}". {did_you_mean(name[:100], self.fields)}'
                )
        image = product.image if self.reads_images else None
        texts = {
            name: text
            for name, text in product.texts.items()
            if name in self._reads and text and not text.isspace()
        }
        if image is None and not texts:
            raise UsageError(
                f"The product holds nothing that the model reads. Give it {', '.join(self.reads)}."
            )
        if image is not None:
            loaded = load_image(image, self._images, thumbnail=False, decode=self._decodes)
            image = loaded.data
        return Product(product.id, texts, image=image)

    def look(self, products: Sequence[Product]) -> list[Seen | Exception]:
        """What the model says of products that are ``ready``, or why it can say nothing."""
        fields = [name for name in self.fields if name in self._reads]
        columns = {
            # Not their own ids: two callers may ask about one product at once.
            ID: pa.array([str(place) for place in range(len(products))], pa.string()),
            **{
                name: pa.array([one.texts.get(name) for one in products], pa.string())
                for name in fields
            },
        }
        if self.reads_images:
            columns[IMAGE] = pa.array([one.image for one in products], pa.binary())
        outcomes: list[Seen | Exception] = []
        for block in self.model.embed(pa.table(columns), remembered=self._remembered):
            outcomes += map(Seen, block.vectors, block.probabilities)
        for place, product in enumerate(products):
            if product.image and self.model.unreadable(product.image, self._remembered):
                outcomes[place] = self._why_unreadable(product.image)
        return outcomes

    def categorized(
        self,
        product: str,
        seen: Seen,
        *,
        top: int = 3,
        precision: float | None = None,
        false_accept: float | None = None,
    ) -> Categorized:
        """The categories of a product.

        Args:
            product: Its id.
            seen: What the model said of it.
            top: Categories, at most.
            precision: Decide on one only if such decisions are this often right.
            false_accept: And only if so small a share of unknown products would get one.

        Raises:
            UsageError: A share is not between 0 and 1, or there is nothing to be false about.
            ModelError: The model was not calibrated for this.
        """
        chances = seen.probabilities
        best = np.argsort(-chances, kind="stable")[:top]
        likeliest = tuple(
            Predicted(self.model.classes[place], self.paths[place], float(chances[place]))
            for place in best
        )
        if precision is None:
            return Categorized(product, likeliest)
        rule = self._rule(precision, false_accept)
        known = None if false_accept is None else self.model.familiarity(seen.vector[None])
        (category,) = rule.decide([product], chances[None], known).categories
        reason = None if category else _why_undecided(rule, chances, known)
        return Categorized(product, likeliest, category, reason)

    def embedding(self, seen: Seen, *, dimension: int | None = None) -> FloatArray:
        """The embedding, (d,) of length one; raises ModelError for a dimension it lacks."""
        width = self.model.check_dimension(dimension)
        cut: FloatArray = unit_rows(seen.vector[None, :width])[0]
        return cut

    def nearest(
        self, vector: FloatArray, *, count: int, category: str | None = None
    ) -> list[Neighbour]:
        """The products of the embedding set nearest to a vector (D,).

        Args:
            vector: Of length one.
            count: Products, at most.
            category: Id, path or name: only products that the model takes for it, or for one below.

        Raises:
            EmbeddingError: No embedding set goes with the model, or no categories with the set.
            UnknownCategory: There is no such category.
        """
        embeddings, pool = self._space()
        if category is None:
            return nearest_in(embeddings, pool, vector[None], count=count)
        within = self._within(category)
        found = nearest_within(embeddings, self._leaves, within, vector, count=count)
        return neighbours(embeddings, pool, found.rows, found.scores)

    def nearest_to(
        self, product: str, *, count: int, category: str | None = None
    ) -> list[Neighbour]:
        """The nearest other products; raises as ``nearest``.

        Raises:
            UnknownProduct: The set does not hold this product.
        """
        embeddings, _ = self._space()
        row = int(embeddings.rows([product])[0])
        if row < 0:
            raise UnknownProduct(
                f'Embedding set {embeddings.name} has no product "{product[:200]}". Send its '
                "fields instead, or make a round after importing it."
            )
        vector = np.array(embeddings.vectors[row])
        found = self.nearest(vector, count=count + 1, category=category)
        return [one for one in found if one.product != product][:count]

    def check_space(self, category: str | None = None) -> None:
        """Raise as ``nearest`` if no products are known beside the model, or no such category."""
        self._space()
        if category is not None:
            self._within(category)

    def check_shares(self, precision: float | None, false_accept: float | None) -> None:
        """Find the rule of these shares; raises as ``categorized`` does, before it is called."""
        if precision is None:
            if false_accept is not None:
                raise UsageError("false_accept goes with precision. Give both, or neither.")
            return
        self._rule(precision, false_accept)
        if false_accept is not None:
            self.model.familiarity(np.zeros((1, self.model.dimension), np.float32))

    def _space(self) -> tuple[EmbeddingSet, Pool]:
        if self.embeddings is None or self._pool is None:
            raise EmbeddingError(
                f"No products are known beside model {self.name}. Serve a project whose round "
                "made an embedding set: leave --model out."
            )
        return self.embeddings, self._pool

    def _within(self, category: str) -> Numbers:
        if self._taxonomy is None:
            raise UsageError("No taxonomy goes with this model. Ask without a category.")
        return leaves_within(self._taxonomy, self.model.classes, category[:500])

    @cached_property
    def _leaves(self) -> Numbers:
        """The number of the leaf (N,) that each product of the set is taken for."""
        embeddings, _ = self._space()
        assert self._predictions is not None  # a set comes with a project
        return predicted_leaves(self._predictions, self.model.classes, embeddings)

    def _make_rule(self, precision: float, false_accept: float | None) -> Rule:
        return self.model.certainty.rule(precision, false_accept=false_accept)

    def _why_unreadable(self, image: bytes) -> ProductNetError:
        try:
            load_image(image, self._images, thumbnail=False)
        except ImageError as error:
            return error
        return ImageError("The image cannot be decoded. Leave it out, or encode it as JPEG.")


def _why_undecided(rule: Rule, chances: FloatArray, known: FloatArray | None) -> str:
    sure = rule.thresholds.takes(np.array([chances.argmax()]), np.array([chances.max()]))[0]
    if sure and known is not None:
        return "unknown: it looks like no product that the model was taught"
    return "unsure: the likeliest category is not probable enough for this precision"
