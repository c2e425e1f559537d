"""An index whose pieces workers build: what this process alone would have built."""

from pathlib import Path

import numpy as np

from productnet.embeddings.index_build import write_index
from productnet.engine.base import Engine


def test_workers_build_the_index_of_one_process(tmp_path: Path, workers: Engine) -> None:
    vectors = np.random.default_rng(0).normal(size=(1_500, 16)).astype(np.float32)
    np.save(tmp_path / "vectors.npy", vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    file = tmp_path / "vectors.npy"
    write_index(tmp_path / "alone", file, seed=0, piece_rows=400)
    write_index(tmp_path / "shared", file, seed=0, piece_rows=400, engine=workers)
    for name in ("index.faiss", "facts.json"):
        assert (tmp_path / "shared" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
