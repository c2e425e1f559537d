"""Small pictures of the products that a report shows, read from the pool in one go."""

import io
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID, THUMBNAIL
from productnet.evaluation.report.data import Picture

# Twice the size they are shown at, for dense screens; about 3 kB each.
_SIDE = 96
_QUALITY = 72


class Album:
    """Pictures by product id."""

    def __init__(self, pictures: dict[str, Picture]) -> None:
        self._pictures = pictures

    @classmethod
    def read(cls, pool: Pool, products: Iterable[str]) -> "Album":
        """Pictures of these products; one the pool does not have is shown by its id."""
        asked = pa.array(sorted(set(products)), pa.string())
        known = asked.filter(pc.is_in(asked, value_set=pool.ids())).to_pylist()
        title = "title" if "title" in pool.fields else pool.fields[0]
        table = pool.take(known, columns=[ID, title, THUMBNAIL])
        rows = zip(
            *(table.column(name).to_pylist() for name in (ID, title, THUMBNAIL)), strict=True
        )
        return cls(
            {
                product: Picture(product, text or product, thumbnail and smaller(thumbnail))
                for product, text, thumbnail in rows
            }
        )

    def __getitem__(self, product: str) -> Picture:
        return self._pictures.get(product) or Picture(product, product)

    def pictures(self, products: Iterable[str]) -> tuple[Picture, ...]:
        """Pictures in the order asked."""
        return tuple(self[product] for product in products)

    def with_image(self, products: Iterable[str], *, count: int) -> tuple[Picture, ...]:
        """The first few of these products, those that have an image before those that do not."""
        pictures = self.pictures(products)
        return tuple(sorted(pictures, key=lambda picture: picture.image is None)[:count])


def smaller(thumbnail: bytes) -> bytes:
    """A thumbnail scaled down once more, as JPEG."""
    with Image.open(io.BytesIO(thumbnail)) as image:
        image.draft("RGB", (_SIDE, _SIDE))
        small = image.convert("RGB")
        small.thumbnail((_SIDE, _SIDE))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return file.getvalue()
