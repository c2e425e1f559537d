"""A small shop whose gold, texts and copies are as a test wants them."""

from collections import defaultdict
from collections.abc import Callable, Mapping

import pytest

from productnet.annotation.decisions import Role, Verdict, decide
from productnet.annotation.state import State
from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.catalog.store.faults import StoreNoise
from productnet.catalog.store.leaves import store_taxonomy
from productnet.catalog.store.stream import generate_products
from productnet.embeddings.initial import embed_initial
from productnet.embeddings.near_duplicates import find_near_duplicates
from productnet.inspection.flaws import Flaw
from productnet.inspection.registry import INSPECTIONS
from productnet.inspection.subject import Subject
from productnet.progress import SILENT
from productnet.settings import PAPER_FIELDS, EncoderSettings, Project, Settings
from productnet.taxonomy.readers import read_taxonomy

SIZE = 500
SHELVES = 3

Find = Callable[..., list[Flaw]]


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[str, str]]:
    """Products of the fullest shelves, without pictures, embedded; and the leaf of each."""
    folder = tmp_path_factory.mktemp("inspected")
    project = Project.create(folder / "shop", Settings(encoders=EncoderSettings(text="static")))
    tree = folder / "taxonomy.txt"
    tree.write_text(store_taxonomy(), encoding="utf-8")
    taxonomy = read_taxonomy(tree)
    taxonomy.save(project.taxonomy_path)
    noise = StoreNoise.none()
    made = list(generate_products(5 * SIZE, seed=2, noise=noise, images=False))
    shelves: defaultdict[str, list[str]] = defaultdict(list)
    for leaf in taxonomy.leaves:
        shelves[leaf.path[-2]].append(leaf.label)
    full = sorted(shelves.values(), key=len, reverse=True)[:SHELVES]
    chosen = {path for leaves in full for path in leaves}
    kept = [one for one in made if one.category in chosen][:SIZE]
    products = [Product(one.id, one.texts, fingerprint=one.id.encode()[-8:]) for one in kept]
    Pool.create(project.pool_path, PAPER_FIELDS).append(products_to_table(products, PAPER_FIELDS))
    embed_initial(project)
    find_near_duplicates(project)
    return project, {one.id: taxonomy.find(str(one.category)).id for one in kept}


def gold(labels: Mapping[str, str]) -> State:
    """A log in which a trusted feed said so."""
    state = State()
    state.apply(
        (seq, decide(Role.IMPORT, product, leaf, verdict=Verdict.POSITIVE, annotator="imported"))
        for seq, (product, leaf) in enumerate(labels.items(), start=1)
    )
    return state


@pytest.fixture
def find(shop: tuple[Project, dict[str, str]]) -> Find:
    """Gives what an inspection finds where these products are gold."""

    def look(name: str, labels: Mapping[str, str], *, project: Project | None = None) -> list[Flaw]:
        return list(INSPECTIONS[name](Subject(project or shop[0], state=gold(labels)), SILENT))

    return look
