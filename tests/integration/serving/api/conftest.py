"""A small trained model of mugs and vases, in a project whose round it is, and its API."""

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from starlette.testclient import TestClient

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID, IMAGE, Product, products_to_table
from productnet.embeddings.active import Active, activate
from productnet.embeddings.sets import write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.master.model import MasterModel
from productnet.master.predictions import PREDICTIONS_FILE, likeliest
from productnet.rounds.steps import MODEL_FOLDER
from productnet.serving.api.app import create_app
from productnet.serving.service.model_service import ModelService
from productnet.settings import Project, ServingSettings, Settings, round_name
from productnet.taxonomy.readers import read_taxonomy

FIELDS = ("title", "brand")
COLOURS = {
    "red": (200, 30, 30),
    "blue": (30, 30, 200),
    "green": (30, 160, 30),
    "black": (10, 10, 10),
    "grey": (120, 120, 120),
    "pink": (240, 150, 180),
    "teal": (0, 128, 128),
    "gold": (212, 175, 55),
}

# A model of this machine alone is asked for under its own name.
HERE = "http://127.0.0.1"

Serving = Callable[..., TestClient]


def picture(colour: str, *, kind: str = "mugs", format: str = "JPEG") -> bytes:
    """A square of the colour on white; wide for mugs, high for vases."""
    image = Image.new("RGB", (64, 64), "white")
    size = (40, 20) if kind == "mugs" else (20, 40)
    image.paste(COLOURS[colour], (10, 10, 10 + size[0], 10 + size[1]))
    buffer = io.BytesIO()
    image.save(buffer, format)
    return buffer.getvalue()


def goods() -> list[Product]:
    """Sixteen mugs and as many vases, one of each colour and size."""
    return [
        Product(
            f"{kind}-{colour}-{size}",
            {"title": f"{size} {colour} {word}", "brand": maker},
            image=picture(colour, kind=kind),
            fingerprint=bytes(8),
        )
        for kind, word, maker in (("mugs", "coffee mug", "Falcon"), ("vases", "vase", "Flora"))
        for colour in COLOURS
        for size in ("small", "large")
    ]


@pytest.fixture(scope="session")
def made_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rounds, the first of which is in use; the second knows no pictures."""
    project = Project.create(
        tmp_path_factory.mktemp("serving") / "shop",
        Settings.model_validate({"catalog": {"fields": FIELDS}}),
    )
    paths = project.root / "paths.txt"
    paths.write_text("Home > Mugs\nHome > Vases\n")
    taxonomy = read_taxonomy(paths)
    taxonomy.save(project.taxonomy_path)
    table = products_to_table(goods(), FIELDS)
    Pool.create(project.pool_path, FIELDS).append(table)
    categories = {kind: taxonomy.find(kind).id for kind in ("Mugs", "Vases")}
    labels = [categories[one.id.split("-")[0].capitalize()] for one in goods()]
    for number, fields in ((1, None), (2, ("text",))):
        model = MasterModel("fast", dimension=16, fields=fields, epochs=10, nested=(8,))
        model.fit(table.select([ID, *FIELDS, IMAGE]), labels)
        model.save(project.round_path(number) / MODEL_FOLDER)
        write_embedding_set(
            project.embeddings_path / round_name(number),
            ids=table.column(ID).combine_chunks(),
            vectors=[model.encode(table.select([ID, *FIELDS, IMAGE]))],
            stamp=Stamp(
                round_name(number),
                "master",
                16,
                len(table),
                1,
                None,
                0,
                "2030-01-01T00:00:00+00:00",
            ),
        )
        told = model.predict_proba(table.select([ID, *FIELDS, IMAGE]))
        predicted = likeliest(table.column(ID).to_pylist(), told, model.classes, count=2)
        pq.write_table(predicted, project.round_path(number) / PREDICTIONS_FILE)
    use(project, 1)
    return project.root


@pytest.fixture
def project(made_project: Path, tmp_path: Path) -> Project:
    """A copy of the project, for one test."""
    return Project.open(Path(shutil.copytree(made_project, tmp_path / "shop")))


@pytest.fixture(scope="session")
def service(made_project: Path) -> Iterator[ModelService]:
    """The model of the first round; tests change nothing of it."""
    project = Project.open(made_project)
    # However busy the machine is that the tests run on.
    patient = ServingSettings(patience_ms=600_000)
    settings = project.settings.model_copy(update={"serving": patient})
    with ModelService.of_project(Project(project.root, settings)) as opened:
        yield opened


@pytest.fixture(scope="session")
def client(service: ModelService, made_project: Path) -> Iterator[TestClient]:
    """The API, open to this machine."""
    settings = Project.open(made_project).settings
    app = create_app(shared(service), settings=settings)
    with TestClient(app, base_url=HERE, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def serving(project: Project) -> Iterator[Serving]:
    """Serves the project with other settings."""
    with ExitStack() as stack:

        def serve(**limits: object) -> TestClient:
            limits = {"patience_ms": 600_000, **limits}
            settings = project.settings.model_copy(
                update={"serving": ServingSettings.model_validate(limits)}
            )
            opened = ModelService.of_project(Project(project.root, settings))
            app = create_app(opened, settings=settings)
            client = TestClient(app, base_url=HERE, raise_server_exceptions=False)
            return stack.enter_context(client)

        yield serve


def use(project: Project, number: int) -> None:
    """Have a round be the one in use."""
    activate(project, Active(number, round_name(number)))


def table_of(products: list[Product]) -> pa.Table:
    """Products as a model takes them."""
    return products_to_table(products, FIELDS).select([ID, *FIELDS, IMAGE])


def cosine(one: list[float], other: list[float]) -> float:
    """How alike two vectors are."""
    return float(np.dot(one, other))


def shared(service: ModelService) -> ModelService:
    """The service for an application that must not close it."""
    return cast(ModelService, _Shared(service))


class _Shared:
    def __init__(self, service: ModelService) -> None:
        self._service = service

    def __getattr__(self, name: str) -> object:
        return getattr(self._service, name)

    def close(self) -> None:
        """Whoever opened it closes it."""
