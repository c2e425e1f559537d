"""Shopify product CSV: the rows of one Handle, its variants and images, are one product.

https://help.shopify.com/en/manual/products/import-export/using-csv
"""

from collections.abc import Iterator
from pathlib import Path

from productnet.catalog.readers.delimited import read_csv
from productnet.catalog.readers.rows import Fault, FaultKind, RawRow, Values

HANDLE = "Handle"
# The column this reader adds: option names with the values their variants have.
OPTIONS = "Options"

_OPTION_PLACES = (1, 2, 3)
_IMAGE_COLUMNS = ("Image Src", "Variant Image")


def read_shopify(path: Path) -> Iterator[RawRow]:
    """Products of a Shopify export, each with the line of its first row.

    A column's value is the first row's that fills it; ``Image Src`` is the list of all images,
    and ``Options`` a dict such as ``{"Size": "S, M, L"}``. Rows of a product follow one another,
    as Shopify writes them: a handle that comes back later is read as a second product.
    """
    rows: list[RawRow] = []
    for row in read_csv(path):
        if row.error is not None:
            yield row
            continue
        handle = _cell(row.values, HANDLE)
        if not handle:
            reason = "The row has no Handle, so it belongs to no product."
            yield RawRow(row.file, row.line, error=Fault(FaultKind.MISSING_ID, reason, "id"))
            continue
        if rows and _cell(rows[0].values, HANDLE) != handle:
            yield _fold(rows)
            rows = []
        rows.append(row)
    if rows:
        yield _fold(rows)


def _fold(rows: list[RawRow]) -> RawRow:
    values: dict[str, object] = {}
    for row in rows:
        for column, cell in row.values.items():
            values[column] = values.get(column) or cell
    for column in _IMAGE_COLUMNS:
        values.pop(column, None)
    images = [_cell(row.values, column) for column in _IMAGE_COLUMNS for row in rows]
    values["Image Src"] = list(dict.fromkeys(image for image in images if image))
    values[OPTIONS] = _options(rows)
    return RawRow(rows[0].file, rows[0].line, values)


def _options(rows: list[RawRow]) -> dict[str, str]:
    options: dict[str, str] = {}
    for place in _OPTION_PLACES:
        names = (_cell(row.values, f"Option{place} Name") for row in rows)
        name = next((name for name in names if name), None)
        values = dict.fromkeys(_cell(row.values, f"Option{place} Value") for row in rows)
        # A product without variants has one option, "Title", of one value, "Default Title".
        if name and list(filter(None, values)) not in ([], ["Default Title"]):
            options[name] = ", ".join(filter(None, values))
    return options


def _cell(values: Values, column: str) -> str:
    return str(values.get(column) or "").strip()
