"""The model's API (``productnet serve --api``) as methods."""

import base64
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import httpx

from productnet.client.connection import Connection, Parameters
from productnet.client.results import Result
from productnet.closing import Closing

# Products that the service takes in one request.
_MOST_PRODUCTS = 256

# Fields by name; ``id``, ``image`` (the encoded picture) and ``image_url`` among them.
Asked = Mapping[str, str | bytes | Sequence[str]]


class Predicted(Result):
    """A category that a product may be of."""

    category: str
    path: Sequence[str]
    confidence: float


class Decision(Result):
    """One category, or why there is none."""

    category: str | None
    reason: str | None


class Fault(Result):
    """Why a product has no answer."""

    status: int
    detail: str


class Answered(Result):
    """What every answer holds; ``error`` is set of a product that could not be used."""

    id: str
    model: str
    error: Fault | None = None


class Categories(Answered):
    """The categories of a product, the surest first."""

    categories: Sequence[Predicted]
    decision: Decision | None


class Embedding(Answered):
    """The embedding of a product, of length one."""

    embedding: Sequence[float] | None


class Near(Result):
    """A product of the pool, and how near it is."""

    product: str
    similarity: float
    title: str | None


class Neighbours(Answered):
    """The products nearest to one."""

    neighbours: Sequence[Near]


A = TypeVar("A", bound=Answered)


class ModelClient(Closing):
    """A served model. Overloaded, it is asked again when it says; not safe between threads.

    Args:
        url: Where it is, such as http://127.0.0.1:8500.
        key: API key of scope ``read``; None where none is asked for.
        tries: Times that a request is sent, at most, while nothing comes of it.
        timeout: Seconds to wait for an answer.
        transport: In place of the network, for tests.

    Example:
        >>> with ModelClient("http://127.0.0.1:8500") as model:  # doctest: +SKIP
        ...     model.categorize([{"title": "Red enamel mug"}])[0].categories[0].path
        ['Kitchen', 'Mugs']
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        tries: int = 6,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._connection = Connection(
            url, prefix="/v1", key=key, tries=tries, timeout=timeout, transport=transport
        )

    def categorize(
        self,
        products: Sequence[Asked],
        *,
        top: int = 3,
        precision: float | None = None,
        false_accept: float | None = None,
    ) -> list[Categories]:
        """The categories of products, in their order."""
        asked = {"top": top, "precision": precision, "false_accept": false_accept}
        return self._ask("/categorize", _Many[Categories], products, asked)

    def embed(self, products: Sequence[Asked], *, dimension: int | None = None) -> list[Embedding]:
        """The embeddings of products, in their order."""
        return self._ask("/embed", _Many[Embedding], products, {"dimension": dimension})

    def similar(
        self, products: Sequence[Asked], *, count: int = 10, category: str | None = None
    ) -> list[Neighbours]:
        """The products of the pool nearest to each of these, within a category where one is named.

        A category is named by its id, path or name; those below it count as it.
        """
        asked = {"count": count, "category": category}
        return self._ask("/similar", _Many[Neighbours], products, asked)

    def similar_to(
        self, product: str, *, count: int = 10, category: str | None = None
    ) -> Neighbours:
        """The products nearest to one of the pool, within a category where one is named."""
        asked: Parameters = {"product": product, "count": count, "category": category}
        return self._connection.get("/similar", Neighbours, asked)

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _ask(
        self,
        path: str,
        kind: "type[_Many[A]]",
        products: Sequence[Asked],
        parameters: Parameters,
    ) -> list[A]:
        # The error of a product that comes alone is the answer to its request; so none is left
        # alone by the cutting of a list.
        size = _MOST_PRODUCTS - (len(products) % _MOST_PRODUCTS == 1)
        results: list[A] = []
        for start in range(0, len(products), size):
            body = {"products": [_sent(one) for one in products[start : start + size]]}
            results += self._connection.post(
                path, kind, body, parameters=parameters, repeatable=True
            ).results
        return results


class _Many(Result, Generic[A]):
    results: Sequence[A]


def _sent(product: Asked) -> dict[str, object]:
    return {
        name: base64.b64encode(value).decode()
        if isinstance(value, bytes)
        else value
        if isinstance(value, str)
        else list(value)
        for name, value in product.items()
    }
