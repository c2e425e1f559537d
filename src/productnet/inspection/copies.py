"""Near-duplicates that were answered differently: one product cannot be of two leaves."""

from collections import defaultdict
from collections.abc import Iterator

from productnet.annotation.decisions import Verdict
from productnet.inspection.flaws import Action, Flaw, Severity, first_products
from productnet.inspection.subject import Subject
from productnet.progress import Progress

_NAME = "copies"

_ADVICE = (
    "Look at them side by side in the portal. If they are one product, settle which answer holds; "
    "if not, tell them apart."
)


def inspect(subject: Subject, progress: Progress) -> Iterator[Flaw]:
    """Groups that are gold of several leaves, and groups with a yes and a no for one leaf."""
    groups = _decided_groups(subject)
    with progress.task("Comparing answers of near-duplicates", total=len(groups)) as advance:
        for members in groups.values():
            yield from _two_leaves(subject, members)
            yield from _yes_and_no(subject, members)
            advance(1)


def _decided_groups(subject: Subject) -> dict[int, list[str]]:
    """Groups of which two products or more were decided, by number."""
    state = subject.state
    decided = list(dict.fromkeys(p for leaf in state.categories() for p in state.pairs(leaf)))
    groups: defaultdict[int, list[str]] = defaultdict(list)
    numbers = subject.near_duplicates.groups_of(decided).tolist()
    for product, number in zip(decided, numbers, strict=True):
        if number >= 0:
            groups[number].append(product)
    return {number: members for number, members in groups.items() if len(members) > 1}


def _two_leaves(subject: Subject, members: list[str]) -> Iterator[Flaw]:
    of_leaf: defaultdict[str, list[str]] = defaultdict(list)
    for product in members:
        if leaf := subject.gold.get(product):
            of_leaf[leaf].append(product)
    if len(of_leaf) < 2:
        return
    said = " and ".join(f"{len(of)} of {subject.name(leaf)}" for leaf, of in of_leaf.items())
    products = [product for of in of_leaf.values() for product in of]
    yield Flaw(
        inspection=_NAME,
        kind="near-duplicates in two leaves",
        severity=Severity.ERROR,
        seen=f"{len(products)} near-duplicates are gold of {len(of_leaf)} leaves: {said}.",
        advice=_ADVICE,
        action=Action.SETTLE,
        leaves=tuple(of_leaf),
        products=first_products(products),
        count=len(products),
        numbers={"leaves": len(of_leaf), "products": len(products)},
    )


def _yes_and_no(subject: Subject, members: list[str]) -> Iterator[Flaw]:
    state = subject.state
    for leaf in dict.fromkeys(vote.category for p in members for vote in state.history(p)):
        if leaf not in subject.taxonomy:
            continue
        verdicts = {product: state.pair(product, leaf).verdict for product in members}
        yes = [product for product, verdict in verdicts.items() if verdict is Verdict.POSITIVE]
        no = [product for product, verdict in verdicts.items() if verdict is Verdict.NEGATIVE]
        # Gold elsewhere is told of above.
        no = [product for product in no if subject.gold.get(product, leaf) == leaf]
        if yes and no:
            yield Flaw(
                inspection=_NAME,
                kind="near-duplicates with yes and no",
                severity=Severity.ERROR,
                seen=f"Of near-duplicates, {len(yes)} were answered yes and {len(no)} no for "
                f"{subject.name(leaf)}.",
                advice=_ADVICE,
                action=Action.SETTLE,
                leaves=(leaf,),
                products=first_products([*yes, *no]),
                count=len(yes) + len(no),
                numbers={"yes": len(yes), "no": len(no)},
            )
