"""A bad row costs itself: readers name its line and reason, and read on."""

import csv
import gzip
import io
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from productnet.catalog.feed import open_feed
from productnet.catalog.readers import merchant_xml, text
from productnet.catalog.readers.rows import FaultKind, RawRow
from productnet.errors import FeedError

Found = list[tuple[int, FaultKind | None]]


def read(folder: Path, name: str, content: bytes | str) -> list[RawRow]:
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    return list(open_feed(folder / name).rows)


def found(rows: list[RawRow]) -> Found:
    return [(row.line, row.error.kind if row.error else None) for row in rows]


CSV_CASES: dict[str, tuple[bytes, Found]] = {
    "bytes that are not UTF-8": (
        b"id,title\n1,Caf\xe9\n2,Mug\n",
        [(2, FaultKind.UNDECODABLE_TEXT), (3, None)],
    ),
    "NUL byte": (b"id,title\n1,a\0b\n2,Mug\n", [(2, FaultKind.NUL_BYTE), (3, None)]),
    "too many columns": (b"id,title\n1,a,b\n2,Mug\n", [(2, FaultKind.WRONG_COLUMNS), (3, None)]),
    "too few columns": (b"id,title\n1\n2,Mug\n", [(2, FaultKind.WRONG_COLUMNS), (3, None)]),
    "field over the limit": (
        b"id,title\n1," + b"x" * 200_000 + b"\n2,Mug\n",
        [(2, FaultKind.TOO_LONG), (3, None)],
    ),
    "broken quote": (b'id,title\n1,"a"b\n2,Mug\n', [(2, FaultKind.BAD_QUOTES), (3, None)]),
    "quote left open": (
        b'id,title\n1,Mug\n2,"Chair\n3,Lamp\n',
        [(2, None), (3, FaultKind.BAD_QUOTES)],
    ),
    "after a field of three lines": (
        b'id,title\r\n1,"a\r\nb\r\nc"\r\n\r\n2,a,b\r\n3,Mug\r\n',
        [(2, None), (6, FaultKind.WRONG_COLUMNS), (7, None)],
    ),
    "bad byte within a field of two lines": (
        b'id,title\n1,"a\n\xff"\n2,Mug\n',
        [(2, FaultKind.UNDECODABLE_TEXT), (4, None)],
    ),
}


@pytest.mark.parametrize("case", CSV_CASES)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_csv(case: str, zipped: bool, tmp_path: Path) -> None:
    content, expected = CSV_CASES[case]
    name = "feed.csv.gz" if zipped else "feed.csv"
    rows = read(tmp_path, name, gzip.compress(content) if zipped else content)
    assert found(rows) == expected
    assert all(row.error is None or row.error.reason.endswith((".", "?")) for row in rows)


def test_csv_with_byte_order_mark_and_semicolons(tmp_path: Path) -> None:
    rows = read(tmp_path, "feed.csv", "\ufeffid;title\n1;Mug, red\n")
    assert rows[0].values == {"id": "1", "title": "Mug, red"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"id": 1', "Not JSON at column 9"),
        ("[1, 2]", "A JSON list, where an object"),
        ("7" * 5_000, "Not usable JSON"),
        ('{"id": ' + "[" * 100_000, "Not usable JSON"),
    ],
)
def test_jsonl(line: str, reason: str, tmp_path: Path) -> None:
    rows = read(tmp_path, "feed.jsonl", f'{{"id": "1"}}\n\n{line}\n{{"id": "2"}}\n')
    assert found(rows) == [(1, None), (3, FaultKind.BAD_JSON), (4, None)]
    assert rows[1].error is not None
    assert reason in rows[1].error.reason


def test_a_gzip_file_that_breaks_off(tmp_path: Path) -> None:
    lines = "".join(f'{{"id": "{number}", "x": {hash((number,))}}}\n' for number in range(5_000))
    rows = read(tmp_path, "feed.jsonl.gz", gzip.compress(lines.encode())[:-5_000])
    assert rows[-1].error is not None
    assert rows[-1].error.kind == FaultKind.UNREADABLE
    assert "breaks off" in rows[-1].error.reason
    assert len(rows) > 1_000
    assert all(row.error is None for row in rows[:-2])


