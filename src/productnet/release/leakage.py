"""What a split still leaks: products of one side that look or read like products of another.

Groups keep what is nearly the same together. This looks more loosely, at what a reader might call
"the same again", and counts it, beside what a split by chance would leak.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from productnet.release.groups import SAME_PICTURE_BITS, SAME_WORDS, Kin
from productnet.release.splits import Side

# Looser than what keeps products together (``groups``): four of five words; a cropped picture.
LIKE_WORDS = 0.8
LIKE_PICTURE_BITS = 16

_EXAMPLES = 20

# Of what is learnt from, and what it is tested on.
_PAIRS = ((Side.TRAIN, Side.TEST), (Side.TRAIN, Side.VALIDATION), (Side.VALIDATION, Side.TEST))

_TEXT, _IMAGE = 1, 2


@dataclass(frozen=True, slots=True)
class Leak:
    """Two sides beside one another.

    Attributes:
        learnt: The side that is learnt from.
        held_out: The other.
        products: How many products the other has.
        by_text: How many of them read like a product that is learnt from.
        by_image: How many look like one.
        by_both: How many look and read like one and the same.
        by_chance: How many would do either if each product went to its side by chance.
        examples: Some pairs, learnt from and held out, those alike both ways first.
    """

    learnt: str
    held_out: str
    products: int
    by_text: int
    by_image: int
    by_both: int
    by_chance: int
    examples: tuple[tuple[str, str], ...]

    @property
    def either(self) -> str:
        """The counts in words."""
        return (
            f"{self.by_text:,} read like a product of {self.learnt}, "
            f"{self.by_image:,} look like one, {self.by_both:,} both"
        )


@dataclass(frozen=True, slots=True)
class Leakage:
    """The leakage report of a release.

    Attributes:
        same_words: Share of words in common that keeps two products on one side.
        same_picture_bits: Bits of 256 that may differ in what counts as one picture.
        like_words: Share of words in common that is reported as like.
        like_picture_bits: Bits of 256 that may differ in a picture reported as like.
        groups: Groups of several products that were kept together.
        grouped: Products in them.
        largest: Products in the largest.
        leaks: Every two sides.
    """

    same_words: float
    same_picture_bits: int
    like_words: float
    like_picture_bits: int
    groups: int
    grouped: int
    largest: int
    leaks: tuple[Leak, ...]


def measure_leakage(kin: Kin, sides: Mapping[str, Side], *, seed: int) -> Leakage:
    """Compare the sides of these products.

    Args:
        kin: The products.
        sides: Product id to its side.
        seed: Of the split by chance.
    """
    names = list(Side)
    at = np.array([names.index(sides[product]) for product in kin.ids], np.int64)  # (N,)
    chance = np.random.default_rng(seed).permutation(at)
    pairs = list(kin.pairs(words=LIKE_WORDS, bits=LIKE_PICTURE_BITS))
    counted = np.unique([kin.groups[product] for product in kin.ids], return_counts=True)[1]
    several = counted[counted > 1]
    return Leakage(
        same_words=SAME_WORDS,
        same_picture_bits=SAME_PICTURE_BITS,
        like_words=LIKE_WORDS,
        like_picture_bits=LIKE_PICTURE_BITS,
        groups=len(several),
        grouped=int(several.sum()),
        largest=int(counted.max(initial=0)),
        leaks=tuple(
            _leak(kin, pairs, at, chance, names.index(learnt), names.index(held))
            for learnt, held in _PAIRS
            if (at == names.index(learnt)).any() and (at == names.index(held)).any()
        ),
    )


_Rows = npt.NDArray[np.int64]
_Pairs = list[tuple[_Rows, _Rows, _Rows]]


def _leak(kin: Kin, pairs: _Pairs, at: _Rows, chance: _Rows, learnt: int, held: int) -> Leak:
    how = np.zeros(len(at), np.int64)  # of each held-out product, all ways that it is like one
    both = np.zeros(len(at), np.bool_)
    examples: dict[tuple[str, str], int] = {}
    for one, other, alike in _across(pairs, at, learnt, held):
        np.bitwise_or.at(how, other, alike)
        both[other[alike == _TEXT | _IMAGE]] = True
        for a, b, way in zip(one[:_EXAMPLES], other[:_EXAMPLES], alike, strict=False):
            examples[kin.ids[a], kin.ids[b]] = int(way)
    by_chance = np.zeros(len(at), np.bool_)
    for _, other, _ in _across(pairs, chance, learnt, held):
        by_chance[other] = True
    names = list(Side)
    ranked = sorted(examples, key=lambda pair: (-examples[pair], pair))
    return Leak(
        learnt=names[learnt].value,
        held_out=names[held].value,
        products=int((at == held).sum()),
        by_text=int((how & _TEXT > 0).sum()),
        by_image=int((how & _IMAGE > 0).sum()),
        by_both=int(both.sum()),
        by_chance=int(by_chance.sum()),
        examples=tuple(ranked[:_EXAMPLES]),
    )


def _across(
    pairs: _Pairs, at: _Rows, learnt: int, held: int
) -> Iterator[tuple[_Rows, _Rows, _Rows]]:
    """Pairs of a product learnt from and one held out, whichever came first."""
    for first, second, how in pairs:
        for one, other in ((first, second), (second, first)):
            across = (at[one] == learnt) & (at[other] == held)
            yield one[across], other[across], how[across]
