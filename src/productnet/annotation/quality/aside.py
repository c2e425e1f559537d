"""Where answers to check items go: into a table of their own, in the log's own transaction.

Only the log knows this place. A decision comes to it as any other does and is refused in the same
words, so that nobody can tell a check item from a product that nobody has answered.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, insert, select

from productnet.annotation import rules
from productnet.annotation.decisions import IMPORTED, Decision, Role, Verdict
from productnet.annotation.schema import check_answers as answers_table
from productnet.annotation.schema import check_items as items_table
from productnet.annotation.schema import from_row, to_row
from productnet.annotation.verdicts import History, Stage, after, judge

# Products looked up at a time.
_CHUNK = 5_000


class Aside:
    """Where a transaction puts answers to check items, instead of into the log.

    Attributes:
        known: The answers that were there before, by id.
    """

    def __init__(self, connection: Connection, sent: Iterable[Decision]) -> None:
        # Only what people label or take back can be an answer to a check item.
        products = {
            decision.product
            for decision in sent
            if decision.role in (Role.LABEL, Role.UNDO) and decision.annotator != IMPORTED
        }
        items = _about(connection, items_table, products)
        self._items = {(row.person, row.product, row.category) for row in items}
        answers = _about(connection, answers_table, {row.product for row in items})
        self._answers = [from_row(row)[1] for row in sorted(answers, key=lambda row: row.seq)]
        self._before = len(self._answers)
        self.known = {decision.id: decision for decision in self._answers}

    def takes(self, decision: Decision, history: History) -> bool:
        """Take a decision that answers a check item, or takes such an answer back.

        It is refused as the log would refuse it, in the same words; so nobody can tell.

        Args:
            decision: Not one of ``known``.
            history: What stands about its product.
        """
        answering = decision.annotator
        if decision.role is Role.UNDO:
            target = next((said for said in self._answers if said.id == decision.undoes), None)
            if target is None:
                return False
            answering = target.annotator
        elif decision.role is not Role.LABEL or not self._asks(decision, history):
            return False
        rules.check(decision, self._said(answering, decision.product))
        self._answers.append(decision)
        return True

    def _asks(self, decision: Decision, history: History) -> bool:
        """Whether this is a check item; one whose answer is no longer known is not."""
        if (decision.annotator, decision.product, decision.category) not in self._items:
            return False
        said = self._said(decision.annotator, decision.product)
        answered = any(vote.category == decision.category for vote in said)
        return answered or known_answer(history, decision.category) is not None

    def _said(self, person: str, product: str) -> History:
        history: History = ()
        for seq, decision in enumerate(self._answers, start=1):
            if decision.annotator == person and decision.product == product:
                history = after(history, seq, decision)
        return history

    def mark(self) -> int:
        """How much was taken, to come back to."""
        return len(self._answers)

    def back_to(self, mark: int) -> None:
        """Give back what was taken since."""
        del self._answers[mark:]

    def write(self, connection: Connection) -> None:
        """Write what was taken."""
        if fresh := self._answers[self._before :]:
            connection.execute(insert(answers_table), [to_row(decision) for decision in fresh])


def find_answer(connection: Connection, decision_id: UUID) -> Decision | None:
    """The answer to a check item, or the undo of one, of this id."""
    query = select(answers_table).where(answers_table.c.id == decision_id)
    row = connection.execute(query).first()
    return from_row(row)[1] if row else None


def known_answer(history: History, leaf: str) -> Verdict | None:
    """What is certain about a product and a leaf, if anything is."""
    pairs = judge(history)
    pair = pairs.get(leaf)
    if pair is None:
        elsewhere = any(other.gold for other in pairs.values())
        return Verdict.NEGATIVE if elsewhere else None
    settled = pair.stage in (Stage.CONFIRMED, Stage.SETTLED)
    return pair.verdict if settled and pair.verdict is not Verdict.UNSURE else None


def standing_answers(given: Sequence[Decision]) -> list[Decision]:
    """The last answer of a person to a check item, those taken back left out."""
    undone = {decision.undoes for decision in given}
    standing = {
        (decision.annotator, decision.product, decision.category): decision
        for decision in given
        if decision.role is Role.LABEL and decision.id not in undone
    }
    return list(standing.values())


def _about(connection: Connection, table: Table, products: Collection[str]) -> list[Any]:
    """The rows of a table that are about these products."""
    names = list(products)
    return [
        row
        for start in range(0, len(names), _CHUNK)
        for row in connection.execute(
            select(table).where(table.c.product.in_(names[start : start + _CHUNK]))
        )
    ]
