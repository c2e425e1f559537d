"""How sure a trained model can be: thresholds, sets and doubts, from what it judged unseen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from productnet.errors import ModelError, UsageError
from productnet.master.calibration import equal_mass_error
from productnet.master.conformal import Quantiles, Strangeness, fit_quantiles
from productnet.master.held_out import Flags, Floats, HeldOut
from productnet.master.novelty import least_familiarity
from productnet.master.thresholds import RISK, Thresholds, choose_thresholds

DECIDED_SCHEMA = pa.schema(
    [
        pa.field("product", pa.string(), nullable=False),
        pa.field("category", pa.string()),
        pa.field("likeliest", pa.string(), nullable=False),
        pa.field("confidence", pa.float32(), nullable=False),
    ]
)


class Decided(NamedTuple):
    """A category for each of N products, or none where the model is not sure enough.

    Attributes:
        ids: N product ids.
        categories: The category that was decided on; None where there is none.
        likeliest: The likeliest category, decided on or not.
        confidence: (N,) its calibrated probability.
    """

    ids: list[str]
    categories: list[str | None]
    likeliest: list[str]
    confidence: Floats

    @property
    def coverage(self) -> float:
        """Share of the products that got a category, 0 to 1; 0 of no products."""
        taken = sum(category is not None for category in self.categories)
        return taken / len(self.categories) if self.categories else 0.0

    def table(self) -> pa.Table:
        """A row a product, in ``DECIDED_SCHEMA``; ``category`` is null where none was decided."""
        return pa.table(
            {
                "product": self.ids,
                "category": self.categories,
                "likeliest": self.likeliest,
                "confidence": np.asarray(self.confidence, np.float32),
            },
            schema=DECIDED_SCHEMA,
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """What calibration found, in a few figures, as a model's card tells it.

    Attributes:
        held_out: Products it rests on, near-duplicates counted once.
        folds: Parts that gold was cut into; 1 where a share was held out.
        unknown: Products of hidden leaves that were looked at.
        error_before: Expected calibration error before the temperature, 0 to 1.
        error: After it.
        thresholds: The pooled one of each wanted precision; None where nothing is sure enough.
        certified: Whether it is certain, of each wanted precision; an estimate otherwise.
        coverage: Share of the held-out products that is decided, of each wanted precision.
        quantiles: Greatest strangeness of a category (``lac``), of each wanted coverage of sets;
            None where products are too few.
    """

    held_out: int
    folds: int
    unknown: int
    error_before: float
    error: float
    thresholds: dict[float, float | None]
    certified: dict[float, bool]
    coverage: dict[float, float]
    quantiles: dict[float, float | None]


@dataclass(frozen=True)
class Certainty:
    """What a model may promise.

    Attributes:
        classes: Its categories (K).
        held_out: How it judged gold that training had not seen.
    """

    classes: tuple[str, ...]
    held_out: HeldOut

    @classmethod
    def of(cls, classes: Sequence[str], held_out: HeldOut | None) -> "Certainty":
        """Raises ModelError if the model was not calibrated on anything."""
        if held_out is None or not len(held_out):
            raise ModelError(
                "This model can promise nothing of its predictions: no product was held out when "
                "it was trained, or an older version trained it. Train it again with folds=5."
            )
        return cls(tuple(classes), held_out)

    def thresholds(self, precision: float, *, risk: float = RISK) -> Thresholds:
        """The least confidence at which a prediction of each category is precise enough.

        Raises UsageError unless both are between 0 and 1.
        """
        return choose_thresholds(
            self.held_out.truth,
            self.held_out.predicted,
            self.held_out.confidence,
            classes=len(self.classes),
            precision=precision,
            risk=risk,
        )

    def quantiles(
        self,
        coverage: float,
        *,
        strangeness: str | Strangeness = Strangeness.LAC,
        by_leaf: bool = False,
    ) -> Quantiles:
        """What makes sets of categories that hold the true one with this chance.

        Raises UsageError if the coverage is not between 0 and 1, or nothing is called so.
        """
        return fit_quantiles(
            self.held_out,
            classes=len(self.classes),
            coverage=coverage,
            strangeness=Strangeness.named(strangeness),
            by_leaf=by_leaf,
        )

    def least_familiarity(self, false_accept: float) -> float:
        """How known a product has to look, so that so few of unknown leaves are taken.

        Raises UsageError or ModelError as ``novelty.least_familiarity``.
        """
        return least_familiarity(
            np.array(self.held_out.unknown),
            np.array(self.held_out.unknown_leaf, np.int64),
            false_accept=false_accept,
        )

    def summary(self, shares: Sequence[float] = (0.9, 0.95, 0.99)) -> Summary:
        """What was found, at these wanted precisions and coverages."""
        found = {share: self.thresholds(share) for share in shares}
        quantiles = {share: self.quantiles(share).pooled for share in shares}
        kept, correct = self.held_out, self.held_out.correct
        return Summary(
            held_out=len(kept),
            folds=kept.folds,
            unknown=len(kept.unknown),
            error_before=equal_mass_error(np.array(kept.raw), correct),
            error=equal_mass_error(np.array(kept.confidence), correct),
            thresholds={share: _finite(one.pooled) for share, one in found.items()},
            certified={share: one.certified for share, one in found.items()},
            coverage={share: one.coverage for share, one in found.items()},
            quantiles={share: _finite(value) for share, value in quantiles.items()},
        )

    def rule(
        self, precision: float, *, risk: float = RISK, false_accept: float | None = None
    ) -> "Rule":
        """What decides for which products the model is sure enough.

        Args:
            precision: Share of the decided categories that should be right.
            risk: Chance that a certified threshold does not reach it.
            false_accept: Share of an unknown leaf's products that may get a category, on the
                average over leaves; unlimited when None.

        Raises:
            UsageError: A share is not between 0 and 1.
            ModelError: Too few leaves were hidden in training for ``false_accept``.
        """
        return Rule(
            self.classes,
            self.thresholds(precision, risk=risk),
            None if false_accept is None else self.least_familiarity(false_accept),
        )


@dataclass(frozen=True)
class Rule:
    """Decides on a category where the model is sure enough of it.

    Attributes:
        classes: The model's categories (K).
        thresholds: Least confidence.
        least_familiarity: How known a product has to look; None where that does not matter.
    """

    classes: tuple[str, ...]
    thresholds: Thresholds
    least_familiarity: float | None

    def decide(
        self, ids: Sequence[str], probabilities: Floats, known: Floats | None = None
    ) -> Decided:
        """A category for each product that is sure enough.

        Args:
            ids: N products.
            probabilities: (N, K), calibrated.
            known: (N,) how known each looks; needed with a least familiarity.

        Raises:
            UsageError: ``known`` is missing.
        """
        best = probabilities.argmax(axis=1) if len(probabilities) else np.zeros(0, np.int64)
        confidence = probabilities.max(axis=1, initial=0.0)
        taken: Flags = self.thresholds.takes(best, confidence)
        if self.least_familiarity is not None:
            if known is None:
                raise UsageError("A false-accept rate needs to be told how known products look.")
            taken = taken & (known >= self.least_familiarity)
        likeliest = [self.classes[number] for number in best]
        return Decided(
            list(ids),
            [name if take else None for name, take in zip(likeliest, taken, strict=True)],
            likeliest,
            confidence,
        )


def _finite(value: float) -> float | None:
    """JSON has no infinity."""
    return value if np.isfinite(value) else None
