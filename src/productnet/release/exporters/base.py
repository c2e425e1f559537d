"""What an exporter is: how one part of a release is written, and what all of them share."""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import pyarrow as pa

from productnet.catalog.schema import ID, IMAGE
from productnet.embeddings.sets import EmbeddingSet
from productnet.errors import EmbeddingError, UsageError
from productnet.release.parts import Part, Released

# Of rows in memory at a time, in formats that take them one by one.
BATCH_BYTES: Final = 8_000_000

# In the folder of an unfinished export: what is only needed until it is finished.
SCRATCH: Final = ".export"

_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_MAGIC = ((b"\xff\xd8", "jpg"), (b"\x89PNG", "png"), (b"RIFF", "webp"), (b"GIF8", "gif"))


@dataclass(frozen=True, slots=True)
class Contents:
    """What is exported.

    Attributes:
        released: The release.
        vectors: The embedding set that goes along, where the format is one of vectors.
    """

    released: Released
    vectors: EmbeddingSet | None = None

    def embedding_set(self) -> EmbeddingSet:
        """The vectors; raises UsageError where there are none."""
        if self.vectors is None:
            raise UsageError("This format holds embeddings: name the embedding set they are of.")
        return self.vectors


class Exporter(ABC):
    """Writes a release in one format, part by part.

    ``write`` may be called again for a part that a kill left half written, and then writes over
    what there is. It holds a few batches in memory at a time, whatever the part's size.

    Attributes:
        pattern: Where ``load_dataset`` finds the files of a ``{table}`` and ``{side}``; None where
            it cannot read the format.
        types: Type of every column, for the card, where files do not tell it; by the names of
            ``datasets``.
        in_order: Whether a part can be written only after those before it.
    """

    pattern: ClassVar[str | None] = None
    types: Mapping[str, str] | None = None
    in_order: ClassVar[bool] = False

    def __init__(self, contents: Contents) -> None:
        self.contents = contents

    @abstractmethod
    def write(self, part: Part, root: Path) -> None:
        """Write one part below ``root``."""

    def finish(self, root: Path) -> None:
        """Do what can be done only when every part is written; may be called again."""
        return


@dataclass(frozen=True, slots=True)
class Row:
    """A row as formats want it that take them one by one.

    Attributes:
        number: Its place among the rows of its side.
        facts: Every column but the image; what is absent is None, times are ISO 8601.
        image: The encoded image.
        suffix: Of the image's file.
    """

    number: int
    facts: dict[str, object]
    image: bytes | None
    suffix: str


def rows_of(part: Part) -> Iterator[Row]:
    """The rows of a part, one by one."""
    number = part.offset
    for batch in part.batches(target_bytes=BATCH_BYTES):
        images = image_bytes(batch).to_pylist()
        for facts, image in zip(plain(batch).to_pylist(), images, strict=True):
            yield Row(number, facts, image, image_suffix(image))
            number += 1


def plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch without its images, its times as text, as they are put into text formats."""
    columns = {}
    for name in batch.schema.names:
        column = batch.column(name)
        if name == IMAGE:
            continue
        if pa.types.is_timestamp(column.type):
            texts = [None if time is None else time.isoformat() for time in column.to_pylist()]
            column = pa.array(texts, pa.string())
        columns[name] = column
    return pa.RecordBatch.from_pydict(columns)


def column_types(schema: pa.Schema) -> dict[str, str]:
    """What ``datasets`` is to take each column of a text format for, images being paths."""
    return {
        column.name: "string" if column.name == IMAGE else str(column.type) for column in schema
    }


def image_bytes(batch: pa.RecordBatch) -> pa.Array:
    """The encoded images of a batch, null where there is none."""
    import pyarrow.compute as pc

    return pc.struct_field(batch.column(IMAGE), "bytes")


def image_suffix(image: bytes | None) -> str:
    """The suffix of an image's file, by what it begins with."""
    head = (image or b"")[:4]
    return next((suffix for magic, suffix in _MAGIC if head.startswith(magic)), "jpg")


def file_name(text: str) -> str:
    """A name for a file that tells the text and is another for every text."""
    safe = _NOT_IN_FILE_NAMES.sub("_", text)[:80]
    if safe == text:
        return safe
    return f"{safe}-{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"


def write_image(root: Path, row: Row) -> str | None:
    """Put a row's image below ``root``, once a product, and tell its path there."""
    if row.image is None:
        return None
    name = file_name(str(row.facts[ID]))
    # Some hundred files a folder, whatever the ids look like.
    bucket = hashlib.blake2b(name.encode(), digest_size=1).hexdigest()
    path = Path("images", bucket, f"{name}.{row.suffix}")
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(row.image)
    return path.as_posix()


def vectors_of(batch: pa.RecordBatch, vectors: EmbeddingSet) -> pa.Array:
    """The vectors (n, D) of a batch's products; raises EmbeddingError if the set lacks one."""
    ids = batch.column(ID).to_pylist()
    rows = vectors.rows(ids)
    if (rows < 0).any():
        missing = ids[int((rows < 0).argmax())]
        raise EmbeddingError(
            f'Embedding set "{vectors.name}" has no vector of product "{missing}", which is '
            "released. Embed the pool again with `productnet embed` or `productnet round`."
        )
    flat = pa.array(vectors.read(rows).reshape(-1), pa.float32())
    return pa.FixedSizeListArray.from_arrays(flat, vectors.stamp.dimension)
