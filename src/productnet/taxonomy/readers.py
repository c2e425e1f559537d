"""Reading a taxonomy file: decoding it, and finding out which reader it wants."""

import re
from pathlib import Path

from productnet.errors import TaxonomyError
from productnet.taxonomy.registry import TAXONOMY_READERS
from productnet.taxonomy.tree import Taxonomy


def read_taxonomy(path: Path, *, format: str | None = None, name: str | None = None) -> Taxonomy:
    """Read a taxonomy file.

    Args:
        path: A UTF-8 text file.
        format: A name of ``TAXONOMY_READERS``; found out from the content when None.
        name: What to call the taxonomy; its publisher or the file's name when None.

    Raises:
        TaxonomyError: The file is missing, empty or not UTF-8, or holds a duplicate, an orphan or
            a cycle; the text names the line.
        UnknownName: There is no such format.
    """
    lines = _lines(path)
    names = [format] if format is not None else list(TAXONOMY_READERS)
    readers = (TAXONOMY_READERS[each] for each in names)
    reader = next(each for each in readers if format is not None or each.recognises(lines))
    try:
        return reader.read(lines, name=name or reader.publisher or path.stem)
    except TaxonomyError as error:
        raise TaxonomyError(f"{path}: {error}") from None


def _lines(path: Path) -> list[str]:
    """The file's lines, decoded; raises TaxonomyError with the first line that is not UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TaxonomyError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        text = data.decode("utf-8-sig")
        bad = data.find(b"\0")
    except UnicodeDecodeError as error:
        bad = error.start
    if bad >= 0:
        line = data.count(b"\n", 0, bad) + 1
        raise TaxonomyError(
            f"{path}: line {line}: byte 0x{data[bad]:02x} is not UTF-8 text. "
            "Save the file as UTF-8 and try again."
        )
    if not text.strip():
        raise TaxonomyError(f"{path}: line 1: the file is empty; it should name categories.")
    return re.split(r"\r\n|\n|\r", text)
