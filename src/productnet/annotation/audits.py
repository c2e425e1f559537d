"""What an auditor is shown: a leaf's labels, mixed so that nothing tells what was said of one.

A leaf has a sheet for each auditor: its labelled positives with about as many labelled negatives,
in an order drawn for that leaf and person. The sheet rests on the labels alone. An audit takes one
product off it and changes nothing else, whatever the labeler had answered, so that neither a page
nor its length nor what follows it says anything, however often it is asked for.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from productnet.annotation.decisions import Role, Verdict
from productnet.annotation.state import State
from productnet.annotation.verdicts import SUGGESTED, Answers, Stage, Vote

# Negatives as a share of a sheet; it is drawn between these, so that none can be inferred.
_SHARES = (0.4, 0.6)


@dataclass(frozen=True, slots=True)
class AuditSheet:
    """Products that wait for one auditor.

    Attributes:
        products: In the order they are shown.
        left: How many there are from the start of the sheet.
        cursor: What to ask for to be given those that follow; None at the end.
    """

    products: list[str]
    left: int
    cursor: str | None


def audit_sheet(
    state: State, leaf: str, *, auditor: str, count: int, after: str = ""
) -> AuditSheet:
    """The next products of a leaf for this person to audit.

    Args:
        state: What was decided.
        leaf: The leaf.
        auditor: Who audits; what they labelled themselves is left out.
        count: How many at most.
        after: Cursor of the page before; empty for the first.
    """
    places = {_place(auditor, leaf, product): product for product in _chosen(state, leaf, auditor)}
    pairs = state.pairs(leaf)
    waiting = [
        place
        for place in sorted(places)
        if pairs.get(places[place], SUGGESTED).stage is Stage.LABELLED
    ]
    ahead = [place for place in waiting if place > after]
    page = ahead[:count]
    return AuditSheet(
        [places[place] for place in page],
        len(waiting),
        page[-1] if len(ahead) > len(page) else None,
    )


def audited_by(state: State, leaf: str, person: str) -> set[str]:
    """Products of the leaf that this person has audited, and not taken it back."""
    return {
        product
        for product, vote in state.votes(leaf)
        if vote.role is Role.AUDIT and vote.annotator == person
    }


def _chosen(state: State, leaf: str, auditor: str) -> list[str]:
    """What the auditor is to see of a leaf, audited or not."""
    labels = _labels(state, leaf, auditor)
    positives = [product for product, vote in labels.items() if vote.verdict is Verdict.POSITIVE]
    low, high = _SHARES
    share = low + (high - low) * _draw(auditor, leaf)
    beside = round(len(positives) * share / (1 - share))
    return positives + _hardest_first(labels)[:beside]


def _labels(state: State, leaf: str, auditor: str) -> dict[str, Vote]:
    """The labels of a leaf that others gave, in the order of the log."""
    histories = state.histories(state.pairs(leaf))
    answers = {product: Answers.of(history, leaf) for product, history in histories.items()}
    given = {
        product: each.label
        for product, each in answers.items()
        if each.label and auditor not in each.labelers
    }
    return dict(sorted(given.items(), key=lambda item: item[1].seq))


def _hardest_first(labels: Mapping[str, Vote]) -> list[str]:
    """The negatives, by the label alone: errors of the master, then the closest to the leaf."""

    def ease(product: str) -> tuple[bool, bool, float]:
        vote = labels[product]
        at_random = vote.source in (None, "random")
        return at_random, vote.source != "master", 0.0 if at_random else -(vote.score or 0.0)

    return sorted(
        (one for one, vote in labels.items() if vote.verdict is Verdict.NEGATIVE), key=ease
    )


def _place(auditor: str, leaf: str, product: str) -> str:
    """Where on the sheet a product is: at random, and always there."""
    return _digest(auditor, leaf, product).hex()


def _draw(auditor: str, leaf: str) -> float:
    """A number from 0 to 1 that belongs to this person and leaf."""
    return int.from_bytes(_digest(auditor, leaf)[:4]) / 2**32


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=12).digest()
