"""JSON, an object a line; images as files, each named in its line."""

import json
from pathlib import Path

from productnet.catalog.schema import IMAGE
from productnet.release.exporters.base import Contents, rows_of, write_image
from productnet.release.parts import Part


class JsonLines:
    """A ``.jsonl`` file of each part; ``image`` is a path in the export's folder, or null."""

    pattern: str | None = "{table}/{side}-*.jsonl"

    def __init__(self, contents: Contents) -> None:
        pass

    def write(self, part: Part, root: Path) -> None:
        """Write the part's lines and images."""
        path = root / part.table / f"{part.name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            for row in rows_of(part):
                line = {**row.facts, IMAGE: write_image(root, row)}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def finish(self, root: Path) -> None:
        """Nothing is left to do."""
