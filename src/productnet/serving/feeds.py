"""Products of a feed as batches for a model, without bringing them into a pool."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa

from productnet.catalog.feed import open_feed
from productnet.catalog.loader import Loaded, ProductLoader
from productnet.catalog.mapping import MappedProduct, map_columns
from productnet.catalog.readers.rows import Fault
from productnet.catalog.schema import ID, IMAGE, Product, products_to_table
from productnet.settings import ImageSettings, Settings

# Products in memory at a time.
BATCH = 256

# Bytes of a file that are read to tell it from another.
_HEAD = 2**20


class FeedProducts:
    """A feed's products, read once, in batches. Bad rows are passed over and counted.

    Memory: one batch of products and their images, whatever the feed's size.

    Attributes:
        rows: Makes tables of what is read.
        products: Usable rows so far.
        skipped: Bad rows so far.

    Args:
        feed: A file or folder that a reader knows.
        settings: The text fields, and the limits on images.
        mapping: Field to column, beside the well-known names.
        format: Name of the reader; detected when None.
        label: Column whose texts are handed on beside the products, and fill no field.

    Raises:
        FeedError: The feed cannot be read as a whole.
        UsageError: A column or field does not exist.
    """

    def __init__(
        self,
        feed: Path,
        settings: Settings,
        *,
        mapping: Mapping[str, str] | None = None,
        format: str | None = None,
        label: str | None = None,
    ) -> None:
        self._feed = open_feed(feed, format=format)
        self._settings = settings
        self._columns = map_columns(
            self._feed.columns, settings.catalog.fields, overrides=mapping or {}, labels=label
        )
        self.rows = FeedRows(self._feed.folder.resolve(), settings.catalog.fields, settings.images)
        self.products = 0
        self.skipped = 0

    @property
    def path(self) -> Path:
        """The file or folder."""
        return self._feed.path

    @property
    def fields(self) -> tuple[str, ...]:
        """The text fields, the title first."""
        return self._settings.catalog.fields

    @property
    def stamp(self) -> Mapping[str, object]:
        """Tells this feed, read this way, from any other; JSON values.

        A feed that was written again counts as another, also where it says the same.
        """
        path = self._feed.path
        files = [path] if path.is_file() else sorted(path.glob("metadata.*"))
        return {
            "feed": str(path.resolve()),
            "files": [_told(file) for file in files],
            "format": self._feed.format,
            "columns": {name: list(columns) for name, columns in self._columns.columns.items()},
            "fields": list(self.fields),
            "images": self._settings.images.model_dump(mode="json"),
        }

    def batches(self, *, skip: int = 0) -> Iterator[tuple[pa.Table, list[str | None]]]:
        """Tables of ``id``, the text fields and ``image``, with the label of each row.

        As many products as are to be skipped are read again, but none of their images.
        """
        yield from self.rows.batches(islice(self.usable(), skip, None))

    def table(self) -> tuple[pa.Table, list[str | None]]:
        """The whole feed at once, for training; it has to fit in memory."""
        tables, labels = [], []
        for table, some in self.batches():
            tables.append(table)
            labels += some
        return pa.concat_tables(tables) if tables else self.rows.table([]), labels

    def usable(self) -> Iterator[MappedProduct]:
        """The good rows, as they are read; the others are counted."""
        for row in self._feed.rows:
            product = self._columns.product(row)
            if isinstance(product, Fault):
                self.skipped += 1
            else:
                self.products += 1
                yield product


@dataclass(frozen=True, slots=True)
class FeedRows:
    """Makes tables of a feed's rows, wherever its images can be read.

    Attributes:
        folder: Where the images are that rows name.
        fields: The text fields.
        images: Limits on them.
    """

    folder: Path
    fields: tuple[str, ...]
    images: ImageSettings

    def batches(
        self, products: Iterable[MappedProduct]
    ) -> Iterator[tuple[pa.Table, list[str | None]]]:
        """Tables of ``id``, the text fields and ``image``, with the label of each row."""
        with ProductLoader(self.folder, self.images, _never_current) as loader:
            loaded = loader.load(products)
            while batch := list(islice(loaded, BATCH)):
                yield self.table(batch), [one.mapped.labels for one in batch]

    def table(self, batch: list[Loaded]) -> pa.Table:
        """One of these tables."""
        products = [one.product for one in batch if isinstance(one.product, Product)]
        return products_to_table(products, self.fields).select([ID, *self.fields, IMAGE])


def _never_current(product_id: str, fingerprint: bytes) -> bool:
    return False


def _told(file: Path) -> list[object]:
    with file.open("rb") as opened:
        head = hashlib.blake2b(opened.read(_HEAD), digest_size=16).hexdigest()
    facts = file.stat()
    return [file.name, facts.st_size, facts.st_mtime_ns, head]
