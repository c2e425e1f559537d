"""Indexes built in pieces, gone on with after a kill, and taking in what is new."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.embeddings import initial, sets
from productnet.embeddings.index import ApproximateIndex
from productnet.embeddings.index_build import write_index
from productnet.embeddings.initial import embed_initial
from productnet.embeddings.sets import EmbeddingSet, build_index, write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.engine.base import Item, Result
from productnet.engine.local import Local
from productnet.errors import EmbeddingError
from productnet.retrieval.neighbourhood import Neighbourhoods
from productnet.rounds.status import project_status
from productnet.settings import CatalogSettings, EncoderSettings, Project, Settings

COUNT, DIMENSION = 2_000, 16


def clustered(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(size=(100, DIMENSION))
    near = centres[rng.integers(0, 100, count)] + 0.5 * rng.normal(size=(count, DIMENSION))
    return near.astype(np.float32)


def write(
    folder: Path, ids: list[str], vectors: np.ndarray, *, before: EmbeddingSet | None = None
) -> EmbeddingSet:
    stamp = Stamp(folder.name, "numbers", DIMENSION, len(ids), 1, None, 0, "2030-01-01")
    named = pa.array(ids, pa.string())
    return write_embedding_set(folder, ids=named, vectors=[vectors], stamp=stamp, before=before)


def names(count: int) -> list[str]:
    return [f"p{number}" for number in range(count)]


@pytest.fixture(autouse=True)
def small_sets_are_indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "INDEXED_FROM", 500)


@pytest.fixture
def indexed(tmp_path: Path) -> EmbeddingSet:
    made = write(tmp_path / "set", names(COUNT), clustered(COUNT))
    build_index(made)
    return made


def opened(folder: Path) -> ApproximateIndex:
    return ApproximateIndex.open(folder, count=COUNT, dimension=DIMENSION)


def test_pieces_merged_are_the_index_built_at_once(tmp_path: Path) -> None:
    made = write(tmp_path / "set", names(COUNT), clustered(COUNT))
    vectors = made.path / "vectors.npy"
    write_index(tmp_path / "whole", vectors, seed=0)
    write_index(tmp_path / "pieces", vectors, seed=0, piece_rows=300)
    whole, pieces = opened(tmp_path / "whole"), opened(tmp_path / "pieces")
    assert (whole.facts.pieces, pieces.facts.pieces) == (1, 7)
    assert replace(pieces.facts, pieces=1) == whole.facts
    queries = made.vectors[:200]
    for mine, theirs in zip(
        whole.faiss.search(queries, 20), pieces.faiss.search(queries, 20), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    assert not list(tmp_path.glob("*.unfinished"))


def test_the_facts_tell_how_well_it_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("productnet.embeddings.index.LISTS_SEARCHED", 1)
    indexed = write(tmp_path / "set", names(COUNT), clustered(COUNT))
    build_index(indexed)
    facts = indexed.index_facts
    assert facts is not None
    assert (facts.indexed, facts.missing, facts.queries) == (COUNT, 0, 200)
    exact, _ = indexed.nearest(indexed.vectors, k=11, exact=True)
    found, _ = indexed.nearest(indexed.vectors, k=11)
    kept = [len(set(a[1:]) & set(b)) / 10 for a, b in zip(exact, found, strict=True)]
    assert 0.5 < np.mean(kept) < 0.95
    assert facts.recall_at_10 == pytest.approx(np.mean(kept), abs=0.04)


KILLED = """
import os, signal, sys
from pathlib import Path
from productnet.embeddings import index_build

class Dies(index_build._Sorting):
    def __call__(self, piece):
        if piece.start >= 900:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(piece)

