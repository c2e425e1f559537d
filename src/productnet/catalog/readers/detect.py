"""Which format a feed has, told by its name and its first bytes."""

import csv
import re
import zlib
from pathlib import Path

from productnet.catalog.readers.merchant_tsv import merchant_name
from productnet.catalog.readers.registry import READERS
from productnet.catalog.readers.text import open_feed_file
from productnet.errors import FeedError

_LOOK_AT = 64 * 2**10
_JSONL_SUFFIXES = frozenset({".jsonl", ".ndjson"})
_SHOPIFY = frozenset({"Handle", "Title"})
_SHOPIFY_ANY = frozenset({"Body (HTML)", "Option1 Name", "Variant SKU", "Variant Price"})
_MERCHANT = frozenset({"id", "title"})
_MERCHANT_ANY = frozenset(
    {"link", "image_link", "google_product_category", "availability", "item_group_id"}
)


def detect_format(path: Path) -> str:
    """The name in ``READERS`` of the reader for this feed.

    Raises FeedError when there is none, saying what to convert the feed to.
    """
    if path.is_dir():
        return "folder"
    with open_feed_file(path) as file:
        try:
            head = file.read(_LOOK_AT)
        except (OSError, EOFError, zlib.error) as error:
            raise FeedError(f"{path} cannot be read: {error}.") from error
    if not head.strip():
        raise FeedError(f"{path} is empty. Is the export that wrote it complete?")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        raise FeedError(
            f"{path} is a zip archive or a spreadsheet. Unpack it, or export the sheet as CSV."
        )
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    text = head.decode("utf-8-sig", "replace").lstrip()
    if suffix in _JSONL_SUFFIXES or text.startswith("{"):
        return "jsonl"
    if text.startswith("["):
        raise FeedError(
            f"{path} is one JSON array. Write it as one object a line: jq -c '.[]' {path.name}"
        )
    if text.startswith("<"):
        return "merchant-xml"
    return _delimited_format(path, suffix, header=re.split(r"[\r\n]", text, maxsplit=1)[0])


def _delimited_format(path: Path, suffix: str, *, header: str) -> str:
    if suffix == ".tsv" or header.count("\t") > header.count(","):
        names = {merchant_name(name) for name in header.split("\t")}
        merchant = names >= _MERCHANT and names & _MERCHANT_ANY
        return "merchant-tsv" if merchant else "tsv"
    if suffix == ".csv" or any(mark in header for mark in ",;|"):
        columns = set(next(csv.reader([header]), []))
        shopify = columns >= _SHOPIFY and columns & _SHOPIFY_ANY
        return "shopify" if shopify else "csv"
    raise FeedError(
        f"The format of {path} is not plain from its content. Name it with --format: "
        f"{', '.join(READERS)}."
    )
