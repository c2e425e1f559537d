"""The verdict of a pair, computed from the decisions about its product (rules 2 to 4).

Everything here is a pure function of one product's votes: its decisions in the order of the log,
less those taken back. A product is judged as a whole because it is gold for at most one leaf.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from productnet.annotation.decisions import Decision, Role, Verdict


class Stage(StrEnum):
    """How far a pair of product and leaf has come."""

    SUGGESTED = "suggested"
    LABELLED = "labelled"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    SETTLED = "settled"


# Two people agree, or an adjudicator gave the answer.
CERTAIN = frozenset({Stage.CONFIRMED, Stage.SETTLED})


class Reason(StrEnum):
    """Why a pair stands where it stands, in words to show."""

    UNDECIDED = "nobody has decided yet"
    AWAITS_AUDIT = "labelled, not audited yet"
    LABELER_UNSURE = "the labeler was unsure"
    AGREED = "labeler and auditor agree"
    IMPORTED = "trusted label of the feed"
    DIFFER = "the answers differ"
    CHALLENGED = "challenged after it was settled"
    GOLD_ELSEWHERE = "the product is gold in another leaf"
    ADJUDICATED = "settled by an adjudicator"
    OVERRULED = "settled as gold of another leaf"


@dataclass(frozen=True, slots=True)
class Vote:
    """What the rules need of a decision; ``seq`` is its place in the log, ``day`` its UTC day."""

    seq: int
    id: UUID
    category: str
    verdict: Verdict
    role: Role
    annotator: str
    source: str | None
    score: float | None
    day: int


@dataclass(frozen=True, slots=True)
class PairState:
    """Where a pair of product and leaf stands.

    Attributes:
        stage: How far it has come.
        verdict: What holds now; None while undecided or disputed.
        reason: Why.
        source: The source that showed the product to its labeler.
        score: The candidate's score then: closeness to the leaf, 0 to 1.
        since: Sequence number of the decision that brought it here.
    """

    stage: Stage
    verdict: Verdict | None
    reason: Reason
    source: str | None = None
    score: float | None = None
    since: int = 0

    @property
    def certain(self) -> bool:
        """Whether two people agree on it, or an adjudicator gave the answer."""
        return self.stage in CERTAIN

    @property
    def gold(self) -> bool:
        """A positive that was confirmed or settled."""
        return self.verdict is Verdict.POSITIVE and self.certain

    @property
    def master_error(self) -> bool:
        """The master model recommended it and people rejected it (rule 4)."""
        return self.verdict is Verdict.NEGATIVE and self.source == "master"


SUGGESTED = PairState(Stage.SUGGESTED, None, Reason.UNDECIDED)

History = tuple[Vote, ...]


def after(history: History, seq: int, decision: Decision) -> History:
    """A product's votes after one more decision; an undo takes its vote out again."""
    if decision.verdict is None:
        return tuple(
            vote
            for vote in history
            if vote.id != decision.undoes or vote.annotator != decision.annotator
        )
    vote = Vote(
        seq,
        decision.id,
        decision.category,
        decision.verdict,
        decision.role,
        decision.annotator,
        decision.source,
        decision.score,
        decision.at.toordinal(),
    )
    return (*history, vote)


@dataclass(frozen=True, slots=True)
class Answers:
    """The votes of one pair that count: the last of each role, by people who may hold it."""

    label: Vote | None
    audit: Vote | None
    adjudication: Vote | None
    imported: Vote | None
    challenge: Vote | None
    labelers: frozenset[str]

    @classmethod
    def of(cls, history: Sequence[Vote], category: str) -> "Answers":
        """The votes that count for this leaf.

        A log may hold a vote that breaks a rule, from another program: it is passed over.
        """
        label = audit = adjudication = imported = challenge = None
        labelers = frozenset(
            vote.annotator
            for vote in history
            if vote.role is Role.LABEL and vote.category == category
        )
        for vote in history:
            if vote.category != category:
                continue
            if vote.role is Role.LABEL:
                label = vote
            elif vote.role is Role.IMPORT:
                imported = vote
            elif vote.role is Role.CHALLENGE:
                challenge = vote
            elif vote.annotator in labelers:
                continue
            elif vote.role is Role.AUDIT:
                audit = vote
            elif audit is None or vote.annotator != audit.annotator:
                adjudication = vote
        return cls(label, audit, adjudication, imported, challenge, labelers)


def judge(history: Sequence[Vote]) -> dict[str, PairState]:
    """The state of every pair of one product, by leaf."""
    categories = dict.fromkeys(vote.category for vote in history)
    pairs = {
        category: state
        for category in categories
        if (state := _challenged(Answers.of(history, category))) is not SUGGESTED
    }
    golds = {category: pair for category, pair in pairs.items() if pair.gold}
    return pairs if len(golds) < 2 else pairs | _one_gold(golds)


def _challenged(answers: Answers) -> PairState:
    """One pair by itself: what was confirmed or settled is disputed once it is challenged."""
    state = _judge_pair(answers)
    challenge = answers.challenge
    open_to_it = state.stage in (Stage.CONFIRMED, Stage.SETTLED)
    # What was confirmed or settled after the challenge has answered it.
    if challenge and open_to_it and challenge.seq > state.since:
        since = challenge.seq
        return replace(
            state, stage=Stage.DISPUTED, verdict=None, reason=Reason.CHALLENGED, since=since
        )
    return state


def _judge_pair(answers: Answers) -> PairState:
    """One pair by itself, other leaves left aside (rule 2)."""
    label, audit, imported = answers.label, answers.audit, answers.imported
    given = label or imported
    if given is None:
        return SUGGESTED
    state = PairState(
        Stage.LABELLED,
        given.verdict,
        Reason.LABELER_UNSURE if given.verdict is Verdict.UNSURE else Reason.AWAITS_AUDIT,
        source=given.source,
        score=given.score,
        since=given.seq,
    )
    if settled := answers.adjudication:
        return replace(
            state,
            stage=Stage.SETTLED,
            verdict=settled.verdict,
            reason=Reason.ADJUDICATED,
            since=settled.seq,
        )
    if imported and given.verdict is Verdict.UNSURE:
        given = imported
    confirming = [vote for vote in (imported, audit) if vote]
    if not confirming:
        return state
    since = confirming[-1].seq
    if any(vote.verdict is not given.verdict for vote in confirming):
        return replace(state, stage=Stage.DISPUTED, verdict=None, reason=Reason.DIFFER, since=since)
    return replace(
        state,
        stage=Stage.CONFIRMED,
        verdict=given.verdict,
        reason=Reason.AGREED if audit else Reason.IMPORTED,
        since=since,
    )


def _one_gold(golds: dict[str, PairState]) -> dict[str, PairState]:
    """Rule 3: the latest adjudicated positive holds, else the earliest gold."""
    settled = {leaf: pair for leaf, pair in golds.items() if pair.stage is Stage.SETTLED}
    if settled:
        holder = max(settled, key=lambda leaf: settled[leaf].since)
    else:
        holder = min(golds, key=lambda leaf: golds[leaf].since)
    held = golds[holder]
    result = {holder: held}
    for leaf, pair in golds.items():
        if leaf == holder:
            continue
        if held.stage is Stage.SETTLED and pair.since < held.since:
            result[leaf] = replace(
                pair,
                stage=Stage.SETTLED,
                verdict=Verdict.NEGATIVE,
                reason=Reason.OVERRULED,
                since=held.since,
            )
        else:
            result[leaf] = replace(
                pair, stage=Stage.DISPUTED, verdict=None, reason=Reason.GOLD_ELSEWHERE
            )
    return result
