"""What an import leaves in the project: products, errors with their lines, labels kept apart."""

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from PIL import Image

from productnet.catalog import importer
from productnet.catalog.importer import ImportSummary, import_feed
from productnet.catalog.pool import Pool
from productnet.catalog.preview import preview_feed
from productnet.errors import FeedError, ProjectError, UsageError
from productnet.settings import CatalogSettings, ImageSettings, Project, Settings


@pytest.fixture
def project(tmp_path: Path) -> Project:
    images = ImageSettings(max_bytes=100_000, max_pixels=1_000_000, max_side=64, thumbnail_side=32)
    return Project.create(tmp_path / "project", Settings(images=images))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


def jpeg(shade: int = 90, side: int = 24) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (shade, shade, 200)).save(buffer, "JPEG")
    return buffer.getvalue()


def bomb() -> bytes:
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(1_000))),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def write(shop: Path, text: str, name: str = "feed.csv") -> Path:
    (shop / name).write_text(text, encoding="utf-8")
    return shop / name


def errors(project: Project) -> list[tuple[int, str | None, str | None, str]]:
    rows = pq.read_table(project.import_errors_path).to_pylist()
    return [(row["line"], row["id"], row["field"], row["kind"]) for row in rows]


def products(project: Project) -> dict[str, dict[str, object]]:
    batches = Pool.open(project.pool_path).scan()
    return {row["id"]: row for batch in batches for row in batch.to_pylist()}


def test_each_bad_row_is_recorded_and_the_rest_imported(project: Project, shop: Path) -> None:
    (shop / "good.jpg").write_bytes(jpeg())
    (shop / "cut.jpg").write_bytes(jpeg()[:-40])
    (shop / "bomb.png").write_bytes(bomb())
    (shop / "large.jpg").write_bytes(jpeg() + bytes(100_000))
    (shop.parent / "secret.jpg").write_bytes(jpeg())
    feed = shop / "feed.csv"
    feed.write_bytes(
        b"id,title,image\n"
        b"1,Mug,good.jpg\n"
        b",No id,good.jpg\n"
        b"1,Same id,good.jpg\n"
        b"2,Caf\xe9,good.jpg\n"
        b"3,Cut,cut.jpg\n"
        b"4,Bomb,bomb.png\n"
        b"5,Large,large.jpg\n"
        b"6,Missing,none.jpg\n"
        b"7,Outside,../secret.jpg\n"
        b"8,Absolute,/etc/passwd\n"
        b"9,Scheme,file:///etc/passwd\n"
        b"10,Too many,good.jpg,x\n"
        b"11,Lamp,\n"
    )
    summary = import_feed(project, feed)
    assert errors(project) == [
        (3, None, "id", "missing-id"),
        (4, "1", "id", "duplicate-id"),
        (5, None, None, "undecodable-text"),
        (6, "3", "image", "image-corrupt"),
        (7, "4", "image", "image-bomb"),
        (8, "5", "image", "image-too-large"),
        (9, "6", "image", "image-missing"),
        (10, "7", "image", "image-outside"),
        (11, "8", "image", "image-outside"),
        (12, "9", "image", "image-outside"),
        (13, None, None, "wrong-columns"),
    ]
    assert (summary.rows, summary.added, summary.bad_rows, summary.without_image) == (13, 9, 4, 7)
    assert summary.errors == sum(summary.reasons.values()) == 11
    rows = products(project)
    assert rows["1"]["title"] == "Mug"
    assert rows["1"]["image_error"] is None
    assert rows["3"]["image"] is None
    assert "damaged" in str(rows["3"]["image_error"])
    assert rows["11"]["image_error"] is None


def test_an_import_run_again_changes_nothing(project: Project, shop: Path) -> None:
    (shop / "a.jpg").write_bytes(jpeg())
    feed = write(shop, "id,title,image\n1,Mug,a.jpg\n2,Cup,none.jpg\n1,Mug,\n")
    import_feed(project, feed)
    before = (Pool.open(project.pool_path).version, project.import_errors_path.read_bytes())
    summary = import_feed(project, feed)
    assert (summary.added, summary.updated, summary.unchanged) == (0, 0, 2)
    assert (summary.errors, summary.reasons) == (2, {"duplicate-id": 1, "image-missing": 1})
    assert before == (Pool.open(project.pool_path).version, project.import_errors_path.read_bytes())