def test_parquet_text_that_is_not_utf8(tmp_path: Path) -> None:
    raw = pa.array([b"Mug", b"Caf\xe9", b"Lamp"], pa.binary()).view(pa.string())
    table = pa.table({"id": ["1", "2", "3"], "title": raw})
    pq.write_table(table, tmp_path / "feed.parquet")
    rows = list(open_feed(tmp_path / "feed.parquet").rows)
    assert found(rows) == [(1, None), (2, FaultKind.UNDECODABLE_TEXT), (3, None)]


def test_a_damaged_row_group_costs_itself(tmp_path: Path) -> None:
    table = pa.table({"id": [f"product-{number}" for number in range(30)]})
    file = tmp_path / "feed.parquet"
    pq.write_table(table, file, row_group_size=10, compression="gzip", use_dictionary=False)
    column = pq.ParquetFile(file).metadata.row_group(1).column(0)
    data = bytearray(file.read_bytes())
    middle = column.data_page_offset + column.total_compressed_size // 2
    data[middle : middle + 20] = bytes(20)
    file.write_bytes(data)
    rows = list(open_feed(file).rows)
    assert found(rows) == [
        *((line, None) for line in range(1, 11)),
        (11, FaultKind.UNREADABLE),
        *((line, None) for line in range(21, 31)),
    ]


XML = '<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0"><channel>\n'


def test_xml_item_with_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    items = b"<item><g:id>1</g:id>\n<title>Caf\xe9</title></item>\n<item><g:id>2</g:id></item>"
    rows = read(tmp_path, "feed.xml", XML.encode() + items + b"</channel></rss>")
    assert found(rows) == [(2, FaultKind.UNDECODABLE_TEXT), (4, None)]


def test_xml_in_another_encoding(tmp_path: Path) -> None:
    text = XML.replace('"1.0"?', '"1.0" encoding="ISO-8859-1"?') + "<item><g:id>é</g:id></item>"
    rows = read(tmp_path, "feed.xml", (text + "</channel></rss>").encode("latin-1"))
    assert rows[0].values == {"id": "é"}


def test_xml_that_is_not_well_formed_is_read_up_to_there(tmp_path: Path) -> None:
    rows = read(tmp_path, "feed.xml", XML + "<item><g:id>1</g:id></item>\n<item>R&D</item>")
    assert found(rows) == [(2, None), (3, FaultKind.UNREADABLE)]


def test_xml_details_and_repeated_elements(tmp_path: Path) -> None:
    detail = "<g:product_detail><g:attribute_name>{}</g:attribute_name>"
    detail += "<g:attribute_value>{}</g:attribute_value></g:product_detail>"
    more = "<g:additional_image_link>{}</g:additional_image_link>"
    item = "<item><g:id>1</g:id>" + detail.format("Fit", "Slim") + detail.format("Sole", "Cork")
    item += "".join(more.format(name) for name in ("b.jpg", "c.jpg", "d.jpg")) + "</item>"
    rows = read(tmp_path, "feed.xml", XML + item + "</channel></rss>")
    assert rows[0].values == {
        "id": "1",
        "product_detail": {"Fit": "Slim", "Sole": "Cork"},
        "additional_image_link": ["b.jpg", "c.jpg", "d.jpg"],
    }


def test_a_long_xml_feed_comes_in_pieces(tmp_path: Path) -> None:
    items = [
        f"<item><g:id>{number}</g:id><title>Größe {'日本' * (number % 50)}</title></item>\n"
        for number in range(3_000)
    ]
    items[1_000] = items[1_000].replace("Größe", "\x0b")
    rows = read(tmp_path, "feed.xml", XML + "".join(items) + "</channel></rss>")
    assert [row.line for row in rows] == list(range(2, 3_002))
    assert [row.values.get("id") for row in rows if not row.error] == [
        str(number) for number in range(3_000) if number != 1_000
    ]
    assert rows[1_000].error is not None
    assert rows[1_000].error.kind == FaultKind.UNDECODABLE_TEXT
    assert rows[-1].values["title"] == "Größe " + "日本" * 49


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("feed.csv", "id,title\n1,{long}\n2,Mug\n", [(2, FaultKind.TOO_LONG), (3, None)]),
        ("feed.jsonl", '{{"id": 1}}\n{long}\n{{"id": 2}}\n',
         [(1, None), (2, FaultKind.TOO_LONG), (3, None)]),
        ("feed.xml", XML + "<item><g:id>1</g:id>{long}</item>\n<item><g:id>2</g:id></item>"
         "</channel></rss>", [(2, FaultKind.TOO_LONG), (3, None)]),
    ],
)  # fmt: skip
def test_what_has_no_end_is_passed_over(
    name: str, content: str, expected: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "LONGEST_LINE", 1_000)
    monkeypatch.setattr(merchant_xml, "LONGEST_LINE", 1_000)
    assert found(read(tmp_path, name, content.format(long="x" * 3_500))) == expected


