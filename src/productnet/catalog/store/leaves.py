"""The store's shelves: its leaves and the words, brands and drawings that go with them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypedDict

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A group of sibling leaves and what their products have in common."""

    path: str
    vague: Words
    talk: Words
    traits: Words
    materials: Words
    sizes: Words
    brands: Words


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of product: one leaf, or a distractor that belongs to none.

    Attributes:
        category: Path of the leaf; None for a distractor.
        drawing: Recipe that draws it.
        titles: What a title may call it.
        talk: Sentences that fit it and none of its siblings.
        traits: Bullet points that do.
        shelf: The group it stands with; None for a distractor, which may stand anywhere.
    """

    category: str | None
    drawing: str
    titles: Words
    talk: Words
    traits: Words
    shelf: Shelf | None


class GuidelineText(TypedDict):
    """What a guideline says of one leaf; the keywords of ``taxonomy.guidelines.Guideline``."""

    definition: str
    include: Words
    exclude: Words
    examples: Words


@dataclass(frozen=True)
class Shelves:
    """Everything the shop can sell."""

    version: str
    shelves: tuple[Shelf, ...]
    leaves: tuple[Kind, ...]
    distractors: tuple[Kind, ...]
    guidelines: dict[str, GuidelineText]

    def on(self, shelf: Shelf) -> tuple[Kind, ...]:
        """The leaves of one shelf."""
        return tuple(leaf for leaf in self.leaves if leaf.shelf is shelf)


@cache
def stocked() -> Shelves:
    """The shelves as ``leaves.toml`` describes them."""
    raw = tomllib.loads(files(__package__).joinpath("leaves.toml").read_text(encoding="utf-8"))
    shelves: list[Shelf] = []
    leaves: list[Kind] = []
    guidelines: dict[str, GuidelineText] = {}
    for group in raw["groups"]:
        keys = ("vague", "talk", "traits", "materials", "sizes", "brands")
        shelf = Shelf(group["path"], *(tuple(group[key]) for key in keys))
        shelves.append(shelf)
        for leaf in group["leaves"]:
            category = f"{shelf.path} > {leaf['name']}"
            leaves.append(_kind(leaf, category, shelf))
            guidelines[category] = {
                "definition": leaf["definition"],
                "include": tuple(leaf["include"]),
                "exclude": tuple(leaf["exclude"]),
                "examples": tuple(
                    f"{brand} {material} {title}"
                    for brand, material, title in zip(
                        shelf.brands, shelf.materials, leaf["titles"][:3], strict=False
                    )
                ),
            }
    distractors = tuple(_kind(each, None, None) for each in raw["distractors"])
    return Shelves(raw["version"], tuple(shelves), tuple(leaves), distractors, guidelines)


def store_taxonomy() -> str:
    """The store's taxonomy as text: a version comment, then one path a line, parents first."""
    lines = [f"# version: {stocked().version}"]
    for leaf in stocked().leaves:
        names = (leaf.category or "").split(" > ")
        paths = [" > ".join(names[:length]) for length in range(1, len(names) + 1)]
        lines += [path for path in paths if path not in lines]
    return "\n".join(lines) + "\n"


def store_guidelines() -> dict[str, GuidelineText]:
    """A guideline for every leaf, by its path."""
    return stocked().guidelines


def _kind(raw: Mapping[str, Any], category: str | None, shelf: Shelf | None) -> Kind:
    return Kind(
        category=category,
        drawing=raw["drawing"],
        titles=tuple(raw["titles"]),
        talk=tuple(raw["talk"]),
        traits=tuple(raw["traits"]),
        shelf=shelf,
    )
