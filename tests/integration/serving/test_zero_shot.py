"""Categories by name: before any label, for a feed and for the first candidates of a leaf."""

import csv
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from productnet.catalog.schema import ID, IMAGE
from productnet.cli.main import app
from productnet.encoders.base import FloatArray
from productnet.errors import TaxonomyError, UsageError
from productnet.retrieval import zero_shot
from productnet.retrieval.candidates import Leaf
from productnet.retrieval.guesses import guessed, read_guesses, refresh_guesses
from productnet.retrieval.mixed import Mixed
from productnet.retrieval.resources import Resources
from productnet.retrieval.zero_shot import METHOD, ZeroShot
from productnet.settings import EncoderSettings, Project
from productnet.taxonomy import published
from productnet.taxonomy.guidelines import Guideline, write_guideline
from productnet.taxonomy.published import find_taxonomy
from productnet.taxonomy.readers import read_taxonomy
from productnet.taxonomy.tree import Taxonomy

PATHS = """Kitchen > Drinkware > Mugs
Kitchen > Cookware > Frying Pans
Clothing > Scarves
Electronics > Lamps > Desk Lamps
"""
FIELDS = ("title", "description")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("taxonomy") / "paths.txt"
    path.write_text(PATHS)
    return path


@pytest.fixture(scope="module")
def taxonomy(file: Path) -> Taxonomy:
    return read_taxonomy(file)


@pytest.fixture(scope="module")
def matcher(taxonomy: Taxonomy) -> ZeroShot:
    return ZeroShot(taxonomy)


def products(*titles: str | None) -> pa.Table:
    return pa.table(
        {
            ID: [str(row) for row in range(len(titles))],
            "title": pa.array(titles, pa.string()),
            "description": pa.nulls(len(titles), pa.string()),
            IMAGE: pa.nulls(len(titles), pa.binary()),
        }
    )


def best(matcher: ZeroShot, *titles: str) -> list[str]:
    chances = matcher.predict_proba(products(*titles), FIELDS)
    return [matcher.leaves[number].name for number in chances.argmax(axis=1)]


def test_meaning_and_words_find_the_leaf(matcher: ZeroShot) -> None:
    titles = ("COFFEE MUG 350 ml", "cup for tea", "non-stick skillet 28 cm", "woollen shawl")
    assert best(matcher, *titles) == ["Mugs", "Mugs", "Frying Pans", "Scarves"]


def test_case_and_number_of_words_do_not_matter(matcher: ZeroShot) -> None:
    small, large = (
        matcher.predict_proba(products(title), FIELDS) for title in ("desk lamps", "DESK LAMP")
    )
    assert abs(small - large).max() < 0.25
    assert small.argmax() == large.argmax()
    said = matcher._words(["DESK LAMP", "a desk", "nothing of it"])
    assert said[:, 3].tolist() == pytest.approx([1.0, said[1, 3], 0.0])
    assert 0 < said[1, 3] < 1


def test_a_product_that_says_nothing_is_of_no_leaf_in_particular(matcher: ZeroShot) -> None:
    chances = matcher.predict_proba(products(None, "mug"), FIELDS)
    assert chances[0].tolist() == pytest.approx([0.25] * 4)
    assert chances.sum(axis=1).tolist() == pytest.approx([1.0, 1.0])


def test_what_is_beside_a_product_does_not_change_its_guess(matcher: ZeroShot) -> None:
    alone = matcher.predict_proba(products("brass reading lamp"), FIELDS)[0]
    among = matcher.predict_proba(products("x", "brass reading lamp", "y " * 500), FIELDS)[1]
    assert np.allclose(alone, among, atol=1e-6)


def test_a_guideline_says_more_of_a_leaf(
    taxonomy: Taxonomy, matcher: ZeroShot, tmp_path: Path
) -> None:
    leaf = taxonomy.find("Scarves")
    write_guideline(tmp_path, leaf, Guideline(include=("Zorblatts", "Neck warmers")))
    told = ZeroShot(taxonomy, guidelines=tmp_path)
    place = matcher.classes.index(leaf.id)
    title = products("zorblatt, size M")
    before, after = (one.predict_proba(title, FIELDS)[0, place] for one in (matcher, told))
    assert after > max(0.9, before + 0.3)
    assert told.version != matcher.version
    assert ZeroShot(taxonomy).version == matcher.version


class Seeing:
    """An image encoder whose vector of a picture is what is written in it."""

    name, version, dimension = "seeing", "1", 1_280

    def encode(self, images: list[bytes]) -> FloatArray:
        return np.array([[float(image)] * self.dimension for image in images], np.float32)


class Naming:
    """Says "coffee mug" of every picture."""

    names, version = ("coffee mug", "warplane"), "1"

    def __call__(self, features: FloatArray) -> FloatArray:
        return np.tile(np.array([1, 0], np.float32), (len(features), 1))


def test_a_picture_alone_finds_the_leaf(
    taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zero_shot, "namer", lambda name: Naming())
    monkeypatch.setattr(zero_shot, "image_encoder", lambda name: Seeing())
    seeing = ZeroShot(taxonomy)
    table = products(None, None).set_column(3, IMAGE, pa.array([b"1", None], pa.binary()))
    chances = seeing.predict_proba(table, FIELDS)
    assert seeing.leaves[int(chances[0].argmax())].name == "Mugs"
    assert chances[0].max() > 0.5
    assert chances[1].tolist() == pytest.approx([0.25] * 4)


