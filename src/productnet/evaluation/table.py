"""Table 1 of the paper: the master model beside what else could have been used."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID, IMAGE
from productnet.errors import TrainingError, UnknownName, UnknownProduct, did_you_mean
from productnet.evaluation.baselines import BagOfWords, text_columns
from productnet.evaluation.metrics import Floats, macro_f1, truth_columns, truth_ranks
from productnet.master.presets import Preset
from productnet.progress import SILENT, Progress
from productnet.settings import PAPER_FIELDS, Project


@dataclass(frozen=True, slots=True)
class TableRow:
    """How one model did on the test side of gold.

    Attributes:
        name: Which model.
        top1: Share of test products whose leaf is the first guess, 0 to 1.
        top3: The same within three guesses.
        top5: The same within five guesses.
        macro_f1: F1 averaged over leaves.
        seconds: Wall-clock seconds to train and predict.
        n_train: Products trained on.
        n_test: Products tested on.
    """

    name: str
    top1: float
    top3: float
    top5: float
    macro_f1: float
    seconds: float
    n_train: int
    n_test: int


class Task(NamedTuple):
    """What every contender gets.

    Attributes:
        source: Where the products come from; a project has features cached.
        labels: Product id to category id of the train side.
        train: The products of ``labels``, in that order: ``id``, text fields, perhaps ``image``.
        test: The products to score, with the same columns.
        preset: Preset of the master model.
        seed: Of everything random.
        progress: Who watches.
    """

    source: Project | pa.Table
    labels: Mapping[str, str]
    train: pa.Table
    test: pa.Table
    preset: str | Preset
    seed: int
    progress: Progress


class Scored(NamedTuple):
    """What every contender answers: (N, K) scores and the category id of each column."""

    scores: Floats
    classes: tuple[str, ...]


Contender = Callable[[Task], Scored]


def evaluate_table(
    products: Project | pa.Table,
    train_labels: Mapping[str, str],
    test_labels: Mapping[str, str],
    *,
    preset: str | Preset = "fast",
    fields: Sequence[str] | None = None,
    seed: int = 0,
    names: Sequence[str] | None = None,
    contenders: Mapping[str, Contender] | None = None,
    progress: Progress = SILENT,
) -> list[TableRow]:
    """Train every contender on the same products and test it on the same others.

    Args:
        products: A project, or a table with ``id``, text fields and perhaps ``image``.
        train_labels: Product id to category id of the train side.
        test_labels: The same of the test side.
        preset: Preset of the master model.
        fields: Text fields to use; by default a project's own, and of a table those of the
            paper (section 2.2), for other columns might hold the answer.
        seed: Seed of every contender.
        names: Only these rows; all that the products allow when absent (a pool without images
            has no "image only").
        contenders: Replaces ``CONTENDERS``.
        progress: Who watches.

    Raises:
        TrainingError: One of the sides is empty.
        UnknownName: A name in ``names`` is no contender.
        UnknownProduct: A labelled product is not among the products.
    """
    known = CONTENDERS if contenders is None else contenders
    for side, labels in (("train", train_labels), ("test", test_labels)):
        if not labels:
            raise TrainingError(
                f"The {side} side of gold is empty. Confirm more products by audit first."
            )
    train, test = (_rows(products, list(side), fields) for side in (train_labels, test_labels))
    task = Task(products, train_labels, train, test, preset, seed, progress)
    chosen = _usable(known, _Inputs.of_table(train)) if names is None else list(names)
    if unknown := [name for name in chosen if name not in known]:
        raise UnknownName(
            f'Table 1 has no row "{unknown[0]}". {did_you_mean(unknown[0], known)}'.rstrip()
        )
    rows = []
    with progress.task("Comparing models", total=len(chosen)) as advance:
        for name in chosen:
            started = time.perf_counter()
            scored = known[name](task)
            seconds = time.perf_counter() - started
            truth = list(test_labels.values())
            rows.append(table_row(name, scored, truth, seconds=seconds, n_train=len(train)))
            advance(1)
    return rows


def table_row(
    name: str, scored: Scored, truth: Sequence[str], *, seconds: float, n_train: int
) -> TableRow:
    """The row of one model from its scores of the test products.

    Args:
        name: Which model.
        scored: (N, K) scores with their classes.
        truth: N category ids.
        seconds: Wall-clock seconds to train and predict.
        n_train: Products trained on.
    """
    columns = truth_columns(truth, scored.classes)  # (N,)
    ranks = truth_ranks(scored.scores, columns)  # (N,)
    return TableRow(
        name=name,
        top1=float(np.mean(ranks <= 1)),
        top3=float(np.mean(ranks <= 3)),
        top5=float(np.mean(ranks <= 5)),
        macro_f1=macro_f1(scored.scores.argmax(axis=1), columns),
        seconds=seconds,
        n_train=n_train,
        n_test=len(truth),
    )


def _master(task: Task, *, text: bool, image: bool) -> Scored:
    from productnet.master.model import MasterModel
    from productnet.master.sources import PoolPart

    has_image = IMAGE in task.train.column_names
    fields = (*text_columns(task.train),) * text + (IMAGE,) * (image and has_image)
    model = MasterModel(task.preset, fields=fields, seed=task.seed)
    model.fit(task.source, task.labels, progress=task.progress)
    test = task.test
    if isinstance(task.source, Project):
        # By way of the pool, whose features are cached.
        test = PoolPart(task.source, test.column(ID).to_pylist())
    return Scored(model.predict_proba(test), model.classes)


def _bag_of_words(task: Task) -> Scored:
    model = BagOfWords(seed=task.seed).fit(task.train, list(task.labels.values()))
    return Scored(model.score(task.test), model.classes)


MASTER = "master"
CONTENDERS: dict[str, Contender] = {
    MASTER: partial(_master, text=True, image=True),
    "text only": partial(_master, text=True, image=False),
    "image only": partial(_master, text=False, image=True),
    "bag of words": _bag_of_words,
}


class _Inputs(NamedTuple):
    """Which kinds of input there is any of."""

    text: bool
    image: bool

    @classmethod
    def of_table(cls, products: pa.Table) -> "_Inputs":
        texts = [products.column(name) for name in text_columns(products)]
        images = [products.column(IMAGE)] if IMAGE in products.column_names else []
        return cls(*(any(c.null_count < len(c) for c in kind) for kind in (texts, images)))


def _usable(known: Mapping[str, Contender], inputs: _Inputs) -> list[str]:
    """The contenders whose kind of input the products have."""
    missing = {"image only": not inputs.image}
    missing |= {"text only": not inputs.text, "bag of words": not inputs.text}
    return [name for name in known if not missing.get(name, False)]


def _rows(products: Project | pa.Table, ids: list[str], fields: Sequence[str] | None) -> pa.Table:
    """The products of these ids, in order: id, text fields, and image where there is one."""
    if isinstance(products, Project):
        pool = Pool.open(products.pool_path)
        return pool.take(ids, columns=[ID, *(fields or pool.fields), IMAGE])
    wanted = (ID, *(fields or PAPER_FIELDS), IMAGE)
    row_of = {product: row for row, product in enumerate(products.column(ID).to_pylist())}
    if missing := [product for product in ids if product not in row_of]:
        raise UnknownProduct(f'Product "{missing[0]}" is labelled but not among the products.')
    columns = [name for name in wanted if name in products.column_names]
    return products.select(columns).take([row_of[product] for product in ids])
