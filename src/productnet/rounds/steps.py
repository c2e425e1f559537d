"""What each step of a round does: from gold to an embedding set and recommended categories.

Every step reads what earlier steps left in the round's folder, writes its own output whole or not
at all, and gives the same output when run again, so that a killed round can start it over.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from productnet.annotation.log import DecisionLog
from productnet.annotation.state import State
from productnet.catalog.pool import Pool
from productnet.embeddings.active import Active, activate
from productnet.embeddings.map import active_map, build_map
from productnet.embeddings.sets import EmbeddingSet, build_index, write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.errors import TrainingError
from productnet.evaluation.round_metrics import METRICS_FILE, Epoch, measure_round
from productnet.evaluation.table import CONTENDERS, MASTER, Scored, evaluate_table
from productnet.files import drafted, write_atomically
from productnet.master.cross_fit import folds_for
from productnet.master.fitting import Keeping
from productnet.master.model import MasterModel
from productnet.master.model_card import MODEL_CARD
from productnet.master.predictions import PREDICTION_SCHEMA, PREDICTIONS_FILE, likeliest
from productnet.master.presets import Preset, find_preset
from productnet.master.sources import PoolPart
from productnet.progress import Progress
from productnet.release.groups import copies_of, pool_groups
from productnet.release.splits import (
    GOLD_FILE,
    HARD_NEGATIVES_FILE,
    Side,
    Split,
    read_hard_negatives,
    split_gold,
)
from productnet.retrieval.recommendations import write_recommendations
from productnet.rounds.record import RoundRecord, Step
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

# Recommended categories kept of each product.
RECOMMENDED = 3

MODEL_FOLDER = "model"
CHECKPOINTS_FOLDER = "checkpoints"


@dataclass(frozen=True)
class Turn:
    """A round in progress: the project, the round's record and who watches."""

    project: Project
    record: RoundRecord
    progress: Progress

    def path(self, name: str) -> Path:
        """A file of the round's folder."""
        return self.record.folder(self.project) / name

    def gold(self, side: Side) -> dict[str, str]:
        """Product id to category id of one side of the gold this round froze."""
        split = Split.load(self.path(GOLD_FILE))
        return split.train if side is Side.TRAIN else split.test

    def hard_negatives(self) -> dict[str, list[str]]:
        """Product id to the leaves that it was rejected for, of those this round learns from."""
        return read_hard_negatives(self.path(HARD_NEGATIVES_FILE))

    @property
    def preset(self) -> Preset:
        """The round's preset, with its image encoder."""
        preset = find_preset(self.record.preset)
        return preset.with_image(self.record.image) if self.record.image else preset

    def model(self) -> MasterModel:
        """The round's trained model."""
        return MasterModel.load(self.path(MODEL_FOLDER))


def train(turn: Turn) -> None:
    """Freeze gold, its split and hard negatives, and train the master model on the train side."""
    _freeze(turn)
    taxonomy = Taxonomy.load(turn.project.taxonomy_path)
    model = MasterModel(
        turn.preset,
        dimension=turn.record.dimension,
        seed=turn.record.seed,
        taxonomy=f"{taxonomy.name} {taxonomy.version}",
    )
    gold, negatives = turn.gold(Side.TRAIN), turn.hard_negatives()
    model.fit(
        turn.project,
        gold,
        negatives=negatives,
        groups=copies_of(turn.project, [*gold, *negatives]),
        folds=turn.project.settings.master.folds or folds_for(turn.preset, len(gold)),
        keeping=Keeping(checkpoints=turn.path(CHECKPOINTS_FOLDER)),
        progress=turn.progress,
    )
    model.save(turn.path(MODEL_FOLDER))
    shutil.rmtree(turn.path(CHECKPOINTS_FOLDER), ignore_errors=True)


def evaluate(turn: Turn) -> None:
    """Measure the model on the test side, beside the baselines of the paper's Table 1."""
    model, train_labels, test_labels = turn.model(), turn.gold(Side.TRAIN), turn.gold(Side.TEST)
    baselines = {name: one for name, one in CONTENDERS.items() if name != MASTER}
    rows = evaluate_table(
        turn.project,
        train_labels,
        test_labels,
        preset=turn.preset,
        seed=turn.record.seed,
        contenders=baselines,
        progress=turn.progress,
    )
    blocks = list(model.embed(PoolPart(turn.project, list(test_labels))))
    probabilities = np.concatenate([block.probabilities for block in blocks])  # (N, K)
    taxonomy = Taxonomy.load(turn.project.taxonomy_path)
    metrics = measure_round(
        Scored(probabilities, model.classes),
        test_labels,
        {leaf.id: leaf.path for leaf in taxonomy.leaves},
        round=turn.record.number,
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        n_train=len(train_labels),
        seconds=dict(zip(turn.record.done, turn.record.seconds, strict=True)),
        baselines=rows,
        history=[
            Epoch(epoch.loss, epoch.accuracy, epoch.validation_loss) for epoch in model.history
        ],
        vectors=np.concatenate([block.vectors for block in blocks]),
        certainty=model.certainty if model.is_calibrated else None,
        temperature=model.temperature,
        seed=turn.record.seed,
    )
    metrics.save(turn.path(METRICS_FILE))
    own = metrics.master
    tested = {"top-1": own.top1, "top-3": own.top3, "top-5": own.top5, "macro F1": own.macro_f1}
    write_atomically(turn.path(MODEL_FOLDER) / MODEL_CARD, model.model_card(tested=tested))


