"""What the workflow lets a person do, as checks on one product's votes (rules 1 to 3)."""

from collections.abc import Callable

from productnet.annotation.decisions import IMPORTED, Decision, Role, Verdict
from productnet.annotation.verdicts import (
    SUGGESTED,
    Answers,
    History,
    PairState,
    Reason,
    Stage,
    judge,
)
from productnet.errors import WorkflowError


def check(decision: Decision, history: History) -> None:
    """Raise WorkflowError if the decision breaks a rule, given its product's standing votes.

    No text tells what somebody else answered: whoever reads it may be asked to audit blindly.
    """
    if decision.role is Role.IMPORT and decision.annotator != IMPORTED:
        raise WorkflowError(
            f'"{decision.annotator}" cannot bring in trusted labels: only an import can, as the '
            f'annotator "{IMPORTED}". Label the product instead.'
        )
    _CHECKS[decision.role](decision, history)


def may_adjudicate(person: str, category: str, history: History) -> bool:
    """Whether this person may settle a dispute: who answered for the pair may not."""
    answers = Answers.of(history, category)
    given = [vote for vote in (answers.audit, answers.adjudication) if vote]
    return person not in {*answers.labelers, *(vote.annotator for vote in given)}


def _check_label(decision: Decision, history: History) -> None:
    pair, answers = _standing(decision, history)
    if pair is SUGGESTED or pair.reason is Reason.LABELER_UNSURE:
        return
    given = answers.label or answers.imported
    by = given.annotator if given else IMPORTED
    raise WorkflowError(
        f"{_named(decision)} has a label already, by {by}. "
        "Whoever gave it can undo it; anybody else can audit it."
    )


def _check_audit(decision: Decision, history: History) -> None:
    pair, answers = _standing(decision, history)
    if decision.annotator in answers.labelers:
        raise WorkflowError(
            f"{decision.annotator} labelled {_named(decision)} and cannot audit it. "
            "Leave it to somebody else."
        )
    if pair is SUGGESTED or pair.reason is Reason.LABELER_UNSURE:
        raise WorkflowError(
            f"{_named(decision)} has no sure label to audit. Label it instead, as positive or "
            "negative."
        )
    if pair.stage is not Stage.LABELLED:
        raise WorkflowError(
            f"{_named(decision)} has been audited already. Take the next of the audit queue; "
            "where answers differ, an adjudicator settles it."
        )


def _check_adjudication(decision: Decision, history: History) -> None:
    pair, answers = _standing(decision, history)
    audited_by = answers.audit.annotator if answers.audit else None
    if decision.annotator in {*answers.labelers, audited_by}:
        raise WorkflowError(
            f"{decision.annotator} has answered for {_named(decision)} and cannot adjudicate it. "
            "Leave it to somebody who neither labelled nor audited it."
        )
    settled = answers.adjudication
    if pair.reason is Reason.CHALLENGED and settled and settled.annotator == decision.annotator:
        raise WorkflowError(
            f"{decision.annotator} settled {_named(decision)} before it was challenged. "
            "Leave it to another adjudicator."
        )
    if pair.stage is not Stage.DISPUTED and not (pair.gold and _contested(history)):
        raise WorkflowError(
            f"{_named(decision)} is {pair.stage}, not disputed: there is nothing to adjudicate. "
            "Take the next of the disputes."
        )


def _check_challenge(decision: Decision, history: History) -> None:
    pair, _ = _standing(decision, history)
    if pair.stage not in (Stage.CONFIRMED, Stage.SETTLED):
        raise WorkflowError(
            f"{_named(decision)} is {pair.stage}: only what was confirmed or settled can be "
            "challenged. Leave it to its audit, or to the adjudicator."
        )
    if pair.reason is Reason.OVERRULED:
        raise WorkflowError(
            f"{_named(decision)} is settled as gold of another leaf. Challenge it there."
        )
    if decision.verdict is pair.verdict:
        raise WorkflowError(
            f"{_named(decision)} stands as {pair.verdict} already, so there is nothing to "
            "challenge. Say what it should be instead, or unsure."
        )


def _check_import(decision: Decision, history: History) -> None:
    if decision.verdict is Verdict.UNSURE:
        raise WorkflowError(
            f"The trusted label of {_named(decision)} says neither yes nor no. Leave it out."
        )


def _check_undo(decision: Decision, history: History) -> None:
    target = next((vote for vote in history if vote.id == decision.undoes), None)
    if target is None or target.category != decision.category:
        raise WorkflowError(
            f"{_named(decision)} has no decision {decision.undoes} that still stands: it was "
            "undone already. To change the answer, give a new one."
        )
    if target.annotator != decision.annotator:
        raise WorkflowError(
            f"Decision {decision.undoes} is by {target.annotator}, and {decision.annotator} can "
            "undo only their own. Give your answer in an audit or as adjudicator."
        )
    rests = [
        vote
        for vote in history
        if vote.category == target.category
        and vote.role in _RESTS_ON.get(target.role, ())
        and vote.seq > target.seq
    ]
    if rests:
        raise WorkflowError(
            f"{_named(decision)} has been {_PAST[rests[-1].role]} since, so your answer can no "
            "longer be undone. If it was wrong, the adjudicator settles it."
        )


_CHECKS: dict[Role, Callable[[Decision, History], None]] = {
    Role.LABEL: _check_label,
    Role.AUDIT: _check_audit,
    Role.ADJUDICATE: _check_adjudication,
    Role.IMPORT: _check_import,
    Role.CHALLENGE: _check_challenge,
    Role.UNDO: _check_undo,
}

# What was said knowing that a decision of this role stood.
_RESTS_ON = {
    Role.LABEL: (Role.AUDIT, Role.ADJUDICATE, Role.CHALLENGE),
    Role.AUDIT: (Role.ADJUDICATE, Role.CHALLENGE),
    Role.ADJUDICATE: (Role.CHALLENGE,),
    Role.CHALLENGE: (Role.ADJUDICATE,),
}


_PAST = {
    Role.AUDIT: "audited",
    Role.ADJUDICATE: "adjudicated",
    Role.CHALLENGE: "challenged",
}


def _standing(decision: Decision, history: History) -> tuple[PairState, Answers]:
    pair = judge(history).get(decision.category, SUGGESTED)
    return pair, Answers.of(history, decision.category)


def _contested(history: History) -> bool:
    return any(pair.reason is Reason.GOLD_ELSEWHERE for pair in judge(history).values())


def _named(decision: Decision) -> str:
    return f'Product "{decision.product}" in leaf "{decision.category}"'
