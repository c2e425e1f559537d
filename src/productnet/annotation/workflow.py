"""Label, blind audit, adjudicate, undo, import: the one door into the log (rules 1 to 4).

The portal, the command line and simulated people all come through here. There is no HTTP in it.
"""

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self, Unpack
from uuid import UUID, uuid4, uuid5

from productnet.annotation import rules
from productnet.annotation.commits import Outcome
from productnet.annotation.decisions import IMPORTED, Decision, Details, Role, Verdict, decide
from productnet.annotation.log import DecisionLog
from productnet.annotation.verdicts import History, Reason
from productnet.catalog.pool import Pool
from productnet.errors import ProductNetError, UnknownProduct, WorkflowError
from productnet.progress import SILENT, Progress
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

# Ids of imported labels are made from this and their content, so that importing again is harmless.
_IMPORTS = UUID("6b0e7c1c-3f0e-5d0b-9a64-5c2f1b7d9e21")

# Imported labels recorded in one transaction.
_IMPORT_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Dispute:
    """A pair that waits for an adjudicator.

    Attributes:
        product: The product.
        category: The leaf in question.
        reason: Answers that differ, a product that is gold elsewhere, or a challenge.
        votes: Everything that stands about the product, in every leaf.
    """

    product: str
    category: str
    reason: Reason
    votes: History


@dataclass(slots=True)
class ImportedLabels:
    """What became of the labels of a feed.

    Attributes:
        added: Recorded now.
        repeated: Recorded by an earlier import.
        skipped: Product id to why its label could not be used.
    """

    added: int = 0
    repeated: int = 0
    skipped: dict[str, str] = field(default_factory=dict)


