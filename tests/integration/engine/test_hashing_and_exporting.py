"""The pool hashed, and a release exported, by workers: as this process alone would have it."""

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from productnet.catalog import signatures
from productnet.catalog.pool import Pool
from productnet.catalog.signatures import sign_pool
from productnet.engine.base import Engine
from productnet.errors import ReleaseError
from productnet.files import file_hash
from productnet.release.build import release
from productnet.release.export import export_release
from tests.released import make_shop


def test_workers_sign_the_pool_and_export_a_release(
    tmp_path: Path, workers: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_shop(tmp_path / "shop")
    pool = Pool.open(project.pool_path)
    monkeypatch.setattr(signatures, "_CHUNK_PRODUCTS", 8)
    shared = sign_pool(pool, tmp_path / "shared.lance", engine=workers)
    alone = sign_pool(pool, tmp_path / "alone.lance")
    for mine, theirs in zip(astuple(shared), astuple(alone), strict=True):
        assert np.array_equal(mine, theirs)
    assert shared.has_text.any()

    monkeypatch.setattr("productnet.release.exporters.parquet.SHARD_ROWS", 4)
    monkeypatch.setattr("productnet.release.rows.TABLE_ROWS", 3)
    monkeypatch.setattr("productnet.release.rows._FIRST_ROWS", 2)
    made = release(project, version="1.0.0", validation_share=0.2).path
    for format in ("csv", "lance"):  # in any order, and in order
        shared_out, out = tmp_path / f"shared-{format}", tmp_path / format
        summary = export_release(made, shared_out, format=format, engine=workers)
        assert summary.rows == export_release(made, out, format=format).rows > 0
        if format == "csv":
            assert files(shared_out) == files(out)
    damaged = next(made.glob("data/*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"X")
    with pytest.raises(ReleaseError, match="is not the file that was released"):
        export_release(made, tmp_path / "damaged", format="csv", engine=workers)


def files(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file_hash(file)
        for file in folder.rglob("*")
        if file.is_file()
    }
