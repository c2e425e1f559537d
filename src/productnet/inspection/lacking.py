"""Leaves whose gold lacks what other leaves have, such as a field or a picture."""

from collections.abc import Iterator, Mapping, Sequence

from productnet.annotation.quality.agreement import Proportion
from productnet.inspection.flaws import Action, Flaw, Severity, first_products
from productnet.inspection.subject import Subject


def lacking_leaves(
    subject: Subject,
    without: Mapping[str, Sequence[str]],
    *,
    worse: float,
    inspection: str,
    kind: str,
    what: str,
    advice: str,
    action: Action,
    field: str | None = None,
) -> Iterator[Flaw]:
    """A flaw for each leaf of which surely more gold is without something than of all gold.

    Args:
        subject: Whose gold.
        without: Leaf to the gold products that are without.
        worse: How much more, as a share; the 95% interval has to begin above it.
        inspection: Which one finds it.
        kind: What it is called there.
        what: What they are without.
        advice: What to do about it.
        action: The same in one word.
        field: The field it is about.
    """
    total = sum(map(len, without.values()))
    usual = total / len(subject.gold) if subject.gold else 0.0
    shares = [
        (Proportion.count(len(without.get(leaf, ())), len(gold)), leaf)
        for leaf, gold in subject.gold_of.items()
    ]
    for share, leaf in sorted(shares, key=lambda item: -item[0].low):
        if share.low <= usual + worse:
            return
        yield Flaw(
            inspection=inspection,
            kind=kind,
            severity=Severity.WARNING,
            seen=f"{share.hits} of {share.of} gold products of {subject.name(leaf)} have no "
            f"{what}, beside {usual:.0%} of all gold.",
            advice=advice,
            action=action,
            leaves=(leaf,),
            products=first_products(without[leaf]),
            count=share.hits,
            field=field,
            numbers={"share": round(share.share or 0.0, 4), "usual": round(usual, 4)},
        )
