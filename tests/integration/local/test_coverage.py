"""How much of a leaf's region is close to one of its positives."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from productnet.embeddings.sets import EmbeddingSet, write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.local import coverage
from productnet.local.coverage import Coverage

EACH = 40


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingSet:
    """Products of four kinds, 40 each: two kinds of mugs, which have something in common."""
    rng = np.random.default_rng(0)
    mug, *own = np.linalg.qr(rng.normal(size=(32, 5)))[0].T
    mugs = [(1.3 * mug + each) / np.hypot(1.3, 1) for each in own[:2]]
    vectors = np.concatenate(
        [centre + 0.12 * rng.normal(size=(EACH, 32)) for centre in (*mugs, *own[2:])]
    ).astype(np.float32)
    stamp = Stamp("initial", "numbers", 32, len(vectors), 1, None, 0, "2030-01-01T00:00:00+00:00")
    return write_embedding_set(
        tmp_path_factory.mktemp("coverage") / "initial",
        ids=pa.array([f"{kind}-{number}" for kind in "abcd" for number in range(EACH)]),
        vectors=[vectors],
        stamp=stamp,
    )


def measured(embeddings: EmbeddingSet, positives: list[str], negatives: list[str]) -> float | None:
    decided = [*positives, *negatives]
    return Coverage(embeddings, seed=0).of(positives, negatives, decided=decided)


def some(kind: str, count: int) -> list[str]:
    return [f"{kind}-{number}" for number in range(count)]


def test_one_side_of_a_leaf_covers_about_half(embeddings: EmbeddingSet) -> None:
    one_side = measured(embeddings, some("a", 8), some("c", 8) + some("d", 8))
    both = measured(embeddings, some("a", 8) + some("b", 8), some("c", 8) + some("d", 8))
    assert one_side is not None
    assert both is not None
    assert 0.3 < one_side < 0.75
    assert both > one_side + 0.25


def test_it_grows_as_a_leaf_is_labelled(embeddings: EmbeddingSet) -> None:
    shares = [measured(embeddings, some("a", count), some("c", 5)) for count in (1, 4, 40)]
    assert None not in shares
    assert shares == sorted(shares, key=float)  # type: ignore[arg-type]
    everything = some("a", EACH) + some("b", EACH)
    assert measured(embeddings, everything, some("c", EACH) + some("d", EACH)) == 1


def test_without_a_positive_or_a_negative_there_is_none(embeddings: EmbeddingSet) -> None:
    assert measured(embeddings, [], some("c", 3)) is None
    assert measured(embeddings, some("a", 3), []) is None
    assert measured(embeddings, ["elsewhere"], some("c", 3)) is None


def test_undecided_products_alone_count_beside_the_positives(embeddings: EmbeddingSet) -> None:
    found = Coverage(embeddings, seed=0)
    labelled = (some("a", 8), some("c", 8))
    open_sides = found.of(*labelled, decided=[*labelled[0], *labelled[1]])
    closed = found.of(*labelled, decided=embeddings.ids.to_pylist())
    assert open_sides is not None
    assert open_sides < 1
    assert closed == 1


def test_a_sample_of_a_large_pool_gives_about_the_same(
    embeddings: EmbeddingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled = (some("a", 8), some("c", 8) + some("d", 8))
    whole = measured(embeddings, *labelled)
    monkeypatch.setattr(coverage, "_SAMPLE", 100)
    sampled = measured(embeddings, *labelled)
    assert sampled == measured(embeddings, *labelled)
    assert sampled == pytest.approx(whole, abs=0.15)


def test_a_pool_of_a_few_is_measured_too(tmp_path: Path) -> None:
    stamp = Stamp("initial", "numbers", 4, 3, 1, None, 0, "2030-01-01T00:00:00+00:00")
    few = write_embedding_set(
        tmp_path / "initial",
        ids=pa.array(["a", "b", "c"]),
        vectors=[np.eye(3, 4, dtype=np.float32)],
        stamp=stamp,
    )
    assert measured(few, ["a"], ["b"]) is not None
