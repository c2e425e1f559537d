"""What is asked of keyword search: words and phrases, each wanted, needed or excluded."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from productnet.encoders.texts import well_formed

# Longer queries say nothing more, and a search costs time for each term.
_LONGEST_QUERY = 1_000
_MOST_TERMS = 64

# A sign, then a phrase in quotation marks or whatever reaches to the next space, comma or slash.
_PIECE = re.compile(r'([+-]?)(?:"([^"]*)"?|([^\s,;/|]+))')


class Role(StrEnum):
    """What a term does to the products that have it."""

    WANTED = "wanted"
    NEEDED = "needed"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Term:
    """One word, or several that have to follow one another.

    Attributes:
        words: In lower case, letters and digits only; at least one.
        role: What it does.
        weight: How much a match counts beside those of other terms.
    """

    words: tuple[str, ...]
    role: Role = Role.WANTED
    weight: float = 1.0

    def __str__(self) -> str:
        return " ".join(self.words)


def parse_query(text: str) -> tuple[Term, ...]:
    """The terms of a query as people type it; of any text at all something is made.

    Words are alternatives: the more of them a product has, and the rarer they are, the better.
    ``"a phrase"`` has to stand as it is. ``+word`` or ``+"a phrase"`` has to be there;
    ``-word``, ``-"a phrase"`` or ``NOT word`` must not. ``AND`` and ``OR`` are passed over, a
    word with a hyphen is a phrase (``t-shirt``), and what follows the first 1,000
    characters or 64 terms is left out.

    Example:
        >>> [(str(term), term.role.value) for term in parse_query('mug +"set of 4" -travel')]
        [('mug', 'wanted'), ('set of 4', 'needed'), ('travel', 'excluded')]
    """
    terms: dict[Term, None] = {}
    negated = False
    for sign, phrase, word in _PIECE.findall(text[:_LONGEST_QUERY]):
        if word in ("AND", "OR", "NOT"):
            negated = word == "NOT"
            continue
        role = {"+": Role.NEEDED, "-": Role.EXCLUDED}.get(sign, Role.WANTED)
        if words := words_of(phrase or word):
            terms[Term(words, Role.EXCLUDED if negated else role)] = None
        negated = False
    return tuple(terms)[:_MOST_TERMS]


def any_of(texts: Iterable[tuple[str, float]]) -> list[Term]:
    """The words of texts, each with its weight, as alternatives.

    Of several words of one stem the first is taken; "and", "of" and the like are left out.
    """
    terms: dict[str, Term] = {}
    for text, weight in texts:
        for word in words_of(text):
            for stem in stems_of(word):  # none for a stop word
                terms.setdefault(stem, Term((word,), weight=weight))
    return list(terms.values())


def is_exclusion(terms: Sequence[Term]) -> bool:
    """Whether these terms say only what is not wanted."""
    return bool(terms) and all(term.role is Role.EXCLUDED for term in terms)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text as the index splits it, in lower case."""
    return tuple(_splitter().analyze(well_formed(text[:_LONGEST_QUERY])))


def stems_of(text: str) -> list[str]:
    """The stems of a text's words, in order; "and", "of" and the like are left out."""
    stems: list[str] = _stemmer().analyze(text)
    return stems


@cache
def _splitter() -> Any:
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    # As the index does, which stems the words of a query by itself.
    words = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(40))
    return words.filter(Filter.lowercase()).build()


@cache
def _stemmer() -> Any:
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    words = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.lowercase())
    return words.filter(Filter.stopword("English")).filter(Filter.stemmer("English")).build()
