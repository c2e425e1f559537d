"""A product: its id, its text fields and its images, and the columns that hold them."""

from dataclasses import dataclass, field

import pyarrow as pa

# Columns every pool has beside the project's text fields.
ID = "id"
GROUP = "group"
IMAGE = "image"
MORE_IMAGES = "more_images"
THUMBNAIL = "thumbnail"
IMAGE_ERROR = "image_error"
FINGERPRINT = "fingerprint"

RESERVED = frozenset({ID, GROUP, IMAGE, MORE_IMAGES, THUMBNAIL, IMAGE_ERROR, FINGERPRINT})


@dataclass(frozen=True, slots=True)
class Product:
    """One product as a reader hands it on, its images loaded.

    Attributes:
        id: Identity within the pool, from the feed.
        texts: Field name to text; a missing field is absent, never an empty string.
        group: Id shared by variants of one product, where the feed has one.
        image: The main image, encoded (JPEG, PNG or WebP), or None.
        more_images: Further images, encoded.
        thumbnail: JPEG of the main image scaled to ``images.thumbnail_side``.
        image_error: Why the product's image is missing, when it should have had one.
        fingerprint: Hash of everything the feed said of this product.
    """

    id: str
    texts: dict[str, str]
    group: str | None = None
    image: bytes | None = None
    more_images: tuple[bytes, ...] = ()
    thumbnail: bytes | None = None
    image_error: str | None = None
    fingerprint: bytes = field(default=b"", repr=False)


def pool_schema(fields: tuple[str, ...]) -> pa.Schema:
    """The pool's Arrow schema for these text fields."""
    return pa.schema(
        [
            pa.field(ID, pa.string(), nullable=False),
            *(pa.field(name, pa.string()) for name in fields),
            pa.field(GROUP, pa.string()),
            pa.field(IMAGE, pa.binary()),
            pa.field(MORE_IMAGES, pa.list_(pa.binary())),
            pa.field(THUMBNAIL, pa.binary()),
            pa.field(IMAGE_ERROR, pa.string()),
            pa.field(FINGERPRINT, pa.binary(8), nullable=False),
        ]
    )


def products_to_table(products: list[Product], fields: tuple[str, ...]) -> pa.Table:
    """Products as one Arrow table in the pool's schema; a text of no known field is dropped."""
    columns: dict[str, list[object]] = {
        ID: [product.id for product in products],
        **{name: [product.texts.get(name) for product in products] for name in fields},
        GROUP: [product.group for product in products],
        IMAGE: [product.image for product in products],
        MORE_IMAGES: [list(product.more_images) for product in products],
        THUMBNAIL: [product.thumbnail for product in products],
        IMAGE_ERROR: [product.image_error for product in products],
        FINGERPRINT: [product.fingerprint for product in products],
    }
    return pa.table(columns, schema=pool_schema(fields))
