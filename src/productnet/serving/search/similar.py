"""Products like a given one, a text or an image, in the embedding set in use."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from productnet.catalog.images import load_image
from productnet.catalog.pool import Pool
from productnet.embeddings.active import active_set, read_active
from productnet.embeddings.nearest import FloatArray, Rows
from productnet.embeddings.queries import InitialSpace, query_product
from productnet.embeddings.sets import EmbeddingSet
from productnet.errors import ImageError, UnknownProduct
from productnet.serving.active import active_model
from productnet.settings import Project


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A product and how near it is: cosine similarity, -1 to 1."""

    product: str
    similarity: float
    title: str | None


def similar_to_product(project: Project, product: str, *, count: int = 10) -> list[Neighbour]:
    """The nearest other products; raises UnknownProduct if the set does not hold this one."""
    embeddings = active_set(project)
    row = int(embeddings.rows([product])[0])
    if row < 0:
        raise UnknownProduct(
            f'Embedding set {embeddings.name} has no product "{product}". If it was imported '
            "since, run `productnet embed` or `productnet round`."
        )
    found = nearest_in(
        embeddings, _pool(project), embeddings.vectors[row : row + 1], count=count + 1
    )
    return [one for one in found if one.product != product][:count]


def similar_to_text(project: Project, text: str, *, count: int = 10) -> list[Neighbour]:
    """The products nearest to a text, taken as the title of a product without an image."""
    query = _encode(project, text=text, image=None)
    return nearest_in(active_set(project), _pool(project), query, count=count)


def similar_to_image(project: Project, image: Path, *, count: int = 10) -> list[Neighbour]:
    """The products nearest to an image file; raises ImageError if it cannot be used."""
    if not image.is_file():
        raise ImageError(f"There is no image {image}.")
    loaded = load_image(image.read_bytes(), project.settings.images, thumbnail=False)
    query = _encode(project, text=None, image=loaded.data)
    return nearest_in(active_set(project), _pool(project), query, count=count)


def nearest_in(
    embeddings: EmbeddingSet, pool: Pool, query: FloatArray, *, count: int
) -> list[Neighbour]:
    """The products of a set nearest to one vector (1, D), with their titles from the pool."""
    rows, cosines = embeddings.nearest(query, k=count)
    return neighbours(embeddings, pool, rows[0], cosines[0])


def neighbours(
    embeddings: EmbeddingSet, pool: Pool, rows: Rows, cosines: FloatArray
) -> list[Neighbour]:
    """The products of these rows (n,) of a set, with their titles from the pool."""
    ids = embeddings.ids.take(pa.array(rows)).to_pylist()
    title = pool.fields[0]
    titles = pool.take(ids, columns=[title]).column(title).to_pylist()
    return [
        Neighbour(product, float(cosine), text)
        for product, cosine, text in zip(ids, cosines, titles, strict=True)
    ]


def _encode(project: Project, *, text: str | None, image: bytes | None) -> FloatArray:
    """One product's vector, (1, D), in the space of the embedding set in use."""
    query = query_product(project.settings.catalog.fields, text=text, image=image)
    active = read_active(project)
    if active is not None and active.round is not None:
        return active_model(project).encode(query)
    return InitialSpace.open(project).encode(query)


def _pool(project: Project) -> Pool:
    return Pool.open(project.pool_path)
