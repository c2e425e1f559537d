"""Live models: every fit is held up and let go by the test, so that nothing depends on time."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Barrier, Event, Lock, Thread
from uuid import UUID, uuid4

import numpy as np
import pyarrow as pa
import pytest

from productnet.annotation.decisions import Decision, Role, Verdict, decide
from productnet.annotation.state import State
from productnet.errors import UnknownCategory
from productnet.retrieval.active import Active
from productnet.retrieval.candidates import Leaf
from productnet.retrieval.live import LiveModels
from productnet.retrieval.resources import Resources
from productnet.retrieval.scoring import Scored
from productnet.settings import Project, Settings
from productnet.taxonomy.tree import Category, Taxonomy

POOL = [f"p{number}" for number in range(400)]
LEAVES = ("mugs", "cups", "bowls")
MODEL = "logistic-regression"

# Long enough for any machine; reached only by a test that fails.
PATIENCE = 20


class Vectors:
    """An embedding set in memory."""

    ids = pa.array(POOL, pa.string())
    vectors = np.eye(len(POOL), 8, dtype=np.float32)

    def rows(self, ids: Sequence[str]) -> np.ndarray:
        return np.array([POOL.index(product) for product in ids], np.int64)

    def read(self, rows: np.ndarray) -> np.ndarray:
        some: np.ndarray = self.vectors[rows]
        return some

    def neighbours(self, rows: np.ndarray, *, k: int) -> np.ndarray:
        raise AssertionError("a pool this small is scored whole")


def shop() -> Resources:
    resources = Resources(Project(Path("nowhere"), Settings()))
    leaves = [Category(name, ("Kitchen", name)) for name in LEAVES]
    resources.taxonomy = Taxonomy(
        [Category("kitchen", ("Kitchen",)), *leaves], name="t", version="1"
    )
    resources.embeddings = Vectors()
    return resources


class People:
    """Who decide; their log is in memory."""

    def __init__(self) -> None:
        self._state = State()
        self._lock = Lock()
        self._seq = count(1)

    def state(self) -> State:
        return self._state

    def say(
        self, product: str, category: str = "mugs", verdict: Verdict = Verdict.POSITIVE
    ) -> UUID:
        decision = decide(Role.LABEL, product, category, verdict=verdict, annotator="ann")
        self._append(decision)
        return decision.id

    def take_back(self, decision: UUID, product: str, category: str = "mugs") -> None:
        self._append(
            Decision(
                id=uuid4(),
                product=product,
                category=category,
                verdict=None,
                role=Role.UNDO,
                annotator="ann",
                at=datetime.now(UTC),
                undoes=decision,
            )
        )

    def _append(self, decision: Decision) -> None:
        with self._lock:
            self._state.apply([(next(self._seq), decision)])

    def leaf(self, resources: Resources, category: str = "mugs") -> Leaf:
        return Leaf.of(category, state=self._state, taxonomy=resources.taxonomy)


class Fits:
    """Stands in for fitting: notes what every fit saw, and can hold it up."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, bool]]] = []
        self.begun: SimpleQueue[str] = SimpleQueue()
        self.go = Event()
        self.go.set()
        self.error: Exception | None = None
        self.most_at_once = 0
        self.twice_at_once = False
        self._running: list[str] = []
        self._lock = Lock()
        self.inside: Callable[[str], object] = lambda category: None

    def __call__(self, leaf: Leaf, resources: Resources, *, model: str) -> Scored | None:
        name = f"{model}:{leaf.category.id}"
        with self._lock:
            self.twice_at_once |= name in self._running
            self._running.append(name)
            self.most_at_once = max(self.most_at_once, len(self._running))
        try:
            self.begun.put(leaf.category.id)
            self.inside(leaf.category.id)
            assert self.go.wait(PATIENCE)
            if self.error:
                raise self.error
        finally:
            with self._lock:
                self._running.remove(name)
                self.seen.append((leaf.category.id, dict(leaf.labels)))
        if not leaf.positives or not leaf.negatives:
            return None
        scores = np.linspace(0, 1, len(POOL), dtype=np.float32)
        return Scored(None, scores, f"{model}:{len(leaf.labels)}", leaf.labels)

    def next_begun(self) -> str:
        return self.begun.get(timeout=PATIENCE)


