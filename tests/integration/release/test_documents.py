"""What a release says of itself: card, datasheet, Croissant, and the leakage it found."""

import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from productnet.annotation.decisions import IMPORTED, Role, Verdict, decide
from productnet.annotation.log import DecisionLog
from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.catalog.store.stream import generate_products
from productnet.embeddings.near_duplicates import NearDuplicates
from productnet.release.build import release
from productnet.settings import Project, ReleaseSettings
from tests.released import FIELDS, decision, make_shop

SAID = ReleaseSettings(
    licence="cc-by-4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    creators=("Corner shop",),
    homepage="https://shop.example/data",
    citation="@misc{corner, title={Corner shop}}",
    contact="data@shop.example",
    takedown="Write to takedown@shop.example; we remove within a week",
    languages=("en",),
    known_gaps=("No garden furniture.",),
    description="Mugs and chairs of a corner shop.",
    model_card="https://shop.example/model",
)


def pictures(count: int) -> list[tuple[bytes, bytes]]:
    """Pictures of a shop, each with a copy of another quality."""
    found: list[tuple[bytes, bytes]] = []
    for made in generate_products(20 * count):
        if made.image and not made.faults and len(found) < count:
            with Image.open(io.BytesIO(made.image)) as image:
                file = io.BytesIO()
                image.save(file, "JPEG", quality=60)
            found.append((made.image, file.getvalue()))
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_shop(tmp_path_factory.mktemp("shop") / "shop", release=SAID)
    with DecisionLog.open(project.database_url) as log:
        # An audit that said no, and a label that came with the feed.
        log.append(decision(90, "sofas-11", "mugs", Verdict.POSITIVE, Role.LABEL))
        log.append(decision(91, "sofas-11", "mugs", Verdict.NEGATIVE, Role.AUDIT))
        log.append(
            decide(Role.IMPORT, "sofas-10", "sofas", verdict=Verdict.POSITIVE, annotator=IMPORTED)
        )
    return project


@pytest.fixture(scope="module")
def released(project: Project) -> Path:
    return release(project, version="1.0.0", validation_share=0.2).path


def test_the_card_tells_counts_quality_gaps_and_terms(released: Path) -> None:
    card = (released / "README.md").read_text()
    assert 'license: "cc-by-4.0"' in card
    assert "- split: validation" in card
    assert "| Kitchen > Mugs |" in card
    # 12 of 13 audited positives; Wilson's interval.
    assert "92.3% (66.7–98.6%) of 13" in card
    assert "No garden furniture." in card
    assert "which nobody audited: 1 of 25 gold products." in card
    assert "Left out because people differ about them: 1." in card
    assert "takedown@shop.example" in card
    assert "A model trained on it: https://shop.example/model" in card
    assert "The labels of 1 came with a feed" in card
    assert "None" not in card
    assert "{" not in card.replace("@misc{corner, title={Corner shop}}", "")


def test_the_datasheet_tells_who_and_how_sure(released: Path) -> None:
    sheet = (released / "DATASHEET.md").read_text()
    assert "People who labelled: 1; who audited: 1; who adjudicated: 0." in sheet
    assert "Mugs and chairs of a corner shop." in sheet
    assert "| `brand` | 8 (32%) |" in sheet
    assert "- Kitchen > Mugs: 92.3% (66.7–98.6%) of 13" in sheet
    assert "None" not in sheet.replace("None that", "")


def test_statistics_and_leakage_are_there_for_machines(released: Path) -> None:
    statistics = json.loads((released / "statistics.json").read_text())
    mugs = next(leaf for leaf in statistics["leaves"] if leaf["count"]["category"] == "mugs")
    assert (mugs["audited"]["hits"], mugs["audited"]["of"]) == (12, 13)
    leakage = json.loads((released / "leakage.json").read_text())
    assert {(leak["learnt"], leak["held_out"]) for leak in leakage["leaks"]} == {
        ("train", "test"), ("train", "validation"), ("validation", "test"),
    }  # fmt: skip
    # Every title comes twice.
    assert leakage["grouped"] >= 20
    assert all(leak["by_text"] == 0 for leak in leakage["leaks"])


