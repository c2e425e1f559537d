import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from productnet.embeddings import sets
from productnet.embeddings.active import Active, activate, active_set, read_active
from productnet.embeddings.sets import EmbeddingSet, build_index, write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.errors import EmbeddingError
from productnet.settings import Project, Settings


def stamp(count: int, dimension: int, name: str = "initial") -> Stamp:
    return Stamp(
        name=name,
        encoder="numbers",
        dimension=dimension,
        count=count,
        pool_version=3,
        taxonomy_hash=None,
        seed=0,
        created_at="2030-01-01T00:00:00+00:00",
        notes={"why": "a test"},
    )


def write(folder: Path, ids: list[str], vectors: np.ndarray) -> EmbeddingSet:
    return write_embedding_set(
        folder,
        ids=pa.array(ids, pa.string()),
        vectors=iter(np.array_split(vectors, 3)),
        stamp=stamp(len(vectors), vectors.shape[1], folder.name),
    )


def some_vectors(count: int, dimension: int = 8) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, dimension)).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8")), unique=True, max_size=30), st.data())
def test_what_was_written_is_read_back(ids: list[str], data: st.DataObject) -> None:
    vectors = some_vectors(len(ids))
    with TemporaryDirectory() as folder:
        embedding_set = write(Path(folder) / "initial", ids, vectors)
        assert embedding_set.ids.to_pylist() == ids
        assert embedding_set.stamp == stamp(len(ids), 8)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        np.testing.assert_allclose(embedding_set.vectors, vectors / lengths, rtol=1e-5)
        asked = data.draw(st.lists(st.sampled_from(ids)) if ids else st.just([]))
        stranger = "".join(ids) + "!"
        expected = [*(ids.index(one) for one in asked), -1]
        assert embedding_set.rows([*asked, stranger]).tolist() == expected


def test_a_product_is_nearest_to_itself(tmp_path: Path) -> None:
    vectors = some_vectors(300)
    embedding_set = write(tmp_path / "set", [str(n) for n in range(300)], vectors)
    rows, cosines = embedding_set.nearest(5 * vectors[:20], k=3)
    assert rows[:, 0].tolist() == list(range(20))
    np.testing.assert_allclose(cosines[:, 0], 1, atol=1e-5)
    assert (np.diff(cosines, axis=1) <= 0).all()


def test_rows_are_read_as_they_are_mapped(tmp_path: Path) -> None:
    embedding_set = write(tmp_path / "set", [str(n) for n in range(300)], some_vectors(300))
    for rows in ([], [7], [299, 0, 12, 12]):
        read = embedding_set.read(np.array(rows, np.int64))
        np.testing.assert_array_equal(read, embedding_set.vectors[rows])
    neighbours = embedding_set.neighbours(np.array([4, 40]), k=3)
    expected, _ = embedding_set.nearest(embedding_set.vectors[[4, 40]], k=3)
    np.testing.assert_array_equal(neighbours, expected)


def test_asking_for_more_than_there_are_gives_all(tmp_path: Path) -> None:
    embedding_set = write(tmp_path / "set", list("abc"), some_vectors(3))
    rows, _ = embedding_set.nearest(some_vectors(1), k=10)
    assert sorted(rows[0].tolist()) == [0, 1, 2]


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    embedding_set = write(tmp_path / "set", list("abc"), some_vectors(3))
    with pytest.raises(EmbeddingError, match=r"has 8 dimensions; the queries have shape \(1, 5\)"):
        embedding_set.nearest(some_vectors(1, 5), k=1)
    with pytest.raises(EmbeddingError, match="Ask for one at least"):
        embedding_set.nearest(some_vectors(1), k=0)


def test_the_index_finds_what_exact_search_finds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(300, 64))
    kinds = rng.integers(0, 300, 60_000)
    vectors = (centres[kinds] + 0.5 * rng.normal(size=(60_000, 64))).astype(np.float32)
    embedding_set = write(tmp_path / "set", [str(n) for n in range(60_000)], vectors)
    build_index(embedding_set)
    queries = vectors[rng.choice(60_000, 200, replace=False)]
    exact, exact_cosines = embedding_set.nearest(queries, k=10, exact=True)
    rows, cosines = EmbeddingSet.open(tmp_path / "set").nearest(queries, k=10)
    found = [len(set(one) & set(other)) for one, other in zip(rows, exact, strict=True)]
    assert np.mean(found) / 10 >= 0.95
    np.testing.assert_allclose(cosines[:, 0], exact_cosines[:, 0], atol=1e-5)
    own = embedding_set.neighbours(np.arange(50), k=10)
    expected, _ = embedding_set.nearest(vectors[:50], k=10, exact=True)
    assert np.mean([len(set(a) & set(b)) for a, b in zip(own, expected, strict=True)]) >= 9
    # More than the lists that are searched can hold.
    rows, _ = embedding_set.nearest(queries[:2], k=20_000)
    assert all(len(set(row)) == 20_000 for row in rows.tolist())


