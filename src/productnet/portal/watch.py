"""What a portal notices while it serves: answers, leaves that are done, rounds, jobs.

Whoever it was that did it, this process, another one or a command, everybody with a page open is
told, and what belongs in the activity log is written there.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from productnet.annotation.queue import Board
from productnet.annotation.read_models.checkpoint import fold_a_little
from productnet.portal.jobs import Job
from productnet.portal.updates import Update, Updates
from productnet.rounds.news import tell

if TYPE_CHECKING:
    from productnet.portal.portal import Portal


# Decisions that are folded into the read models together: the fewer, the dearer each.
_FOLDED_TOGETHER = 250

# Seconds between two times at which how somebody drifts is worked out, and at which quality numbers
# take notice of everything: people wait for answers meanwhile, and dashboards are rarely asked for.
_DRIFT_EVERY = 5.0
_NOTICE_EVERY = 60.0

# Seconds between two times at which all answers to check items are looked at.
_CHECKS_EVERY = 600.0


class Watch:
    """Looks after a portal, from when it opens until it closes.

    Attributes:
        updates: Tells browsers what changes.
    """

    def __init__(self, portal: "Portal") -> None:
        self._portal = portal
        self._drift_after = self._notice_after = self._checks_after = 0.0
        self._told_seq = portal.log.state().seq
        self._told_check = portal.checks.last_answer()
        # What came to be while nobody served, or when a portal was killed before it could tell.
        portal.activity.recall()
        tell(portal.project, portal.activity)
        self._tell_of_done(portal.log.state().categories())
        self.updates = Updates([self._new_answers, self._new_state, self._fold], portal.database)
        portal.jobs.watch(self._tell_of_job)

    def close(self) -> None:
        """Look no more, and let everybody go who listens."""
        self.updates.close()

    def _new_answers(self) -> list[Update]:
        """The leaves that were decided on since the last look.

        No number of the log goes along: it stands still with a check item.
        """
        portal = self._portal
        newest, leaves = portal.log.leaves_since(self._told_seq)
        self._told_check, checked = portal.checks.answered_since(self._told_check)
        self._told_seq = newest
        if not leaves and not checked:
            return []
        if leaves:
            self._tell_of_done(leaves)
        return [Update("progress", {"leaves": list(dict.fromkeys([*leaves, *checked]))})]

    def _fold(self) -> list[Update]:
        """Nothing to be told: what a dashboard would wait for is worked out beside requests."""
        now, quality = time.monotonic(), self._portal.quality
        fold_a_little(self._portal.database, least=_FOLDED_TOGETHER)
        if now >= self._notice_after:
            self._notice_after = now + _NOTICE_EVERY
            quality.refresh()
        elif now >= self._drift_after:
            self._drift_after = now + _DRIFT_EVERY
            quality.look_again(most=1)
        if now >= self._checks_after:
            self._portal.checks.look_again(self._portal.log.state())
            self._checks_after = now + _CHECKS_EVERY
        return []

    def _new_state(self) -> list[Update]:
        """The round that was activated since the last look."""
        before = self._portal.serving.now.active
        fresh = self._portal.serving.look()
        if fresh is None:
            return []
        self._portal.live.serve(fresh.resources)
        if fresh.active is None or fresh.active == before:
            return []
        told: dict[str, object] = {"round": fresh.active.round, "set": fresh.active.embedding_set}
        return [Update("activated", told)]

    def _tell_of_done(self, leaves: Sequence[str]) -> None:
        portal = self._portal
        # Who is at work on a leaf has no part in whether it is done.
        board = Board(portal.log.state(), portal.taxonomy, portal.project.settings.targets)
        for leaf in leaves:
            if leaf in portal.taxonomy and board.done(leaf):
                progress, path = board.state.progress(leaf), portal.taxonomy[leaf].label
                portal.activity.leaf_done(
                    leaf, path=path, gold=progress.gold, hard_negatives=progress.hard_negatives
                )

    def _tell_of_job(self, job: Job) -> None:
        told: dict[str, object] = {
            "id": job.id,
            "kind": job.kind,
            "state": job.state,
            "step": job.step,
            "message": job.message,
            "done": job.done,
            "total": job.total,
        }
        self.updates.tell(Update("job", told))
