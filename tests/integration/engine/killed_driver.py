"""Encodes a pool with workers, and is killed when it would keep the third piece: run by a test.

python -m tests.integration.engine.killed_driver PROJECT
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np

from productnet.encoders.feature_store import FeatureTable
from productnet.encoders.features import compute_features
from productnet.engine.registry import open_engine
from productnet.settings import EngineSettings, Project

CHUNK = 8


def main() -> None:
    append = FeatureTable.append
    kept: list[int] = []

    def deadly(table: FeatureTable, vectors: dict[bytes, np.ndarray]) -> None:
        if len(kept) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        append(table, vectors)
        kept.append(len(vectors))

    FeatureTable.append = deadly  # type: ignore[assignment, method-assign]
    project = Project.open(Path(sys.argv[1]))
    with open_engine(EngineSettings(workers=2), name="ray") as engine:
        compute_features(project, "static", modality="text", chunk_products=CHUNK, engine=engine)


if __name__ == "__main__":
    main()
