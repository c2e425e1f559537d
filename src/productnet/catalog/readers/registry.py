"""Every reader of feeds, by the name of its format."""

from productnet.catalog.readers.rows import Reader
from productnet.registry import Entry, Registry

_HERE = "productnet.catalog.readers"

READERS = Registry[Reader](
    "feed format",
    {
        "csv": Entry(f"{_HERE}.delimited:read_csv", "CSV with a header (also .gz)"),
        "tsv": Entry(f"{_HERE}.delimited:read_tsv", "tab-separated text with a header (also .gz)"),
        "jsonl": Entry(f"{_HERE}.jsonl:read_jsonl", "one JSON object a line (also .gz)"),
        "parquet": Entry(f"{_HERE}.parquet:read_parquet", "Parquet, images as bytes or paths"),
        "merchant-tsv": Entry(
            f"{_HERE}.merchant_tsv:read_merchant_tsv", "Google Merchant feed, TSV (also .gz)"
        ),
        "merchant-xml": Entry(
            f"{_HERE}.merchant_xml:read_merchant_xml", "Google Merchant feed, RSS or Atom (.gz too)"
        ),
        "shopify": Entry(
            f"{_HERE}.shopify:read_shopify", "Shopify product CSV; variants fold into products"
        ),
        "folder": Entry(
            f"{_HERE}.folder:read_folder", "folder of images with metadata.csv, .jsonl or .parquet"
        ),
    },
)
