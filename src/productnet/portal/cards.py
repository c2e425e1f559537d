"""A product as pages show it: title, brand and where its picture is; in full on demand."""

import io
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image
from pydantic import BaseModel, Field

from productnet.catalog.pool import Pool
from productnet.catalog.schema import FINGERPRINT, ID, IMAGE, IMAGE_ERROR, MORE_IMAGES, THUMBNAIL
from productnet.errors import UnknownProduct

# Cards kept in memory: about 0.5 kB each.
_KEPT = 50_000

# Characters of a title that a card shows; the rest is in the product's detail.
_TITLE = 300


class Card(BaseModel):
    """What a page shows of a product at a glance."""

    product: str = Field(description="Id of the product")
    title: str | None = Field(description="Its first text field, cut after 300 characters")
    brand: str | None = None
    thumbnail: str | None = Field(description="URL of its small picture, to be kept for ever")


class Picture(BaseModel):
    """One of a product's pictures."""

    url: str
    width: int = Field(description="Pixels")
    height: int = Field(description="Pixels")


class Detail(Card):
    """Everything the catalog holds of a product."""

    fields: dict[str, str] = Field(description="Field to text, in the project's order, in full")
    images: list[Picture]
    image_error: str | None = Field(description="Why its picture is missing, if it is")


@dataclass(frozen=True, slots=True)
class _Kept:
    title: str | None
    brand: str | None
    version: str
    pictured: bool


class Cards:
    """Cards of a pool's products, the last ones kept.

    Args:
        pool: The products.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._title = pool.fields[0]
        self._brand = "brand" if "brand" in pool.fields else None
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = Lock()

    def of(self, products: Sequence[str]) -> list[Card]:
        """Cards in the order asked; raises UnknownProduct."""
        with self._lock:
            known = {id: self._kept[id] for id in products if id in self._kept}
        if missing := [id for id in dict.fromkeys(products) if id not in known]:
            known |= self._read(missing)
        return [_card(id, known[id]) for id in products]

    def _read(self, products: Sequence[str]) -> dict[str, _Kept]:
        columns = [ID, self._title, FINGERPRINT, THUMBNAIL]
        table = self._pool.take(products, columns=columns + ([self._brand] if self._brand else []))
        read = {
            id: _Kept(title[:_TITLE] if title else None, brand, version.hex(), pictured)
            for id, title, brand, version, pictured in zip(
                products,
                table.column(self._title).to_pylist(),
                table.column(self._brand).to_pylist() if self._brand else [None] * len(table),
                table.column(FINGERPRINT).to_pylist(),
                pc.is_valid(table.column(THUMBNAIL)).to_pylist(),
                strict=True,
            )
        }
        with self._lock:
            self._kept.update(read)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return read

    def detail(self, product: str) -> Detail:
        """Everything the pool holds of a product; raises UnknownProduct."""
        row: dict[str, object] = self._pool.take([product]).to_pylist()[0]
        version = _hex(row[FINGERPRINT])
        pictures = _pictures(row)
        return Detail(
            **self.of([product])[0].model_dump(),
            fields={name: str(row[name]) for name in self._pool.fields if row[name]},
            images=[
                Picture(url=_url(product, place, "full", version), width=width, height=height)
                for place, (width, height) in enumerate(map(_size, pictures))
            ],
            image_error=None if row[IMAGE_ERROR] is None else str(row[IMAGE_ERROR]),
        )

    def thumbnail(self, product: str) -> bytes:
        """The product's small picture as the pool holds it; raises UnknownProduct without one."""
        column = self._pool.take([product], columns=[THUMBNAIL]).column(THUMBNAIL)
        data: bytes | None = column[0].as_py()
        if not data:
            raise UnknownProduct(f'Product "{product}" has no picture.')
        return data

    def picture(self, product: str, place: int) -> bytes:
        """One of the product's pictures in full; raises UnknownProduct if it has no such one."""
        table: pa.Table = self._pool.take([product], columns=[IMAGE, MORE_IMAGES])
        pictures = _pictures(table.to_pylist()[0])
        if not 0 <= place < len(pictures):
            raise UnknownProduct(
                f'Product "{product}" has {len(pictures)} pictures; there is none at {place}.'
            )
        return pictures[place]


def _card(product: str, kept: _Kept) -> Card:
    return Card(
        product=product,
        title=kept.title,
        brand=kept.brand,
        thumbnail=_url(product, 0, "thumb", kept.version) if kept.pictured else None,
    )


def _url(product: str, place: int, size: str, version: str) -> str:
    asked = {"product": product, "n": place, "size": size, "v": version}
    return f"/api/v1/image?{urlencode(asked)}"


def _pictures(row: dict[str, object]) -> list[bytes]:
    first, more = row[IMAGE], row[MORE_IMAGES]
    found = [first] if isinstance(first, bytes) else []
    return found + [one for one in (more if isinstance(more, list) else []) if one]


def _size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        return image.size


def _hex(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else ""
