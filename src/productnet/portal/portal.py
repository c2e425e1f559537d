"""A project while it is served: everything that requests share, opened once."""

import time
from datetime import timedelta
from typing import Self

from productnet.annotation.assignments import Assignments
from productnet.annotation.beside import Beside
from productnet.annotation.duplicate_reviews import DuplicateReviews
from productnet.annotation.leases import Leases
from productnet.annotation.log import DecisionLog
from productnet.annotation.quality.checks import Checks
from productnet.annotation.quality.numbers import Quality
from productnet.annotation.queue import Board
from productnet.annotation.read_models.sources_of_sums import KeptSums
from productnet.annotation.workflow import Workflow
from productnet.closing import Closing
from productnet.database.database import Database
from productnet.embeddings.active import Active
from productnet.embeddings.initial import initial_set
from productnet.evaluation.suspects import Suspect, suspects_of_gold, suspects_of_leaf
from productnet.events.activity import Activity
from productnet.events.courier import Courier
from productnet.events.deliveries import Deliveries
from productnet.events.webhooks import Webhooks
from productnet.people.doors import Doors
from productnet.portal.cards import Cards
from productnet.portal.duplicates import Duplicates
from productnet.portal.gauges import measure
from productnet.portal.jobs import Jobs
from productnet.portal.maps import Maps
from productnet.portal.metrics import Metrics
from productnet.portal.oidc import OpenIdConnect
from productnet.portal.pictures import Pictures
from productnet.portal.second_looks import ALL_GOLD, SecondLooks
from productnet.portal.served import Products, Serving
from productnet.portal.updates import Update, Updates
from productnet.portal.watch import Watch
from productnet.retrieval.candidates import Leaf
from productnet.retrieval.live import LiveModels
from productnet.retrieval.resources import Resources
from productnet.retrieval.scoring import Scored, score_now
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

# Local models whose scores are kept, 4 bytes a product each: more than there are people at work,
# also where each of them works at every one of several portals, as far as memory goes.
_FEWEST_MODELS, _MOST_MODELS = 128, 1_024
_SCORES_KEPT = 512_000_000

# Local models fitted at the same time; a core is left to those who wait for an answer.
_FITS_AT_ONCE = 1


