"""What the map of an embedding costs: drawing it, and showing it in a browser.

Vectors are generated in clusters. The page is the real one, in headless Chromium without a
graphics card (SwiftShader); the answers of the map's routes are put in front of a small shop.
Prints one JSON object.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from sklearn.manifold import trustworthiness

from productnet.embeddings.map import EmbeddingMap, build_map
from productnet.embeddings.sets import EmbeddingSet, write_embedding_set
from productnet.embeddings.stamp import Stamp

if TYPE_CHECKING:
    from playwright.sync_api import Page

_BLOCK = 16_384
_SAMPLE = 4_000
_CLUSTERS = 2_000
_CHROMIUM = "/usr/bin/chromium"
_FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--no-browser", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        generated = generate(Path(folder) / "generated", asked.products, asked.dimension)
        result, drawn = measure_drawing(generated)
        if not asked.no_browser:
            result |= measure_page(Path(folder), drawn)
    print(json.dumps(result, indent=2))


def generate(folder: Path, count: int, dimension: int) -> EmbeddingSet:
    centres = np.random.default_rng(1).normal(size=(_CLUSTERS, dimension)).astype(np.float32)

    def blocks() -> Iterator[np.ndarray]:
        rng = np.random.default_rng(2)
        for start in range(0, count, _BLOCK):
            size = min(_BLOCK, count - start)
            noise = rng.normal(size=(size, dimension)).astype(np.float32)
            yield centres[rng.integers(_CLUSTERS, size=size)] + noise

    return write_embedding_set(
        folder,
        ids=pa.array([f"p{number}" for number in range(count)]),
        vectors=blocks(),
        stamp=Stamp(
            name=folder.name,
            encoder="generated",
            dimension=dimension,
            count=count,
            pool_version=1,
            taxonomy_hash=None,
            seed=0,
            created_at="2026-01-01T00:00:00+00:00",
        ),
    )


def measure_drawing(generated: EmbeddingSet) -> tuple[dict[str, object], EmbeddingMap]:
    before, started, used = _peak_mb(), time.perf_counter(), time.process_time()
    drawn = build_map(generated)
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    peak = _peak_mb()
    rows = np.random.default_rng(3).choice(len(generated), min(_SAMPLE, len(generated)), False)
    trusted = trustworthiness(
        generated.read(rows), drawn.points[rows], n_neighbors=10, metric="cosine"
    )
    return {
        "products": len(generated),
        "dimension": generated.stamp.dimension,
        "landmarks": drawn.stamp.landmarks,
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "peak_mb": round(peak),
        "peak_mb_before": round(before),
        "trustworthiness": round(float(trusted), 3),
        "bytes_of_points": drawn.points.nbytes,
        "bytes_of_colours": len(drawn.points),
    }, drawn


def measure_page(folder: Path, drawn: EmbeddingMap) -> dict[str, object]:
    from playwright.sync_api import sync_playwright

    from productnet.catalog.store.files import write_store
    from tests.browser.serving import Served, command, free_port, open_door

    files = write_store(folder / "feed", size=60, seed=3)
    shop = folder / "shop"
    command("init", str(shop), "--taxonomy", str(files.taxonomy))
    command("import", str(files.feed), "--project", str(shop))
    command("embed", "--project", str(shop))
    codes = (
        np.random.default_rng(4)
        .choice(21, len(drawn.points), p=[0.6, *[0.02] * 20])
        .astype(np.uint8)
    )

    def answer(page: "Page") -> None:
        groups = [
            {
                "code": code,
                "kind": "leaf" if code else "none",
                "label": f"Leaf {code}",
                "leaf": f"leaf-{code}" if code else None,
                "count": int((codes == code).sum()),
                "x": 0,
                "y": 0,
            }
            for code in range(21)
        ]
        about = {
            "ready": True,
            "why": None,
            "version": "generated",
            "embedding_set": "generated",
            "count": len(codes),
            "missing": 0,
        }
        page.route("**/api/v1/map", lambda route: route.fulfill(json=about))
        page.route(
            "**/api/v1/map/legend*",
            lambda route: route.fulfill(json={"version": "1", "groups": groups}),
        )
        _serve(page, "points", drawn.points.tobytes())
        _serve(page, "colours", codes.tobytes())

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
        served = Served(shop, free_port())
        try:
            door = open_door(served, browser, folder / "state.json")
            page = door.context().new_page()
            answer(page)
            started = time.perf_counter()
            page.goto("/map")
            page.wait_for_selector("canvas[data-drawn]", timeout=120_000)
            first = time.perf_counter() - started
            page.wait_for_selector(".map-groups table", timeout=120_000)
            page.wait_for_timeout(2_000)
            frames = page.evaluate(_PAN)
        finally:
            served.kill()
            browser.close()
    return {
        "page_first_paint_seconds": round(first, 2),
        "page_frames_a_second_moving": round(frames["a_second"], 1),
        "page_frame_ms_p95": round(frames["p95"]),
    }


def _serve(page: "Page", name: str, content: bytes) -> None:
    page.route(
        f"**/api/v1/map/{name}*",
        lambda route: route.fulfill(body=content, content_type="application/octet-stream"),
    )


# Moves the map by its own events for four seconds, and counts the frames it draws; the first
# second, in which it finds out how many points it can afford, is not counted.
_PAN = """async () => {
  const canvas = document.querySelector("canvas.map-canvas");
  const box = canvas.getBoundingClientRect();
  const at = (kind, x) => canvas.dispatchEvent(new PointerEvent(kind, {
    bubbles: true, button: 0, pointerId: 1, clientX: box.left + x, clientY: box.top + 200 }));
  canvas.setPointerCapture = () => {};
  at("pointerdown", 300);
  const times = [];
  const gl = canvas.getContext("webgl2");
  const begun = performance.now();
  const pixel = new Uint8Array(4);
  while (performance.now() - begun < 4000) {
    at("pointermove", 300 + 100 * Math.sin(performance.now() / 300));
    await new Promise(requestAnimationFrame);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);  // waits until it is drawn
    times.push(performance.now());
  }
  at("pointerup", 300);
  const late = times.filter((time) => time - begun > 1000);
  const gaps = late.slice(1).map((time, i) => time - late[i]).sort((a, b) => a - b);
  return { a_second: late.length / 3, p95: gaps[Math.floor(gaps.length * 0.95)] ?? 0 };
}"""


def _peak_mb() -> float:
    """The most memory that was resident, the mapped vectors that were read included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
