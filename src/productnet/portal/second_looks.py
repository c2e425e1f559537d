"""Suspected label errors while the portal runs: found aside, for whoever asks next.

Models have to be fitted to find them, which takes seconds to minutes; nobody waits for it. What
was found last is answered at once, with the decision it knows of, and is found anew aside where
decisions came since.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

from productnet.evaluation.suspects import Suspect

_logger = logging.getLogger(__name__)

# Leaves whose suspects are kept, and those of all gold.
_KEPT = 32

# All gold, compared; anything else is a leaf's id, and no leaf has an empty one.
ALL_GOLD = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found.

    Attributes:
        suspects: The likeliest errors first.
        seq: Number of the last decision that was known; None while nothing was found yet.
        looking: Whether it is being found anew.
        failure: Why it could not be found, where it could not.
    """

    suspects: list[Suspect]
    seq: int | None
    looking: bool
    failure: str | None = None


class SecondLooks:
    """Suspects by leaf or of all gold, the last ones kept; safe to share between threads.

    Args:
        find: Gives the suspects of a leaf, or of ``ALL_GOLD``, and the last decision they rest on.
    """

    def __init__(self, find: Callable[[str], tuple[list[Suspect], int]]) -> None:
        self._find = find
        self._found: OrderedDict[str, Looked] = OrderedDict()
        self._running: dict[str, Future[None]] = {}
        self._lock = Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="second-looks")

    def of(self, what: str, *, seq: int) -> Looked:
        """What was found last; it is found anew if decisions came after it.

        Args:
            what: A leaf's id, or ``ALL_GOLD``.
            seq: Number of the last decision.
        """
        with self._lock:
            known = self._found.get(what, Looked([], None, looking=False))
            if known.seq != seq and what not in self._running:
                self._running[what] = self._worker.submit(self._look, what)
            return Looked(known.suspects, known.seq, what in self._running, known.failure)

    def close(self) -> None:
        """Look for no more; what is being found comes to nothing."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _look(self, what: str) -> None:
        try:
            suspects, seq = self._find(what)
            looked = Looked(suspects, seq, looking=False)
        except Exception as error:
            # Whatever it was, those who adjudicate go on; they are told on their page.
            _logger.warning("Suspected label errors could not be found", exc_info=True)
            before = self._found.get(what, Looked([], None, looking=False))
            looked = Looked(before.suspects, before.seq, looking=False, failure=str(error))
        with self._lock:
            self._found[what] = looked
            self._found.move_to_end(what)
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
            del self._running[what]
