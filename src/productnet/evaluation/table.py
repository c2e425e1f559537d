"""Table 1 of the paper: the master model beside what else could have been used."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID, IMAGE
from productnet.errors import TrainingError, UnknownName, UnknownProduct, did_you_mean
from productnet.evaluation.baselines import BagOfWords, text_columns
from productnet.evaluation.metrics import Floats, macro_f1, truth_columns, truth_ranks
from productnet.progress import SILENT, Progress
from productnet.settings import Project


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
    """What every contender gets: products to learn from, and products to score."""

    train: pa.Table
    labels: list[str]
    test: pa.Table
    preset: str
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
    preset: str = "fast",
    seed: int = 0,
    names: Sequence[str] | None = None,
    contenders: Mapping[str, Contender] | None = None,
    progress: Progress = SILENT,
) -> list[TableRow]:
    """Train every contender on the same products and test it on the same others.

    Args:
        products: A project, or a table with ``id``, text columns and perhaps ``image``.
        train_labels: Product id to category id of the train side.
        test_labels: The same of the test side.
        preset: Preset of the master model.
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
    train, test = _rows(products, list(train_labels)), _rows(products, list(test_labels))
    task = Task(train, list(train_labels.values()), test, preset, seed, progress)
    chosen = _possible(known, train) if names is None else list(names)
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


def _master(task: Task, fields: tuple[str, ...] | None) -> Scored:
    from productnet.master.model import MasterModel

    model = MasterModel(task.preset, fields=fields, seed=task.seed)
    model.fit(task.train, task.labels, progress=task.progress)
    return Scored(model.predict_proba(task.test), model.classes)


def _master_all(task: Task) -> Scored:
    return _master(task, None)


def _master_text(task: Task) -> Scored:
    return _master(task, tuple(text_columns(task.train)))


def _master_image(task: Task) -> Scored:
    return _master(task, (IMAGE,))


def _bag_of_words(task: Task) -> Scored:
    model = BagOfWords(seed=task.seed).fit(task.train, task.labels)
    return Scored(model.score(task.test), model.classes)


MASTER = "master"
CONTENDERS: dict[str, Contender] = {
    MASTER: _master_all,
    "text only": _master_text,
    "image only": _master_image,
    "bag of words": _bag_of_words,
}


def _possible(known: Mapping[str, Contender], train: pa.Table) -> list[str]:
    """The contenders whose kind of input the products have at all."""
    has_text = any(train.column(name).null_count < len(train) for name in text_columns(train))
    has_image = IMAGE in train.column_names and train.column(IMAGE).null_count < len(train)
    unusable = {
        "image only": not has_image,
        "text only": not has_text,
        "bag of words": not has_text,
    }
    return [name for name in known if not unusable.get(name, False)]


def _rows(products: Project | pa.Table, ids: list[str]) -> pa.Table:
    if isinstance(products, Project):
        pool = Pool.open(products.pool_path)
        return pool.take(ids, columns=[ID, *pool.fields, IMAGE])
    row_of = {product: row for row, product in enumerate(products.column(ID).to_pylist())}
    if missing := [product for product in ids if product not in row_of]:
        raise UnknownProduct(f'Product "{missing[0]}" is labelled but not among the products.')
    return products.take([row_of[product] for product in ids])
