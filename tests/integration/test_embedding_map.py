"""Places in the plane: scaled, repeatable, and like the map before."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.manifold import trustworthiness

from productnet.embeddings import map as maps
from productnet.embeddings.map import EmbeddingMap, build_map, read_map
from productnet.embeddings.sets import EmbeddingSet, write_embedding_set
from productnet.embeddings.stamp import Stamp

CLUSTERS = 6


def vectors(count: int, *, seed: int = 0, noise: float = 0.02) -> np.ndarray:
    """Clustered vectors (count, 16), and with them the same ones again for the same seed."""
    centres = np.random.default_rng(7).normal(size=(CLUSTERS, 16))
    rng = np.random.default_rng(seed)
    rows = centres[np.arange(count) % CLUSTERS] + rng.normal(size=(count, 16)) * noise * 10
    return rows.astype(np.float32)


def embedded(folder: Path, rows: np.ndarray, *, at: str = "2026-01-01T00:00:00") -> EmbeddingSet:
    return write_embedding_set(
        folder,
        ids=pa.array([f"p{number}" for number in range(len(rows))]),
        vectors=[rows],
        stamp=Stamp(
            name=folder.name,
            encoder="none",
            dimension=rows.shape[1],
            count=len(rows),
            pool_version=1,
            taxonomy_hash=None,
            seed=3,
            created_at=at,
        ),
    )


@pytest.fixture(autouse=True)
def few_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "MOST_LANDMARKS", 120)


def test_fills_the_square_and_keeps_clusters_together(tmp_path: Path) -> None:
    rows = vectors(400)
    drawn = build_map(embedded(tmp_path / "a", rows))
    assert drawn.points.shape == (400, 2)
    assert drawn.points.dtype == np.float32
    assert np.abs(drawn.points).max() == pytest.approx(1, abs=1e-6)
    cluster = np.arange(400) % CLUSTERS
    middles = np.array([drawn.points[cluster == one].mean(axis=0) for one in range(CLUSTERS)])
    nearest = np.linalg.norm(drawn.points[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest == cluster).mean() > 0.98
    assert trustworthiness(rows, drawn.points, n_neighbors=10, metric="cosine") > 0.8


def test_is_the_same_again(tmp_path: Path) -> None:
    rows = vectors(300)
    one = build_map(embedded(tmp_path / "a", rows))
    other = build_map(embedded(tmp_path / "b", rows))
    np.testing.assert_array_equal(one.points, other.points)


def test_is_read_back_and_not_drawn_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = embedded(tmp_path / "a", vectors(60))
    drawn = build_map(opened)
    monkeypatch.setattr(maps, "_laid_out", lambda *args, **options: pytest.fail("drawn again"))
    np.testing.assert_array_equal(build_map(opened).points, drawn.points)


def test_a_kill_in_the_middle_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = embedded(tmp_path / "a", vectors(60))

    def killed(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "write_bytes", killed)
        build_map(opened)
    assert read_map(opened) is None
    assert not list(opened.path.glob("*map*"))
    assert build_map(opened).stamp.count == 60


@pytest.mark.parametrize("content", [b"", b"not a map", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_map_is_drawn_again(tmp_path: Path, content: bytes) -> None:
    opened = embedded(tmp_path / "a", vectors(40))
    (opened.path / "map.safetensors").write_bytes(content)
    assert read_map(opened) is None
    drawn = build_map(opened)
    found = read_map(opened)
    assert found is not None
    np.testing.assert_array_equal(found.points, drawn.points)


def test_a_map_of_another_set_of_that_name_is_not_this_ones(tmp_path: Path) -> None:
    opened = embedded(tmp_path / "a", vectors(40))
    build_map(opened)
    content = (opened.path / "map.safetensors").read_bytes()
    again = embedded(tmp_path / "a", vectors(40, seed=9), at="2026-02-02T00:00:00")
    (again.path / "map.safetensors").write_bytes(content)
    assert read_map(again) is None


def correlation(one: EmbeddingMap, other: EmbeddingMap) -> float:
    count = min(len(one.points), len(other.points))
    a, b = one.points[:count].ravel(), other.points[:count].ravel()
    return float(np.corrcoef(a, b)[0, 1])


def test_stays_where_it_was_when_the_vectors_are_turned(tmp_path: Path) -> None:
    """A round's space has other axes; the map is still the one people know."""
    rows = vectors(240)
    before = build_map(embedded(tmp_path / "a", rows))
    turn, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(16, 16)))
    noise = np.random.default_rng(6).normal(size=rows.shape) * 0.05
    after = ((rows + noise) @ turn).astype(np.float32)
    more = np.concatenate([after, after[:60] + np.float32(0.01)])
    like = build_map(embedded(tmp_path / "b", more), like=before)
    assert like.stamp.like == "a"
    assert correlation(before, like) > 0.9
    free = build_map(embedded(tmp_path / "c", more))
    assert free.stamp.like is None
    assert correlation(before, free) < correlation(before, like)


@pytest.mark.parametrize("count", [1, 2, 3, 9, 11])
def test_even_a_few_products_have_places(tmp_path: Path, count: int) -> None:
    drawn = build_map(embedded(tmp_path / "a", vectors(count)))
    assert np.isfinite(drawn.points).all()
    assert np.abs(drawn.points).max() <= 1


def test_products_of_which_nothing_is_known_have_places(tmp_path: Path) -> None:
    rows = vectors(200)
    rows[::5] = 0
    drawn = build_map(embedded(tmp_path / "a", rows))
    assert np.isfinite(drawn.points).all()
    same = build_map(embedded(tmp_path / "b", np.zeros((30, 16), np.float32)))
    assert np.isfinite(same.points).all()
