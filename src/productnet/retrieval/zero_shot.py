"""Zero-shot: the category of a product before there is any label, by what categories are called.

A product's text and a leaf's name are compared twice: as vectors of a text encoder, which know
that a trainer is a shoe, and word by word, which tells a shoe rack from a shoe. A picture is named
by the thousand classes its encoder once learnt, and these names are compared with the leaf's. The
leaf's guideline, where somebody wrote one, says more of it: the kinds it includes and its examples
count as further names, its definition goes beside its path.

How much each counts was chosen on flipkart; the temperature, which makes a probability of it, was
fitted on flipkart and fashion, together. On other pools it is a guess of how often one is right,
and may be off by a tenth, or by a quarter (docs/search.md has the figures). Nothing here is learnt
from the products at hand.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse
from scipy.special import softmax

from productnet.catalog.schema import IMAGE
from productnet.embeddings.nearest import FloatArray, unit_rows
from productnet.encoders.base import ImageEncoder, TextEncoder
from productnet.encoders.imagenet import Namer, namer
from productnet.encoders.prepared import prepared
from productnet.encoders.registry import encoder_slug, image_encoder, text_encoder
from productnet.encoders.texts import product_text, well_formed
from productnet.errors import EncoderError, ImageError, TaxonomyError
from productnet.retrieval.keyword_query import stems_of
from productnet.settings import EncoderSettings
from productnet.taxonomy.guidelines import Guideline, read_guideline
from productnet.taxonomy.tree import Category, Taxonomy

METHOD = "zero-shot"

# Of a leaf's names against its path and definition, as vectors.
_NAME = 0.75
# Of the share of a name that is said in so many words, and of what the picture shows.
_SAID = 0.15
_SHOWN = 0.3

# Fitted by benchmarks/zero_shot.py.
TEMPERATURE = 0.06

# Raise it when the same texts are compared otherwise.
_RECIPE = "1"

# Names of a taxonomy from which on their vectors are kept; fewer take a second or two.
_KEPT_FROM = 1_000

# Kinds and examples of a guideline that are read.
_MOST_NAMES = 12


@dataclass(frozen=True, slots=True)
class Reading:
    """What is compared with the leaves, of B products.

    Attributes:
        vectors: Of their texts, (B, D); zeros of a product without text.
        texts: The texts themselves, in one reading or several: the title, and all of it.
        shown: How likely the picture shows each class (B, 1000), zeros without one; None where no
            picture is looked at.
    """

    vectors: FloatArray
    texts: Sequence[Sequence[str | None]]
    shown: FloatArray | None = None


class ZeroShot:
    """The leaves of a taxonomy, to compare products with.

    Args:
        taxonomy: Whose leaves; the vectors of thousands take seconds, and are kept.
        guidelines: The folder of a project's guidelines.
        encoders: Of texts and images, by name; the defaults when None.

    Attributes:
        leaves: The leaves (K), in the order of probabilities.
        blind: Why pictures are not looked at; None where they are.

    Raises:
        EncoderError: The text encoder is missing here.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        *,
        guidelines: Path | None = None,
        encoders: EncoderSettings | None = None,
    ) -> None:
        self._encoders = encoders or EncoderSettings()
        self.leaves = taxonomy.leaves
        written = [_guideline(guidelines, leaf) for leaf in self.leaves]
        names = [
            (leaf.name, *[*one.include, *one.examples][:_MOST_NAMES])
            for leaf, one in zip(self.leaves, written, strict=True)
        ]
        paths = [
            f"{leaf.label}. {one.definition}".removesuffix(". ")
            for leaf, one in zip(self.leaves, written, strict=True)
        ]
        flat = [name for some in names for name in some]
        self._first = np.cumsum([0, *(len(some) for some in names[:-1])])  # (K,), of T names
        self._texts = text_encoder(self._encoders.text)
        self._names, self._paths = _encoded(self._texts, flat, paths, name=taxonomy.hash)
        self._words = _Words(flat)
        self._pictures, self.blind = _namer(self._encoders.image)
        if self._pictures is not None:
            # What each class of pictures and each leaf have in common, (1000, K).
            named, _ = _encoded(self._texts, self._pictures.names, [], name=self._encoders.image)
            self._shown = self._alike(named)

    @property
    def classes(self) -> tuple[str, ...]:
        """The ids of the leaves (K), in the order of probabilities."""
        return tuple(leaf.id for leaf in self.leaves)

    @property
    def version(self) -> str:
        """Changes whenever the same product may be taken for another leaf's."""
        told = hashlib.blake2b(digest_size=16)
        for part in (self._names, self._paths):
            told.update(part.tobytes())
        pictures = None if self._pictures is None else self._pictures.version
        told.update(
            repr((_RECIPE, self.classes, TEMPERATURE, _NAME, _SAID, _SHOWN, pictures)).encode()
        )
        return f"{METHOD}:{told.hexdigest()}"

    def probabilities(self, reading: Reading) -> FloatArray:
        """A guess of how likely each leaf is, (B, K); rows add up to 1.

        Of a product that says nothing and shows nothing all leaves are alike.
        """
        scores = self._alike(reading.vectors)
        for texts in reading.texts:
            scores += np.float32(_SAID / len(reading.texts)) * self._best(self._words(texts))
        if reading.shown is not None and self._pictures is not None:
            scores += np.float32(_SHOWN) * (reading.shown @ self._shown)  # (B, 1000) @ (1000, K)
        scores /= np.float32(TEMPERATURE)
        chances: FloatArray = softmax(scores, axis=1)
        return chances

    def predict_proba(self, products: pa.Table, fields: Sequence[str]) -> FloatArray:
        """The same of products from outside a pool: their title and all their text, and images.

        Args:
            products: The text fields, and ``image``.
            fields: Names of the text fields, the title first.
        """
        readings = [product_text(products, some) for some in (fields[:1], fields)]
        vectors = [encode_texts(self._texts, texts) for texts in readings]
        shown = None
        if self._pictures is not None and IMAGE in products.column_names:
            shown = self._look(products.column(IMAGE).to_pylist())
        mean: FloatArray = np.mean(vectors, axis=0, dtype=np.float32)  # (2, B, D) -> (B, D)
        return self.probabilities(Reading(mean, readings, shown))

    def show(self, features: FloatArray, present: npt.NDArray[np.bool_]) -> FloatArray | None:
        """What pictures show, (B, 1000), by the image encoder's features (B, 1280).

        Zeros where ``present`` (B,) says there is none. None where pictures are not looked at.
        """
        if self._pictures is None:
            return None
        return np.where(present[:, None], self._pictures(features), np.float32(0))

    def _look(self, images: Sequence[bytes | None]) -> FloatArray | None:
        encoder = image_encoder(self._encoders.image)
        features = np.zeros((len(images), encoder.dimension), np.float32)
        rows = [row for row, image in enumerate(images) if image]
        for row, vector in zip(rows, _encode(encoder, [images[row] for row in rows]), strict=True):
            features[row] = vector
        return self.show(features, np.asarray(features.any(axis=1), np.bool_))

    def _alike(self, vectors: FloatArray) -> FloatArray:
        """How alike vectors (B, D) and leaves are: (B, K)."""
        alike = np.float32(_NAME) * self._best(vectors @ self._names.T)
        alike += np.float32(1 - _NAME) * (vectors @ self._paths.T)
        return alike

    def _best(self, of_names: FloatArray) -> FloatArray:
        """The best of each leaf's names: (B, T) -> (B, K)."""
        if of_names.shape[1] == len(self.leaves):
            return of_names
        best: FloatArray = np.maximum.reduceat(of_names, self._first, axis=1)
        return best


