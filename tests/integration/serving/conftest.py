"""One small project with a round in use, shared by all that hands the pool on."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from productnet.catalog.importer import import_feed
from productnet.catalog.pool import Pool
from productnet.catalog.store.files import write_store
from productnet.embeddings.active import Active, activate
from productnet.embeddings.initial import embed_initial
from productnet.embeddings.sets import write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.evaluation.reference import read_reference
from productnet.master.model import MasterModel
from productnet.master.predictions import PREDICTIONS_FILE, likeliest
from productnet.retrieval.guesses import refresh_guesses
from productnet.settings import EncoderSettings, Project, Settings
from productnet.taxonomy.readers import read_taxonomy
from productnet.taxonomy.tree import Taxonomy

SIZE = 240


@pytest.fixture(scope="session")
def before_round(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Embedded, with guesses, and nobody has labelled anything."""
    folder = tmp_path_factory.mktemp("serving")
    files = write_store(folder / "feed", size=SIZE, seed=9, images=False)
    settings = Settings(encoders=EncoderSettings(text="static", dimension=32))
    project = Project.create(folder / "shop", settings)
    read_taxonomy(files.taxonomy).save(project.taxonomy_path)
    import_feed(project, files.feed)
    shutil.copyfile(files.reference, project.reference_path)
    embed_initial(project)
    refresh_guesses(project)
    return project


@pytest.fixture(scope="session")
def after_round(before_round: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same with a master model, its embedding set and its predictions in use."""
    root = tmp_path_factory.mktemp("rounds") / "shop"
    shutil.copytree(before_round.root, root)
    project = Project.open(root)
    truth = read_reference(project, Taxonomy.load(project.taxonomy_path))
    model = MasterModel("fast", dimension=16, epochs=12, fields=("title",)).fit(project, truth)
    folder = project.round_path(1)
    model.save(folder / "model")
    blocks = list(model.embed(project))
    pool = Pool.open(project.pool_path)
    write_embedding_set(
        project.embeddings_path / "round-0001",
        ids=pool.ids(),
        vectors=iter([np.concatenate([block.vectors for block in blocks])]),
        stamp=Stamp(
            name="round-0001",
            encoder="master:fast",
            dimension=16,
            count=len(pool),
            pool_version=pool.version,
            taxonomy_hash=None,
            seed=0,
            created_at=datetime.now(UTC).isoformat(),
        ),
    )
    told = [likeliest(one.ids, one.probabilities, model.classes, count=3) for one in blocks]
    pq.write_table(pa.concat_tables(told), folder / PREDICTIONS_FILE)
    activate(project, Active(round=1, embedding_set="round-0001"))
    return project


@pytest.fixture
def own_copy(after_round: Project, tmp_path: Path) -> Project:
    """A project with a round that a test may change."""
    shutil.copytree(after_round.root, tmp_path / "own")
    return Project.open(tmp_path / "own")
