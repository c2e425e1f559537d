"""What a shop writes about a product when all goes well: titles, descriptions and keywords."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from productnet.catalog.store.leaves import Kind, Shelf, stocked
from productnet.catalog.store.palettes import COLOURS

_COLOURS = tuple(COLOURS)
_SERIES = (
    "Alba", "Fjord", "Nova", "Otis", "Luma", "Sierra", "Kobe", "Mira", "Tundra", "Vega",
    "Paloma", "Juno", "Atlas", "Birch", "Cove", "Delta", "Echo", "Flint", "Grove", "Haven",
)  # fmt: skip
_PRAISE = (
    "classic",
    "modern",
    "premium",
    "new",
    "everyday",
    "elegant",
    "large",
    "small",
    "vintage",
)
_SHOP_TALK = (
    "Free returns within 30 days.",
    "Ships within two days.",
    "Designed with care and made to last.",
    "Our customers love the colour.",
    "Please note that colours may differ from the picture.",
    "Part of our spring collection.",
    "Questions? Our team is glad to help.",
    "A favourite since 1998.",
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of one product, however badly it is described."""

    kind: Kind
    shelf: Shelf
    brand: str
    series: str
    colour: str
    material: str
    size: str


def invented(kind: Kind, rng: Random) -> Facts:
    """A new product of a kind."""
    shelf = kind.shelf or rng.choice(stocked().shelves)
    return Facts(
        kind=kind,
        shelf=shelf,
        brand=rng.choice(shelf.brands),
        series=f"{rng.choice(_SERIES)} {rng.randint(1, 90)}"
        if rng.random() < 0.3
        else rng.choice(_SERIES),
        colour=rng.choice(_COLOURS),
        material=rng.choice(shelf.materials),
        size=rng.choice(shelf.sizes),
    )


def title(facts: Facts, name: str, rng: Random) -> str:
    """A title around a name of the product; the name may be empty."""
    front = [
        facts.brand if rng.random() < 0.65 else "",
        facts.series if rng.random() < 0.5 else "",
        rng.choice(_PRAISE) if rng.random() < 0.3 else "",
    ]
    back = [part for part in (facts.colour, facts.material, facts.size) if rng.random() < 0.55]
    if back and rng.random() < 0.4:
        front.append(back.pop(0))
    head = " ".join(part for part in [*front, name] if part) or facts.brand
    tail = rng.choice((", ", " - ", " ")).join(back)
    text = f"{head}{rng.choice((', ', ' - ', ' | ', ' '))}{tail}" if tail else head
    return text.title() if rng.random() < 0.4 else text[:1].upper() + text[1:]


def own_name(facts: Facts, rng: Random) -> str:
    """A name that tells the leaf; the first are the commonest."""
    names = facts.kind.titles
    return names[min(int(rng.expovariate(1.1)), len(names) - 1)]


def vague_name(facts: Facts, rng: Random) -> str:
    """A name that tells no more than the shelf, or nothing at all."""
    return rng.choice(facts.shelf.vague) if rng.random() < 0.6 else ""


def description(facts: Facts, rng: Random) -> str:
    """A few sentences, some telling and some not."""
    name = own_name(facts, rng) if rng.random() < 0.25 else rng.choice(facts.shelf.vague)
    sentences = [f"This {name} from {facts.brand} comes in {facts.colour} {facts.material}."]
    for _ in range(rng.randint(1, 4)):
        chance = rng.random()
        bank = (
            facts.kind.talk if chance < 0.46 else facts.shelf.talk if chance < 0.74 else _SHOP_TALK
        )
        if (sentence := rng.choice(bank)) not in sentences:
            sentences.append(sentence)
    if rng.random() < 0.15:
        neighbour = rng.choice(_around(facts))
        sentences.append(f"Goes well with our {rng.choice(neighbour.titles)}.")
    if rng.random() < 0.3:
        rng.shuffle(sentences)
    return " ".join(sentences)


def bullet_points(facts: Facts, rng: Random) -> str:
    """Two to five traits, one a line."""
    traits = [
        rng.choice(facts.kind.traits if rng.random() < 0.3 else facts.shelf.traits)
        for _ in range(rng.randint(2, 4))
    ]
    if rng.random() < 0.5:
        traits.append(f"Material: {facts.material}")
    return "\n".join(dict.fromkeys(traits))


def search_keywords(facts: Facts, rng: Random) -> str:
    """What the seller hopes people search for, siblings included."""
    words = [rng.choice(facts.shelf.vague), facts.colour]
    words += [rng.choice(rng.choice(_around(facts)).titles) for _ in range(rng.randint(1, 2))]
    if rng.random() < 0.3:
        words.append(own_name(facts, rng))
    rng.shuffle(words)
    return ", ".join(words)


def subject_keywords(facts: Facts, rng: Random) -> str:
    """Where in the shop it stands, from far."""
    department, _, group = facts.shelf.path.partition(" > ")
    return ", ".join(rng.sample((department.lower(), group.lower(), *facts.shelf.vague[:2]), 2))


def attribute_keywords(facts: Facts, rng: Random) -> str:
    """Colour, material and size."""
    return ", ".join(rng.sample((facts.colour, facts.material, facts.size), rng.randint(2, 3)))


def _around(facts: Facts) -> Sequence[Kind]:
    return stocked().on(facts.shelf)
