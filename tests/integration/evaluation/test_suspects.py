"""Planted slips are found among the answers that models do not believe."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from productnet.annotation.decisions import Role, Verdict, decide
from productnet.annotation.state import State
from productnet.catalog.importer import import_feed
from productnet.catalog.store.files import write_store
from productnet.embeddings.active import active_set
from productnet.embeddings.initial import embed_initial
from productnet.embeddings.sets import EmbeddingSet, write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.errors import TrainingError
from productnet.evaluation import suspects as suspects_module
from productnet.evaluation.reference import read_reference
from productnet.evaluation.suspects import Suspect, suspects_of_gold, suspects_of_leaf
from productnet.settings import Project, Settings
from productnet.taxonomy.readers import read_taxonomy
from productnet.taxonomy.tree import Taxonomy

DATA = Path(os.environ.get("PRODUCTNET_DATA", Path(__file__).parents[4] / "shared" / "data"))

EACH = 40


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingSet:
    """Products of five leaves a to e, 40 each, and some that nobody answered."""
    rng = np.random.default_rng(0)
    centres = np.repeat(rng.normal(size=(5, 32)), EACH, axis=0)
    vectors = (centres + 0.7 * rng.normal(size=centres.shape)).astype(np.float32)
    stamp = Stamp("initial", "numbers", 32, len(vectors), 1, None, 0, "2030-01-01T00:00:00+00:00")
    return write_embedding_set(
        tmp_path_factory.mktemp("suspects") / "initial",
        ids=pa.array([f"{leaf}-{number}" for leaf in "abcde" for number in range(EACH)]),
        vectors=[vectors],
        stamp=stamp,
    )


def gold(labels: Mapping[str, str]) -> State:
    state = State()
    state.apply(
        (seq, decide(Role.IMPORT, product, leaf, verdict=Verdict.POSITIVE, annotator="imported"))
        for seq, (product, leaf) in enumerate(labels.items(), start=1)
    )
    return state


def answered(answers: Mapping[str, bool], leaf: str = "a") -> State:
    state = State()
    state.apply(
        (seq, decide(Role.LABEL, product, leaf, verdict=_said(yes), annotator="ann"))
        for seq, (product, yes) in enumerate(answers.items(), start=1)
    )
    return state


def _said(yes: bool) -> Verdict:
    return Verdict.POSITIVE if yes else Verdict.NEGATIVE


def slipped(truth: Mapping[str, str], *, seed: int, share: float = 0.05) -> dict[str, str]:
    """The products whose leaf is given wrongly, and as what."""
    rng = np.random.default_rng(seed)
    leaves = sorted(set(truth.values()))
    wrong = rng.choice(sorted(truth), round(share * len(truth)), replace=False).tolist()
    return {
        product: str(rng.choice([leaf for leaf in leaves if leaf != truth[product]]))
        for product in wrong
    }


def found_in_first_tenth(suspects: list[Suspect], wrong: Mapping[str, object]) -> float:
    first = suspects[: round(len(suspects) / 10)]
    return sum(suspect.product in wrong for suspect in first) / len(wrong)


def test_gold_of_the_wrong_leaf(embeddings: EmbeddingSet) -> None:
    truth = {product: product[0] for product in embeddings.ids.to_pylist()}
    wrong = slipped(truth, seed=1)
    suspects = suspects_of_gold(gold(truth | wrong), embeddings, seed=0)
    assert len(suspects) == len(truth)
    assert found_in_first_tenth(suspects, wrong) >= 0.9
    assert all(one.rather == truth[one.product] for one in suspects if one.product in wrong)
    assert all(one.leaf == (truth | wrong)[one.product] for one in suspects)
    odds = [one.probability for one in suspects]
    assert odds == sorted(odds, reverse=True)
    # What is called probable comes about as often as it is said to.
    assert sum(odds) == pytest.approx(len(wrong), abs=5)
    assert suspects == suspects_of_gold(gold(truth | wrong), embeddings, seed=0)


def test_much_gold_is_judged_alike_in_a_process_of_its_own(
    embeddings: EmbeddingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = {product: product[0] for product in embeddings.ids.to_pylist()}
    here = suspects_of_gold(gold(truth), embeddings, seed=0)
    monkeypatch.setattr(suspects_module, "_FITTED_HERE", 0)
    assert suspects_of_gold(gold(truth), embeddings, seed=0) == here


def test_a_process_that_dies_is_an_error_with_advice(
    embeddings: EmbeddingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = {product: product[0] for product in embeddings.ids.to_pylist()}
    monkeypatch.setattr(suspects_module, "_FITTED_HERE", 0)
    monkeypatch.setattr(suspects_module, "begin_worker", die)
    with pytest.raises(TrainingError, match="judges 200 gold products died"):
        suspects_of_gold(gold(truth), embeddings, seed=0)


def die() -> None:
    """End this process at once, as the system does where memory runs out."""
    os._exit(1)


def test_yes_and_no_of_one_leaf(embeddings: EmbeddingSet) -> None:
    ids = embeddings.ids.to_pylist()
    truth = {product: product[0] == "a" for product in ids[: 2 * EACH]}
    wrong = {product: not truth[product] for product in ("a-3", "a-17", "b-8", "b-30")}
    suspects = suspects_of_leaf("a", answered(truth | wrong), embeddings, seed=0)
    assert {one.product for one in suspects[:6]} >= wrong.keys()
    given = {one.product: one.given for one in suspects}
    assert given["a-3"] is Verdict.NEGATIVE
    assert given["b-8"] is Verdict.POSITIVE
    assert len(given) == 2 * EACH


def test_too_little_says_nothing(embeddings: EmbeddingSet) -> None:
    few = {f"a-{number}": True for number in range(30)} | {f"b-{number}": False for number in "123"}
    assert not suspects_of_leaf("a", answered(few), embeddings, seed=0)
    assert not suspects_of_leaf("a", answered({}), embeddings, seed=0)
    assert not suspects_of_gold(gold({}), embeddings, seed=0)
    one_leaf = {f"a-{number}": "a" for number in range(30)}
    assert not suspects_of_gold(gold(one_leaf), embeddings, seed=0)
    small = {f"b-{number}": "b" for number in "1234"}
    two = {f"c-{number}": "c" for number in range(30)}
    judged = suspects_of_gold(gold(one_leaf | small | two), embeddings, seed=0)
    assert {one.leaf for one in judged} == {"a", "c"}


def test_products_without_a_vector_are_left_out(embeddings: EmbeddingSet) -> None:
    truth = {product: product[0] for product in embeddings.ids.to_pylist()}
    suspects = suspects_of_gold(gold({"nowhere": "a", **truth}), embeddings, seed=0)
    assert {one.product for one in suspects} == truth.keys()


def test_slips_in_the_generated_store(tmp_path: Path) -> None:
    files = write_store(tmp_path / "feed", size=500, seed=3, images=False)
    project = Project.create(tmp_path / "shop", Settings())
    taxonomy = read_taxonomy(files.taxonomy)
    taxonomy.save(project.taxonomy_path)
    import_feed(project, files.feed)
    files.reference.rename(project.reference_path)
    check_planted(project)


def test_slips_in_a_real_set(tmp_path: Path) -> None:
    feed = DATA / "flipkart" / "products.csv"
    if not feed.exists():
        pytest.skip(f"{feed} is not here; PRODUCTNET_DATA names the folder of real sets")
    from productnet.cli.main import app

    shop = tmp_path / "shop"
    here = ["--project", str(shop)]
    derived = ["--derive", str(feed), "--depth", "2", "--min-products", "8"]
    for command in (
        ["init", str(shop)],
        ["taxonomy", *derived, *here],
        ["import", str(feed), "--reference", "category", *here],
    ):
        app(command, standalone_mode=False)
    check_planted(Project.open(shop))


def check_planted(project: Project) -> None:
    """Of one label in twenty that is of a wrong leaf, the first tenth holds seven in ten."""
    embed_initial(project)
    truth = read_reference(project, Taxonomy.load(project.taxonomy_path))
    shares = []
    for seed in range(3):
        wrong = slipped(truth, seed=seed)
        suspects = suspects_of_gold(gold(truth | wrong), active_set(project), seed=seed)
        judged = {one.product for one in suspects}
        wrong = {product: leaf for product, leaf in wrong.items() if product in judged}
        shares.append(found_in_first_tenth(suspects, wrong))
    assert np.mean(shares) >= 0.7, shares
