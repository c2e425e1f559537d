"""The dataset card: a README that people and Hugging Face both read."""

import json
from collections.abc import Iterator, Mapping, Sequence

from productnet.annotation.quality.agreement import Proportion
from productnet.release.leakage import Leakage
from productnet.release.manifest import Manifest
from productnet.release.parts import GOLD, HARD_NEGATIVES
from productnet.release.splits import Side
from productnet.release.statistics import LeafStatistics, Statistics
from productnet.settings import ReleaseSettings
from productnet.taxonomy.tree import Taxonomy

_LARGEST_LEAF_TABLE = 200

# Where the files of a table and side are, in a release.
PATTERN = "{table}/{side}-*.parquet"

# Hugging Face, datasets-cards: size_categories.
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))

_CONFIGS = (("gold", GOLD), ("hard_negatives", HARD_NEGATIVES))

_CARD = """\
---
{front_matter}
---

# {name} {version}

{description}{gold:,} products of {leaves:,} leaves of the taxonomy {taxonomy}. {how}
{beside}
{loading}
The sides never share variants, near-duplicates, or products of nearly the same words or picture.

## Columns

| column | meaning |
|---|---|
| `id` | identity of the product |
{fields}
| `image` | the product's main image, or nothing |
| `label` | the leaf as a class label |
| `category_id`, `category_path` | the leaf's id and path; of a hard negative, what it is *not* |
| `verdict` | `positive` or `negative` |
| `stage` | `confirmed`, `settled`, or `labelled` (hard negatives alone) |
{people}
## Counts and quality

*Audited*: of the labelled positives that were audited, the share that the audit confirmed, with
its 95% interval (Wilson). *Agreement*: Cohen's κ between labels and their blind audits.

| leaf | {sides} | hard negatives | audited | agreement |
|---|{bars}--:|--:|--:|
{counts}

{overall}
## What the split leaks

{leakage}

## Known gaps

{gaps}

## Licence and contact

{legal}

## More

{more}
"""


def dataset_card(
    manifest: Manifest,
    statistics: Statistics,
    leakage: Leakage,
    *,
    taxonomy: Taxonomy,
    fields: Sequence[str],
    settings: ReleaseSettings,
) -> str:
    """The card's text, made from what is released."""
    sides = sides_of(manifest)
    return _CARD.format(
        front_matter=front_matter(manifest, settings, PATTERN),
        name=manifest.name,
        version=manifest.version,
        description=f"{settings.description}\n\n" if settings.description else "",
        gold=manifest.gold,
        beside=_beside(manifest),
        leaves=sum(1 for leaf in manifest.leaves if leaf.gold),
        taxonomy=taxonomy,
        how=_how(manifest, statistics),
        loading=_loading(manifest),
        fields="\n".join(f"| `{name}` | text, or nothing |" for name in fields),
        people=_people_rows(manifest),
        sides=" | ".join(sides),
        bars="--:|" * len(sides),
        counts="\n".join(_count_rows(statistics.leaves, sides, taxonomy)),
        overall=_overall(statistics),
        leakage=leakage_text(leakage),
        gaps="\n".join(f"- {gap}" for gap in statistics.gaps) or "None that could be measured.",
        legal=legal_text(settings),
        more=_more(manifest, settings),
    )


def front_matter(manifest: Manifest, settings: ReleaseSettings, pattern: str) -> str:
    """YAML, of which JSON scalars are a part; each configuration names its files by side.

    Args:
        manifest: Of the release.
        settings: What it says of itself.
        pattern: Where the files of a ``{table}`` and ``{side}`` are.
    """
    lines = [f"pretty_name: {json.dumps(manifest.name)}", f"version: {manifest.version}"]
    if settings.licence:
        lines.append(f"license: {json.dumps(settings.licence)}")
    if settings.licence_url:
        lines.append(f"license_link: {json.dumps(settings.licence_url)}")
    if settings.languages:
        lines.append(f"language: {json.dumps(list(settings.languages))}")
    rows = manifest.gold + manifest.hard_negatives
    size = next((name for most, name in _SIZES if rows < most), "1M<n<10M")
    lines += ["size_categories:", f"- {size}"]
    lines += ["task_categories:", "- image-classification", "- text-classification"]
    lines += ["tags:", "- e-commerce", "- product-classification", "configs:"]
    for config, table in _CONFIGS:
        sides = [side.value for side in Side if _has(manifest, table, side)]
        if not sides:
            continue
        lines.append(f"- config_name: {config}")
        lines += ["  default: true"] if config == "gold" else []
        lines.append("  data_files:")
        for side in sides:
            lines += [f"  - split: {side}", f"    path: {pattern.format(table=table, side=side)}"]
    return "\n".join(lines)


def features(manifest: Manifest, types: Mapping[str, str]) -> str:
    """YAML for the front matter: the type of every column, where files do not tell it.

    Otherwise ``datasets`` guesses: of a column that one side lacks, another type than elsewhere.
    """
    lines = ["dataset_info:"]
    for config, table in _CONFIGS:
        if any(_has(manifest, table, side) for side in Side):
            lines += [f"- config_name: {config}", "  features:"]
            for name, dtype in types.items():
                lines += [f"  - name: {json.dumps(name)}", f"    dtype: {json.dumps(dtype)}"]
    return "\n".join(lines)


def sides_of(manifest: Manifest) -> list[str]:
    """The sides that gold is on, in order."""
    return [side.value for side in Side if _has(manifest, GOLD, side)]