def test_shopify_variants_fold_into_their_product(tmp_path: Path) -> None:
    header = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Image Src,Variant Image\n"
    rows = read(
        tmp_path,
        "feed.csv",
        header
        + "tee,Tee,Size,S,t-s,a.jpg,v.jpg\ntee,,,M,t-m,b.jpg,\ntee,,,M,t-m\ntee,,,,,c.jpg,\n"
        + "mug,Mug,Title,Default Title,m,,\n,Nothing,,,,,\n",
    )
    assert found(rows) == [
        (4, FaultKind.WRONG_COLUMNS), (2, None), (7, FaultKind.MISSING_ID), (6, None)
    ]  # fmt: skip
    tee, mug = (row.values for row in rows if row.error is None)
    assert tee["Options"] == {"Size": "S, M"}
    assert tee["Image Src"] == ["a.jpg", "b.jpg", "c.jpg", "v.jpg"]
    assert (mug["Options"], mug["Title"]) == ({}, "Mug")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("feed.csv", b"", "is empty"),
        ("feed.csv", b"id,title\n", "has no rows"),
        ("feed.csv", b"id,id\n1,2\n", 'two columns called "id"'),
        ("feed.csv", b"id,caf\xe9\n1,2\n", "Save the feed as UTF-8"),
        ("feed.csv", "id,title\n1,Mug\n".encode("utf-16"), "is UTF-16"),
        ("feed.csv", b"id,title\n1\n2\n", "No row of"),
        ("feed.parquet", b"PAR1 and then nothing", "not a readable Parquet file"),
        ("feed.jsonl", b"{\n{\n", "Line 1: Not JSON"),
        ("feed.json", b'[{"id": 1}]', "jq -c"),
        ("feed.xlsx", b"PK\x03\x04....", "export the sheet as CSV"),
        ("feed", b"nothing known", "Name it with --format: csv, tsv"),
        ("feed.gz", b"\x1f\x8bnothing", "cannot be read"),
        (
            "feed.xml",
            b'<!DOCTYPE r [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><rss><item>&b;</item></rss>',
            "declares entities",
        ),
        (
            "feed.xml",
            b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item>&x;</item></rss>',
            "declares entities",
        ),
        ("feed.xml", b"<rss><channel></channel></rss>", "has no rows"),
    ],
)
def test_a_feed_unreadable_as_a_whole(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(FeedError) as raised:
        read(tmp_path, name, content)
    assert message in str(raised.value)


def test_a_missing_feed_and_a_folder_without_metadata(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="There is no feed"):
        open_feed(tmp_path / "none.csv")
    with pytest.raises(FeedError, match=r"none of metadata\.csv, metadata\.jsonl"):
        open_feed(tmp_path)
    (tmp_path / "metadata.jsonl").write_text('{"id": 1}')
    with pytest.raises(FeedError, match='no column "file_name"'):
        open_feed(tmp_path)


# NUL is a fault of its own; a carriage return alone is no character CSV keeps apart.
cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@given(rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_csv_comes_back_with_its_lines(rows: list[tuple[str, str, str]]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "a", "b"])
    lines = []
    for row in rows:
        lines.append(buffer.getvalue().count("\n") + 1)
        writer.writerow(row)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "feed.csv").write_bytes(buffer.getvalue().encode())
        read_back = list(open_feed(Path(folder) / "feed.csv", format="csv").rows)
    assert [tuple(row.values.values()) for row in read_back] == rows
    assert [row.line for row in read_back] == lines
