"""Simulated annotators over HTTP: pages of candidates, an answer every so often, kept in an outbox.

As the browser does it: an answer has its id from the moment it is given, is sent until it is
acknowledged, and the next page is fetched while the current one is being answered.
"""

import asyncio
import itertools
import math
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from benchmarks.portal.shop import PARTS, belonging
from productnet.annotation.decisions import Role
from productnet.annotation.log import DecisionLog
from productnet.annotation.read_models.recount import recount
from productnet.database.database import Database
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

# Whether a product belongs into a leaf.
Belongs = Callable[[str, str], bool]

# Cards left on the page when the next one is fetched.
_AHEAD = 8


@dataclass(slots=True)
class Hold:
    """One person at one leaf, by their own clock: since it was theirs, until they gave it back."""

    leaf: str
    key: str
    since: float
    until: float = math.inf


@dataclass(slots=True)
class Tally:
    """What the annotators saw, all together.

    Attributes:
        acknowledged: Ids of the answers that the server said are recorded.
        acknowledgements: Seconds from sending an answer to its acknowledgement.
        pages: Seconds of each page of candidates.
        refused: Why answers were refused.
        errors: Answers of the server that no annotator should see.
        retries: Requests sent again because the server was away.
        holds: Who had which leaf, from when to when.
    """

    acknowledged: set[str] = field(default_factory=set)
    acknowledgements: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    retries: int = 0
    holds: list[Hold] = field(default_factory=list)


