"""Brand names: what is one name in several spellings, and where a title says one."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from rapidfuzz.distance import OSA

# What companies are called by law, at the end of a name.
_LEGAL = (
    "inc|incorporated|llc|llp|ltd|limited|co|corp|corporation|company|plc|gmbh|ag|kg|ohg|sa|sas|"
    "sarl|srl|spa|bv|nv|ab|as|oy|oyj|aps|pty|pvt|private|kk|sro|doo"
)
_ENDING = re.compile(rf"(?:\s+(?:{_LEGAL}))+$")
_MARKS = re.compile(r"[®™©]")
# Between letters these belong to a name's spelling, not to its parts: "L'Oréal", "A.B.C.".
_INSIDE = re.compile(r"['’`.]")
_BREAK = re.compile(r"[\W_]+")

# Shorter names are too near to one another for a slip to be told from another name.
_FEWEST_LETTERS = 5

# A slip is made seldom: a spelling this common beside the other is a name of its own.
_RARE = 0.34

# Words that two names' titles share, of the fewer: what one brand sells is called alike.
_SHARED_WORDS = 0.2

# Words kept of the titles of a name.
_MOST_WORDS = 200


def key_of(name: str) -> str:
    """A name without case, accents, marks and legal form; "" where nothing is left.

    Example:
        >>> key_of("L'Oréal® S.A."), key_of("LOREAL"), key_of("Black & Decker Inc")
        ('loreal', 'loreal', 'black decker')
    """
    plain = unicodedata.normalize("NFKD", _MARKS.sub("", name)).casefold()
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    words = _BREAK.sub(" ", _INSIDE.sub("", plain.replace("&", " ").replace("+", " "))).strip()
    return _ENDING.sub("", words) or words


@dataclass(slots=True)
class Name:
    """One name, in all its spellings.

    Attributes:
        spellings: How often it is written how.
        words: Words of titles of products that have it.
        products: Some of these products, by spelling.
    """

    spellings: Counter[str] = field(default_factory=Counter)
    words: set[str] = field(default_factory=set)
    products: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def count(self) -> int:
        """Products that have it."""
        return self.spellings.total()

    @property
    def canonical(self) -> str:
        """The spelling to keep: the commonest; of equals one that is neither all capitals nor
        all small, and the shortest.
        """
        return min(
            self.spellings,
            key=lambda text: (-self.spellings[text], text in (text.upper(), text.lower()),
                              len(text), text),
        )  # fmt: skip


class Names:
    """The brand names of a pool, by key."""

    def __init__(self, *, most_products: int) -> None:
        self.by_key: dict[str, Name] = {}
        self._most_products = most_products

    def add(self, spelling: str, *, product: str, words: Iterable[str]) -> None:
        """A product with this brand, and words of its title."""
        key = key_of(spelling)
        if not key:
            return
        name = self.by_key.setdefault(key, Name())
        name.spellings[spelling] += 1
        if len(name.products[spelling]) < self._most_products:
            name.products[spelling].append(product)
        if len(name.words) < _MOST_WORDS:
            name.words.update(word for word in words if word not in key.split())

    def respelt(self) -> Iterator[tuple[Name, list[str]]]:
        """Names in several spellings, with those that are not the canonical one."""
        for name in self.by_key.values():
            if len(name.spellings) > 1:
                keep = name.canonical
                yield name, [text for text, _ in name.spellings.most_common() if text != keep]

    def slips(self, *, common: Set[str]) -> Iterator[tuple[Name, Name]]:
        """Names one slip away from a commoner one that sells alike: the slip, and what is meant.

        Args:
            common: Words of so many titles that they say nothing of a brand.
        """
        for slip, meant in sorted(self._one_slip_apart()):
            one, other = self.by_key[slip], self.by_key[meant]
            if one.count <= _RARE * other.count and _sell_alike(one, other, common):
                yield one, other

    def _one_slip_apart(self) -> set[tuple[str, str]]:
        """Keys one slip from a commoner key, each with the commonest such."""
        # What differs by one slip shares what is left when one letter is dropped (SymSpell).
        near: defaultdict[str, list[str]] = defaultdict(list)
        for key in self.by_key:
            if len(key) >= _FEWEST_LETTERS:
                for left in {key, *(key[:n] + key[n + 1 :] for n in range(len(key)))}:
                    near[left].append(key)
        meant: dict[str, str] = {}
        for keys in near.values():
            if len(keys) < 2:
                continue
            ordered = sorted(keys, key=lambda key: (-self.by_key[key].count, key))
            for place, key in enumerate(ordered[1:], start=1):
                for other in ordered[:place]:
                    known = meant.get(key)
                    if known and self.by_key[known].count >= self.by_key[other].count:
                        break
                    if _is_slip(key, other):
                        meant[key] = other
                        break
        return set(meant.items())


def _is_slip(key: str, other: str) -> bool:
    """Whether one letter is wrong; a number in a name is no slip."""
    if OSA.distance(key, other, score_cutoff=1) > 1 or key == other:
        return False
    return re.sub(r"\D", "", key) == re.sub(r"\D", "", other)


def _sell_alike(one: Name, other: Name, common: Set[str]) -> bool:
    first, second = one.words - common, other.words - common
    fewer = min(len(first), len(second))
    return fewer > 0 and len(first & second) >= _SHARED_WORDS * fewer


def named_in(title: str, names: Mapping[str, object], *, longest: int) -> str | None:
    """The key of the longest of these names that a title says; None where it says none."""
    words = key_of(title).split()
    for size in range(min(longest, len(words)), 0, -1):
        for start in range(len(words) - size + 1):
            if (key := " ".join(words[start : start + size])) in names:
                return key
    return None