def percent(share: Proportion) -> str:
    """A share with its interval, as ``97.5% (93.1–99.2) of 80``; a dash of nothing."""
    if share.share is None:
        return "–"
    return f"{share.share:.1%} ({share.low:.1%}–{share.high:.1%}) of {share.of:,}".replace(
        "%–", "–"
    )


def kappa(value: float | None) -> str:
    """Cohen's κ, or a dash where it is not defined."""
    return "–" if value is None else f"{value:.2f}"


def leakage_text(leakage: Leakage) -> str:
    """What is like one another across the sides, in words."""
    lines = [
        f"{leakage.groups:,} groups of products that are the same again ({leakage.grouped:,} "
        f"products, the largest group {leakage.largest:,}) were kept on one side each. What is "
        f"left, looking more loosely ({leakage.like_words:.0%} of the words in common; pictures "
        f"that differ in at most {leakage.like_picture_bits} of 256 bits of their hash):",
        "",
    ]
    lines += [
        f"- of {leak.products:,} products of {leak.held_out}, {leak.either}; a split by chance "
        f"would have left {leak.by_chance:,} that do either."
        for leak in leakage.leaks
    ]
    if not leakage.leaks:
        lines.append("- there is only one side.")
    return "\n".join(lines)


def legal_text(settings: ReleaseSettings) -> str:
    """Licence, contact, takedown and citation; where nothing is set, that is said."""
    licence = settings.licence or "none was given: ask before you use it"
    if settings.licence_url:
        licence += f" ({settings.licence_url})"
    lines = [f"- Licence: {licence}."]
    lines.append(f"- Takedown: {settings.takedown or 'no address was given'}.")
    lines += [f"- Contact: {settings.contact}."] if settings.contact else []
    lines += [f"- Made by: {', '.join(settings.creators)}."] if settings.creators else []
    lines += [f"- Homepage: {settings.homepage}"] if settings.homepage else []
    if settings.citation:
        lines += ["", "```bibtex", settings.citation, "```"]
    return "\n".join(lines)


def cell(text: str) -> str:
    """A text as a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")


def _has(manifest: Manifest, table: str, side: Side) -> bool:
    return any(record.path.startswith(f"{table}/{side.value}-") for record in manifest.files)


def _how(manifest: Manifest, statistics: Statistics) -> str:
    confirmed = (
        "confirmed by two people: one labelled it, another, who could not see that answer, "
        "confirmed it, or a third settled it."
    )
    if not statistics.imported:
        return f"Each was {confirmed}"
    if statistics.imported == manifest.gold:
        return "Each carries a label that came with a feed and was trusted; nobody audited it."
    return (
        f"The labels of {statistics.imported:,} came with a feed and were trusted; each of the "
        f"others was {confirmed}"
    )


def _beside(manifest: Manifest) -> str:
    if not manifest.hard_negatives:
        return ""
    return (
        f"Beside them {manifest.hard_negatives:,} *hard negatives*: products that are easily taken "
        "for a leaf and do not belong to it.\n"
    )


def _loading(manifest: Manifest) -> str:
    lines = ['gold = load_dataset("PATH/TO/THIS/FOLDER")']
    if manifest.hard_negatives:
        lines.append('hard = load_dataset("PATH/TO/THIS/FOLDER", "hard_negatives")')
    code = "\n".join(lines)
    return f"```python\nfrom datasets import load_dataset\n\n{code}\n```\n"


def _overall(statistics: Statistics) -> str:
    if not statistics.audited.of:
        return ""
    return (
        f"Over all of the project the audit confirmed {percent(statistics.audited)}; agreement is "
        f"κ {kappa(statistics.agreement.kappa)}.\n"
    )


def _people_rows(manifest: Manifest) -> str:
    if manifest.provenance == "none":
        return ""
    named = "by name" if manifest.provenance == "full" else "by pseudonym"
    return (
        f"| `labeler`, `auditor`, `adjudicator` | who decided, {named} |\n"
        "| `decisions`, `decided_at` | how many decisions stand, and when the last was taken |\n"
    )


def _count_rows(
    leaves: Sequence[LeafStatistics], sides: Sequence[str], taxonomy: Taxonomy
) -> Iterator[str]:
    for leaf in leaves[:_LARGEST_LEAF_TABLE]:
        count = leaf.count
        cells = [f"{getattr(count, side):,}" for side in sides]
        cells += [f"{count.hard_negatives:,}", percent(leaf.audited), kappa(leaf.agreement.kappa)]
        yield f"| {cell(taxonomy[count.category].label)} | {' | '.join(cells)} |"
    if len(leaves) > _LARGEST_LEAF_TABLE:
        blank = " |" * (len(sides) + 3)
        yield f"| and {len(leaves) - _LARGEST_LEAF_TABLE:,} more, in `statistics.json` |{blank}"


def _more(manifest: Manifest, settings: ReleaseSettings) -> str:
    lines = [
        "- `DATASHEET.md`: how it was made, and what it should be used for.",
        "- `statistics.json`, `leakage.json`: every number above, of every leaf.",
        "- `croissant.json`: the set described for machines, in Croissant 1.1.",
        "- `taxonomy.json`, `guidelines.json`: the leaves, and what belongs in each.",
        "- `manifest.json`: every file's hash.",
    ]
    if manifest.provenance != "none":
        lines.insert(2, "- `provenance/`: every decision behind it that stands.")
    if settings.model_card:
        lines.append(f"- A model trained on it: {settings.model_card}")
    return "\n".join(lines)
