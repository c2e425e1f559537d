"""Leaves with too little gold, and leaves of which one side only is labelled."""

from collections.abc import Iterator, Mapping, Sequence

from productnet.inspection.flaws import Action, Flaw, Severity
from productnet.inspection.subject import Subject
from productnet.local.coverage import Coverage
from productnet.progress import Progress

# With fewer, the test side has a product or two, and nothing can be told from it.
_HARDLY_ANY = 10

# Gold with which coverage says something about what is missing, not about a beginning.
_BEGUN = 10

_OTHERWISE = " If the shop has no more, merge it into a sibling, or leave it out of the tests."


def inspect_thin(subject: Subject, progress: Progress) -> Iterator[Flaw]:
    """Leaves with less gold than the target, those with the least first; empty ones together."""
    target = subject.project.settings.targets.positives
    counts = {leaf.id: len(subject.gold_of.get(leaf.id, ())) for leaf in subject.taxonomy.leaves}
    thin = [leaf for leaf in sorted(counts, key=counts.__getitem__) if 0 < counts[leaf] < target]
    for leaf in thin:
        if counts[leaf] < _HARDLY_ANY:
            yield _hardly_any(subject, leaf, counts[leaf], target)
    yield from _below_target(subject, [n for n in thin if counts[n] >= _HARDLY_ANY], counts, target)
    empty = [leaf for leaf, gold in counts.items() if gold == 0]
    if empty and subject.gold:
        named = ", ".join(subject.name(leaf) for leaf in empty[:5])
        yield Flaw(
            inspection="thin",
            kind="no gold",
            severity=Severity.NOTE,
            seen=f"{len(empty):,} of {len(counts):,} leaves have no gold, such as {named}.",
            advice="Label those that the shop has products of; a model knows none of them.",
            action=Action.COLLECT,
            leaves=tuple(empty),
            numbers={"leaves": len(empty)},
        )


def _hardly_any(subject: Subject, leaf: str, gold: int, target: int) -> Flaw:
    waiting = subject.state.progress(leaf).to_audit
    more = f"; {waiting} wait for an audit" if waiting else ""
    return Flaw(
        inspection="thin",
        kind="too thin",
        severity=Severity.WARNING,
        seen=f"{subject.name(leaf)} has {gold} gold products of the {target} wanted{more}.",
        advice=("Audit what waits." if waiting else "Label more of it.") + _OTHERWISE,
        action=Action.COLLECT,
        leaves=(leaf,),
        count=gold,
        numbers={"gold": gold, "target": target, "to_audit": waiting},
    )


def _below_target(
    subject: Subject, leaves: Sequence[str], counts: Mapping[str, int], target: int
) -> Iterator[Flaw]:
    if not leaves:
        return
    named = ", ".join(f"{subject.name(leaf)} ({counts[leaf]})" for leaf in leaves[:5])
    yield Flaw(
        inspection="thin",
        kind="below the target",
        severity=Severity.NOTE,
        seen=f"{len(leaves):,} leaves have {_HARDLY_ANY} gold products or more, but fewer than the "
        f"{target} wanted; the thinnest: {named}.",
        advice="Label more of them." + _OTHERWISE,
        action=Action.COLLECT,
        leaves=tuple(leaves),
        count=sum(counts[leaf] for leaf in leaves),
        numbers={"leaves": len(leaves), "target": target},
    )


def inspect_narrow(subject: Subject, progress: Progress) -> Iterator[Flaw]:
    """Leaves whose region is covered less than the setting wants, the least covered first."""
    state = subject.state
    begun = [leaf for leaf, gold in subject.gold_of.items() if len(gold) >= _BEGUN]
    if not begun:
        return
    measured = Coverage(subject.embeddings, seed=subject.project.settings.seed)
    found: list[tuple[float, str]] = []
    with progress.task("Measuring coverage", total=len(begun)) as advance:
        for leaf in begun:
            covered = measured.of(
                state.positives(leaf), state.negatives(leaf), decided=state.pairs(leaf)
            )
            if covered is not None and covered < subject.settings.narrow:
                found.append((covered, leaf))
            advance(1)
    for covered, leaf in sorted(found):
        yield Flaw(
            inspection="narrow",
            kind="too narrow",
            severity=Severity.WARNING,
            seen=f"{covered:.0%} of what looks like {subject.name(leaf)} is close to one of its "
            f"{len(state.positives(leaf))} positives.",
            advice="Label sides of it that nobody has seen yet: ask Active for what is ambiguous, "
            "look at Random, or pick a patch of the map that has no answer.",
            action=Action.COLLECT,
            leaves=(leaf,),
            count=len(state.positives(leaf)),
            numbers={"covered": round(covered, 4)},
        )
