"""The command that leads workers through a pool in object storage is killed."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from productnet.catalog.importer import import_feed
from productnet.encoders.feature_store import FeatureTable
from productnet.encoders.features import compute_features, read_features
from productnet.settings import Project, Settings
from tests.integration.engine.killed_driver import CHUNK

ROOT = Path(__file__).parents[3]


def test_this_process_goes_on_where_workers_were(store: str, tmp_path: Path) -> None:
    feed = tmp_path / "feed.csv"
    lines = [f"{number},Mug of {number} ounces" for number in range(60)]
    feed.write_text("\n".join(["id,title", *lines]))
    project, alone = (
        Project.create(
            tmp_path / name,
            Settings.model_validate({"catalog": {"fields": ["title"]}, **where}),
        )
        for name, where in (("cluster", {"pool_url": f"{store}/pool.lance"}), ("alone", {}))
    )
    for one in (project, alone):
        import_feed(one, feed)
    command = [sys.executable, "-m", "tests.integration.engine.killed_driver", str(project.root)]
    # A file and no pipe: what is left of Ray holds on to it for a while.
    with (tmp_path / "told").open("w") as told:
        killed = subprocess.run(
            command, check=False, cwd=ROOT, stdout=told, stderr=subprocess.STDOUT
        )
    assert killed.returncode == -9, (tmp_path / "told").read_text()
    kept = FeatureTable.open(project, "static").keys().to_pylist()
    assert 0 < len(kept) <= 2 * CHUNK
    compute_features(project, "static", modality="text", chunk_products=CHUNK)
    compute_features(alone, "static", modality="text", chunk_products=CHUNK)
    for mine, theirs in zip(
        *(read_features(one, "static", modality="text") for one in (project, alone)), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    keys = FeatureTable.open(project, "static").keys().to_pylist()
    assert keys[: len(kept)] == kept
    assert len(keys) == len(set(keys)) == 60
