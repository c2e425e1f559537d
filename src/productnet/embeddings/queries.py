"""Products from outside the pool, placed in the space of the initial embedding set."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from productnet.catalog.schema import IMAGE
from productnet.embeddings.initial import NAME, PROJECTION_FILE
from productnet.embeddings.nearest import FloatArray
from productnet.embeddings.projection import Part, Projection
from productnet.encoders.base import ImageEncoder, TextEncoder
from productnet.encoders.registry import image_encoder, text_encoder
from productnet.encoders.texts import product_text
from productnet.settings import Project


def encode_initial(project: Project, products: pa.Table) -> FloatArray:
    """Vectors (n, D) of these products as ``embed_initial`` would have made them.

    Args:
        project: Its initial embedding set gives the projection, its settings the encoders.
        products: The project's text fields, and ``image``; either may be all null.

    Raises:
        EmbeddingError: There is no initial embedding set.
        ImageError: An image cannot be decoded.
    """
    projection = Projection.load(project.embeddings_path / NAME / PROJECTION_FILE)
    encoders = project.settings.encoders
    parts: dict[str, Part] = {}
    if "image" in projection.means:
        images = products.column(IMAGE).to_pylist()
        parts["image"] = _part(image_encoder(encoders.image), images)
    if "text" in projection.means:
        texts = product_text(products, project.settings.catalog.fields)
        parts["text"] = _part(text_encoder(encoders.text), texts)
    return projection(parts)


def _part(
    encoder: ImageEncoder | TextEncoder, contents: Sequence[bytes | None] | Sequence[str | None]
) -> Part:
    present = np.array([content is not None for content in contents], dtype=np.bool_)
    vectors = np.zeros((len(contents), encoder.dimension), np.float32)
    known = [content for content in contents if content is not None]
    if known:
        vectors[present] = encoder.encode(known)  # type: ignore[arg-type]
    return Part(vectors, present)