def encode_texts(encoder: TextEncoder, texts: Sequence[str | None]) -> FloatArray:
    """Vectors (B, D) of length one; zeros where there is no text."""
    vectors = np.zeros((len(texts), encoder.dimension), np.float32)
    present = {row: text for row, text in enumerate(texts) if text}
    if present:
        vectors[list(present)] = unit_rows(encoder.encode(list(present.values())))
    return vectors


class _Words:
    """The words of the leaves' names (T), the rarer among them the weightier."""

    def __init__(self, names: Sequence[str]) -> None:
        stems = [sorted(set(stems_of(well_formed(name)))) for name in names]
        self._place = {
            stem: place
            for place, stem in enumerate(sorted({one for some in stems for one in some}))
        }
        has = _matrix(stems, self._place)  # (T, V)
        found = np.bincount(has.indices, minlength=len(self._place))
        weights = np.log((1 + len(names)) / (1 + found)) + 1
        weighed = has.multiply(weights[None, :]).tocsr()
        whole = np.asarray(weighed.sum(axis=1)).ravel()
        scale = sparse.diags_array(1 / np.where(whole > 0, whole, 1))
        self._names = sparse.csr_array((scale @ weighed).T.astype(np.float32))  # (V, T)

    def __call__(self, texts: Sequence[str | None]) -> FloatArray:
        """The share of each name, by weight, that each text says: (B, T)."""
        said = [set(stems_of(well_formed(text or ""))) & self._place.keys() for text in texts]
        shares: FloatArray = (_matrix(said, self._place) @ self._names).toarray()
        return shares


