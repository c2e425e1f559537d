"""Near-duplicates: how many planted copies are found, what else is taken for one, at what cost.

Without ``--project`` a generated shop is made, in which one product of 25 repeats an earlier one:
its picture cropped, rescaled and encoded again, its title retouched. Products are hashed and
compared in this process; encoding them is not counted.

    python benchmarks/near_duplicates.py --products 4000

With ``--project`` the near-duplicates of a real project, which is only read, are judged by its
reference labels (pairs of one leaf), and a contact sheet of its groups is drawn to look at.

    python benchmarks/near_duplicates.py --project my-shop --sheet groups.png

Prints one JSON object.
"""

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from productnet.catalog.images import load_image
from productnet.catalog.pool import Pool
from productnet.catalog.schema import GROUP, ID, THUMBNAIL, Product, products_to_table
from productnet.catalog.signatures import sign_pool
from productnet.catalog.store.stream import generate_products
from productnet.embeddings.duplicate_groups import lead_products
from productnet.embeddings.initial import NAME, embed_initial
from productnet.embeddings.sets import EmbeddingSet
from productnet.evaluation.reference import read_reference
from productnet.settings import PAPER_FIELDS, EncoderSettings, Project, Settings
from productnet.taxonomy.tree import Taxonomy

GROUPS_SHOWN = 72
COLUMNS = 6
SHOWN_OF_GROUP = 3
CELL = (330, 150)
SIDE = 100

Pairs = set[tuple[str, str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--project", type=Path, help="a real project instead of a generated shop")
    parser.add_argument("--sheet", type=Path, help="an image of the groups, to be written")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.project is None:
            project = generated(Path(folder) / "shop", arguments.products, arguments.seed)
        else:
            project = Project.open(arguments.project)
        groups, cost = find(project, Path(folder) / "signatures.lance")
        found = pairs(groups)
        result: dict[str, object] = {"groups": len(groups), "pairs": len(found), **cost}
        if arguments.project is None:
            result |= against_planted(project, found)
        elif project.reference_path.exists():
            truth = read_reference(project, Taxonomy.load(project.taxonomy_path))
            known = [pair for pair in found if pair[0] in truth and pair[1] in truth]
            result["pairs_of_one_leaf"] = sum(truth[a] == truth[b] for a, b in known)
            result["pairs_with_reference"] = len(known)
        if arguments.sheet is not None:
            draw_sheet(arguments.sheet, project, groups[:GROUPS_SHOWN])
    print(json.dumps(result))


def generated(root: Path, count: int, seed: int) -> Project:
    settings = Settings(seed=seed, encoders=EncoderSettings(text="static"))
    project = Project.create(root, settings)
    pool = Pool.create(project.pool_path, PAPER_FIELDS)
    for some in batches(count, seed, settings):
        pool.append(products_to_table(some, PAPER_FIELDS))
    print("Embedding the generated shop", file=sys.stderr)
    embed_initial(project)
    return project


def batches(
    count: int, seed: int, settings: Settings, *, size: int = 500
) -> Iterator[list[Product]]:
    for start in range(0, count, size):
        batch = []
        for made in generate_products(min(start + size, count), seed=seed, start=start):
            image = load_image(made.image, settings.images) if made.image else None
            batch.append(
                Product(
                    made.id,
                    made.texts,
                    group=made.group,
                    image=image.data if image else None,
                    thumbnail=image.thumbnail if image else None,
                    fingerprint=made.id.encode()[-8:],
                )
            )
        yield batch


def find(project: Project, signatures_path: Path) -> tuple[list[list[str]], dict[str, object]]:
    """The groups, largest first, and what finding them took."""
    pool = Pool.open(project.pool_path)
    embedding_set = EmbeddingSet.open(project.embeddings_path / NAME)
    start = time.perf_counter()
    signatures = sign_pool(pool, signatures_path)
    hashed = time.perf_counter()
    ids = pool.ids().to_pylist()
    leaders = lead_products(signatures, embedding_set.read, embedding_set.rows(ids))
    compared = time.perf_counter()
    groups: dict[int, list[str]] = {}
    for product, leader in zip(ids, leaders.tolist(), strict=True):
        groups.setdefault(leader, []).append(product)
    cost: dict[str, object] = {
        "products": len(ids),
        "hash_ms_per_product": round(1e3 * (hashed - start) / len(ids), 3),
        "compare_ms_per_product": round(1e3 * (compared - hashed) / len(ids), 3),
        "signature_bytes_per_product": sum(
            array.nbytes
            for array in (
                signatures.texts,
                signatures.images,
                signatures.has_text,
                signatures.has_image,
            )
        )
        // len(ids),
    }
    return sorted((g for g in groups.values() if len(g) > 1), key=len, reverse=True), cost


def against_planted(project: Project, found: Pairs) -> dict[str, object]:
    table = Pool.open(project.pool_path).scan(columns=[ID, GROUP, THUMBNAIL])
    members: dict[str, list[str]] = {}
    pictured: dict[str, bool] = {}
    for batch in table:
        for row in batch.to_pylist():
            members.setdefault(row[GROUP], []).append(row[ID])
            pictured[row[ID]] = row[THUMBNAIL] is not None
    planted = pairs(list(members.values()))
    with_image = {pair for pair in planted if pictured[pair[0]]}
    return {
        "planted": len(planted),
        "precision": round(len(found & planted) / max(len(found), 1), 3),
        "recall": round(len(found & planted) / max(len(planted), 1), 3),
        "recall_with_image": round(len(found & with_image) / max(len(with_image), 1), 3),
    }


def pairs(groups: Sequence[Sequence[str]]) -> Pairs:
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


def draw_sheet(path: Path, project: Project, groups: Sequence[Sequence[str]]) -> None:
    """The first products of each group side by side, their titles below, its size in red."""
    pool = Pool.open(project.pool_path)
    shown = [product for group in groups for product in group[:SHOWN_OF_GROUP]]
    title = pool.fields[0]
    table = pool.take(shown, columns=[ID, title, THUMBNAIL]).to_pylist()
    rows: Mapping[str, dict[str, object]] = {str(row[ID]): row for row in table}
    lines = -(-len(groups) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL[0], max(lines, 1) * CELL[1]), "white")
    draw = ImageDraw.Draw(sheet)
    for place, group in enumerate(groups):
        left, top = np.array(divmod(place, COLUMNS))[::-1] * CELL
        for number, product in enumerate(group[:SHOWN_OF_GROUP]):
            thumbnail = rows[product][THUMBNAIL]
            if isinstance(thumbnail, bytes):
                image = Image.open(io.BytesIO(thumbnail)).convert("RGB")
                image.thumbnail((SIDE, SIDE - 5))
                sheet.paste(image, (int(left) + number * (SIDE + 8), int(top) + 4))
            text = str(rows[product][title] or "")[:50]
            draw.text((left, top + SIDE + 2 + 13 * number), text, fill="black")
        draw.text((left + CELL[0] - 30, top + SIDE + 28), str(len(group)), fill="red")
    sheet.save(path)


if __name__ == "__main__":
    main()
