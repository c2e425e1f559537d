"""Products as the master model sees them: ids, text columns, images and frozen features.

A table of any library that speaks Arrow and a project's pool answer the same questions. From
a pool, images are read batch by batch and pretrained features come from the cache.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID
from productnet.encoders.base import ImageEncoder
from productnet.encoders.feature_store import Modality
from productnet.encoders.features import open_features
from productnet.encoders.registry import image_encoder, text_encoder
from productnet.encoders.texts import product_text
from productnet.errors import ImageError
from productnet.master.presets import IMAGE
from productnet.settings import Project

_IMAGES_PER_READ = 256


class Products:
    """N products of a table held in memory.

    Attributes:
        ids: (N,) strings.
    """

    def __init__(
        self, ids: pa.StringArray, texts: pa.Table, images: pa.ChunkedArray | None
    ) -> None:
        self.ids = ids
        self._texts = texts
        self._images = images

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The text columns, in order."""
        return tuple(self._texts.column_names)

    @property
    def filled_fields(self) -> tuple[str, ...]:
        """The text columns that at least one product has."""
        longest = {
            name: pc.max(pc.utf8_length(self._texts.column(name))) for name in self.text_fields
        }
        return tuple(name for name, length in longest.items() if length.as_py())

    @property
    def has_images(self) -> bool:
        """Whether there is an image column."""
        return self._images is not None

    def take(self, rows: np.ndarray) -> "Products":
        """The products of these rows (B,)."""
        wanted = pa.array(rows)
        images = None if self._images is None else self._images.take(wanted)
        return Products(self.ids.take(wanted), self._texts.take(wanted), images)

    def texts(self, fields: Sequence[str]) -> list[str | None]:
        """These fields of each product, joined; None where it has none of them."""
        return product_text(self._texts, fields)

    def images(self, rows: np.ndarray) -> list[bytes | None]:
        """The encoded images of these rows (B,)."""
        if self._images is None:
            return [None] * len(rows)
        images: list[bytes | None] = self._images.take(pa.array(rows)).to_pylist()
        return images

    def has_image(self) -> np.ndarray:
        """Whether each product has an image: (N,) bool."""
        if self._images is None:
            return np.zeros(len(self), dtype=bool)
        return np.asarray(self._images.is_valid())

    def features(self, encoder: str, fields: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """A pretrained encoder's output for these fields, (N, D) float32, and presence (N,)."""
        if tuple(fields) == (IMAGE,):
            return self._image_features(image_encoder(encoder))
        texts = self.texts(fields)
        present = np.array([text is not None for text in texts], dtype=bool)
        reader = text_encoder(encoder)
        vectors = np.zeros((len(self), reader.dimension), dtype=np.float32)
        if present.any():
            vectors[present] = reader.encode([text for text in texts if text is not None])
        return vectors, present

    def _image_features(self, encoder: ImageEncoder) -> tuple[np.ndarray, np.ndarray]:
        vectors = np.zeros((len(self), encoder.dimension), dtype=np.float32)
        present = np.zeros(len(self), dtype=bool)
        for start in range(0, len(self), _IMAGES_PER_READ):
            rows = np.arange(start, min(start + _IMAGES_PER_READ, len(self)))
            known = [
                (row, image) for row, image in zip(rows, self.images(rows), strict=True) if image
            ]
            encoded = _encode_what_opens(encoder, [image for _, image in known])
            for (row, _), vector in zip(known, encoded, strict=True):
                if vector is not None:
                    vectors[row], present[row] = vector, True
        return vectors, present


class PoolProducts(Products):
    """N products of a project's pool; images stay there until they are asked for."""

    def __init__(
        self, project: Project, pool: Pool, texts: pa.Table, *, rows: np.ndarray, has_images: bool
    ) -> None:
        """Texts with their ids, and the products' rows (N,) in pool order."""
        super().__init__(texts.column(ID).combine_chunks(), texts.drop_columns([ID]), None)
        self._project = project
        self._pool = pool
        self._rows = rows
        self._has_images = has_images

    @property
    def has_images(self) -> bool:
        """Whether images are among the fields asked for."""
        return self._has_images

    def images(self, rows: np.ndarray) -> list[bytes | None]:
        """The encoded images of these rows (B,), read from the pool."""
        ids = self.ids.take(pa.array(rows)).to_pylist()
        images: list[bytes | None] = self._pool.take(ids, columns=[IMAGE])[IMAGE].to_pylist()
        return images

    def has_image(self) -> np.ndarray:
        """Whether each product has an image: (N,) bool."""
        present = np.zeros(len(self), dtype=bool)
        for start in range(0, len(self), _IMAGES_PER_READ):
            rows = np.arange(start, min(start + _IMAGES_PER_READ, len(self)))
            present[rows] = [image is not None for image in self.images(rows)]
        return present

    def features(self, encoder: str, fields: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """A pretrained encoder's output, from the project's cache."""
        cached = cached_as(fields, self._pool.fields)
        features = open_features(
            self._project, encoder, modality=cached.modality, fields=cached.fields
        )
        return features.take(self._rows), features.present[self._rows]


class Cached(NamedTuple):
    """What a project's cache calls the features of some fields."""

    modality: Modality
    fields: tuple[str, ...] | None


def cached_as(fields: Sequence[str], pool_fields: Sequence[str]) -> Cached:
    """Under which name a project keeps features of these fields."""
    if tuple(fields) == (IMAGE,):
        return Cached("image", None)
    return Cached("text", None if set(fields) == set(pool_fields) else tuple(fields))


class InputField:
    """One input of the model over these products; what field encoders ask for values."""

    def __init__(self, products: Products, names: tuple[str, ...]) -> None:
        self._products = products
        self._names = names
        self._features: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def __len__(self) -> int:
        return len(self._products)

    def take(self, rows: np.ndarray) -> "InputField":
        """The same input of the products of these rows (B,)."""
        return InputField(self._products.take(rows), self._names)

    def contents(self) -> list[bytes | None]:
        """What an encoder may read of each product: the joined text, or the encoded image."""
        if self._names == (IMAGE,):
            return self.images(np.arange(len(self)))
        return [None if text is None else text.encode() for text in self.texts()]

    def texts(self) -> list[str | None]:
        """The joined text of each product."""
        return self._products.texts(self._names)

    def images(self, rows: np.ndarray) -> list[bytes | None]:
        """The encoded images of these rows (B,)."""
        return self._products.images(rows)

    def has_image(self) -> np.ndarray:
        """Whether each product has an image: (N,) bool."""
        return self._products.has_image()

    def features(self, encoder: str) -> tuple[np.ndarray, np.ndarray]:
        """A pretrained encoder's output, (N, D) float32, and presence, (N,) bool; asked once."""
        if encoder not in self._features:
            self._features[encoder] = self._products.features(encoder, self._names)
        return self._features[encoder]


def _encode_what_opens(encoder: ImageEncoder, images: list[bytes]) -> list[np.ndarray | None]:
    """One vector an image; None for those that cannot be decoded."""
    if not images:
        return []
    try:
        return list(encoder.encode(images))
    except ImageError:
        if len(images) == 1:
            return [None]
    return [vector for image in images for vector in _encode_what_opens(encoder, [image])]
