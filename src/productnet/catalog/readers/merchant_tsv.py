"""Google Merchant feeds as tab-separated text.

Attribute names come with or without ``g:`` and with spaces or underscores; they are read as
Google's documentation writes them today, for example ``additional_image_link``.
https://support.google.com/merchants/answer/7052112
"""

from collections.abc import Iterator
from pathlib import Path

from productnet.catalog.readers.delimited import read_tsv
from productnet.catalog.readers.rows import RawRow


def read_merchant_tsv(path: Path) -> Iterator[RawRow]:
    """Rows of a Google Merchant TSV feed."""
    for row in read_tsv(path):
        values = {merchant_name(column): cell for column, cell in row.values.items()}
        yield RawRow(row.file, row.line, values, row.error)


def merchant_name(column: str) -> str:
    """The documented name of an attribute: ``g:image link`` is ``image_link``."""
    return column.strip().lower().removeprefix("g:").replace(" ", "_")
