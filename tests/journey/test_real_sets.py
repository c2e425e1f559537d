"""The commands of the README and docs/real-sets.md, exactly as they are written there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("PRODUCTNET_DATA", ROOT.parent / "shared" / "data")).resolve()

# fashion and mwpd take minutes; set this to run them too.
EVERY_SET = bool(os.environ.get("PRODUCTNET_EVERY_SET"))


def commands(name: str) -> str:
    """The block that begins with making this project."""
    pages = [ROOT / "README.md", ROOT / "docs" / "real-sets.md"]
    told = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    blocks: list[str] = re.findall(r"```bash\n(.*?)```", told, flags=re.DOTALL)
    return next(block for block in blocks if block.startswith(f"productnet init {name}\n"))


@pytest.mark.parametrize(
    ("name", "products", "least_top1"), [("flipkart", 845, 0.85), ("fashion", 7_643, 0.85),
                                         ("mwpd", 13_012, 0.6)]
)  # fmt: skip
def test_a_real_set_goes_round_by_the_commands_of_the_docs(
    tmp_path: Path, name: str, products: int, least_top1: float
) -> None:
    if not (DATA / name).is_dir():
        pytest.skip(f"the real set {name} is not in {DATA} (PRODUCTNET_DATA names the folder)")
    if name != "flipkart" and not EVERY_SET:
        pytest.skip("takes minutes; set PRODUCTNET_EVERY_SET=1 to run it")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands(name)],
        cwd=tmp_path,
        env={**os.environ, "DATA": str(DATA), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    shop = tmp_path / name
    status = subprocess.run(
        ["productnet", "status", "--json"],
        cwd=shop, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(status.stdout)
    assert (found["products"], found["rounds"]) == (products, 1)
    metrics = json.loads((shop / "models" / "round-0001" / "metrics.json").read_text())
    assert metrics["table"][0]["top1"] >= least_top1
    assert (shop / "reports" / "report.html").stat().st_size > 50_000
    assert (shop / "releases" / "1.0.0" / "manifest.json").exists()