def test_an_index_of_something_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sets, "INDEXED_FROM", 100)
    for name, count in (("a", 200), ("b", 300), ("small", 50)):
        build_index(write(tmp_path / name, [str(n) for n in range(count)], some_vectors(count)))
    assert not (tmp_path / "small" / "index").exists()
    index = tmp_path / "b" / "index"
    file = index / "index.faiss"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(EmbeddingError, match=r"bytes, not \d+, which does.*Delete the folder"):
        EmbeddingSet.open(tmp_path / "b").nearest(some_vectors(1), k=1)
    file.write_bytes(bytes(file.stat().st_size + 1))
    with pytest.raises(EmbeddingError, match=r"cannot be read.*Delete the folder"):
        EmbeddingSet.open(tmp_path / "b").nearest(some_vectors(1), k=1)
    shutil.rmtree(index)
    (tmp_path / "a" / "index").replace(index)
    with pytest.raises(EmbeddingError, match=r"holds 200 vectors.*Delete the folder"):
        EmbeddingSet.open(tmp_path / "b").nearest(some_vectors(1), k=1)
    (index / "facts.json").write_text("{}")
    with pytest.raises(EmbeddingError, match=r"cannot be read.*Delete the folder"):
        build_index(EmbeddingSet.open(tmp_path / "b"))


def test_a_set_may_be_replaced_while_it_is_read(tmp_path: Path) -> None:
    old = write(tmp_path / "set", list("abc"), some_vectors(3))
    new = write(tmp_path / "set", list("vwxyz"), some_vectors(5))
    assert len(EmbeddingSet.open(tmp_path / "set")) == len(new) == 5
    assert old.nearest(some_vectors(1), k=1)[0].tolist() == [[0]]
    np.testing.assert_array_equal(old.read(np.arange(3)), old.vectors)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    nobody = 2**22 + 1  # greater than any process id
    for owner in (nobody, os.getppid()):
        (tmp_path / f".set.{owner}.draft").mkdir()
    write(tmp_path / "set", list("abc"), some_vectors(3))
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".set.{os.getppid()}.draft", "set"]


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        (list("aba"), some_vectors(3), 'Product "a" comes twice'),
        (list("ab"), some_vectors(3), "The stamp says 3 products, but 2 ids came"),
        (list("abc"), some_vectors(3) * np.nan, "not finite"),
    ],
)
def test_what_is_no_set_is_not_written(
    ids: list[str], vectors: np.ndarray, message: str, tmp_path: Path
) -> None:
    with pytest.raises(EmbeddingError, match=message):
        write(tmp_path / "set", ids, vectors)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("count", "dimension"), [(4, 8), (2, 8), (3, 9)])
def test_vectors_that_do_not_fit_the_stamp_are_refused(
    count: int, dimension: int, tmp_path: Path
) -> None:
    ids = pa.array(list("abc"))
    vectors = [some_vectors(count, dimension)]
    with pytest.raises(EmbeddingError, match=r"do not fit \(3, 8\)|2 vectors came for 3 products"):
        write_embedding_set(tmp_path / "set", ids=ids, vectors=vectors, stamp=stamp(3, 8))


@pytest.mark.parametrize("name", ["vectors.npy", "ids.arrow", "hashes.npy", "stamp.json"])
def test_a_damaged_set_is_refused(name: str, tmp_path: Path) -> None:
    write(tmp_path / "set", list("abc"), some_vectors(3))
    file = tmp_path / "set" / name
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(EmbeddingError, match=r'"set" is damaged.*run `productnet embed` again'):
        EmbeddingSet.open(tmp_path / "set")
    file.unlink()
    with pytest.raises(EmbeddingError, match="is damaged"):
        EmbeddingSet.open(tmp_path / "set")


def test_a_stamp_that_was_changed_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "set", list("abc"), some_vectors(3))
    file = tmp_path / "set" / "stamp.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {"stamp": content["stamp"] | {"pool_version": 4}}))
    with pytest.raises(EmbeddingError, match=r"stamp\.json was changed"):
        EmbeddingSet.open(tmp_path / "set")


def test_a_set_of_another_format_is_refused(tmp_path: Path) -> None:
    other = replace(stamp(3, 8), format_version=99)
    ids = pa.array(list("abc"))
    with pytest.raises(EmbeddingError, match="has format 99; this version of ProductNet reads"):
        write_embedding_set(tmp_path / "set", ids=ids, vectors=[some_vectors(3)], stamp=other)


def test_the_active_set_is_the_one_activated_last(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "shop", Settings())
    assert read_active(project) is None
    with pytest.raises(
        EmbeddingError, match=r"no embeddings yet\. Make them with `productnet embed`"
    ):
        active_set(project)
    for number, name in ((None, "initial"), (1, "round-1")):
        write(project.embeddings_path / name, list("abc"), some_vectors(3))
        activate(project, Active(number, name))
        assert read_active(project) == Active(number, name)
        assert active_set(project).name == name
    with pytest.raises(EmbeddingError, match='no embedding set "round-2"'):
        activate(project, Active(2, "round-2"))
    assert active_set(project).name == "round-1"
    project.active_path.write_text('{"round": 1}')
    with pytest.raises(EmbeddingError, match=r"active\.json cannot be read"):
        active_set(project)