def test_without_names_for_pictures_it_says_so(taxonomy: Taxonomy) -> None:
    blind = ZeroShot(taxonomy, encoders=EncoderSettings(image="timm:resnet18"))
    assert blind.blind == 'Image encoder "timm:resnet18" has no names for what it sees.'
    assert best(blind, "coffee mug") == ["Mugs"]


def run(*arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    answer: dict[str, object] = json.loads(result.stdout.strip().splitlines()[-1])
    return answer


def test_a_feed_gets_categories_without_project_or_model(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    feed = tmp_path / "feed.csv"
    feed.write_text("id,title\n007,blue coffee mug\n2,qwxz 4711\n,no id\n3,desk lamp with clamp\n")
    told = run("categorize", "feed.csv", "--taxonomy", str(file))
    assert told["method"] == "zero-shot"
    assert (told["products"], told["skipped"], told["decided"]) == (3, 1, 2)
    with (tmp_path / "feed.categories.csv").open(newline="") as written:
        rows = {row["product"]: row for row in csv.DictReader(written)}
    assert rows["007"]["category"] == "kitchen/drinkware/mugs"
    assert rows["007"]["path"] == "Kitchen > Drinkware > Mugs"
    assert rows["2"]["category"] == ""
    assert float(rows["2"]["confidence"]) < 0.5
    assert {row["method"] for row in rows.values()} == {"zero-shot"}
    told = run(
        "categorize", "feed.csv", "--taxonomy", str(file), "--least", "0", "-o", "all.parquet"
    )
    assert told["decided"] == 3


def test_what_cannot_be_promised_is_refused(file: Path, tmp_path: Path) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_text("id,title\n1,mug\n")
    for extra, wrong in (
        (("--taxonomy", str(file), "--precision", "0.9"), "no precision can be promised"),
        (("--least", "0.9"), "--least goes with --taxonomy"),
    ):
        with pytest.raises(UsageError, match=wrong):
            CliRunner().invoke(app, ["categorize", str(feed), *extra], catch_exceptions=False)
    with pytest.raises(TaxonomyError, match='Name a file, or "google" or "shopify"'):
        find_taxonomy(str(tmp_path / "none.txt"))


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A publisher's site, and a cache of one's own."""
    site = tmp_path / "site"
    site.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(site))  # type: ignore[arg-type]

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/google.txt"
    monkeypatch.setattr(published, "PUBLISHED", {"google": url})
    monkeypatch.setattr(published, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    yield site
    server.shutdown()
    server.server_close()


def test_a_published_taxonomy_is_fetched_once(publisher: Path) -> None:
    (publisher / "google.txt").write_text(
        "# Google_Product_Taxonomy_Version: 2099-01-01\n1 - Kitchen\n2 - Kitchen > Mugs\n"
    )
    assert str(find_taxonomy("google")) == "google-2099-01-01"
    (publisher / "google.txt").unlink()
    assert [leaf.label for leaf in find_taxonomy("google").leaves] == ["Kitchen > Mugs"]


def test_what_is_no_taxonomy_is_not_kept(publisher: Path, tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match="cannot be fetched from .*404.*save it as"):
        find_taxonomy("google")
    (publisher / "google.txt").write_text("<html>Sign in to the hotel's network</html>")
    with pytest.raises(TaxonomyError, match='expected a line like "499676'):
        find_taxonomy("google")
    assert not list((tmp_path / "cache").rglob("*.txt"))


def test_first_candidates_fit_the_name(before_round: Project) -> None:
    resources = Resources(before_round)
    category = resources.taxonomy.leaves[0]
    leaf = Leaf(category, [], [], frozenset())
    guesses = guessed(leaf, resources.guesses, count=5)
    assert [one.source for one in guesses] == [METHOD] * len(guesses)
    assert guesses
    page = Mixed().rank(leaf, resources, count=10, rng=np.random.default_rng(0))
    shown = [one.product for one in page if one.source == METHOD]
    assert [one.product for one in guesses] == shown[: len(guesses)]
    hidden = leaf.without([guesses[0].product])
    assert guesses[0].product not in [
        one.product for one in guessed(hidden, resources.guesses, count=50)
    ]


def test_guesses_follow_the_taxonomy(before_round: Project, file: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(before_round.root, tmp_path / "own")
    project = Project.open(tmp_path / "own")
    made = (project.zero_shot_path / "recommendations.parquet").stat().st_mtime_ns
    refresh_guesses(project)
    assert (project.zero_shot_path / "recommendations.parquet").stat().st_mtime_ns == made
    read_taxonomy(file).save(project.taxonomy_path)
    assert read_guesses(project) is None
    refresh_guesses(project)
    guesses = read_guesses(project)
    assert guesses is not None
    assert set(guesses.confidences) <= {leaf.id for leaf in read_taxonomy(file).leaves}
    project.taxonomy_path.unlink()
    refresh_guesses(project)
    assert read_guesses(project) is None
