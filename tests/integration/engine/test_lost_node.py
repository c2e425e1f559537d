"""A cluster that loses a node in mid-run."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_piece_comes_once_and_whole_though_one_of_three_nodes_is_killed() -> None:
    paths = [str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    told = subprocess.run(
        [sys.executable, "-m", "tests.integration.engine.lost_node"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )
    result = json.loads(told.stdout.splitlines()[-1])
    assert result["nodes"] >= 2
    assert 0 < result["killed_after"] < result["pieces"] == 48
    assert result["whole"]