class Portal(Closing):
    """What the routes work with; safe to share between threads.

    Attributes:
        project: The project that is served.
        database: Where decisions, people and leases are kept.
        log: The decisions.
        workflow: The one way into them.
        doors: How people come in.
        oidc: The door that a provider of OpenID Connect opens, if there is one.
        serving: The pool and the loop as they are served now.
        leases: Who is at work on which leaf.
        beside: What people are told beside the counts of leaves.
        assignments: Who was given which leaf.
        metrics: What is counted and timed.
        live: The local models, refitted while people work.
        quality: Agreement, precision and speed of people and leaves.
        second_looks: Answers that look wrong.
        duplicates: Near-duplicates, and what people say of them.
        checks: Products whose answer is known, shown again.
        activity: What happened, for admins and webhooks.
        webhooks: Who is told of it.
        deliveries: What is on its way to them.
        courier: Sends that.
        jobs: Rounds and releases, run beside the portal.
        pictures: Encodes pictures for browsers.
        maps: The map of the embedding, and its colours.
    """

    def __init__(self, project: Project, database: Database) -> None:
        self.project = project
        self.database = database
        self.log = DecisionLog(database)
        self.doors = Doors.open(database, project.settings.sign_in)
        self.oidc = OpenIdConnect.configured(project.settings.sign_in, self.doors)
        self.leases = Leases(
            database, lifetime=timedelta(minutes=project.settings.portal.lease_minutes)
        )
        self.beside = Beside(database, self.leases)
        self.assignments = Assignments(database)
        self.serving = Serving(project, self.log.state)
        self.workflow = Workflow(self.log, self.taxonomy, Products(project))
        self.second_looks = SecondLooks(self._find_suspects)
        self.duplicates = Duplicates(
            DuplicateReviews(database), lambda: self.resources, self.log.state
        )
        self.metrics = Metrics()
        self._fit_after = 0.0
        self.live = LiveModels(
            self.resources,
            # Who asks for a page has looked, and has what others decided fitted, too.
            self.log.recent,
            scorer=self._score,
            workers=_FITS_AT_ONCE,
            most_kept=models_kept(len(self.resources.pool)),
        )
        self.checks = Checks(database)
        self.pictures = Pictures()
        self.quality = Quality(KeptSums(database), pause=project.settings.workflow.pause_seconds)
        hooks = project.settings.webhooks
        self.activity = Activity(database)
        self.webhooks = Webhooks(database, self.activity, private_hosts=hooks.private_hosts)
        self.deliveries = Deliveries(database, self.activity)
        self.courier = Courier(
            self.deliveries,
            project=project.settings.name,
            timeout=hooks.timeout,
            private_hosts=hooks.private_hosts,
        )
        self.jobs = Jobs(project)
        self.maps = Maps(project)
        measure(self)
        self.serving.now.warm(self.log.state())
        self._watch = Watch(self)
        self.courier.start()

    @classmethod
    def open(cls, project: Project) -> Self:
        """Open a project to be served.

        Raises:
            ProjectError: It has no products or no taxonomy yet.
            WorkflowError: Its database cannot be opened.
        """
        return cls(project, Database.open(project.database_url))

    @property
    def taxonomy(self) -> Taxonomy:
        """The category tree."""
        return self.serving.now.taxonomy

    @property
    def resources(self) -> Resources:
        """What sources work with, of the round that is active now."""
        return self.serving.now.resources

    @property
    def cards(self) -> Cards:
        """Cards of the pool as it is now."""
        return self.serving.now.cards

    @property
    def active(self) -> Active | None:
        """The round and embedding set in use; None before the first embedding."""
        return self.serving.now.active

    @property
    def updates(self) -> Updates:
        """Tells browsers what changes."""
        return self._watch.updates

    @property
    def team(self) -> bool:
        """Whether people sign in; otherwise the portal is for the one who started it."""
        by_provider = self.project.settings.sign_in.oidc_issuer is not None
        return by_provider or self.doors.people.any_password()

    @property
    def ways_in(self) -> list[str]:
        """How people can sign in here: password, oidc, or the printed link."""
        if not self.team:
            return ["link"]
        return ["password", *(["oidc"] if self.project.settings.sign_in.oidc_issuer else [])]

    def board(self) -> Board:
        """What the queue is made of, as of now."""
        return Board(
            self.log.state(),
            self.taxonomy,
            self.project.settings.targets,
            self.leases.current(),
            self.assignments.current(),
        )

    def _find_suspects(self, what: str) -> tuple[list[Suspect], int]:
        """Suspected errors of a leaf or of all gold, and the last decision they rest on.

        By the initial set: a round has learnt from the answers that are doubted, and after one on
        flipkart its set finds 74 to 82% of flipped labels where the initial one finds 97%.
        """
        state, embeddings = self.log.state(), initial_set(self.project)
        seq, seed = state.seq, self.project.settings.seed
        if what == ALL_GOLD:
            return suspects_of_gold(state, embeddings, seed=seed), seq
        return suspects_of_leaf(what, state, embeddings, seed=seed), seq

    def _score(self, leaf: Leaf, resources: Resources, *, model: str) -> Scored | None:
        """Fit a local model, time it, and tell whoever has the leaf open."""
        # Fits rest as long as they work: half a core at most, however many people decide.
        time.sleep(max(0.0, self._fit_after - time.perf_counter()))
        began = time.perf_counter()
        scored = score_now(leaf, resources, model=model)
        ended = time.perf_counter()
        self._fit_after = ended + (ended - began)
        self.metrics.fits.inc()
        self.metrics.fit_seconds.observe(ended - began)
        if scored is not None:
            told: dict[str, object] = {"leaf": leaf.category.id, "version": scored.version}
            self.updates.tell_all(Update("model", told))
        return scored

    def close(self) -> None:
        """Let fits that run come to their end, and let go of the database."""
        self.jobs.close()
        self.courier.close()
        self._watch.close()
        if self.oidc:
            self.oidc.close()
        self.second_looks.close()
        self.live.close()
        self.log.close()


def models_kept(products: int) -> int:
    """Local models whose scores are kept in memory, for a pool of so many products."""
    return min(max(_SCORES_KEPT // (4 * max(products, 1)), _FEWEST_MODELS), _MOST_MODELS)