@pytest.fixture
def resources() -> Resources:
    return shop()


@pytest.fixture
def people() -> People:
    """One positive and one negative in every leaf."""
    made = People()
    for leaf in LEAVES:
        made.say("p0", leaf)
        made.say("p1", leaf, Verdict.NEGATIVE)
    return made


@pytest.fixture
def fits() -> Fits:
    return Fits()


@pytest.fixture
def live(resources: Resources, people: People, fits: Fits) -> Iterator[LiveModels]:
    with LiveModels(resources, people.state, scorer=fits) as opened:
        yield opened
        fits.go.set()


@pytest.fixture
def fitted(live: LiveModels) -> LiveModels:
    """The leaf *mugs* has a model that has seen its two labels."""
    live.decided("mugs")
    assert live.wait("mugs", timeout=PATIENCE)
    return live


def ask(live: LiveModels, people: People, resources: Resources, category: str = "mugs") -> object:
    return live(people.leaf(resources, category), resources, model=MODEL)


def behind(people: People, resources: Resources) -> int:
    (candidate,) = Active().rank(
        people.leaf(resources), resources, count=1, rng=np.random.default_rng(0)
    )
    assert candidate.model_version == f"{MODEL}:2"
    return candidate.behind


def test_the_first_request_does_not_wait_for_the_first_fit(
    live: LiveModels, people: People, resources: Resources, fits: Fits
) -> None:
    fits.go.clear()
    assert ask(live, people, resources) is None
    assert fits.next_begun() == "mugs"
    assert ask(live, people, resources) is None
    fits.go.set()
    assert live.wait("mugs", timeout=PATIENCE)
    assert isinstance(ask(live, people, resources), Scored)
    assert len(fits.seen) == 1


def test_however_many_decisions_arrive_during_a_fit_one_more_takes_them_in(
    live: LiveModels, people: People, resources: Resources, fits: Fits
) -> None:
    fits.go.clear()
    live.decided("mugs")
    fits.next_begun()
    for number in range(2, 40):
        people.say(f"p{number}")
        live.decided("mugs")
        assert ask(live, people, resources) is None
    fits.go.set()
    assert live.wait("mugs", timeout=PATIENCE)
    assert [len(labels) for _, labels in fits.seen] == [2, 40]


def test_while_a_fit_hangs_requests_get_the_last_scores_and_how_far_they_lie_behind(
    fitted: LiveModels, people: People, resources: Resources, fits: Fits
) -> None:
    assert behind(people, resources) == 0
    fits.go.clear()
    fits.next_begun()
    people.say("p2")
    fitted.decided("mugs")
    fits.next_begun()
    people.say("p3", verdict=Verdict.NEGATIVE)
    fitted.decided("mugs")
    assert [behind(people, resources) for _ in range(100)] == [2] * 100


def test_an_undone_and_a_changed_answer_are_decisions_the_model_has_not_seen(
    resources: Resources, fits: Fits
) -> None:
    people = People()
    first = people.say("p0")
    people.say("p1", verdict=Verdict.NEGATIVE)
    with LiveModels(resources, people.state, scorer=fits) as live:
        live.decided("mugs")
        assert live.wait("mugs", timeout=PATIENCE)
        fits.go.clear()
        people.take_back(first, "p0")
        assert behind(people, resources) == 1
        people.say("p0", verdict=Verdict.NEGATIVE)
        assert behind(people, resources) == 1
        people.say("p7")
        assert behind(people, resources) == 2
        fits.go.set()


def test_two_leaves_are_fitted_side_by_side(
    live: LiveModels, fits: Fits, people: People, resources: Resources
) -> None:
    together = Barrier(2)
    fits.inside = lambda category: together.wait(PATIENCE)
    live.decided("mugs")
    live.decided("cups")
    assert live.wait("mugs", timeout=PATIENCE)
    assert live.wait("cups", timeout=PATIENCE)
    assert not together.broken
    assert ask(live, people, resources, "cups") is not None


