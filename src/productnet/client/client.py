"""Everything the portal does, as methods."""

import time
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import httpx

from productnet.client.answers import Answer, Role, Verdict
from productnet.client.connection import Connection, Parameters
from productnet.client.problems import ClientError, Conflict
from productnet.client.results import (
    Candidate,
    Card,
    Delivery,
    Dispute,
    Happened,
    Job,
    Leaf,
    LeafProduct,
    LeafProgress,
    Lease,
    Node,
    Offer,
    Product,
    Progress,
    Receipt,
    RecommendedProduct,
    Recorded,
    Release,
    Result,
    Round,
    Session,
    Webhook,
)
from productnet.closing import Closing

_PREFIX = "/api/v1"

# Answers and products that the portal takes in one request.
_MOST_ANSWERS = 200
_MOST_PRODUCTS = 1_000


class Client(Closing):
    """A portal, asked as one person.

    Requests that do no harm twice are repeated while the portal is away; answers are among them,
    since each has an id. Not safe to share between threads: open one a thread.

    Args:
        url: Where the portal is, such as https://label.example.com.
        key: API key of scope ``read``, ``annotate`` or ``admin``.
        name: Of an account, instead of a key.
        password: Of that account.
        tries: Times that a request is sent, at most, while nothing comes of it.
        timeout: Seconds to wait for an answer.
        transport: In place of the network, for tests.

    Example:
        >>> with Client("http://127.0.0.1:8400", key="pn_…") as client:  # doctest: +SKIP
        ...     for candidate in client.candidates("kitchen/mugs", count=20):
        ...         client.label(candidate, "kitchen/mugs", verdict="positive")
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        name: str | None = None,
        password: str | None = None,
        tries: int = 6,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        credentials = None
        if name is not None and password is not None:
            credentials = {"name": name, "password": password}
        if (key is None) == (credentials is None) or (name is None) != (password is None):
            raise ClientError("Give an API key, or a name and its password.")
        self._portal = Connection(
            url,
            prefix=_PREFIX,
            key=key,
            credentials=credentials,
            tries=tries,
            timeout=timeout,
            transport=transport,
        )

    def session(self) -> Session:
        """Who is asking, and which project is served."""
        return self._portal.get("/session", Session)

    def tree(self) -> list[Node]:
        """Every category, parents before their children."""
        tree = self._portal.get("/tree", _Tree)
        return [
            Node(
                id=tree.id[place],
                name=tree.label[place],
                parent=None if parent < 0 else tree.id[parent],
                leaf=tree.leaf[place],
            )
            for place, parent in enumerate(tree.parent)
        ]

    def progress(self) -> Progress:
        """How far the leaves are that have decisions."""
        return self._portal.get("/progress", Progress)

    def leaf(self, leaf: str) -> Leaf:
        """A leaf with its guideline and siblings."""
        return self._portal.get("/leaf", Leaf, {"id": leaf})

    def queue(self, task: str = "label", *, count: int = 10) -> list[Offer]:
        """The leaves that wait for the one who asks: to label, audit or adjudicate."""
        return list(self._portal.items("/queue", Offer, {"task": task, "count": count}))

    def take_lease(self, leaf: str, task: str = "label") -> Lease:
        """Take a leaf, or keep it: the same call again, in time, renews it."""
        return self._portal.post("/leases", Lease, {"leaf": leaf, "task": task}, repeatable=True)

    def take_next_lease(self, task: str = "label") -> Lease | None:
        """Take the first leaf of one's queue that is free; None where there is none."""
        return self._portal.post("/leases/next", _Next, {"task": task}, repeatable=True).lease

    def release_lease(self, leaf: str, task: str = "label") -> None:
        """Leave a leaf to others."""
        body = {"leaf": leaf, "task": task}
        self._portal.ask("POST", "/leases/release", body=body, repeatable=True)

    def candidates(
        self, leaf: str, *, source: str | None = None, count: int = 20, **asked: Any
    ) -> list[Candidate]:
        """Products most worth a look for a leaf.

        Args:
            leaf: Its id.
            source: One of the portal's sources; mixed by default.
            count: At most this many.
            asked: What the source takes besides, as the API's ``get_candidates`` does: ``query``,
                ``ids``, ``text``, ``exclude`` …
        """
        body = {"leaf": leaf, "count": count, **asked}
        if source is not None:
            body["source"] = source
        return list(self._portal.post("/candidates", _Candidates, body, repeatable=True).candidates)

    def products(self, ids: Sequence[str]) -> list[Card]:
        """Products of these ids, in this order."""
        found: list[Card] = []
        for start in range(0, len(ids), _MOST_PRODUCTS):
            body = {"ids": list(ids[start : start + _MOST_PRODUCTS])}
            found += self._portal.post("/products", _Cards, body, repeatable=True).items
        return found

    def product(self, product: str) -> Product:
        """All the catalog holds of a product."""
        return self._portal.get("/product", Product, {"id": product})

    def image(self, product: str, *, n: int = 0, size: str = "thumb") -> bytes:
        """One of a product's pictures, ``thumb`` or ``full``, as WebP or JPEG."""
        asked: Parameters = {"product": product, "n": n, "size": size}
        return self._portal.ask("GET", "/image", parameters=asked).content

    def leaf_products(self, leaf: str, *, kind: str = "positives") -> Iterator[LeafProduct]:
        """A leaf's positives, hard_negatives, negatives or unsure: the settled and one's own."""
        asked: Parameters = {"id": leaf, "kind": kind, "limit": 200}
        return self._portal.items("/leaf/products", LeafProduct, asked)

    def decide(self, answers: Sequence[Answer]) -> Recorded:
        """Record answers, in their order; what is not refused is on disk when this returns.

        Keep them until then: after an error, send the same ones again.
        """
        results: list[Receipt] = []
        progress: dict[str, LeafProgress] = {}
        for start in range(0, len(answers), _MOST_ANSWERS):
            some = answers[start : start + _MOST_ANSWERS]
            sent = [answer.model_dump(mode="json", exclude_none=True) for answer in some]
            recorded = self._portal.post(
                "/decisions", Recorded, {"decisions": sent}, repeatable=True
            )
            results += recorded.results
            progress |= recorded.progress
        return Recorded(results=results, progress=progress)

    def label(
        self,
        product: str | Candidate,
        leaf: str,
        *,
        verdict: Verdict,
        seconds: float | None = None,
        note: str | None = None,
    ) -> Answer:
        """A labeler's answer; raises Conflict with the portal's reason if it is refused.

        Of a candidate, the source, score and model that showed it are sent along.
        """
        return self._say("label", product, leaf, verdict, seconds, note)

    def audit(
        self,
        product: str,
        leaf: str,
        *,
        verdict: Verdict,
        seconds: float | None = None,
        note: str | None = None,
    ) -> Answer:
        """The answer of a second person; raises Conflict if it is refused."""
        return self._say("audit", product, leaf, verdict, seconds, note)

    def adjudicate(
        self,
        product: str,
        leaf: str,
        *,
        verdict: Verdict,
        seconds: float | None = None,
        note: str | None = None,
    ) -> Answer:
        """The answer that settles a dispute; raises Conflict if it is refused."""
        return self._say("adjudicate", product, leaf, verdict, seconds, note)

    def undo(self, answer: Answer) -> Answer:
        """Take an answer of one's own back; raises Conflict if it is refused."""
        return self._send_one(answer.undo())

    def audit_page(self, leaf: str, *, count: int = 20) -> list[Card]:
        """Products of a leaf to audit, in no order that tells anything."""
        return list(self._portal.get("/audit", _Cards, {"leaf": leaf, "count": count}).items)

    def disputes(self, leaf: str | None = None) -> Iterator[Dispute]:
        """What waits for an adjudicator who neither labelled nor audited it."""
        return self._portal.items("/disputes", Dispute, {"leaf": leaf})

    def recommended_products(
        self, leaf: str, *, at_least: float = 0.0
    ) -> Iterator[RecommendedProduct]:
        """What the active round recommends for a leaf, the surest first."""
        asked: Parameters = {"leaf": leaf, "min": at_least}
        return self._portal.items("/recommendations/products", RecommendedProduct, asked)

    def rounds(self) -> list[Round]:
        """Every round, the latest first."""
        return list(self._portal.get("/rounds", _Rounds).items)

    def start_round(self, *, preset: str | None = None) -> Job:
        """Start a round; raises Conflict where one runs."""
        return self._portal.post("/rounds", Job, {"preset": preset} if preset else {})

    def job(self, job: str) -> Job:
        """Long work, as it stands."""
        return self._portal.get("/jobs", Job, {"id": job})

    def wait(self, job: Job, *, seconds: float = 86_400, every: float = 1.0) -> Job:
        """The job once it is over; raises ClientError if it failed, or is not over in time."""
        end = time.monotonic() + seconds
        while not job.over:
            if time.monotonic() > end:
                raise ClientError(f"Job {job.id} is not over after {seconds:g} s. It goes on.")
            time.sleep(every)
            job = self.job(job.id)
        if job.state != "done":
            raise ClientError(f"Job {job.id} is {job.state}: {job.message}")
        return job

    def releases(self) -> list[Release]:
        """Every release, the latest first."""
        return list(self._portal.get("/releases", _Releases).items)

    def start_release(self, version: str) -> Job:
        """Start a release of gold under a semantic version."""
        return self._portal.post("/releases", Job, {"version": version})

    def activity(self, *, person: str | None = None) -> Iterator[Happened]:
        """What happened, newest first."""
        return self._portal.items("/activity", Happened, {"person": person, "limit": 200})

    def webhooks(self) -> list[Webhook]:
        """Every webhook, the oldest first."""
        return list(self._portal.items("/webhooks", Webhook))

    def add_webhook(self, url: str, kinds: Sequence[str]) -> Webhook:
        """Have a URL told of events; the result's ``secret`` is shown this once."""
        return self._portal.post("/webhooks", Webhook, {"url": url, "kinds": list(kinds)})

    def change_webhook(
        self,
        webhook: UUID,
        *,
        url: str | None = None,
        kinds: Sequence[str] | None = None,
        active: bool | None = None,
    ) -> Webhook:
        """Change what is given."""
        given = {"url": url, "kinds": None if kinds is None else list(kinds), "active": active}
        body = {name: value for name, value in given.items() if value is not None}
        return self._portal.post(
            "/webhooks",
            Webhook,
            body,
            method="PATCH",
            parameters={"id": str(webhook)},
            repeatable=True,
        )

    def delete_webhook(self, webhook: UUID) -> None:
        """Tell a URL no more."""
        self._portal.ask("DELETE", "/webhooks", parameters={"id": str(webhook)})

    def deliveries(self, webhook: UUID | None = None) -> Iterator[Delivery]:
        """What was sent to webhooks, what waits and what failed, newest first."""
        asked = {"webhook": None if webhook is None else str(webhook), "limit": 200}
        return self._portal.items("/webhooks/deliveries", Delivery, asked)

    def send_again(self, delivery: int) -> Delivery:
        """Send a message once more, under its own id."""
        return self._portal.post(
            "/webhooks/deliveries/again", Delivery, {}, parameters={"id": delivery}
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._portal.close()

    def _say(
        self,
        role: Role,
        product: str | Candidate,
        leaf: str,
        verdict: Verdict,
        seconds: float | None,
        note: str | None,
    ) -> Answer:
        shown = product if isinstance(product, Candidate) else None
        answer = Answer(
            product=shown.product if shown else str(product),
            leaf=leaf,
            role=role,
            verdict=verdict,
            seconds=seconds,
            note=note,
            source=shown.source if shown else None,
            score=shown.score if shown else None,
            model_version=shown.model_version if shown else None,
        )
        return self._send_one(answer)

    def _send_one(self, answer: Answer) -> Answer:
        (receipt,) = self.decide([answer]).results
        if receipt.status == "refused":
            raise Conflict(receipt.detail or "The answer was refused.", status=200)
        return answer


class _Tree(Result):
    id: Sequence[str]
    label: Sequence[str]
    parent: Sequence[int]
    leaf: Sequence[bool]


class _Candidates(Result):
    candidates: Sequence[Candidate]


class _Cards(Result):
    items: Sequence[Card]


class _Rounds(Result):
    items: Sequence[Round]


class _Next(Result):
    lease: Lease | None


class _Releases(Result):
    items: Sequence[Release]
