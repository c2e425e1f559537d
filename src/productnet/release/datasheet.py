"""The datasheet: questions that whoever uses a dataset should find answered.

After Gebru et al., *Datasheets for Datasets*, CACM 64 (2021); answered from the data, and from
what the project's settings say.
"""

from collections.abc import Iterator, Sequence

from productnet.release.card import kappa, leakage_text, legal_text, percent
from productnet.release.leakage import Leakage
from productnet.release.manifest import Manifest
from productnet.release.statistics import Statistics
from productnet.settings import ReleaseSettings
from productnet.taxonomy.tree import Taxonomy

_WORST = 10

_SHEET = """\
# Datasheet of {name} {version}

## Motivation

{description}

## Composition

- {gold:,} gold products of {leaves:,} leaves.
- {hard:,} hard negatives: products shown for a leaf and rejected, the hardest of each leaf.
- Taxonomy {taxonomy}, {all_leaves:,} leaves, hash `{hash}`.
- Sides: {sides}. Wanted of every leaf: {test:.0%} test{validation}.

| field | gold products that have it |
|---|--:|
{filled}

## How it was collected

{how}
- {decisions:,} decisions stand behind what is here; products were decided from {first} to
  {last}.
- What belongs in a leaf: `guidelines.json`.
- {provenance}

## How sure the labels are

{worst}

## Splits and leakage

{leakage}

## Known gaps

{gaps}

## Uses

Training and testing models that put products into the leaves of the taxonomy, or that represent
products; judging them on the test side. Hard negatives say what a product is *not*; they say
nothing of what it is. The shares of leaves here follow what people worked on, and not how common
the leaves are in the shop: do not estimate frequencies from them.

Texts and images come from sellers. They may hold brand names, claims that are not true, and
people's faces or names.

## Licence, takedown, contact

{legal}

## Maintenance

Releases never change. A correction is another release with a higher version;
`productnet release diff` tells what it changed. This one was made from decisions up to number
{sequence:,} of the log{with_what}.
"""


def datasheet(
    manifest: Manifest,
    statistics: Statistics,
    leakage: Leakage,
    *,
    taxonomy: Taxonomy,
    fields: Sequence[str],
    settings: ReleaseSettings,
) -> str:
    """The datasheet's text, made from what is released."""
    share = manifest.validation_share
    made_with = ", ".join(f"{name} {version}" for name, version in manifest.made_with.items())
    return _SHEET.format(
        name=manifest.name,
        version=manifest.version,
        description=settings.description
        or "Labelled products to train and judge models on. (The project says no more; "
        "`release.description` in its settings does.)",
        gold=manifest.gold,
        hard=manifest.hard_negatives,
        leaves=sum(1 for leaf in manifest.leaves if leaf.gold),
        taxonomy=taxonomy,
        all_leaves=len(taxonomy.leaves),
        hash=taxonomy.hash,
        sides=_sides(manifest),
        test=manifest.test_share,
        validation=f", {share:.0%} validation" if share else "",
        filled="\n".join(
            f"| `{name}` | {_filled(statistics, name, manifest.gold)} |"
            for name in (*fields, "image")
        ),
        how="\n".join(_how(manifest, statistics)),
        decisions=statistics.decisions,
        first=_day(statistics.first),
        last=_day(statistics.last),
        provenance=_PROVENANCE[manifest.provenance],
        worst=_worst(statistics, taxonomy),
        leakage=leakage_text(leakage),
        gaps="\n".join(f"- {gap}" for gap in statistics.gaps) or "None that could be measured.",
        legal=legal_text(settings),
        sequence=manifest.log_sequence,
        with_what=f", with {made_with}" if made_with else "",
    )


_PROVENANCE = {
    "none": "Who decided is not told.",
    "pseudonyms": "Who decided is told by pseudonym, in `provenance/`; people's notes are not.",
    "full": "Who decided is told by name, with their notes, in `provenance/`.",
}


def _how(manifest: Manifest, statistics: Statistics) -> Iterator[str]:
    people = statistics.people
    if people["labelers"] or people["auditors"]:
        yield (
            "- Products were proposed leaf by leaf, by search, by models and by chance, and people "
            "said yes, no or\n  unsure of each. Another person, who saw neither the answer nor the "
            "source, said it again of\n  every yes; where they differed, a third settled it."
        )
        yield (
            f"- People who labelled: {people['labelers']:,}; who audited: {people['auditors']:,}; "
            f"who adjudicated: {people['adjudicators']:,}."
        )
    if statistics.imported:
        yield (
            "- Gold products with a label that came with a feed and was trusted: "
            f"{statistics.imported:,} of {manifest.gold:,}."
        )


def _day(moment: str | None) -> str:
    return "–" if moment is None else moment[:10]


def _sides(manifest: Manifest) -> str:
    return ", ".join(
        f"{sum(getattr(leaf, side) for leaf in manifest.leaves):,} {side}"
        for side in ("train", "validation", "test")
        if any(getattr(leaf, side) for leaf in manifest.leaves)
    )


def _filled(statistics: Statistics, name: str, gold: int) -> str:
    count = statistics.filled.get(name, 0)
    return f"{count:,} ({count / gold:.0%})" if gold else "0"


def _worst(statistics: Statistics, taxonomy: Taxonomy) -> str:
    """The leaves that can be trusted least: those whose interval begins lowest."""
    audited = [leaf for leaf in statistics.leaves if leaf.audited.of]
    if not audited:
        return "Nothing was audited, so nobody has measured it."
    lowest = sorted(audited, key=lambda leaf: (leaf.audited.low, leaf.count.category))[:_WORST]
    lines = [
        f"- {taxonomy[leaf.count.category].label}: {percent(leaf.audited)}, "
        f"κ {kappa(leaf.agreement.kappa)}"
        for leaf in lowest
    ]
    return (
        "Over all of the project, of the labelled positives that were audited, the audit confirmed "
        f"{percent(statistics.audited)}; agreement beyond chance between label and audit is "
        f"κ {kappa(statistics.agreement.kappa)}. Least certain, lowest end of the 95% interval "
        "first:\n\n" + "\n".join(lines)
    )
