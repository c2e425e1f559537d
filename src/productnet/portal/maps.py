"""The map as the portal shows it: the places of the set in use, and the colours of its points.

What people answered colours a point only for whom it may be told to (``annotation/told.py``).
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from productnet.annotation.decisions import Verdict
from productnet.annotation.state import State
from productnet.annotation.told import Told, told
from productnet.annotation.verdicts import History, PairState, Stage
from productnet.embeddings.active import Active, active_set
from productnet.embeddings.map import EmbeddingMap, read_map
from productnet.embeddings.sets import EmbeddingSet
from productnet.errors import EmbeddingError
from productnet.master.predictions import PREDICTIONS_FILE
from productnet.people.accounts import Person
from productnet.people.roles import PersonRole
from productnet.retrieval.resources import Resources
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

# Leaves with a colour of their own; eyes cannot tell more apart, and these not easily.
COLOURED_LEAVES = 20

# Colourings kept: a byte a product each.
_KEPT = 32

Codes = NDArray[np.uint8]


class By(StrEnum):
    """What points are coloured by."""

    LEAF = "leaf"
    VERDICT = "verdict"
    DISAGREEMENT = "disagreement"


@dataclass(frozen=True, slots=True)
class Group:
    """Points of one colour.

    Attributes:
        code: The number that stands for it in the colours.
        kind: What it is: "leaf", "other", "none", a verdict, "agrees", "differs" or "disputed".
        label: In words.
        leaf: The leaf it is of, if it is of one.
        count: Its points.
        x: Of its middle, the median of its points.
        y: Likewise.
    """

    code: int
    kind: str
    label: str
    leaf: str | None
    count: int
    x: float
    y: float


@dataclass(frozen=True)
class Coloured:
    """One colouring: the code of each point (N,), and what codes mean.

    Attributes:
        version: Changes whenever anything else here may.
    """

    version: str
    codes: Codes
    groups: list[Group]


@dataclass(frozen=True)
class Shown:
    """The set in use and its map."""

    embedding_set: EmbeddingSet
    map: EmbeddingMap

    @property
    def version(self) -> str:
        """Tells this map from every other."""
        stamp = self.map.stamp
        return f"{stamp.embedding_set}-{stamp.count}-{stamp.set_created_at}"

    def ids(self, rows: Sequence[int]) -> list[str]:
        """The products of these rows, in their order."""
        found: list[str] = self.embedding_set.ids.take(pa.array(rows, pa.int64())).to_pylist()
        return found


@dataclass(frozen=True)
class Asking:
    """Who wants to see which colours of what.

    Attributes:
        state: What is decided.
        taxonomy: The category tree.
        person: Who asks.
        by: What points are coloured by.
        leaf: Of which leaf the verdicts are; of all when None.
        checks: The person's check items, and what they answered.
    """

    state: State
    taxonomy: Taxonomy
    person: Person
    by: By
    leaf: str | None
    checks: Mapping[tuple[str, str], Verdict | None]

    def pairs(self) -> Iterator[tuple[str, Verdict | None, Stage]]:
        """Products, their verdict and stage, of the leaf or of all, as far as one may see it."""
        for leaf in [self.leaf] if self.leaf else self.state.categories():
            pairs = self.state.pairs(leaf)
            for product, history in self.state.histories(pairs).items():
                known = self._told(product, leaf, pairs[product], history)
                if known is not None:
                    yield product, known.verdict, known.stage
        # A check item is shown as one's answer would have made it, had nobody else answered.
        for (product, leaf), said in self.checks.items():
            if said is not None and self.leaf in (None, leaf):
                yield product, said, Stage.LABELLED

    def gold(self) -> dict[str, str]:
        """The leaf of each gold product, as far as one may see it."""
        seen: dict[str, str] = {}
        labels = self.state.gold_labels()
        histories = self.state.histories(labels)
        for product, leaf in labels.items():
            pair = self.state.pair(product, leaf)
            known = self._told(product, leaf, pair, histories[product])
            if known and (known.verdict, known.stage) == (pair.verdict, pair.stage):
                seen[product] = leaf
        return seen

    def _told(self, product: str, leaf: str, pair: PairState, history: History) -> Told | None:
        if (product, leaf) in self.checks:
            return None
        settles = bool({PersonRole.ADJUDICATOR, PersonRole.ADMIN} & self.person.roles)
        return told(pair, history, leaf, self.person.name, settles=settles)


class Maps:
    """The map in use and its colourings, the last ones kept; safe to share between threads."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._shown: tuple[Resources, Shown] | None = None
        self._kept: OrderedDict[tuple[str, ...], Coloured] = OrderedDict()
        self._lock = Lock()

    def shown(self, resources: Resources) -> Shown:
        """The map of the set in use; raises EmbeddingError, saying why, if there is none."""
        with self._lock:
            if self._shown is None or self._shown[0] is not resources:
                opened = active_set(self._project)
                found = read_map(opened)
                if found is None:
                    raise EmbeddingError(
                        f'Embedding set "{opened.name}" has no map yet. Draw it with '
                        "`productnet embed`."
                    )
                self._shown = (resources, Shown(opened, found))
            return self._shown[1]

    def coloured(self, shown: Shown, asking: Asking, active: Active | None) -> Coloured:
        """The colours of every point, as this person may see them."""
        person = asking.person
        version = f"{shown.version}-{asking.state.seq}"
        roles = ",".join(sorted(person.roles))
        # Answers to check items are not in the log, so its sequence does not tell them.
        checks = repr(sorted(asking.checks.items(), key=lambda item: item[0]))
        key = (version, asking.by, asking.leaf or "", person.name, roles, checks)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        codes, groups = _COLOURINGS[asking.by](shown, asking, self._predictions(active))
        made = Coloured(version, codes, _with_middles(groups, codes, shown.map.points))
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

    def _predictions(self, active: Active | None) -> Path | None:
        if active is None or active.round is None:
            return None
        path = self._project.round_path(active.round) / PREDICTIONS_FILE
        return path if path.exists() else None


