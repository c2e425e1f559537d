"""JSON, an object a line; images as files, each named in its line."""

import json
from pathlib import Path

from productnet.catalog.schema import IMAGE
from productnet.release.exporters.base import Contents, Exporter, column_types, rows_of, write_image
from productnet.release.parts import Part


class JsonLines(Exporter):
    """A ``.jsonl`` file of each part; ``image`` is a path in the export's folder, or null."""

    pattern = "{table}/{side}-*.jsonl"

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        self.types = column_types(contents.released.schema)

    def write(self, part: Part, root: Path) -> None:
        """Write the part's lines and images."""
        path = root / part.table / f"{part.name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            for row in rows_of(part):
                line = {**row.facts, IMAGE: write_image(root, row)}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
