"""Every reader of the registry gives the same products from the same shop."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from productnet.catalog.importer import import_feed
from productnet.catalog.pool import Pool
from productnet.catalog.readers.detect import detect_format
from productnet.catalog.readers.registry import READERS
from productnet.settings import Project, Settings

# id, title, description, brand, image, group
PRODUCTS = [
    ("p1", "Oak chair", "Solid oak.\nSits four centuries.", "Nord", "images/p1.jpg", "g1"),
    ("p2", 'Lamp, 15" tall', "Warm light; brass & glass.", "Lumo", "images/p2.jpg", "g1"),
    ("p3", "Tasse à café", "Grès émaillé 日本", "Größe", "images/p3.jpg", None),
    ("p4", "Towel", None, None, None, None),
    ("p5", "Red & blue <3 mug", "It's a mug.", "O'Neil", "images/p5.jpg", None),
]
NAMES = ("id", "title", "description", "brand", "image", "group")


def image_bytes(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (24, 24), (40 * number, 90, 200)).save(buffer, "JPEG")
    return buffer.getvalue()


def write_images(folder: Path) -> None:
    (folder / "images").mkdir()
    for number, product in enumerate(PRODUCTS):
        if product[4]:
            (folder / product[4]).write_bytes(image_bytes(number))


def delimited(names: tuple[str, ...], delimiter: str = ",") -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter)
    writer.writerow(names)
    writer.writerows(PRODUCTS)
    return buffer.getvalue()


def write_csv(folder: Path) -> Path:
    (folder / "feed.csv").write_text("\ufeff" + delimited(NAMES), encoding="utf-8")
    return folder / "feed.csv"


def write_tsv(folder: Path) -> Path:
    (folder / "feed.tsv.gz").write_bytes(gzip.compress(delimited(NAMES, "\t").encode()))
    return folder / "feed.tsv.gz"


def write_jsonl(folder: Path) -> Path:
    lines = [json.dumps(dict(zip(NAMES, product, strict=True))) for product in PRODUCTS]
    (folder / "feed.jsonl").write_text("\n\n".join(lines), encoding="utf-8")
    return folder / "feed.jsonl"


def write_parquet(folder: Path) -> Path:
    columns = dict(zip(NAMES, map(list, zip(*PRODUCTS, strict=True)), strict=True))
    images = [
        path and {"bytes": (folder / path).read_bytes(), "path": path} for path in columns["image"]
    ]
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({**columns, "image": pa.array(images, struct)})
    pq.write_table(table, folder / "feed.parquet", row_group_size=2)
    return folder / "feed.parquet"


def write_merchant_tsv(folder: Path) -> Path:
    names = ("id", "title", "description", "brand", "g:image link", "item group id")
    (folder / "feed.txt").write_text(delimited(names, "\t"), encoding="utf-8")
    return folder / "feed.txt"


def write_merchant_xml(folder: Path) -> Path:
    names = ("g:id", "title", "g:description", "g:brand", "g:image_link", "g:item_group_id")
    items = "".join(
        "<item>"
        + "".join(
            f"<{name}>{escape(value)}</{name}>"
            for name, value in zip(names, product, strict=True)
            if value
        )
        + "</item>\n"
        for product in PRODUCTS
    )
    (folder / "feed.xml").write_text(
        '<?xml version="1.0"?>\n<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0">'
        f"<channel><title>Shop</title>\n{items}</channel></rss>",
        encoding="utf-8",
    )
    return folder / "feed.xml"


def write_shopify(folder: Path) -> Path:
    names = ("Handle", "Title", "Body (HTML)", "Vendor", "Image Src", "Parent SKU")
    text = delimited(names)
    (folder / "feed.csv").write_text(text, encoding="utf-8")
    return folder / "feed.csv"


def write_folder(folder: Path) -> Path:
    names = tuple("file_name" if name == "image" else name for name in NAMES)
    (folder / "metadata.csv").write_text(delimited(names), encoding="utf-8")
    return folder


WRITERS: Mapping[str, Callable[[Path], Path]] = {
    "csv": write_csv,
    "tsv": write_tsv,
    "jsonl": write_jsonl,
    "parquet": write_parquet,
    "merchant-tsv": write_merchant_tsv,
    "merchant-xml": write_merchant_xml,
    "shopify": write_shopify,
    "folder": write_folder,
}


@pytest.mark.parametrize("name", list(READERS))
def test_the_same_shop_in_every_format(name: str, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    write_images(shop)
    feed = WRITERS[name](shop)
    assert detect_format(feed) == name

    project = Project.create(tmp_path / "project", Settings())
    summary = import_feed(project, feed)
    assert (summary.added, summary.errors) == (5, 0)

    pool = Pool.open(project.pool_path)
    columns = ["id", "title", "description", "brand", "image", "group"]
    rows = pool.take([product[0] for product in PRODUCTS], columns=columns).to_pylist()
    expected = [
        {**dict(zip(NAMES, product, strict=True)), "image": product[4] and image_bytes(number)}
        for number, product in enumerate(PRODUCTS)
    ]
    assert rows == expected
    assert import_feed(project, feed).unchanged == 5


@pytest.mark.parametrize("name", list(READERS))
def test_every_reader_says_what_it_reads(name: str) -> None:
    assert READERS.help(name)
    assert callable(READERS[name])
