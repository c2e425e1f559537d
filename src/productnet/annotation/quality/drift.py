"""Drift: whether a person lately answers otherwise than before, in agreement or in speed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np

from productnet.annotation.quality.agreement import Proportion

# Answers that make up *lately*, and the most before them that they are compared with.
LATELY = 50
BEFORE = 500

# With fewer answers on either side nothing is said.
_LEAST = 20

# A change is told when chance gives one as big in less than one of a thousand comparisons (a team
# of fifty makes a hundred of them a day) and it is big enough to matter.
_CHANCE = 0.001
_POINTS = 0.05
_RATIO = 1.3

_Item = TypeVar("_Item", bool, float)


@dataclass(frozen=True, slots=True)
class Drift:
    """One person's answers to one task, lately and before.

    Attributes:
        before: Agreement with the other side before.
        lately: Agreement over the last ``LATELY`` answers that met another's.
        agreement_chance: Two-sided p of Fisher's exact test that both are the same; None with
            too few answers.
        seconds_before: Median seconds of an answer before; None with too few.
        seconds_lately: Median over the last ``LATELY`` timed answers.
        seconds_chance: Two-sided p of the Mann-Whitney U test that both are the same.
        flags: What changed, in words to show; empty while nothing did.
    """

    before: Proportion
    lately: Proportion
    agreement_chance: float | None
    seconds_before: float | None
    seconds_lately: float | None
    seconds_chance: float | None
    flags: tuple[str, ...]

    @classmethod
    def of(cls, agreed: Sequence[bool], seconds: Sequence[float]) -> Self:
        """Compare the end of both sequences, which are in order of time, with what went before."""
        before, lately = (
            Proportion.count(sum(part), len(part)) for part in _before_and_lately(agreed)
        )
        earlier, recent = _before_and_lately(seconds)
        agreement_chance = _fisher(before, lately)
        seconds_chance = _mann_whitney(earlier, recent)
        usual = float(np.median(earlier)) if len(earlier) else None
        now = float(np.median(recent)) if len(recent) else None
        flags = []
        if _unlikely(agreement_chance) and (told := _agreement_change(before, lately)):
            flags.append(told)
        if _unlikely(seconds_chance) and (told := _speed_change(usual, now)):
            flags.append(told)
        return cls(before, lately, agreement_chance, usual, now, seconds_chance, tuple(flags))


def _before_and_lately(
    items: Sequence[_Item],
) -> tuple[Sequence[_Item], Sequence[_Item]]:
    return items[-LATELY - BEFORE : -LATELY], items[-LATELY:]


def _unlikely(chance: float | None) -> bool:
    return chance is not None and chance < _CHANCE


def _fisher(before: Proportion, lately: Proportion) -> float | None:
    if min(before.of, lately.of) < _LEAST:
        return None
    from scipy.stats import fisher_exact

    table = [[part.hits, part.of - part.hits] for part in (before, lately)]
    return float(fisher_exact(table).pvalue)


def _mann_whitney(before: Sequence[float], lately: Sequence[float]) -> float | None:
    if min(len(before), len(lately)) < _LEAST:
        return None
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(before, lately).pvalue)


def _agreement_change(before: Proportion, lately: Proportion) -> str | None:
    if before.share is None or lately.share is None or abs(before.share - lately.share) < _POINTS:
        return None
    way = "falls" if lately.share < before.share else "rises"
    return f"agreement {way} from {before.share:.0%} to {lately.share:.0%}"


def _speed_change(usual: float | None, now: float | None) -> str | None:
    if not usual or not now or max(usual / now, now / usual) < _RATIO:
        return None
    way = "faster" if now < usual else "slower"
    return f"answers are {way}: {now:.1f} s, before {usual:.1f} s"