@dataclass(slots=True)
class Annotator:
    """One person at one leaf.

    Attributes:
        urls: Of the portals that serve the project; each request goes to any of them, as a load
            balancer sends it.
        key: API key.
        leaf: What they label; None for those who take the first free leaf of their queue, and
            another after ``stays`` seconds.
        positive: Says whether a product belongs.
        every: Seconds between two answers.
        arrives: Seconds within which they begin.
        page: Candidates a page.
        tally: Where what they see is counted.
        rng: For small differences between people.
    """

    urls: Sequence[str]
    key: str
    leaf: str | None
    positive: Belongs
    every: float
    page: int
    tally: Tally
    rng: random.Random
    arrives: float = 0.0
    stays: float = 60.0

    async def work(
        self, client: httpx.AsyncClient, until: float, *, stop: asyncio.Event | None = None
    ) -> None:
        """Answer one candidate after another until the clock, or somebody, says stop.

        Then what has not been acknowledged yet is waited for.
        """
        await asyncio.sleep(self.rng.uniform(0, self.arrives))
        if self.leaf is not None:
            await self._label(client, self.leaf, until, stop=stop)
            return
        while time.perf_counter() < until and not (stop and stop.is_set()):
            told = await self._ask(client, "/leases/next", {"task": "label"})
            if not told.get("lease"):
                await asyncio.sleep(1.0)
                continue
            hold = Hold(told["lease"]["leaf"], self.key, time.perf_counter())
            self.tally.holds.append(hold)
            enough = min(until, time.perf_counter() + self.stays * self.rng.uniform(0.5, 1.5))
            await self._label(client, hold.leaf, enough, stop=stop)
            hold.until = time.perf_counter()
            await self._ask(client, "/leases/release", {"leaf": hold.leaf, "task": "label"})

    async def _label(
        self, client: httpx.AsyncClient, leaf: str, until: float, *, stop: asyncio.Event | None
    ) -> None:
        cards: list[dict[str, Any]] = []
        given: list[str] = []
        sending: set[asyncio.Task[None]] = set()
        fetching: asyncio.Task[list[dict[str, Any]]] | None = None
        due = time.perf_counter()
        for number in itertools.count():
            if time.perf_counter() >= until or (stop and stop.is_set()):
                break
            if number % 40 == 0:
                await self._ask(client, "/leases", {"leaf": leaf, "task": "label"})
            if len(cards) <= _AHEAD and fetching is None:
                shown = [card["product"] for card in cards]
                fetching = asyncio.create_task(self._page(client, leaf, given[-60:] + shown))
            if not cards and fetching is not None:
                cards, fetching = await fetching, None
            if fetching is not None and fetching.done():
                cards, fetching = cards + fetching.result(), None
            if not cards:
                break
            card = cards.pop(0)
            due = max(due + self.every, time.perf_counter())
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            given.append(card["product"])
            task = asyncio.create_task(self._send(client, leaf, card))
            sending.add(task)
            task.add_done_callback(sending.discard)
        if fetching is not None:
            await fetching
        await asyncio.gather(*sending)

    async def _page(
        self, client: httpx.AsyncClient, leaf: str, exclude: list[str]
    ) -> list[dict[str, Any]]:
        began = time.perf_counter()
        wanted = {"leaf": leaf, "count": self.page, "exclude": exclude}
        answer = await self._ask(client, "/candidates", wanted)
        self.tally.pages.append(time.perf_counter() - began)
        found: list[dict[str, Any]] = answer.get("candidates", [])
        return found

    async def _send(self, client: httpx.AsyncClient, leaf: str, card: dict[str, Any]) -> None:
        decision = {
            "id": str(uuid4()),
            "product": card["product"],
            "leaf": leaf,
            "role": "label",
            "verdict": "positive" if self.positive(card["product"], leaf) else "negative",
            "seconds": self.every,
            **{name: card[name] for name in ("source", "model_version", "score")},
        }
        began = time.perf_counter()
        answer = await self._ask(client, "/decisions", {"decisions": [decision]})
        self.tally.acknowledgements.append(time.perf_counter() - began)
        for result in answer.get("results", []):
            if result["status"] == "refused":
                self.tally.refused.append(result["detail"])
            else:
                self.tally.acknowledged.add(result["id"])

    async def _ask(
        self, client: httpx.AsyncClient, path: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Ask until the server answers; what it answers with an error is counted."""
        while True:
            try:
                answer = await client.post(
                    f"{self.rng.choice(self.urls)}/api/v1{path}",
                    json=body,
                    headers={"Authorization": f"Bearer {self.key}"},
                )
            except httpx.TransportError:
                self.tally.retries += 1
                await asyncio.sleep(0.1)
                continue
            if answer.status_code == 503:  # the database is away: as the outbox does, send again
                self.tally.retries += 1
                await asyncio.sleep(0.5)
                continue
            if answer.status_code >= 400:
                self.tally.errors.append(f"{path} {answer.status_code} {answer.text[:200]}")
                return {}
            found: dict[str, Any] = answer.json() if answer.content else {}
            return found


def team(
    urls: Sequence[str],
    keys: Sequence[tuple[str, str]],
    shop: Path,
    *,
    every: float,
    page: int,
    seed: int,
    tally: Tally,
    arrives: float = 0.0,
    parts: int = PARTS,
    handed_out: bool = False,
) -> list[Annotator]:
    """People of these names and keys, each with a leaf of their own or with what is handed out."""
    taxonomy = Taxonomy.load(Project.open(shop).taxonomy_path)
    true = belonging(shop, parts=parts)
    leaves: Sequence[str | None] = [None] * len(keys)
    if not handed_out:
        drawn = random.Random(seed).sample(taxonomy.leaves, len(keys))
        leaves = [leaf.id for leaf in drawn]

    def belongs(product: str, leaf: str) -> bool:
        return true.get(product) == taxonomy[leaf].label

    return [
        Annotator(
            urls=urls,
            key=key,
            leaf=leaf,
            positive=belongs,
            every=every,
            page=page,
            tally=tally,
            rng=random.Random(f"{seed}-{name}"),
            arrives=arrives,
        )
        for (name, key), leaf in zip(keys, leaves, strict=True)
    ]


@asynccontextmanager
async def at_work(annotators: Sequence[Annotator], *, timeout: float) -> AsyncIterator[None]:
    """They work until the context ends, and finish what they have begun; with one client.

    Args:
        annotators: Who works.
        timeout: Seconds that a request may take.
    """
    stop = asyncio.Event()
    async with httpx.AsyncClient(timeout=timeout) as client:
        tasks = [
            asyncio.create_task(annotator.work(client, math.inf, stop=stop))
            for annotator in annotators
        ]
        yield
        stop.set()
        await asyncio.gather(*tasks)


def held_by_two(holds: Sequence[Hold]) -> int:
    """How often a person had a leaf while another one still had it."""
    twice = 0
    last: dict[str, Hold] = {}
    for hold in sorted(holds, key=lambda one: one.since):
        before = last.get(hold.leaf)
        twice += before is not None and before.key != hold.key and hold.since < before.until
        if before is None or hold.until >= before.until:
            last[hold.leaf] = hold
    return twice


def labelled_twice(shop: Path) -> int:
    """Products that have two labels of one leaf that stand."""
    with DecisionLog.open(Project.open(shop).database_url) as log:
        state = log.whole()
    return sum(
        count > 1
        for leaf in state.categories()
        for count in Counter(
            product for product, vote in state.votes(leaf) if vote.role is Role.LABEL
        ).values()
    )


def differences(shop: Path) -> int:
    """How much of the read models is not what the log comes to."""
    with Database.open(Project.open(shop).database_url) as database:
        return len(recount(database).differences)


def times_recorded(shop: Path) -> Counter[str]:
    """How often the log holds each decision, by its id."""
    with DecisionLog.open(Project.open(shop).database_url) as log:
        return Counter(str(decision.id) for _, decision in log.since())
