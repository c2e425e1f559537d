"""Words: how text encoders of the master model cut text, and the vocabulary learnt from it."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from productnet.master.fields.columns import PAD, Sequences

UNKNOWN = 1
_RESERVED = 2

_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:['’][^\W_]+)*")


def words(text: str) -> list[str]:
    """Lower-case words and numbers; ``2.5`` and ``men's`` stay whole, other marks separate.

    Example:
        >>> words("Men's T-Shirt, 2.5 oz")
        ["men's", 't', 'shirt', '2.5', 'oz']
    """
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


class Vocabulary:
    """Words with an id each: 0 pads, 1 stands for every word not in it."""

    def __init__(self, known: Sequence[str]) -> None:
        self.words = tuple(known)
        self._ids = {word: rank for rank, word in enumerate(known, start=_RESERVED)}

    @classmethod
    def learn(
        cls, texts: Iterable[str | None], *, max_words: int, min_count: int = 2
    ) -> "Vocabulary":
        """The most frequent words of these texts.

        Words seen less than ``min_count`` times become unknown, so that what an unknown word
        means is learnt too.
        """
        counts = Counter(word for text in texts if text for word in words(text))
        frequent = [item for item in counts.items() if item[1] >= min_count]
        ranked = sorted(frequent, key=lambda item: (-item[1], item[0]))
        return cls([word for word, _ in ranked[:max_words]])

    def __len__(self) -> int:
        return len(self.words) + _RESERVED

    def encode(self, texts: Sequence[str | None], *, max_length: int) -> Sequences:
        """Each text's first ``max_length`` words as ids; a missing text is one padding id."""
        ids = self._ids
        return Sequences.of(
            (
                [ids.get(word, UNKNOWN) for word in words(text)[:max_length]] if text else [PAD]
                for text in texts
            ),
            np.array([text is not None for text in texts], dtype=bool),
        )
