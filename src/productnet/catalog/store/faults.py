"""What goes wrong in real catalogues, at stated rates."""

from dataclasses import dataclass, fields
from random import Random

from productnet.catalog.store import wording
from productnet.catalog.store.leaves import stocked
from productnet.catalog.store.wording import Facts
from productnet.errors import UsageError

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class StoreNoise:
    """How often each fault happens; every rate is a share of products from 0 to 1.

    Attributes:
        missing_field: A text field is empty; of each field but the title.
        misplaced_description: Description and bullet points are another leaf's.
        altered_title: The title does not say what the product is, is misspelt, scrambled, or
            stuffed with names of siblings and other brands.
        wrong_brand: The brand field names a brand of another shelf.
        near_duplicate: The product repeats an earlier one, its picture recompressed and its title
            retouched; both have the same group.
        distractor: The product belongs to no leaf.
        missing_image: There is no picture.
    """

    missing_field: float = 0.25
    misplaced_description: float = 0.06
    altered_title: float = 0.3
    wrong_brand: float = 0.06
    near_duplicate: float = 0.04
    distractor: float = 0.06
    missing_image: float = 0.04

    def __post_init__(self) -> None:
        for each in fields(self):
            rate = getattr(self, each.name)
            if not 0 <= rate <= 1:
                raise UsageError(f"Store noise {each.name} is {rate}; it must be from 0 to 1.")

    @classmethod
    def none(cls) -> "StoreNoise":
        """A shop without a fault."""
        return cls(**{each.name: 0.0 for each in fields(cls)})


# The rates the store has unless told otherwise.
REAL_WORLD = StoreNoise()


def listing(facts: Facts, noise: StoreNoise, rng: Random) -> tuple[dict[str, str], set[str]]:
    """The texts of a product by field, with their faults, and the names of these faults."""
    faults: set[str] = set()
    if rng.random() < noise.altered_title:
        faults.add("altered_title")
        title = _altered_title(facts, rng)
    else:
        title = wording.title(facts, wording.own_name(facts, rng), rng)
    told = facts
    if rng.random() < noise.misplaced_description:
        faults.add("misplaced_description")
        others = [leaf for leaf in stocked().leaves if leaf is not facts.kind]
        told = wording.invented(rng.choice(others), rng)
    brand = facts.brand
    if rng.random() < noise.wrong_brand:
        faults.add("wrong_brand")
        brands = (each for shelf in stocked().shelves for each in shelf.brands)
        brand = rng.choice([each for each in brands if each not in facts.shelf.brands])
    texts = {
        "title": title,
        "description": wording.description(told, rng),
        "bullet_points": wording.bullet_points(told, rng),
        "brand": brand,
        "search_keywords": wording.search_keywords(facts, rng),
        "subject_keywords": wording.subject_keywords(facts, rng),
        "attribute_keywords": wording.attribute_keywords(facts, rng),
    }
    for name in [*texts][1:]:
        if rng.random() < noise.missing_field:
            faults.add("missing_field")
            del texts[name]
    return texts, faults


def retouched(texts: dict[str, str], rng: Random) -> dict[str, str]:
    """The texts as another seller of the same product would copy them."""
    title = texts["title"]
    change = rng.randrange(4)
    if change == 0:
        title = f"{title} - NEW"
    elif change == 1:
        title = title.upper() if rng.random() < 0.5 else title.lower()
    elif change == 2:
        title = title.replace(",", "").replace(" - ", " ") + "!"
    else:
        title = _misspelt(title, rng)
    return {**texts, "title": title}


def _altered_title(facts: Facts, rng: Random) -> str:
    """A title that lost its leaf's name (in 55 of 100), or is misspelt, scrambled or stuffed."""
    kind = rng.random()
    if kind < 0.55:
        return wording.title(facts, wording.vague_name(facts, rng), rng)
    title = wording.title(facts, wording.own_name(facts, rng), rng)
    if kind < 0.7:
        return _misspelt(title, rng)
    if kind < 0.82:
        words = title.replace(",", "").split()
        rng.shuffle(words)
        return " ".join(words)
    siblings = [leaf for leaf in stocked().on(facts.shelf) if leaf is not facts.kind]
    stuffing = rng.choice(rng.choice(siblings).titles)
    name = wording.vague_name(facts, rng) if rng.random() < 0.4 else title
    return f"{name} {stuffing} like {rng.choice(facts.shelf.brands)}".strip()


def _misspelt(text: str, rng: Random) -> str:
    """One to three slips of the finger."""
    letters = list(text)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(letters))
        slip = rng.randrange(4)
        if slip == 0 and len(letters) > 3:
            del letters[at]
        elif slip == 1:
            letters.insert(at, letters[at])
        elif slip == 2:
            letters[at] = rng.choice(_LETTERS)
        else:
            before = max(at - 1, 0)
            letters[before], letters[at] = letters[at], letters[before]
    return "".join(letters)
