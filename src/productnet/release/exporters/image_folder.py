"""ImageFolder: a folder a side, in it a folder a leaf, in it images; and ``metadata.jsonl``.

``torchvision`` reads the folders as classes, ``datasets`` reads the metadata, which also lists the
products without an image.
"""

import json
import shutil
from pathlib import Path

from productnet.catalog.schema import ID
from productnet.release.exporters.base import SCRATCH, Contents, Row, file_name, rows_of
from productnet.release.parts import Part
from productnet.release.rows import CATEGORY_ID

_METADATA = "metadata.jsonl"


class ImageFolder:
    """Images by side and leaf; the lines of a part wait until all parts of its side are there."""

    pattern: str | None = "{table}/{side}/**"

    def __init__(self, contents: Contents) -> None:
        self._parts = contents.released.parts

    def write(self, part: Part, root: Path) -> None:
        """Write the part's images, and its lines of metadata beside."""
        folder = root / part.table / part.side
        folder.mkdir(parents=True, exist_ok=True)
        lines = _lines(root, part)
        lines.parent.mkdir(parents=True, exist_ok=True)
        with lines.open("w", encoding="utf-8") as file:
            for row in rows_of(part):
                line = {"file_name": _write(folder, row), **row.facts}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def finish(self, root: Path) -> None:
        """Put the lines of every side together."""
        for table, side in dict.fromkeys((part.table, part.side) for part in self._parts):
            with (root / table / side / _METADATA).open("wb") as whole:
                for part in self._parts:
                    if (part.table, part.side) == (table, side):
                        with _lines(root, part).open("rb") as lines:
                            shutil.copyfileobj(lines, whole)


def _lines(root: Path, part: Part) -> Path:
    return root / SCRATCH / "lines" / part.table / f"{part.name}.jsonl"


def _write(folder: Path, row: Row) -> str | None:
    if row.image is None:
        return None
    path = Path(
        file_name(str(row.facts[CATEGORY_ID])), f"{file_name(str(row.facts[ID]))}.{row.suffix}"
    )
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_bytes(row.image)
    return path.as_posix()
