"""A shop whose leaves can be told apart, for simulated people and for comparing sources."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.embeddings.active import Active, activate
from productnet.embeddings.sets import write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.settings import CatalogSettings, Project, Settings, TargetSettings
from productnet.taxonomy.tree import Category, Taxonomy

LEAVES = 6
PRODUCTS = 240


@pytest.fixture(scope="session")
def make_shop() -> Callable[..., Project]:
    """Makes a shop in a folder, of as many products as asked."""
    return build_shop


def build_shop(folder: Path, *, products: int = PRODUCTS) -> Project:
    """A shop of 6 leaves, two and two easily confused; leaves 0 and 3 have not one title."""
    settings = Settings(
        catalog=CatalogSettings(fields=("title",)),
        targets=TargetSettings(positives=8, hard_negatives=8),
    )
    project = Project.create(folder, settings)
    names = [f"Kind {chr(97 + leaf)}" for leaf in range(LEAVES)]
    nodes = [Category("shop", ("Shop",))]
    nodes += [Category(f"leaf-{leaf}", ("Shop", name)) for leaf, name in enumerate(names)]
    Taxonomy(nodes, name="shop", version="1").save(project.taxonomy_path)
    ids = [f"p{number}" for number in range(products)]
    leaf_of = [number % LEAVES for number in range(products)]
    listed = [
        Product(
            id, {"title": f"{names[leaf]} of the best"} if row % 3 else {}, fingerprint=b"8bytes.."
        )
        for row, (id, leaf) in enumerate(zip(ids, leaf_of, strict=True))
    ]
    pool = Pool.create(project.pool_path, ("title",))
    pool.append(products_to_table(listed, ("title",)))
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(LEAVES, 24))
    centres[1::2] = centres[::2] + 0.5 * rng.normal(size=(LEAVES // 2, 24))
    vectors = centres[leaf_of] + 0.6 * rng.normal(size=(products, 24))
    stamp = Stamp("initial", "test", 24, products, pool.version, None, 0, "2026-01-01T00:00:00Z")
    blocks = [vectors.astype(np.float32)]
    write_embedding_set(
        project.embeddings_path / "initial", ids=pa.array(ids), vectors=blocks, stamp=stamp
    )
    activate(project, Active(None, "initial"))
    texts = [f"Shop > {names[leaf]} > deeper" for leaf in leaf_of]
    pq.write_table(pa.table({"id": ids, "category": texts}), project.reference_path)
    return project
