"""WebDataset: tar files that training streams from, the files of a product one after another."""

import json
import tarfile
from pathlib import Path
from typing import BinaryIO

from productnet.release.exporters.base import Exporter, rows_of
from productnet.release.parts import Part
from productnet.release.rows import LABEL


class WebDataset(Exporter):
    """A tar of each part: ``KEY.jpg`` where there is an image, ``KEY.cls``, ``KEY.json``.

    The key counts the rows of a side: a product's id may hold dots, which keys may not.
    """

    pattern = "{table}/{side}-*.tar"

    def write(self, part: Part, root: Path) -> None:
        """Write the part's tar file."""
        path = root / part.table / f"{part.name}.tar"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as tar:
            for row in rows_of(part):
                key = f"{row.number:09d}"
                if row.image is not None:
                    _add(tar, f"{key}.{row.suffix}", row.image)
                _add(tar, f"{key}.cls", str(row.facts[LABEL]).encode())
                text = json.dumps(row.facts, ensure_ascii=False)
                _add(tar, f"{key}.json", text.encode())
            tar.write(b"\0" * 2 * tarfile.BLOCKSIZE)


def _add(tar: BinaryIO, name: str, content: bytes) -> None:
    """Add a file, by hand: a ``TarFile`` keeps a record of every member in memory."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.write(member.tobuf(tarfile.GNU_FORMAT))
    tar.write(content)
    tar.write(b"\0" * (-len(content) % tarfile.BLOCKSIZE))
