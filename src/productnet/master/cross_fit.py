"""Gold judged by networks that had not seen it: what calibration learns from.

A few dozen products a leaf are too few to hold many out. So gold is cut into folds, and each fold
is judged by a network trained on the others: every product is judged, and by a network that is
nearly as good as the one trained on all of it (Vovk 2015, *Cross-conformal predictors*). To know
what products of no category look like, whole leaves are hidden in the same way.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from productnet.embeddings.nearest import unit_rows
from productnet.master.batching import Examples
from productnet.master.classes import deal_folds
from productnet.master.held_out import HeldOut, one_a_group
from productnet.master.network import MasterNetwork
from productnet.master.novelty import Familiar
from productnet.master.presets import Preset
from productnet.master.training import Run, infer

# What rounds and ``productnet train`` do by themselves: quick presets judge all gold, up to so
# much; of more, the share held out is enough.
_FOLDS = 5
_MOST = 10_000

# Trainings in which leaves are hidden, each leaf in one of them; a third of the leaves at a time.
_HIDINGS = 3
# Fewer leaves than this leave too little to tell apart when a third is hidden.
_FEWEST_LEAVES = 6


def folds_for(preset: Preset, products: int) -> int:
    """How many folds are worth their time: five of a little gold and a quick preset, else one.

    A preset that trains once more on everything is one that trains in seconds.
    """
    return _FOLDS if preset.refit and products <= _MOST else 1


def trainings_for(folds: int) -> int:
    """How often a network is trained for a model judged in so many folds, refit included."""
    return 2 + (folds + _HIDINGS if folds > 1 else 0)


@dataclass(frozen=True, slots=True)
class Evidence:
    """M products, judged by networks that had not seen them.

    Attributes:
        rows: Place of each among the prepared products, (M,).
        classes: True class, (M,); K for none of them.
        logits: (M, C) of all outputs.
        known: How known each looked, (M,); none where a share was held out.
        unknown: How known products of hidden leaves looked, (U,).
        unknown_leaf: Number of the leaf of each, (U,).
        folds: Parts that gold was cut into; 1 where a share was held out.
    """

    rows: np.ndarray
    classes: np.ndarray
    logits: np.ndarray
    known: np.ndarray
    unknown: np.ndarray
    unknown_leaf: np.ndarray
    folds: int

    @classmethod
    def of_share(cls, held_out: Examples, logits: np.ndarray) -> "Evidence":
        """Of the share that a network was not trained on, by its logits (M, C).

        Two numbers were chosen on it as well, the shares of solved members: with twenty products
        that flatters somewhat, with hundreds hardly.
        """
        none = np.zeros(0)
        return cls(
            held_out.rows, held_out.classes, logits, none, none, none.astype(np.int64), folds=1
        )

    def kept(self, temperature: float, *, groups: np.ndarray, classes: int) -> HeldOut:
        """What is kept of it, without copies and without products of no category.

        Args:
            temperature: Of calibration.
            groups: (N,) number that near-duplicates share, of all prepared products.
            classes: K.
        """
        labelled = np.flatnonzero(self.classes < classes)
        copies = groups[self.rows[labelled]]
        rows = labelled[one_a_group(copies, self.classes[labelled])]
        logits = self.logits[rows]
        return HeldOut.of(
            softmax(logits / temperature, axis=1)[:, :classes],
            self.classes[rows],
            raw=softmax(logits, axis=1)[:, :classes].max(axis=1, initial=0.0),
            known=self.known[rows] if len(self.known) else self.known,
            unknown=self.unknown,
            unknown_leaf=self.unknown_leaf,
            folds=self.folds,
        )


def cross_fit(
    network: MasterNetwork, run: Run, examples: Examples, groups: np.ndarray, *, folds: int
) -> Evidence:
    """Every example judged out of its fold; and how known each looks when its leaf is hidden.

    Args:
        network: Comes untrained but for its shares, is trained many times, and is as it came
            afterwards.
        run: How to train.
        examples: N of them.
        groups: (N,) number that near-duplicates share; they are in one fold.
        folds: Two at least.
    """
    rng = np.random.default_rng(run.seed)
    fold_of = deal_folds(examples.classes, folds=folds, rng=rng, groups=groups)
    rows = [np.flatnonzero(fold_of == fold) for fold in range(folds)]
    # A part stops the training that it is judged by only where the preset stops early at all.
    stops = run.preset.patience is not None
    judgements = [_judged(network, run, examples, one, stops=stops) for one in rows]
    everything = np.concatenate(rows)
    unknown, leaves = _unknown(network, run, examples, rng)
    judged = examples.take(everything)
    logits, known = (np.concatenate(parts) for parts in zip(*judgements, strict=True))
    return Evidence(judged.rows, judged.classes, logits, known, unknown, leaves, folds)


def familiar(network: MasterNetwork, run: Run, examples: Examples) -> Familiar:
    """Where a network puts these examples, without those of no category."""
    labelled = examples.take(np.flatnonzero(examples.classes < network.classify.out_features))
    vectors, _ = infer(network, labelled, device=run.device, batch_size=run.preset.batch_size)
    return Familiar.of(unit_rows(vectors), labelled.classes)


def _judged(
    network: MasterNetwork, run: Run, examples: Examples, rows: np.ndarray, *, stops: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The logits (m, C) of these examples and how known they look, (m,), to a network trained on
    all others.

    It has the weights it came with again afterwards.
    """
    part = examples.take(rows)
    others = examples.take(np.setdiff1d(np.arange(len(examples)), rows))
    with network.lent():
        if len(part):
            run.train(network, others, validation=part if stops else None)
        vectors, logits = infer(network, part, device=run.device, batch_size=run.preset.batch_size)
        known = familiar(network, run, others)(unit_rows(vectors))
    return logits, known


def _unknown(
    network: MasterNetwork, run: Run, examples: Examples, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """How known each labelled example looks to a network from which its leaf was hidden, (U,).

    And its leaf, (U,). None are judged where there are fewer than six leaves.
    """
    count = network.classify.out_features
    if count < _FEWEST_LEAVES:
        return np.zeros(0), np.zeros(0, np.int64)
    # "None of them", the last class, is hidden never.
    part_of = np.append(rng.permutation(count) % _HIDINGS, -1)
    found, leaves = [], []
    for part in range(_HIDINGS):
        hidden = np.flatnonzero(part_of[examples.classes] == part)
        found.append(_judged(network, run, examples, hidden, stops=False)[1])
        leaves.append(examples.classes[hidden])
    return np.concatenate(found), np.concatenate(leaves)