index_build._Sorting = Dies
index_build.write_index(Path(sys.argv[1]), Path(sys.argv[2]), seed=0, piece_rows=300)
"""


class Noting(Local):
    """This process, and what it was asked to do."""

    def __init__(self) -> None:
        self.asked = 0

    def each(
        self, make: Callable[[], Callable[[Item], Result]], items: Iterable[Item]
    ) -> Iterator[Result]:
        listed = list(items)
        self.asked += len(listed)
        return super().each(make, listed)


def test_killed_and_run_again_it_goes_on_with_the_pieces_that_are_missing(tmp_path: Path) -> None:
    vectors = write(tmp_path / "set", names(COUNT), clustered(COUNT)).path / "vectors.npy"
    write_index(tmp_path / "whole", vectors, seed=0)
    arguments = [sys.executable, "-c", KILLED, str(tmp_path / "killed"), str(vectors)]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()
    engine = Noting()
    write_index(tmp_path / "killed", vectors, seed=0, piece_rows=300, engine=engine)
    assert engine.asked == 4
    whole, killed = (tmp_path / name / "index.faiss" for name in ("whole", "killed"))
    assert whole.read_bytes() == killed.read_bytes()
    assert not list(tmp_path.glob("*.unfinished"))


def changed(indexed: EmbeddingSet) -> tuple[EmbeddingSet, np.ndarray]:
    """Its place taken by one where p0 to p9 are gone, p10 to p19 changed, and 30 are new."""
    order = np.random.default_rng(1).permutation(np.arange(10, COUNT))
    vectors = np.vstack([np.array(indexed.vectors)[order], clustered(30, seed=9)])
    moved = np.flatnonzero(order < 20)
    vectors[moved] = clustered(10, seed=5)
    ids = [*(f"p{number}" for number in order), *(f"new{number}" for number in range(30))]
    other = write(indexed.path, ids, vectors, before=indexed)
    return other, np.concatenate([moved, np.arange(len(order), len(ids))])


def test_what_is_new_or_changed_is_found_before_and_after_it_is_indexed(
    indexed: EmbeddingSet,
) -> None:
    other, new = changed(indexed)
    facts = other.index_facts
    assert facts is not None
    assert other.not_indexed == facts.missing == 40
    for _ in ("searched one by one", "indexed"):
        for one in (other, EmbeddingSet.open(other.path)):
            assert np.array_equal(one.nearest(one.vectors[new], k=1)[0][:, 0], new)
            assert np.array_equal(one.neighbours(new, k=5)[:, 0], new)
        build_index(other)
    facts = other.index_facts
    assert facts is not None
    assert (facts.carried, facts.indexed, facts.missing) == (COUNT - 20, COUNT + 20, 0)
    assert facts.recall_at_10 is not None
    assert facts.recall_at_10 > 0.9


def test_an_index_brought_up_to_date_equals_one_that_was_filled_anew(
    indexed: EmbeddingSet, tmp_path: Path
) -> None:
    other, _ = changed(indexed)
    build_index(other)
    rows, cosines = other.nearest(other.vectors, k=10)
    exact, exact_cosines = other.nearest(other.vectors, k=10, exact=True)
    # Deleted and changed products have no second place: every row comes once, at its own cosine.
    assert all(len(set(found)) == 10 for found in rows.tolist())
    held = np.sort(np.concatenate([ids(other, each) for each in range(lists(other))]))
    assert np.array_equal(held, np.arange(len(other)))
    assert np.mean([len(set(a) & set(b)) for a, b in zip(rows, exact, strict=True)]) > 9
    np.testing.assert_allclose(cosines[:, 0], exact_cosines[:, 0], atol=1e-5)


def lists(embedding_set: EmbeddingSet) -> int:
    facts = embedding_set.index_facts
    assert facts is not None
    return facts.lists


def ids(embedding_set: EmbeddingSet, number: int) -> np.ndarray:
    """The rows in one list of its index."""
    import faiss

    shape = {"count": len(embedding_set), "dimension": DIMENSION}
    index = ApproximateIndex.open(embedding_set.path / "index", **shape).faiss
    size = index.invlists.list_size(number)
    found = index.invlists.get_ids(number)
    return faiss.rev_swig_ptr(found, size).copy() if size else np.empty(0, np.int64)


def test_the_neighbourhood_of_a_leaf_holds_what_is_not_indexed_yet(indexed: EmbeddingSet) -> None:
    other, new = changed(indexed)
    nearest, _ = other.nearest(other.vectors[new[-1:]], k=2, exact=True)
    like_it = nearest[0, 1:]
    around = Neighbourhoods(other).around(like_it, each=50, hidden=np.empty(0, int), fewest=1)
    assert new[-1] in around


def test_a_set_that_has_outgrown_its_lists_has_them_laid_out_anew(indexed: EmbeddingSet) -> None:
    grown = np.vstack([indexed.vectors, clustered(COUNT + 1, seed=3)])
    other = write(indexed.path, names(len(grown)), grown, before=indexed)
    assert not (other.path / "index").exists()
    build_index(other)
    facts = other.index_facts
    assert facts is not None
    assert (facts.carried, facts.trained_of, facts.indexed) == (0, len(grown), len(grown))


def test_a_set_with_other_vectors_takes_nothing_over(indexed: EmbeddingSet) -> None:
    other = write(indexed.path, names(COUNT), clustered(COUNT, seed=8), before=indexed)
    assert not (other.path / "index").exists()


def shop(root: Path, count: int) -> Project:
    encoders = EncoderSettings(text="static", dimension=DIMENSION)
    settings = Settings(catalog=CatalogSettings(fields=("title",)), encoders=encoders)
    project = Project.create(root, settings)
    Pool.create(project.pool_path, ("title",)).append(table([product(n) for n in range(count)]))
    return project


def product(number: int, noun: str = "Mug") -> Product:
    colours = ("red", "blue", "green", "white", "black", "oak", "steel")
    words = f"{noun} {colours[number % 7]} series {number // 7} {colours[number % 3]}"
    return Product(f"product {number}", {"title": words}, fingerprint=number.to_bytes(8, "big"))


def table(some: list[Product]) -> pa.Table:
    return products_to_table(some, ("title",))


def test_products_that_arrive_go_into_the_index_with_the_next_embed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = shop(tmp_path / "shop", 600)
    first = embed_initial(project)
    assert first.index_facts is not None
    arrived = [*(product(n, "Lamp") for n in range(5)), *(product(n) for n in range(600, 620))]
    Pool.open(project.pool_path).upsert(table(arrived))
    with monkeypatch.context() as stopped:
        stopped.setattr(initial, "build_index", interrupted)
        with pytest.raises(KeyboardInterrupt):
            embed_initial(project)
    # The set is there with what it shares with the one before.
    status = project_status(project)
    assert (status.not_embedded, status.not_indexed) == (0, 25)
    second = embed_initial(project)
    facts = second.index_facts
    assert facts is not None
    assert (facts.indexed, facts.carried, facts.missing) == (620, 595, 0)
    assert project_status(project).not_indexed == 0
    kept = second.rows([f"product {number}" for number in range(5, 600)])
    old = first.rows([f"product {number}" for number in range(5, 600)])
    np.testing.assert_allclose(second.vectors[kept], first.vectors[old], atol=1e-5)
    lamps = second.rows([f"product {number}" for number in range(5)])
    assert np.array_equal(second.neighbours(lamps, k=1)[:, 0], lamps)
    fitted = "fitted_to_pool_version"
    assert second.stamp.notes[fitted] == first.stamp.notes[fitted] < second.stamp.pool_version


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_an_index_of_another_form_is_refused(
    indexed: EmbeddingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("productnet.embeddings.index_build._NO_LISTS", b"other")
    (indexed.path / "index").rename(indexed.path / "away")
    with pytest.raises(EmbeddingError, match=r"FAISS \d.* writes indexes in a form .* Install"):
        build_index(indexed)