def embed(turn: Turn) -> None:
    """Embed the pool with the trained model; the same pass keeps each product's best categories.

    Memory: one block of products beside the model, whatever the pool's size.
    """
    model = turn.model()
    pool = Pool.open(turn.project.pool_path)
    with (
        drafted(turn.path(PREDICTIONS_FILE)) as draft,
        pq.ParquetWriter(draft, PREDICTION_SCHEMA) as predictions,
    ):

        def vectors() -> Iterator[np.ndarray]:
            for block in model.embed(turn.project, progress=turn.progress):
                best = likeliest(block.ids, block.probabilities, model.classes, count=RECOMMENDED)
                predictions.write_table(best)
                yield block.vectors

        write_embedding_set(
            turn.project.embeddings_path / turn.record.name,
            ids=pool.ids(),
            vectors=vectors(),
            stamp=Stamp(
                name=turn.record.name,
                encoder=f"master:{turn.record.preset}",
                dimension=model.dimension,
                count=len(pool),
                pool_version=pool.version,
                taxonomy_hash=turn.record.taxonomy_hash,
                seed=turn.record.seed,
                created_at=turn.record.started_at,
            ),
        )


def index(turn: Turn) -> None:
    """Build the nearest-neighbour index of the new embedding set, and draw its map."""
    embedding_set = EmbeddingSet.open(turn.project.embeddings_path / turn.record.name)
    build_index(embedding_set, progress=turn.progress)
    build_map(embedding_set, like=active_map(turn.project), progress=turn.progress)


def recommend(turn: Turn) -> None:
    """Keep the predicted categories of products that are not gold yet."""
    gold = turn.gold(Side.TRAIN) | turn.gold(Side.TEST)
    predictions = pq.read_table(turn.path(PREDICTIONS_FILE))
    write_recommendations(turn.record.folder(turn.project), predictions, gold=gold)


def activate_round(turn: Turn) -> None:
    """Make this round's model and embedding set the ones in use, in one atomic replacement."""
    activate(turn.project, Active(round=turn.record.number, embedding_set=turn.record.name))


STEPS: Mapping[Step, Callable[[Turn], None]] = {
    Step.TRAIN: train,
    Step.EVALUATE: evaluate,
    Step.EMBED: embed,
    Step.INDEX: index,
    Step.RECOMMEND: recommend,
    Step.ACTIVATE: activate_round,
}


def _freeze(turn: Turn) -> None:
    """Write what the round learns from once: decisions made meanwhile belong to the next one."""
    if turn.path(GOLD_FILE).exists() and turn.path(HARD_NEGATIVES_FILE).exists():
        return
    with DecisionLog.open(turn.project.database_url) as log:
        state = log.whole()
    gold = state.gold_labels()
    if len(set(gold.values())) < 2:
        raise TrainingError(
            f"A round needs gold in at least two leaves; there is gold in {len(set(gold.values()))}"
            ". Label and audit more (`productnet status` shows each leaf), or import trusted "
            "labels with `productnet import FEED --labels COLUMN --trusted`."
        )
    pool = Pool.open(turn.project.pool_path)
    split = split_gold(pool, gold, test_share=turn.record.test_share, seed=turn.record.seed)
    split.save(turn.path(GOLD_FILE))
    _freeze_hard_negatives(turn.path(HARD_NEGATIVES_FILE), state, split, pool)


def _freeze_hard_negatives(path: Path, state: State, split: Split, pool: Pool) -> None:
    """Write hard negatives that are nobody's gold and no near-duplicates of the test side."""
    gold = split.train | split.test
    rejected = [
        (product, leaf)
        for leaf in sorted(state.categories())
        for product in sorted(state.hard_negatives(leaf))
        if product not in gold
    ]
    groups = pool_groups(pool, gold.keys() | {product for product, _ in rejected})
    tested = {groups[product] for product in split.test}
    kept = [(product, leaf) for product, leaf in rejected if groups[product] not in tested]
    schema = pa.schema([("product", pa.string()), ("category", pa.string())])
    rows = [dict(zip(schema.names, pair, strict=True)) for pair in kept]
    with drafted(path) as draft:
        pq.write_table(pa.Table.from_pylist(rows, schema), draft)