def _matrix(stems: Sequence[Iterable[str]], place: Mapping[str, int]) -> sparse.csr_array:
    """Which of the known stems (V) each text has: (B, V), ones and zeros."""
    columns = [[place[stem] for stem in some] for some in stems]
    bounds = np.cumsum([0, *map(len, columns)])
    flat = np.array([column for some in columns for column in some], np.int32)
    ones = np.ones(len(flat), np.float32)
    return sparse.csr_array((ones, flat, bounds), shape=(len(stems), len(place)))


def _encoded(
    encoder: TextEncoder, names: Sequence[str], paths: Sequence[str], *, name: str
) -> tuple[FloatArray, FloatArray]:
    """The vectors of names (T, D) and paths (K, D); of many, kept for the next time by a name."""
    if len(names) < _KEPT_FROM:
        return encode_texts(encoder, names), encode_texts(encoder, paths)
    told = hashlib.blake2b(json.dumps([names, paths]).encode(), digest_size=16).hexdigest()

    def build(folder: Path) -> None:
        np.save(folder / "names.npy", encode_texts(encoder, names))
        np.save(folder / "paths.npy", encode_texts(encoder, paths))

    stamp = {"recipe": _RECIPE, "encoder": f"{encoder.name}@{encoder.version}", "texts": told}
    place = f"{METHOD}-{encoder_slug(encoder.name)}-{encoder_slug(name)[:24]}"
    folder = prepared(place, stamp=stamp, build=build)
    return np.load(folder / "names.npy"), np.load(folder / "paths.npy")


def _guideline(folder: Path | None, leaf: Category) -> Guideline:
    if folder is None:
        return Guideline()
    try:
        return read_guideline(folder, leaf)
    except TaxonomyError:  # somebody is editing it
        return Guideline()


def _namer(encoder: str) -> tuple[Namer | None, str | None]:
    """What names pictures, or why nothing does."""
    try:
        found = namer(encoder)
    except EncoderError as error:
        return None, str(error)
    if found is None:
        return None, f'Image encoder "{encoder}" has no names for what it sees.'
    return found, None


def _encode(encoder: ImageEncoder, images: Sequence[bytes | None]) -> Iterator[FloatArray]:
    """One vector an image; zeros of one that cannot be decoded."""
    known = [image for image in images if image]
    try:
        yield from encoder.encode(known)
    except ImageError:
        if len(known) == 1:
            yield np.zeros(encoder.dimension, np.float32)
            return
        for image in known:
            yield from _encode(encoder, [image])