def test_one_worker_fits_one_leaf_after_the_other(
    people: People, resources: Resources, fits: Fits
) -> None:
    with LiveModels(resources, people.state, scorer=fits, workers=1) as live:
        for leaf in LEAVES:
            live.decided(leaf)
        assert all(live.wait(leaf, timeout=PATIENCE) for leaf in LEAVES)
    assert fits.most_at_once == 1
    assert [leaf for leaf, _ in fits.seen] == list(LEAVES)


def test_hundreds_of_decisions_from_several_threads_are_all_seen_in_the_end(
    live: LiveModels, people: People, resources: Resources, fits: Fits
) -> None:
    start = Barrier(6)

    def work(thread: int) -> None:
        start.wait(PATIENCE)
        for number in range(2 + thread, 300, 6):
            category = LEAVES[number % 2]
            people.say(f"p{number}", category, list(Verdict)[number % 3])
            live.decided(category)
            ask(live, people, resources, category)

    threads = [Thread(target=work, args=[thread]) for thread in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    for category in ("mugs", "cups"):
        assert live.wait(category, timeout=PATIENCE)
        scored = ask(live, people, resources, category)
        assert isinstance(scored, Scored)
        assert scored.labels == people.leaf(resources, category).labels
        assert len(scored.labels) > 90
    assert not fits.twice_at_once
    assert fits.most_at_once <= 2


def test_a_decision_of_another_process_is_seen_at_the_next_request(
    fitted: LiveModels, people: People, resources: Resources
) -> None:
    people.say("p2")
    ask(fitted, people, resources)
    assert fitted.wait("mugs", timeout=PATIENCE)
    scored = ask(fitted, people, resources)
    assert isinstance(scored, Scored)
    assert "p2" in scored.labels


def test_what_changes_no_label_is_not_fitted(
    fitted: LiveModels, people: People, fits: Fits
) -> None:
    people.say("p2", verdict=Verdict.UNSURE)
    fitted.decided("mugs")
    assert fitted.wait("mugs", timeout=PATIENCE)
    assert len(fits.seen) == 1


def test_a_failed_fit_is_kept_and_tried_again_at_the_next_decision(
    fitted: LiveModels,
    people: People,
    resources: Resources,
    fits: Fits,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fits.error = ValueError("the solver gave up")
    people.say("p2")
    fitted.decided("mugs")
    assert fitted.wait("mugs", timeout=PATIENCE)
    assert fitted.failure("mugs") is fits.error
    assert 'model of leaf "mugs" could not be fitted' in caplog.text
    assert behind(people, resources) == 1
    assert behind(people, resources) == 1
    assert fitted.wait("mugs", timeout=PATIENCE)
    assert len(fits.seen) == 2
    fits.error = None
    people.say("p3", verdict=Verdict.UNSURE)
    fitted.decided("mugs")
    assert fitted.wait("mugs", timeout=PATIENCE)
    assert fitted.failure("mugs") is None
    scored = ask(fitted, people, resources)
    assert isinstance(scored, Scored)
    assert len(scored.labels) == 3


def test_a_leaf_that_is_none_fails_and_harms_no_other(
    live: LiveModels, people: People, resources: Resources
) -> None:
    live.decided("spoons")
    live.decided("mugs")
    assert live.wait("spoons", timeout=PATIENCE)
    assert isinstance(live.failure("spoons"), UnknownCategory)
    assert live.wait("mugs", timeout=PATIENCE)
    assert ask(live, people, resources) is not None


def test_a_leaf_with_one_class_has_no_scores_and_is_not_fitted_again_and_again(
    resources: Resources, fits: Fits
) -> None:
    people = People()
    people.say("p0")
    with LiveModels(resources, people.state, scorer=fits) as live:
        for _ in range(3):
            assert ask(live, people, resources) is None
            assert live.wait("mugs", timeout=PATIENCE)
    assert len(fits.seen) == 1


def test_scores_of_the_leaves_not_asked_for_longest_are_dropped(
    people: People, resources: Resources, fits: Fits
) -> None:
    with LiveModels(resources, people.state, scorer=fits, most_kept=2) as live:
        for leaf in LEAVES:
            live.decided(leaf)
            assert live.wait(leaf, timeout=PATIENCE)
        assert ask(live, people, resources, "bowls") is not None
        assert ask(live, people, resources, "cups") is not None
        assert ask(live, people, resources, "mugs") is None
        assert live.wait("mugs", timeout=PATIENCE)
        assert ask(live, people, resources, "mugs") is not None
        assert ask(live, people, resources, "bowls") is None


def test_scores_dropped_while_their_leaf_is_fitted_do_not_outlive_the_fit(
    people: People, resources: Resources, fits: Fits
) -> None:
    with LiveModels(resources, people.state, scorer=fits, most_kept=1) as live:
        fits.go.clear()
        live.decided("mugs")
        fits.next_begun()
        live.decided("cups")
        fits.next_begun()
        fits.go.set()
        assert live.wait("mugs", timeout=PATIENCE)
        assert live.wait("cups", timeout=PATIENCE)
        assert ask(live, people, resources, "cups") is not None
        assert ask(live, people, resources, "mugs") is None
        assert live.wait("mugs", timeout=PATIENCE)
        assert ask(live, people, resources, "mugs") is not None


def test_scores_of_one_embedding_set_are_not_given_for_another(
    fitted: LiveModels, people: People, resources: Resources, fits: Fits
) -> None:
    fits.go.clear()
    newer = shop()
    fitted.serve(newer)
    fits.next_begun()
    assert newer.scorer is fitted
    assert ask(fitted, people, newer) is None
    assert ask(fitted, people, resources) is not None
    fits.go.set()
    assert fitted.wait("mugs", timeout=PATIENCE)
    assert ask(fitted, people, newer) is not None
    assert ask(fitted, people, resources) is None
    assert fitted.wait("mugs", timeout=PATIENCE)
    assert len(fits.seen) == 2


def test_a_round_activated_during_a_fit_is_fitted_for_afterwards(
    live: LiveModels, people: People, resources: Resources, fits: Fits
) -> None:
    fits.go.clear()
    live.decided("mugs")
    fits.next_begun()
    newer = shop()
    live.serve(newer)
    fits.go.set()
    assert live.wait("mugs", timeout=PATIENCE)
    assert ask(live, people, newer) is not None


def test_another_kind_of_model_has_scores_of_its_own(
    fitted: LiveModels, people: People, resources: Resources
) -> None:
    leaf = people.leaf(resources)
    assert fitted(leaf, resources, model="other") is None
    assert fitted.wait("mugs", timeout=PATIENCE)
    people.say("p2")
    fitted.decided("mugs")
    assert fitted.wait("mugs", timeout=PATIENCE)
    for model in (MODEL, "other"):
        scored = fitted(leaf, resources, model=model)
        assert scored is not None
        assert scored.version == f"{model}:3"


def test_closing_waits_for_the_fit_that_runs_and_begins_no_other(
    people: People, resources: Resources, fits: Fits
) -> None:
    live = LiveModels(resources, people.state, scorer=fits, workers=1)
    fits.go.clear()
    live.decided("mugs")
    fits.next_begun()
    live.decided("mugs")
    live.decided("cups")
    closing = Thread(target=live.close)
    closing.start()
    assert live.wait("cups", timeout=PATIENCE)
    fits.go.set()
    closing.join(PATIENCE)
    assert not closing.is_alive()
    live.decided("bowls")
    live.close()
    assert ask(live, people, resources) is not None
    with pytest.raises(Empty):
        fits.begun.get_nowait()
    assert [leaf for leaf, _ in fits.seen] == ["mugs"]


def test_waiting_has_an_end(live: LiveModels, fits: Fits) -> None:
    fits.go.clear()
    live.decided("mugs")
    assert not live.wait("mugs", timeout=0)
