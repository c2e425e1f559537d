"""The model in Python without a server: many who ask at once, bad products, other models."""

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from productnet.catalog.schema import Product
from productnet.errors import (
    EmbeddingError,
    ImageError,
    ModelError,
    UnknownName,
    UnknownProduct,
    UsageError,
)
from productnet.master.model import MasterModel
from productnet.rounds.steps import MODEL_FOLDER
from productnet.serving.service.model_service import ModelService
from productnet.serving.service.watch import Watch, mark_of_folder, mark_of_project
from productnet.settings import Project
from tests.integration.serving.api.conftest import goods, picture, table_of, use


def test_many_threads_get_what_the_model_says(made_project: Path, service: ModelService) -> None:
    products = goods()
    model = MasterModel.load(Project.open(made_project).round_path(1) / MODEL_FOLDER)
    alone = model.predict_proba(table_of(products))
    with ThreadPoolExecutor(16) as threads:
        asked = list(threads.map(lambda one: service.categorize([one])[0], products * 3))
    for place, said in enumerate(asked):
        row = place % len(products)
        assert said.product == products[row].id
        assert said.categories[0].category == model.classes[alone[row].argmax()]
        assert said.categories[0].confidence == pytest.approx(alone[row].max(), abs=1e-4)
        assert said.categories[0].path[0] == "Home"


def test_embeddings_are_the_models_own(made_project: Path, service: ModelService) -> None:
    products = goods()[:3]
    model = MasterModel.load(Project.open(made_project).round_path(1) / MODEL_FOLDER)
    vectors = np.stack(service.embed(products))
    np.testing.assert_allclose(vectors, model.encode(table_of(products)), atol=1e-4)
    cut = service.embed(products, dimension=8)[0]
    assert cut.shape == (8,)
    assert np.linalg.norm(cut) == pytest.approx(1)
    with pytest.raises(ModelError, match="does not serve at 9 dimensions, only at 8, 16"):
        service.embed(products, dimension=9)


def test_a_wanted_precision_gives_one_category_or_a_reason(service: ModelService) -> None:
    product = goods()[0]
    (sure,) = service.categorize([product], precision=0.2)
    assert sure.category == sure.categories[0].category
    assert sure.reason is None
    strange = Product("2", {"title": "zzz qqq"})
    (unsure,) = service.categorize([strange], precision=0.999, top=1)
    assert len(unsure.categories) == 1
    if unsure.category is None:
        assert unsure.reason is not None and unsure.reason.startswith("unsure")
    with pytest.raises(UsageError, match="false_accept goes with precision"):
        service.categorize([product], false_accept=0.1)
    with pytest.raises(ModelError, match="needs 9 hidden leaves"):
        service.categorize([product], precision=0.9, false_accept=0.1)


@pytest.mark.parametrize(
    ("product", "error", "said"),
    [
        (Product("1", {"titel": "mug"}), UnknownName, 'no field "titel". Did you mean "title"'),
        (Product("1", {"title": "  "}), UsageError, "nothing that the model reads. Give it title"),
        (Product("1", {}, image=b"no image"), ImageError, "image"),
        (Product("1", {}, image=picture("red")[:-300]), ImageError, "damaged"),
        (Product("1", {}, image=b"<svg/>"), ImageError, "SVG|svg|HTML|text"),
    ],
)
def test_a_product_that_cannot_be_used_says_why(
    service: ModelService, product: Product, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        service.categorize([product])


def test_the_others_of_a_list_are_answered(service: ModelService) -> None:
    good = Product("a", {"title": "red coffee mug"}, image=picture("red"))
    bad = Product("b", {"title": "blue vase"}, image=picture("blue")[:-300])
    answer = service.look([bad, good, Product("c", {})])
    assert [isinstance(one, Exception) for one in answer.outcomes] == [True, False, True]


def test_similar_products_of_the_pool(service: ModelService) -> None:
    near = service.similar(Product("new", {"title": "blue vase", "brand": "Flora"}), count=5)
    assert [one.product.split("-")[0] for one in near] == ["vases"] * 5
    assert near[0].similarity >= near[-1].similarity
    known = service.similar_to("mugs-red-small", count=3)
    assert len(known) == 3
    assert "mugs-red-small" not in [one.product for one in known]
    vases = service.similar_to("mugs-red-small", count=3, category="Vases")
    assert [one.product.split("-")[0] for one in vases] == ["vases"] * 3
    with pytest.raises(UnknownProduct, match=r'round-0001 has no product "nobody"'):
        service.similar_to("nobody")


def test_a_model_in_a_folder_needs_no_project(project: Project) -> None:
    folder = project.round_path(2) / MODEL_FOLDER
    with ModelService.of_folder(folder) as service:
        (said,) = service.categorize([Product("1", {"title": "red coffee mug"})])
        assert len(said.categories) == 2
        assert not service.now.reads_images
        with pytest.raises(EmbeddingError, match="leave --model out"):
            service.similar(Product("1", {"title": "mug"}))


def test_another_round_takes_over_and_nobody_is_dropped(project: Project) -> None:
    """Asked all the while by four threads."""
    failed: list[Exception] = []
    models: list[str] = []
    ended = threading.Event()
    products = goods()

    def ask() -> None:
        while not ended.is_set():
            try:
                answer = service.look(products[:3])
                assert not any(isinstance(one, Exception) for one in answer.outcomes)
                models.append(answer.model.name)
            except Exception as error:
                failed.append(error)

    with ModelService.of_project(project) as service:
        watch = Watch(service, mark_of_project(project), every=0.02)
        with ThreadPoolExecutor(4) as threads:
            for _ in range(4):
                threads.submit(ask)
            for number in (2, 1, 2):
                use(project, number)
                _until(lambda name=f"round-000{number}": models[-1:] == [name])  # type: ignore[misc]
            ended.set()
        watch.close()
    assert failed == []
    assert service.swaps == 3


def test_a_damaged_model_is_not_served(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    folder = project.round_path(1) / MODEL_FOLDER
    with ModelService.of_folder(folder) as service:
        before = service.now
        watch = Watch(service, mark_of_folder(folder), every=0.02)
        weights = folder / "weights.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1])
        card = folder / "model.json"
        card.write_bytes(card.read_bytes() + b"\n")
        _until(lambda: "cannot be served" in caplog.text)
        assert service.now is before
        assert service.categorize(goods()[:1])
        watch.close()


def test_a_damaged_note_of_what_is_in_use_is_told_once(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    with ModelService.of_project(project) as service:
        looks = itertools.count()
        mark = mark_of_project(project)
        watch = Watch(service, lambda: (next(looks), mark())[1], every=0.01)
        project.active_path.write_text("{")
        _until(lambda: "cannot be served" in caplog.text)
        seen = next(looks)
        _until(lambda: next(looks) > seen + 5)
        assert caplog.text.count("cannot be served") == 1
        use(project, 2)
        _until(lambda: service.now.name == "round-0002")
        watch.close()


def _until(true: Callable[[], bool], *, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
