"""The stamp of an embedding set: what made it, and the check that its folder is whole."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from productnet.errors import EmbeddingError

FORMAT_VERSION = 1

_STAMP = "stamp.json"


@dataclass(frozen=True)
class Stamp:
    """What an embedding set is and what made it.

    Attributes:
        name: Name of the set, which is its folder's.
        encoder: What turned products into vectors, with versions.
        dimension: Length D of a vector.
        count: Number N of products.
        pool_version: Version of the pool that was embedded.
        taxonomy_hash: Taxonomy the encoder was trained on, None where it knows of none.
        seed: Seed of whatever was random.
        created_at: When, ISO 8601 in UTC.
        notes: Whatever else a person may want to know; JSON values.
        format_version: Format of the folder.
    """

    name: str
    encoder: str
    dimension: int
    count: int
    pool_version: int
    taxonomy_hash: str | None
    seed: int
    created_at: str
    notes: dict[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION


def write_stamp(folder: Path, stamp: Stamp) -> None:
    """Stamp a folder that holds everything else already."""
    content: dict[str, object] = {
        "stamp": asdict(stamp),
        "sizes": {file.name: file.stat().st_size for file in sorted(folder.iterdir())},
    }
    content["digest"] = _digest(content)
    (folder / _STAMP).write_text(json.dumps(content, indent=2), encoding="utf-8")


def read_stamp(path: Path) -> Stamp:
    """The stamp of a set; raises EmbeddingError if the folder is missing, damaged or foreign."""
    if not path.is_dir():
        raise EmbeddingError(
            f'There is no embedding set "{path.name}" in {path.parent}. '
            "Make one with `productnet embed`."
        )
    try:
        content = json.loads((path / _STAMP).read_text(encoding="utf-8"))
        version = content["stamp"]["format_version"]
        intact = content.pop("digest") == _digest(content)
        sizes = content["sizes"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(path, f"its {_STAMP} cannot be read: {error!r}") from error
    if version != FORMAT_VERSION:
        raise EmbeddingError(
            f'Embedding set "{path.name}" has format {version}; this version of ProductNet reads '
            f"format {FORMAT_VERSION}. Delete {path} and run `productnet embed` again."
        )
    if not intact:
        raise damaged(path, f"its {_STAMP} was changed")
    for name, size in sizes:
        file = path / name
        if not file.is_file() or file.stat().st_size != size:
            raise damaged(path, f"{name} is missing or not of {size} bytes")
    return Stamp(**content["stamp"])


def _digest(content: Mapping[str, object]) -> str:
    canonical = json.dumps(content, sort_keys=True).encode()
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def damaged(path: Path, reason: str) -> EmbeddingError:
    """The error that says that a set cannot be used, and what to do."""
    return EmbeddingError(
        f'Embedding set "{path.name}" is damaged: {reason}. Delete {path} and run '
        "`productnet embed` again."
    )
