"""Suspected label errors: gold that models trained on other gold do not believe, leaf by leaf."""

from collections import defaultdict
from collections.abc import Iterator

from productnet.annotation.quality.agreement import Proportion
from productnet.evaluation.suspects import Suspect
from productnet.inspection.flaws import Action, Flaw, Severity, first_products
from productnet.inspection.subject import Subject
from productnet.progress import Progress

# A leaf of which surely more than this is doubted teaches what is not so.
_GRAVE = 0.05


def inspect(subject: Subject, progress: Progress) -> Iterator[Flaw]:
    """Leaves whose gold looks wrong in part, those with the most of it first."""
    with progress.task("Judging gold by models of other gold", total=None):
        judged = subject.judged
    if judged is None:
        return
    suspects = judged.suspects()
    of_leaf: defaultdict[str, list[Suspect]] = defaultdict(list)
    for one in suspects:
        of_leaf[one.leaf].append(one)
    doubted = {
        leaf: [one for one in gold if one.probability >= subject.settings.suspected]
        for leaf, gold in of_leaf.items()
    }
    for leaf in sorted(of_leaf, key=lambda leaf: -len(doubted[leaf])):
        if doubted[leaf]:
            yield _flaw(subject, leaf, of_leaf[leaf], doubted[leaf])


def _flaw(subject: Subject, leaf: str, gold: list[Suspect], doubted: list[Suspect]) -> Flaw:
    share = Proportion.count(len(doubted), len(gold))
    expected = sum(one.probability for one in gold)
    instead = dict.fromkeys(one.rather for one in doubted if one.rather)
    rather = ", ".join(subject.name(other) for other in list(instead)[:3])
    return Flaw(
        inspection="labels",
        kind="suspected label errors",
        severity=Severity.ERROR if share.low > _GRAVE else Severity.WARNING,
        seen=f"{len(doubted)} of {len(gold)} gold products of {subject.name(leaf)} look wrong; "
        f"they look like {rather}.",
        advice="Open them for a second look on the page of suspected errors.",
        action=Action.LOOK_AGAIN,
        leaves=(leaf, *instead)[:4],
        products=first_products(one.product for one in doubted),
        count=len(doubted),
        numbers={
            "gold": len(gold),
            "expected_errors": round(expected, 2),
            "likeliest": round(doubted[0].probability, 3),
        },
    )