Named = list[tuple[str, str, str | None]]  # kind, label, leaf: by code
Colouring = Callable[[Shown, Asking, Path | None], tuple[Codes, Named]]


def _by_leaf(shown: Shown, asking: Asking, predictions: Path | None) -> tuple[Codes, Named]:
    """Gold leaves: those with the most products one by one, the others together."""
    gold = asking.gold()
    rows, leaves = shown.embedding_set.rows(list(gold)), list(gold.values())
    counts = Counter(leaf for leaf, row in zip(leaves, rows, strict=True) if row >= 0)
    largest = sorted(counts, key=lambda leaf: (-counts[leaf], leaf))[:COLOURED_LEAVES]
    code = {leaf: number for number, leaf in enumerate(largest, 1)}
    other = len(largest) + 1
    codes = _codes(shown, rows, [code.get(leaf, other) for leaf in leaves])
    names: Named = [("none", "No gold leaf", None)]
    names += [("leaf", asking.taxonomy.name_of(leaf), leaf) for leaf in largest]
    if len(counts) > len(largest):
        names.append(("other", f"{len(counts) - len(largest)} other leaves", None))
    return codes, names


# The later one holds where a product has several.
_VERDICTS = (Verdict.NEGATIVE, Verdict.UNSURE, Verdict.POSITIVE)


def _by_verdict(shown: Shown, asking: Asking, predictions: Path | None) -> tuple[Codes, Named]:
    """What was answered: for one leaf, or for any of them."""
    strongest: dict[str, int] = {}
    for product, verdict, _ in asking.pairs():
        if verdict is not None:
            code = _VERDICTS.index(verdict) + 1
            strongest[product] = max(code, strongest.get(product, 0))
    rows = shown.embedding_set.rows(list(strongest))
    names: Named = [("none", "No answer", None)]
    names += [(verdict.value, verdict.value.capitalize(), asking.leaf) for verdict in _VERDICTS]
    return _codes(shown, rows, list(strongest.values())), names


_AGREES, _DIFFERS, _DISPUTED = 1, 2, 3


def _by_disagreement(shown: Shown, asking: Asking, predictions: Path | None) -> tuple[Codes, Named]:
    """Where people differ, and where the master model differs from gold."""
    gold = asking.gold()
    found = {
        product: _AGREES if gold[product] == category else _DIFFERS
        for product, category in _predicted(predictions, shown)
        if product in gold
    }
    found |= {product: _DISPUTED for product, _, stage in asking.pairs() if stage is Stage.DISPUTED}
    rows = shown.embedding_set.rows(list(found))
    names: Named = [
        ("none", "Not gold, not disputed", None),
        ("agrees", "Master agrees", None),
        ("differs", "Master differs", None),
        ("disputed", "People disagree", None),
    ]
    return _codes(shown, rows, list(found.values())), names


_COLOURINGS: dict[By, Colouring] = {
    By.LEAF: _by_leaf,
    By.VERDICT: _by_verdict,
    By.DISAGREEMENT: _by_disagreement,
}


def _predicted(predictions: Path | None, shown: Shown) -> Iterator[tuple[str, str]]:
    """The likeliest category of each product."""
    if predictions is None:
        return
    table = pq.read_table(
        predictions, columns=["product", "category"], filters=pc.field("rank") == 1
    )
    for batch in table.to_batches(max_chunksize=65_536):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _codes(shown: Shown, rows: NDArray[np.int64], codes: list[int]) -> Codes:
    painted = np.zeros(len(shown.embedding_set), np.uint8)
    known = rows >= 0
    painted[rows[known]] = np.array(codes, np.uint8)[known]
    return painted


def _with_middles(names: Named, codes: Codes, points: NDArray[np.float32]) -> list[Group]:
    counts = np.bincount(codes, minlength=len(names))
    groups = []
    for code, (kind, label, leaf) in enumerate(names):
        x, y = np.median(points[codes == code], axis=0).tolist() if counts[code] else (0.0, 0.0)
        groups.append(Group(code, kind, label, leaf, int(counts[code]), x, y))
    return groups