def test_changed_products_are_updated(project: Project, shop: Path) -> None:
    (shop / "a.jpg").write_bytes(jpeg(10))
    (shop / "b.jpg").write_bytes(jpeg(20))
    import_feed(project, write(shop, "id,title,image\n1,Mug,a.jpg\n2,Cup,b.jpg\n3,Tea,c.jpg\n"))
    (shop / "b.jpg").write_bytes(jpeg(200))
    (shop / "c.jpg").write_bytes(jpeg(30))
    feed = write(shop, "id,title,image\n1,Big mug,a.jpg\n2,Cup,b.jpg\n3,Tea,c.jpg\n4,Jar,\n")
    summary = import_feed(project, feed)
    assert (summary.added, summary.updated, summary.unchanged, summary.errors) == (1, 3, 0, 0)
    rows = products(project)
    assert [rows[str(number)]["title"] for number in (1, 2, 3, 4)] == [
        "Big mug", "Cup", "Tea", "Jar"
    ]  # fmt: skip
    assert rows["2"]["image"] == jpeg(200)
    assert rows["3"]["image_error"] is None


def test_products_of_other_feeds_stay(project: Project, shop: Path) -> None:
    import_feed(project, write(shop, "id,title\n1,Mug\n", "one.csv"))
    import_feed(project, write(shop, '{"id": 2, "name": "Cup"}\n', "two.jsonl"))
    assert set(products(project)) == {"1", "2"}


def test_more_images_and_zip_members(project: Project, shop: Path) -> None:
    with zipfile.ZipFile(shop / "images.zip", "w") as archive:
        archive.writestr("front.jpg", jpeg(1))
        archive.writestr("in/back.jpg", jpeg(2))
    with zipfile.ZipFile(shop / "other.zip", "w") as archive:
        archive.writestr("side.jpg", jpeg(3))
        archive.writestr("big.jpg", bytes(100_001))
    with zipfile.ZipFile(shop / "broken.zip", "w") as archive:
        archive.writestr("a.jpg", jpeg(4))
    broken = bytearray((shop / "broken.zip").read_bytes())
    broken[100:110] = bytes(10)
    (shop / "broken.zip").write_bytes(broken)
    feed = write(
        shop,
        "id,image_link,additional_image_link\n"
        '1,front.jpg,"in/back.jpg,other.zip!side.jpg,other.zip!none.jpg"\n'
        "2,none.zip!a.jpg,\n"
        "3,broken.zip!a.jpg,\n"
        "4,other.zip!big.jpg,\n"
        "5,in\\back.jpg,\n",
    )
    import_feed(project, feed)
    rows = products(project)
    assert rows["1"]["image"] == jpeg(1)
    assert rows["1"]["more_images"] == [jpeg(2), jpeg(3)]
    assert errors(project) == [
        (2, "1", "more_images", "image-missing"),
        (3, "2", "image", "image-missing"),
        (4, "3", "image", "image-corrupt"),
        (5, "4", "image", "image-too-large"),
    ]
    assert rows["5"]["image"] == jpeg(2)


def test_batches_and_columns_that_come_late(
    project: Project, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "_BATCH_ROWS", 64)
    rows = [{"id": number, "title": f"Product {number}"} for number in range(500)]
    lines = [json.dumps(row) for row in rows] + ['{"id": 500, "weight": 3}']
    summary = import_feed(project, write(shop, "\n".join(lines), "feed.jsonl"))
    assert (summary.added, summary.ignored_columns) == (501, ("weight",))
    assert len(products(project)) == 501


