"""What a person asks for is found with the real encoders: by id, in words, by a picture."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from productnet.catalog.importer import import_feed
from productnet.catalog.store.files import write_store
from productnet.embeddings.active import Active, activate
from productnet.embeddings.initial import embed_initial
from productnet.embeddings.sets import write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.errors import EmbeddingError, ImageError, UnknownProduct, UsageError
from productnet.evaluation.reference import read_reference
from productnet.retrieval.adhoc import AdHoc
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.resources import Resources
from productnet.settings import EncoderSettings, ImageSettings, Project, Settings
from productnet.taxonomy.readers import read_taxonomy

SETTINGS = Settings(
    encoders=EncoderSettings(text="static", dimension=96),
    images=ImageSettings(private_hosts=("127.0.0.1",), timeout=10, max_pixels=100_000),
)


def make_project(folder: Path, *, images: bool = True) -> Project:
    files = write_store(folder / "feed", size=600, seed=3, images=images, image_side=96)
    project = Project.create(folder / "shop", SETTINGS)
    read_taxonomy(files.taxonomy).save(project.taxonomy_path)
    import_feed(project, files.feed)
    project.reference_path.write_bytes(files.reference.read_bytes())
    embed_initial(project)
    return project


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    return Resources(make_project(tmp_path_factory.mktemp("adhoc")))


@pytest.fixture(scope="module")
def truth(resources: Resources) -> dict[str, str]:
    return read_reference(resources.project, resources.taxonomy)


def leaf_called(resources: Resources, name: str) -> Leaf:
    return Leaf(resources.taxonomy.find(name), (), (), frozenset())


def ranked(source: AdHoc, leaf: Leaf, resources: Resources, *, count: int = 5) -> list[Candidate]:
    return source.rank(leaf, resources, count=count, rng=np.random.default_rng(0))


def share(page: list[Candidate], leaf: Leaf, truth: dict[str, str]) -> float:
    return sum(truth.get(one.product) == leaf.category.id for one in page) / len(page)


def pictured(resources: Resources, truth: dict[str, str], leaf: Leaf) -> tuple[str, bytes]:
    """A product of a leaf with its picture."""
    mine = [product for product, category in truth.items() if category == leaf.category.id]
    images = resources.pool.take(mine, columns=["image"]).column("image").to_pylist()
    return next((one, image) for one, image in zip(mine, images, strict=True) if image)


@contextmanager
def served(content: bytes) -> Iterator[str]:
    """A URL behind which this content is."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/image"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("text", "name"),
    [("a pan to fry eggs in", "Frying Pans"), ("vase for cut flowers", "Vases")],
)
def test_a_text_finds_its_category(
    resources: Resources, truth: dict[str, str], text: str, name: str
) -> None:
    leaf = leaf_called(resources, name)
    page = ranked(AdHoc(text=text), leaf, resources)
    assert share(page, leaf, truth) >= 0.8
    assert {one.reason for one in page} == {f'reads like "{text}"'}
    assert {one.source for one in page} == {"adhoc"}
    assert [one.score for one in page] == sorted((one.score for one in page), reverse=True)


def test_without_anything_the_name_of_the_leaf_is_the_text(
    resources: Resources, truth: dict[str, str]
) -> None:
    leaf = leaf_called(resources, "Tumblers")
    assert share(ranked(AdHoc(), leaf, resources), leaf, truth) >= 0.8
    blank = replace(leaf, category=replace(leaf.category, path=("Kitchen", " ")))
    assert ranked(AdHoc(), blank, resources) == []


def test_a_picture_finds_itself_and_its_like(resources: Resources, truth: dict[str, str]) -> None:
    leaf = leaf_called(resources, "Sneakers")
    product, image = pictured(resources, truth, leaf)
    page = ranked(AdHoc(image=image), leaf, resources)
    assert page[0].product == product
    assert share(page, leaf, truth) >= 0.8
    assert page[0].reason == "looks like the picture given"
    decided = replace(leaf, hidden=frozenset([product]))
    shown = ranked(AdHoc(image=image), decided, resources)
    assert product not in {one.product for one in shown}


def test_a_picture_at_a_url_is_the_same(resources: Resources, truth: dict[str, str]) -> None:
    leaf = leaf_called(resources, "Wine Glasses")
    _, image = pictured(resources, truth, leaf)
    with served(image) as url:
        source = AdHoc(image=url)
        page = ranked(source, leaf, resources)
    assert page == ranked(AdHoc(image=image), leaf, resources)
    # The server is gone; the next page does not need it.
    decided = leaf.without(one.product for one in page)
    assert not decided.hidden & {one.product for one in ranked(source, decided, resources)}