@pytest.mark.filterwarnings("ignore")
def test_croissant_is_valid_and_reads_every_product(released: Path) -> None:
    import mlcroissant

    document = json.loads((released / "croissant.json").read_text())
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    dataset = mlcroissant.Dataset(jsonld=str(released / "croissant.json"))
    issues = dataset.metadata.ctx.issues
    assert (issues.errors, issues.warnings) == (set(), set())
    rows = list(dataset.records("gold"))
    wanted = {}
    for file in sorted((released / "data").glob("*.parquet")):
        for row in pq.read_table(file).to_pylist():
            wanted[row["id"]] = row, file.name.split("-")[0]
    assert len(rows) == len(wanted)
    for row in rows:
        want, side = wanted[row["gold/id"].decode()]
        assert row["gold/side"].decode() == side
        assert row["gold/label"] == want["label"]
        if want["image"]:
            assert row["gold/image"].size == (8, 6)
    assert len(list(dataset.records("hard_negatives"))) == 5


def test_products_of_one_picture_or_one_text_stay_together(tmp_path: Path) -> None:
    """Titles differ but for their pictures, which are the same again in another quality."""
    project = make_shop(tmp_path / "shop")
    words = ["oak", "birch", "steel", "glass", "linen", "wool", "brass", "silk", "clay", "paper"]
    products, pairs = [], []
    for number, shown in enumerate(pictures(20)):
        long = " ".join(f"{words[(number + n) % 10]} {n * number}" for n in range(30))
        titles = (f"{words[number % 10]} {number} one", f"other {number} wholly")
        for copy, (title, picture) in enumerate(zip(titles, shown, strict=True)):
            thing = Product(
                f"picture-{number:02d}-{copy}",
                {"title": title},
                image=picture,
                thumbnail=picture,
                fingerprint=bytes(8),
            )
            text = Product(
                f"text-{number:02d}-{copy}",
                {"title": f"{long} {'copy' if copy else ''}".strip()},
                fingerprint=bytes(8),
            )
            products += [thing, text]
        pairs += [(f"{kind}-{number:02d}-0", f"{kind}-{number:02d}-1")
                  for kind in ("picture", "text")]  # fmt: skip
    Pool.open(project.pool_path).append(products_to_table(products, FIELDS))
    with DecisionLog.open(project.database_url) as log:
        for place, product in enumerate(products):
            for role in (Role.LABEL, Role.AUDIT):
                number = 1_000 + 2 * place + (role is Role.AUDIT)
                log.append(decision(number, product.id, "sofas", Verdict.POSITIVE, role))
    path = release(project, version="1.0.0", validation_share=0.2).path
    sides = sides_in(path)
    assert {sides[first] == sides[second] for first, second in pairs} == {True}
    leakage = json.loads((path / "leakage.json").read_text())
    for leak in leakage["leaks"]:
        assert (leak["by_text"], leak["by_image"]) == (0, 0)
    assert sum(leak["by_chance"] for leak in leakage["leaks"]) > 5


def test_near_duplicates_found_by_vectors_stay_together(tmp_path: Path) -> None:
    project = make_shop(tmp_path / "shop")
    alike = ["chairs-00", "chairs-02", "chairs-04", "chairs-06", "chairs-08", "chairs-10"]
    NearDuplicates.write(
        project.near_duplicates_path / "groups", [alike], stamp={"format_version": 1}
    )
    path = release(project, version="1.0.0").path
    sides = sides_in(path)
    # And those that share a title with one of them.
    assert len({sides[f"chairs-{number:02d}"] for number in range(12)}) == 1
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["near_duplicates"] == {"format_version": 1}
    assert (
        "No product on the test side, since all they have is like one another: 1 leaves"
        in (path / "README.md").read_text()
    )


def sides_in(release: Path) -> dict[str, str]:
    return {
        row["id"]: file.name.split("-")[0]
        for file in (release / "data").glob("*.parquet")
        for row in pq.read_table(file, columns=["id"]).to_pylist()
    }