def test_reference_and_labels_are_kept_apart_and_merged(project: Project, shop: Path) -> None:
    one = write(shop, "id,title,truth,kind\n1,Mug,Mugs,M\n2,Cup,,C\n1,Mug,Wrong,\n", "one.csv")
    two = write(shop, "id,truth\n3,Cups\n1,Jugs\n", "two.csv")
    import_feed(project, one, reference="truth", labels="kind")
    summary = import_feed(project, two, reference="truth")
    assert (summary.references, summary.labels) == (2, 0)
    assert pq.read_table(project.reference_path).to_pylist() == [
        {"id": "1", "category": "Jugs"},
        {"id": "3", "category": "Cups"},
    ]
    labels = pq.read_table(project.imported_labels_path).to_pylist()
    assert labels == [{"id": "1", "category": "M"}, {"id": "2", "category": "C"}]
    before = project.reference_path.read_bytes()
    import_feed(project, two, reference="truth")
    assert project.reference_path.read_bytes() == before


def test_preview_touches_nothing(project: Project, shop: Path) -> None:
    feed = write(
        shop,
        "id,name,category,tags,weight,image\n"
        + "".join(f"{number},Mug {number},Mugs,a,1,none.jpg\n" for number in range(5))
        + ",,,,,\n",
    )
    before = sorted(project.root.iterdir())
    preview = preview_feed(project, feed, mapping={"search_keywords": "tags"})
    assert sorted(project.root.iterdir()) == before
    assert preview.format == "csv"
    assert preview.mapping.columns["title"] == ("name",)
    assert preview.mapping.unmapped == ("category", "weight")
    assert preview.mapping.held_back == ("category",)
    assert [product.texts["title"] for product in preview.products] == ["Mug 0", "Mug 1", "Mug 2"]
    assert preview.products[0].described_images == ("none.jpg",)
    assert [(line, fault.kind) for line, fault in preview.faults] == [(7, "missing-id")]


def test_the_projects_own_mapping_holds_where_its_columns_exist(shop: Path, tmp_path: Path) -> None:
    catalog = CatalogSettings(fields=("title", "fit"), mapping={"fit": "cut", "title": "headline"})
    project = Project.create(tmp_path / "own", Settings(catalog=catalog))
    import_feed(project, write(shop, "id,title,cut\n1,Shirt,slim\n"))
    assert products(project)["1"]["fit"] == "slim"
    assert products(project)["1"]["title"] == "Shirt"


def test_nothing_is_written_of_a_feed_that_cannot_be_imported(project: Project, shop: Path) -> None:
    before = sorted(project.root.iterdir())
    feed = write(shop, "id,title\n1,Mug\n")
    with pytest.raises(UsageError, match="no column"):
        import_feed(project, feed, reference="truth")
    with pytest.raises(FeedError, match="There is no feed"):
        import_feed(project, shop / "none.csv")
    assert sorted(project.root.iterdir()) == before


def test_a_second_import_at_the_same_time_is_refused(project: Project, shop: Path) -> None:
    feed = write(shop, "id,title\n1,Mug\n")
    with (
        FileLock(project.root / ".import.lock"),
        pytest.raises(ProjectError, match=r"Another import into .* is running"),
    ):
        import_feed(project, feed)
    assert import_feed(project, feed).added == 1


def test_a_pool_of_other_fields_is_not_written_to(project: Project, shop: Path) -> None:
    feed = write(shop, "id,title\n1,Mug\n")
    import_feed(project, feed)
    other = Project(project.root, Settings(catalog=CatalogSettings(fields=("title",))))
    with pytest.raises(ProjectError, match=r"Put its catalog\.fields back"):
        import_feed(other, feed)


def test_every_row_is_told_to_whoever_watches(project: Project, shop: Path) -> None:
    from collections.abc import Iterator
    from contextlib import contextmanager

    told: list[int] = []

    class Watching:
        @contextmanager
        def task(self, label: str, *, total: int | None) -> Iterator[object]:
            assert label == "Importing feed.csv"
            yield told.append

    feed = write(shop, "id,title\n1,Mug\n,\n2,Cup\n")
    summary = import_feed(project, feed, progress=Watching())  # type: ignore[arg-type]
    assert isinstance(summary, ImportSummary)
    assert sum(told) == 3