class Workflow:
    """Every way to decide about a product, with the rules enforced where the log is written.

    Args:
        log: Where decisions go.
        taxonomy: Whose leaves are labelled.
        products: The ids of the pool.
    """

    def __init__(self, log: DecisionLog, taxonomy: Taxonomy, products: Container[str]) -> None:
        self.log = log
        self._taxonomy = taxonomy
        self._products = products

    @classmethod
    def open(cls, project: Project) -> Self:
        """The workflow of a project; its product ids are kept in memory (about 0.1 kB each)."""
        taxonomy = Taxonomy.load(project.taxonomy_path)
        products = frozenset(Pool.open(project.pool_path).ids().to_pylist())
        return cls(DecisionLog.open(project.database_url), taxonomy, products)

    def record(self, *decisions: Decision) -> int:
        """Record decisions of any role, all or none; on return they are on disk.

        A decision sent again under its id is passed over, so a client may retry freely.

        Returns:
            How many were new.

        Raises:
            WorkflowError: One breaks a rule; none was recorded.
            UnknownCategory, UnknownProduct: One names what does not exist.
        """
        return self.log.append(*decisions, check=self._check)

    def record_each(self, decisions: Sequence[Decision]) -> list[Outcome]:
        """Record decisions of any role, each by itself, in one transaction.

        Returns:
            What became of each, in order. What was not refused is on disk; a refusal carries the
            error that ``record`` would have raised, and does not stop the others.

        Raises:
            WorkflowError: The database could not take them; nothing was recorded.
        """
        return self.log.append_each(decisions, check=self._check)

    def label(
        self,
        product: str,
        category: str,
        *,
        verdict: Verdict,
        annotator: str,
        **details: Unpack[Details],
    ) -> Decision:
        """A labeler's answer; raises as ``record``."""
        return self._record(
            decide(Role.LABEL, product, category, verdict=verdict, annotator=annotator, **details)
        )

    def audit(
        self,
        product: str,
        category: str,
        *,
        verdict: Verdict,
        annotator: str,
        **details: Unpack[Details],
    ) -> Decision:
        """The answer of a second person, who has not seen the first; raises as ``record``."""
        return self._record(
            decide(Role.AUDIT, product, category, verdict=verdict, annotator=annotator, **details)
        )

    def adjudicate(
        self,
        product: str,
        category: str,
        *,
        verdict: Verdict,
        annotator: str,
        **details: Unpack[Details],
    ) -> Decision:
        """The answer that settles a dispute, of a third person; raises as ``record``."""
        return self._record(
            decide(
                Role.ADJUDICATE, product, category, verdict=verdict, annotator=annotator, **details
            )
        )

    def challenge(
        self,
        product: str,
        category: str,
        *,
        verdict: Verdict = Verdict.UNSURE,
        annotator: str,
        **details: Unpack[Details],
    ) -> Decision:
        """Doubt what was confirmed or settled, so that an adjudicator looks at it again.

        Args:
            product: The product.
            category: The leaf.
            verdict: What it should be instead; *unsure* when that is open.
            annotator: Who doubts: a person, or the name of a model.
            details: A model gives its version and, as score, how likely the answer is wrong.

        Raises:
            As ``record``.
        """
        return self._record(
            decide(
                Role.CHALLENGE, product, category, verdict=verdict, annotator=annotator, **details
            )
        )

    def undo(
        self,
        decision_id: UUID,
        *,
        annotator: str,
        id: UUID | None = None,
        at: datetime | None = None,
    ) -> Decision:
        """Take back a decision of one's own, by another decision.

        Raises:
            WorkflowError: There is none of this id, it is somebody else's, it was undone already,
                it is an undo itself, or an audit or adjudication rests on it.
        """
        target = self.log.find(decision_id)
        if target is None:
            raise WorkflowError(f"There is no decision {decision_id} to undo. Check its id.")
        if target.role is Role.UNDO:
            raise WorkflowError(
                f"Decision {decision_id} is an undo and cannot be undone. Give the answer again."
            )
        return self._record(
            Decision(
                id=id or uuid4(),
                product=target.product,
                category=target.category,
                verdict=None,
                role=Role.UNDO,
                annotator=annotator,
                at=at or datetime.now(UTC),
                undoes=decision_id,
            )
        )

    def standing(self, products: Collection[str]) -> dict[str, list[Decision]]:
        """Decisions about these products that stand, in full and in order, notes included.

        For the few that are shown to an adjudicator: they are read from the log.
        """
        histories = self.log.state().histories(products)
        stands = {vote.id for history in histories.values() for vote in history}
        return {
            product: [decision for decision in said if decision.id in stands]
            for product, said in self.log.about(*products).items()
        }

    def disputes(
        self, category: str | None = None, *, adjudicator: str | None = None
    ) -> list[Dispute]:
        """Pairs that wait for an adjudicator, oldest first within a leaf.

        Args:
            category: Of this leaf; of all when None.
            adjudicator: Without those this person answered for.
        """
        state = self.log.state()
        waiting = [
            Dispute(product, leaf, pairs[product].reason, history)
            for leaf in ([category] if category else state.categories())
            if state.progress(leaf).disputed
            for pairs in [state.pairs(leaf)]
            for product, history in state.histories(state.disputed(leaf)).items()
            if product in pairs
        ]
        return [
            dispute
            for dispute in waiting
            if adjudicator is None
            or rules.may_adjudicate(adjudicator, dispute.category, dispute.votes)
        ]

    def import_labels(
        self, labels: Mapping[str, str], *, trusted: bool, progress: Progress = SILENT
    ) -> ImportedLabels:
        """Record a feed's own labels as positives given by the annotator ``imported``.

        Args:
            labels: Product id to leaf id.
            trusted: Gold at once; otherwise they wait for an audit like any label.
            progress: Told of every label.

        Returns:
            Counts, and every label that could not be used with its reason. The same labels
            imported again change nothing.
        """
        result = ImportedLabels()
        items = list(labels.items())
        with progress.task("Importing labels", total=len(items)) as advance:
            for start in range(0, len(items), _IMPORT_CHUNK):
                chunk = items[start : start + _IMPORT_CHUNK]
                self._import_chunk(dict(chunk), trusted, result)
                advance(len(chunk))
        return result

    def _import_chunk(self, labels: dict[str, str], trusted: bool, result: ImportedLabels) -> None:
        histories = self.log.state().histories(labels)
        ready: list[Decision] = []
        for product, category in labels.items():
            decision = decide(
                Role.IMPORT if trusted else Role.LABEL,
                product,
                category,
                verdict=Verdict.POSITIVE,
                annotator=IMPORTED,
                id=uuid5(_IMPORTS, f"{product}\0{category}\0{trusted}"),
            )
            history = histories[product]
            try:
                if all(vote.id != decision.id for vote in history):
                    self._check(decision, history)
            except ProductNetError as error:
                result.skipped[product] = str(error)
            else:
                ready.append(decision)
        added = self.log.append(*ready, check=self._check)
        result.added += added
        result.repeated += len(ready) - added

    def _record(self, decision: Decision) -> Decision:
        self.record(decision)
        return decision

    def _check(self, decision: Decision, history: History) -> None:
        category = self._taxonomy[decision.category]
        if not self._taxonomy.is_leaf(category.id):
            raise WorkflowError(
                f'Category "{category.id}" has categories below it, and people label leaves only. '
                f'Choose one of them, such as "{self._taxonomy.children(category.id)[0].id}".'
            )
        if decision.product not in self._products:
            raise UnknownProduct(
                f'The pool has no product "{decision.product}". Import it before deciding on it.'
            )
        rules.check(decision, history)
