"""What a decision changes of its product: from what it added to the sums, to what it adds now.

The tables are moved on by these, and so is what a process has in memory; so both come to the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from productnet.annotation.decisions import Decision
from productnet.annotation.histories import CHUNK, decisions_since, read_histories
from productnet.annotation.read_models.sums import Added
from productnet.annotation.verdicts import History, after


class Effect(NamedTuple):
    """One decision of the log and what it changed.

    Attributes:
        seq: Its number.
        decision: What was said.
        history: The votes of its product after it.
        was: What the product added to the sums before it.
        now: What the product adds since.
    """

    seq: int
    decision: Decision
    history: History
    was: Added
    now: Added


def effects_of(
    written: Sequence[tuple[int, Decision]], histories: Mapping[str, History]
) -> list[Effect]:
    """The effects of decisions that follow each other in the log.

    Args:
        written: With their numbers, rising.
        histories: The votes of their products before the first of them.
    """
    reached: dict[str, tuple[History, Added]] = {}
    effects = []
    for seq, decision in written:
        product = decision.product
        if product in reached:
            before, was = reached[product]
        else:
            before = histories[product]
            was = Added.by(before)
        history = after(before, seq, decision)
        now = Added.by(history)
        reached[product] = history, now
        effects.append(Effect(seq, decision, history, was, now))
    return effects


def read_effects(
    connection: Connection, seq: int, *, at_once: int = CHUNK
) -> Iterator[list[Effect]]:
    """The effects of everything after ``seq``, so many in memory at a time."""
    for chunk in decisions_since(connection, seq, at_once=at_once):
        products = {decision.product for _, decision in chunk}
        yield effects_of(chunk, read_histories(connection, products, before=chunk[0][0]))