def test_a_text_and_a_picture_are_asked_together(
    resources: Resources, truth: dict[str, str]
) -> None:
    glasses, lamps = (leaf_called(resources, name) for name in ("Wine Glasses", "Desk Lamps"))
    _, image = pictured(resources, truth, glasses)
    page = ranked(AdHoc(text="desk lamp", image=image), lamps, resources, count=20)
    assert {truth.get(one.product) for one in page} >= {glasses.category.id, lamps.category.id}
    assert page[0].reason == 'is like the picture and "desk lamp"'


def test_ids_come_in_the_order_given_then_their_like(
    resources: Resources, truth: dict[str, str]
) -> None:
    leaf = leaf_called(resources, "Sneakers")
    shoes = [product for product, category in truth.items() if category == leaf.category.id][:4]
    given = [shoes[2], shoes[0], shoes[3], shoes[1]]
    source = AdHoc(ids=f"{given[0]}, {given[1]};nowhere\n{given[2]} {given[3]}")
    decided = replace(leaf, hidden=frozenset([given[1]]))
    page = ranked(source, decided, resources, count=8)
    assert [one.product for one in page[:3]] == [given[0], given[2], given[3]]
    assert {one.reason for one in page[:3]} == {"named by id"}
    assert len({one.product for one in page}) == 8
    assert not {one.product for one in page[3:]} & set(given)
    assert share(page[3:], leaf, truth) >= 0.6
    assert source.unknown(resources) == ["nowhere"]
    assert len(ranked(source, leaf, resources, count=2)) == 2


def test_ids_go_before_what_the_text_finds(resources: Resources, truth: dict[str, str]) -> None:
    leaf = leaf_called(resources, "Desk Lamps")
    lamp = ranked(AdHoc(text="desk lamp"), leaf, resources)[0].product
    page = ranked(AdHoc(ids=[lamp], text="desk lamp"), leaf, resources)
    assert [one.product for one in page].count(lamp) == 1
    assert page[0].reason == "named by id"
    assert page[1].reason == 'reads like "desk lamp"'


def png(side: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"", "empty"),
        (b"<html>sorry</html>", "HTML"),
        (png(400), "max_pixels"),
        (png(50)[:60], "damaged"),
        ("http://10.0.0.1/photo.jpg", "not a public address"),
        ("file:///etc/passwd", "only http"),
    ],
)
def test_a_picture_that_cannot_be_used_is_refused(
    resources: Resources, image: bytes | str, message: str
) -> None:
    with pytest.raises(ImageError, match=message):
        ranked(AdHoc(image=image), leaf_called(resources, "Mugs"), resources)


def test_what_says_nothing_is_refused(resources: Resources) -> None:
    leaf = leaf_called(resources, "Mugs")
    with pytest.raises(UsageError, match="text to look for is empty"):
        AdHoc(text=" \n")
    with pytest.raises(UsageError, match="no product id"):
        ranked(AdHoc(ids=" , "), leaf, resources)
    with pytest.raises(UnknownProduct, match='None of the 2 ids given.*"x1"'):
        ranked(AdHoc(ids="x1 x2"), leaf, resources)


def test_megabytes_of_text_are_cut(resources: Resources) -> None:
    leaf = leaf_called(resources, "Mugs")
    page = ranked(AdHoc(text="mug \ud800 " * 500_000), leaf, resources)
    assert page == ranked(AdHoc(text="mug \ud800 " * 1_000), leaf, resources)
    assert len(page[0].reason) < 60


def test_it_works_beside_the_embeddings_of_a_round(resources: Resources) -> None:
    leaf = leaf_called(resources, "Mugs")
    before = ranked(AdHoc(text="mug"), leaf, resources)
    project, count = resources.project, len(resources.ids)
    write_embedding_set(
        project.embeddings_path / "round-0001",
        ids=resources.ids,
        vectors=[np.eye(8, dtype=np.float32)[np.arange(count) % 8]],
        stamp=Stamp("round-0001", "master", 8, count, 1, None, 0, "2026-01-01T00:00:00Z"),
    )
    activate(project, Active(1, "round-0001"))
    try:
        assert ranked(AdHoc(text="mug"), leaf, Resources(project)) == before
    finally:
        activate(project, Active(None, "initial"))


def test_other_encoders_than_the_embeddings_are_told(resources: Resources) -> None:
    changed = SETTINGS.model_copy(update={"encoders": EncoderSettings(text="minilm")})
    other = Resources(replace(resources.project, settings=changed))
    with pytest.raises(EmbeddingError, match='"minilm" now.*productnet embed'):
        ranked(AdHoc(text="mug"), leaf_called(resources, "Mugs"), other)


def test_a_pool_of_texts_has_nothing_to_compare_pictures_with(
    resources: Resources, truth: dict[str, str], tmp_path: Path
) -> None:
    texts = Resources(make_project(tmp_path, images=False))
    leaf = leaf_called(resources, "Mugs")
    _, image = pictured(resources, truth, leaf)
    with pytest.raises(EmbeddingError, match="No product .* by its image"):
        ranked(AdHoc(image=image), leaf, texts)
    assert ranked(AdHoc(), leaf, texts)
