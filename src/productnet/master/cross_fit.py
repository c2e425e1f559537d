"""Gold judged by networks that had not seen it: what calibration learns from.

A few dozen products a leaf are too few to hold many out. So gold is cut into folds, and each fold
is judged by a network trained on the others: every product is judged, and by a network that is
nearly as good as the one trained on all of it (Vovk 2015, *Cross-conformal predictors*). To know
what products of no category look like, whole leaves are hidden in the same way.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import softmax

from productnet.master.batching import Examples
from productnet.master.classes import deal_folds
from productnet.master.held_out import HeldOut, one_a_group
from productnet.master.network import MasterNetwork
from productnet.master.novelty import familiarity
from productnet.master.presets import Preset
from productnet.master.training import Epoch, Run, infer

# What rounds and ``productnet train`` do by themselves: quick presets judge all gold, up to so much;
# of more, the share held out is enough.
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


@dataclass(frozen=True, slots=True)
class Judged:
    """M products that the network which judged them had not seen.

    Attributes:
        rows: Place of each among the prepared products, (M,).
        classes: True class, (M,); K for none of them.
        logits: (M, C) of all outputs.
        known: How known each looked, (M,).
    """

    rows: np.ndarray
    classes: np.ndarray
    logits: np.ndarray
    known: np.ndarray

    def kept(
        self,
        *,
        temperature: float,
        groups: np.ndarray,
        classes: int,
        unknown: np.ndarray,
        folds: int,
    ) -> HeldOut:
        """What is kept of it, without copies and without products of no category.

        Args:
            temperature: Of calibration.
            groups: (N,) number that near-duplicates share, of all prepared products.
            classes: K.
            unknown: (U,) how known products of hidden leaves looked.
            folds: Parts that gold was cut into.
        """
        labelled = np.flatnonzero(self.classes < classes)
        copies = groups[self.rows[labelled]]
        rows = labelled[one_a_group(copies, self.classes[labelled])]
        logits = self.logits[rows]
        return HeldOut.of(
            softmax(logits / temperature, axis=1)[:, :classes],
            self.classes[rows],
            raw=softmax(logits, axis=1)[:, :classes].max(axis=1, initial=0.0),
            known=self.known[rows],
            unknown=unknown,
            folds=folds,
        )


def judge(network: MasterNetwork, run: Run, held_out: Examples) -> Judged:
    """What a trained network says of products held out of its training."""
    _, logits = infer(network, held_out, device=run.device, batch_size=run.preset.batch_size)
    known = familiarity(logits[:, : network.classify.out_features])
    return Judged(held_out.rows, held_out.classes, logits, known)


def cross_fit(
    network: MasterNetwork, run: Run, examples: Examples, groups: np.ndarray, *, folds: int
) -> tuple[Judged, list[Epoch]]:
    """Every example judged out of its fold, and how training went beside the first fold.

    The network comes untrained, and has its first weights again afterwards.

    Args:
        network: Trained ``folds`` times.
        run: How to train.
        examples: N of them.
        groups: (N,) number that near-duplicates share; they are in one fold.
        folds: Two at least.
    """
    first_weights = _copied_weights(network)
    rng = np.random.default_rng(run.seed)
    fold_of = deal_folds(examples.classes, folds=folds, rng=rng, groups=groups)
    parts: list[Judged] = []
    history: list[Epoch] = []
    for fold in range(folds):
        rows = np.flatnonzero(fold_of == fold)
        if not len(rows):
            continue
        network.load_state_dict(first_weights)
        part = examples.take(rows)
        epochs = run.train(network, examples.take(np.flatnonzero(fold_of != fold)), validation=part)
        history = history or epochs
        parts.append(judge(network, run, part))
    network.load_state_dict(first_weights)
    if not parts:
        return judge(network, run, examples.take(np.zeros(0, np.int64))), history
    return Judged(
        *(
            np.concatenate([getattr(part, column) for part in parts])
            for column in ("rows", "classes", "logits", "known")
        )
    ), history


def hide_leaves(network: MasterNetwork, run: Run, examples: Examples) -> np.ndarray:
    """How known products look when their leaf was hidden from training, (U,).

    None are judged where there are fewer than six leaves. The network comes untrained, and has its
    first weights again afterwards.
    """
    count = network.classify.out_features
    if count < _FEWEST_LEAVES:
        return np.zeros(0)
    first_weights = _copied_weights(network)
    rng = np.random.default_rng(run.seed)
    part_of = rng.permutation(count) % _HIDINGS  # (K,)
    # "None of them" is hidden never.
    part_of = np.append(part_of, -1)
    found = []
    for part in range(_HIDINGS):
        network.load_state_dict(first_weights)
        hidden = part_of[examples.classes] == part
        run.train(network, examples.take(np.flatnonzero(~hidden)))
        _, logits = infer(
            network,
            examples.take(np.flatnonzero(hidden)),
            device=run.device,
            batch_size=run.preset.batch_size,
        )
        # The hidden leaves have outputs, but nobody would have given them any.
        found.append(familiarity(logits[:, np.flatnonzero(part_of[:count] != part)]))
    network.load_state_dict(first_weights)
    return np.concatenate(found)


def _copied_weights(network: MasterNetwork) -> dict[str, torch.Tensor]:
    return {name: one.clone() for name, one in network.state_dict().items()}
